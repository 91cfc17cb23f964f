"""How long a person's record is kept: the classes and what governs."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from consent.retention import (
    Keeping,
    Life,
    classes,
    keeping,
    master_ends,
    reasons,
    together,
    years_after,
)
from schemas.codes import code_list

BORN, SEEN = date(2008, 5, 2), date(2020, 6, 1)
DAYS = some.dates(date(1990, 1, 1), date(2030, 1, 1))
STATUSES = sorted({status for one in classes() for status in one.statuses})
LIVES = some.builds(
    Life, some.none() | DAYS, some.none() | DAYS, some.none() | DAYS, some.frozensets(some.sampled_from(STATUSES))
)


@pytest.mark.parametrize(
    ("statuses", "governs", "due"),
    [
        ((), "child", date(2025, 6, 1)),
        (("school-only",), "pupil", date(2026, 6, 1)),
        (("early-help",), "early-help", date(2029, 5, 2)),
        (("child-in-need",), "child-in-need", date(2029, 5, 2)),
        (("section-47", "early-help"), "early-help", date(2029, 5, 2)),
        (("child-protection-plan",), "child-protection", date(2029, 5, 2)),
        (("looked-after", "child-in-need"), "looked-after", date(2033, 5, 2)),
        (("care-leaver",), "looked-after", date(2033, 5, 2)),
        (("adopted",), "adopted", date(2029, 5, 2)),
    ],
)
def test_the_class_that_ends_last_governs(statuses: tuple[str, ...], governs: str, due: date) -> None:
    """A child who was several things to the services is kept for the longest of them."""
    assert keeping(Life(BORN, SEEN, None, frozenset(statuses))) == Keeping(governs, due)


def test_an_adult_is_kept_two_years_from_the_last_contact_and_a_child_five() -> None:
    """They count as what they were then; on the 18th birthday itself they are of age."""
    assert keeping(Life(BORN, date(2026, 5, 2))) == Keeping("adult", date(2028, 5, 2))
    assert keeping(Life(BORN, date(2026, 5, 1))) == Keeping("child", date(2031, 5, 1))


def test_a_child_who_died_in_care_is_kept_from_the_death() -> None:
    """And the source's master record for fifteen years."""
    life = Life(BORN, SEEN, date(2021, 1, 1), frozenset(("looked-after-died",)))
    assert keeping(life) == Keeping("looked-after-died", date(2026, 1, 1))
    assert master_ends(life, "looked-after-died") == date(2036, 1, 1)


def test_the_master_record_of_a_child_looked_after_ends_with_the_75th_birthday() -> None:
    """Which is the source's to keep, and no date of this hub's."""
    assert master_ends(Life(BORN, SEEN), "looked-after") == date(2083, 5, 2)
    assert master_ends(Life(BORN, SEEN), "early-help") is None
    assert master_ends(Life(BORN, SEEN), "no such class") is None


def test_what_is_not_known_falls_due_on_no_day() -> None:
    """A class that counts from the birth, of a person whose birth date nobody said: a person must decide."""
    found = keeping(Life(None, SEEN, None, frozenset(("child-in-need",))))
    assert found == Keeping("child-in-need", None, ("birth",))
    assert not found.has_run_out(date(2999, 1, 1))
    assert not keeping(Life()).has_run_out(date(2999, 1, 1))


def test_who_has_no_birth_date_counts_as_a_child() -> None:
    """The longer period is the safer."""
    assert keeping(Life(None, SEEN)) == Keeping("child", date(2025, 6, 1))


def test_the_day_itself_is_the_first_on_which_it_may_be_proposed() -> None:
    """Not the day before."""
    found = keeping(Life(BORN, SEEN))
    assert found.due is not None
    assert found.has_run_out(found.due)
    assert not found.has_run_out(found.due - timedelta(days=1))


def test_a_period_from_a_leap_day_ends_on_the_first_of_march() -> None:
    """There is no 29th of February to end on; nothing is kept short by it."""
    assert years_after(date(2008, 2, 29), 21) == date(2029, 3, 1)
    assert years_after(date(2008, 2, 28), 21) == date(2029, 2, 28)


@given(LIVES, LIVES, some.none() | DAYS)
def test_what_another_family_holds_never_makes_a_record_end_sooner(one: Life, other: Life, born: date | None) -> None:
    """Several sections of one person together are kept at least as long as each of them, or until a person decides."""
    own = frozenset(("school-only", "looked-after-died"))  # these say that there is nothing else, and that they died
    one, other = (replace(life, born=born, died=None, statuses=life.statuses - own) for life in (one, other))
    if one.last_contact is None:
        return
    both, alone = keeping(together([one, other])), keeping(one)
    assert both.due is None or (alone.due is not None and both.due >= alone.due)


def test_a_child_who_comes_again_as_an_adult_stays_the_child_they_were() -> None:
    """What was said of them before 18 does not go sooner because something was said after it."""
    child, adult = Life(BORN, date(2026, 5, 1)), Life(BORN, date(2026, 5, 3))
    assert keeping(together([child, adult])) == Keeping("child", date(2031, 5, 3))


def test_nothing_but_school_records_means_in_every_family() -> None:
    """Where another holds more, it is no pupil's record only."""
    school, other = Life(BORN, SEEN, None, frozenset(("school-only",))), Life(BORN, SEEN)
    assert keeping(together([school, other])).governs == "child"
    assert keeping(together([school, school])).governs == "pupil"
    assert keeping(together([])).due is None


@given(LIVES)
def test_every_class_answers_and_none_before_the_last_contact_allows(life: Life) -> None:
    """Whoever it is, nothing falls due within two years of the last contact."""
    found = keeping(life)
    assert found.due is None or life.last_contact is not None
    assert found.due is None or found.due >= years_after(life.last_contact or date.min, 2)


@given(some.sampled_from([one for one in classes() if one.master]), DAYS, DAYS, DAYS)
def test_the_hub_never_keeps_a_class_longer_than_its_source(one: object, born: date, seen: date, died: date) -> None:
    """The hub's copy is the shorter one: the source keeps the master."""
    if not born <= died <= seen or died >= years_after(born, 18):
        return
    days = {"birth": born, "last-contact": seen, "death": died}
    hub = max(years_after(days[p.trigger], p.years) for p in one.hub)  # type: ignore[attr-defined]
    master = master_ends(Life(born, seen, died), one.id)  # type: ignore[attr-defined]
    assert master is not None
    assert hub <= master


def test_what_nobody_confirmed_says_so() -> None:
    """Each class names its source; none was checked against the schedule itself yet, and none claims to be."""
    assert all(one.source for one in classes())
    assert not any(one.checked for one in classes())
    assert not reasons().checked


def test_classes_speak_of_episodes_that_exist() -> None:
    """A misspelt status would hold for nobody, and a record would end too soon."""
    own = {"adopted", "school-only", "looked-after-died"}
    assert set(STATUSES) - own == set(code_list("episodes").codes)
