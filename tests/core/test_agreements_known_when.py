"""The register of agreements in two times, and whose word counts in it: what stood on a day, as known at an instant."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.agreement_list import Agreement
from consent.register import Register
from schemas.ids import EventKey
from tests.core.register_kit import (
    CHILD,
    FATHER,
    FOUND_COMPETENT,
    MOTHER,
    NOON,
    SIBLING,
    Said,
    gave,
    refused,
    register,
    said,
    state,
    withdrew,
)

DAY = date(2026, 3, 1)


def own(kind: str = "Refused", event: str = "y", on: str = "2026-02-01", ref: str = "Y1", **more: Any) -> Said:
    """The child's own act, found competent unless said otherwise."""
    right = {**FOUND_COMPETENT, "agreement": ref, "on": on, **more}
    return said(event, f"agreement.Agreement{kind}", CHILD, "agreed-by", **right)


def listed(found: Register, on: date = DAY) -> dict[str, Agreement]:
    """The register's agreements by who gave them."""
    return {str(one.by): one for one in found.agreements(on)}


def voice(found: Register, category: str = "attendance", on: date = DAY) -> tuple[str, str]:
    heard = found.voice("early-help", category, "social-care", "social-worker", CHILD, on)
    return heard.whose, heard.right


def arriving(*items: tuple[Said, int]) -> Register:
    """A register into which each item came so many hours after noon on 1 March 2026."""
    found = Register()
    for (facts, item), hours in items:
        found.apply(facts, item, NOON + timedelta(hours=hours))
    return found


# ------------------------------------------------------------------ what was known when


def test_a_withdrawal_that_came_late_stood_from_its_day_and_was_known_from_its_arrival() -> None:
    """On 1 March she had withdrawn since February; at noon that day the hub did not know it yet."""
    found = arriving((gave(), 0), (withdrew(), 5))
    assert state(found) == "withdrawn"
    assert state(found.as_known(NOON + timedelta(hours=4))) == "in-force"
    assert state(found.as_known(NOON + timedelta(hours=5))) == "withdrawn"
    assert state(found.as_known(NOON + timedelta(hours=5)), "2026-01-31") == "in-force"
    assert state(found.as_known(NOON - timedelta(hours=1))) == "none"


def test_a_correction_changes_what_stood_but_not_what_was_known_before_it() -> None:
    """The first word was all that was known until the second came."""
    wrong, right = gave("g", categories=["offence"]), gave("g2", hours=1, corrects=EventKey("g"))
    found = arriving((wrong, 0), (right, 9))
    assert state(found) == "in-force"
    assert state(found.as_known(NOON)) == "out-of-scope"


def test_what_was_known_is_a_reading_and_changes_nothing() -> None:
    """Looking back leaves the register as it is."""
    found = arriving((gave(), 0), (withdrew(), 5))
    before = found.version()
    assert found.as_known(NOON).version() != before
    assert found.version() == before


@given(st.lists(st.integers(0, 9), min_size=4, max_size=4), st.integers(0, 9), st.permutations(range(4)))
def test_what_was_known_at_an_instant_does_not_depend_on_the_order_of_telling(
    hours: list[int], at: int, order: list[int]
) -> None:
    """The register as known is a function of the items and of when each was first received."""
    said_ones = [gave(), withdrew(), refused(by=FATHER), own()]
    told = [(said_ones[n], hours[n]) for n in order]
    instant = NOON + timedelta(hours=at)
    known = arriving(*told).as_known(instant)
    by_then = [one for one, hour in zip(said_ones, hours, strict=True) if hour <= at]
    assert known.version() == register(*by_then).version()
    again = arriving(*told, *reversed(told))
    assert again.as_known(instant).version() == known.version()


def test_an_item_that_comes_twice_was_known_from_the_first_time() -> None:
    """However late it is told again, and in whatever order the two arrive."""
    for hours in permutations((2, 7)):
        found = arriving(*((gave(), hour) for hour in hours))
        assert state(found.as_known(NOON + timedelta(hours=2))) == "in-force"
        assert state(found.as_known(NOON + timedelta(hours=1))) == "none"


# ------------------------------------------------------------------ whose word counts


def test_a_competent_young_persons_no_prevails_over_a_parents_yes() -> None:
    """And the answer says so: it is their own word, and how they came to be heard."""
    found = register(gave(), own())
    assert state(found) == "refused"
    assert voice(found) == ("own", "assessed")


def test_a_competent_young_persons_yes_prevails_over_both_parents_no() -> None:
    """For what is theirs; what is the mother's stays as she says."""
    yes = gave("y", by=CHILD, ref="Y1", about=CHILD, **FOUND_COMPETENT)
    found = register(yes, refused(by=MOTHER), refused("r2", by=FATHER, ref="A3"))
    assert state(found) == "in-force"
    assert state(found, person=MOTHER) == "refused"


@pytest.mark.parametrize("scope", [{"competent_categories": ["strength"]}, {"competent_purposes": ["direct-care"]}])
def test_an_objection_beyond_the_competence_decision_is_for_a_person_to_weigh(scope: dict[str, Any]) -> None:
    """What they were not found competent to decide, they do not decide alone, and are not passed over in either."""
    found = register(gave(), own(**scope))
    assert state(found) == "disputed"
    assert voice(found) == ("unsettled", "not-established")


def test_within_the_competence_decision_their_word_counts_and_beyond_it_their_parents() -> None:
    """A yes for strengths, by one found competent for strengths; attendance is as the mother agreed."""
    yes = gave("y", by=CHILD, ref="Y1", about=CHILD, **FOUND_COMPETENT, categories=["strength"],
               competent_categories=["strength"])  # fmt: skip
    found = register(yes, refused(by=MOTHER))
    assert state(found, category="strength") == "in-force"
    assert state(found) == "refused"
    assert voice(found) == ("others", "not-established")


def test_a_decision_on_competence_is_about_what_was_asked_and_nothing_else() -> None:
    """No scope is said: then it reaches as far as the purposes that the act speaks of."""
    found = register(gave(purposes=["early-help", "direct-care"]), own("Refused", purposes=["direct-care"]))
    assert state(found) == "in-force"
    assert state(found, purpose="direct-care") == "refused"


def test_a_young_person_speaks_from_the_day_of_the_assessment() -> None:
    """Before it nobody knew whether they were competent: their no makes the agreement disputed, and time changes it."""
    found = register(gave(), own(on="2026-02-01", assessed_on="2026-02-20"))
    assert state(found, "2026-02-19") == "disputed"
    assert state(found, "2026-02-20") == "refused"
    assert found.next_change(date(2026, 2, 1)) == date(2026, 2, 20)


@pytest.mark.parametrize("missing", [{"assessed_by": ""}, {"capacity": None, "assessed_by": None}])
def test_a_childs_no_without_a_competence_decision_is_neither_obeyed_nor_ignored(missing: dict[str, Any]) -> None:
    """Nobody says who found them competent: with the mother's yes a person decides; with nobody's, no is no."""
    assert state(register(gave(), own(**missing))) == "disputed"
    assert state(register(own(**missing))) == "refused"


def test_from_sixteen_competence_is_presumed() -> None:
    """No assessor, no scope: their own word, whatever the parents say."""
    no = own(capacity="young-person-16-or-over", assessed_by=None, assessed_on=None)
    assert state(register(gave(), no)) == "refused"
    assert voice(register(gave(), no)) == ("own", "presumed")


def test_a_young_person_decides_for_themselves_and_for_nobody_else() -> None:
    """Their yes does not cover a sibling, and their no does not touch what is the sibling's."""
    yes = gave("y", by=CHILD, ref="Y1", about=CHILD, **FOUND_COMPETENT)
    facts, item = yes
    for_both = said("y", "agreement.AgreementGiven", CHILD, "agreed-by", {SIBLING: "for"}, **facts.data)
    assert state(register(for_both), person=SIBLING) == "none"
    assert state(register((for_both[0], item))) == "in-force"


def test_a_withdrawal_is_by_the_right_by_which_the_agreement_was_given() -> None:
    """It need not say so again."""
    yes = gave("y", by=CHILD, ref="Y1", about=CHILD, **FOUND_COMPETENT)
    gone = said("z", "agreement.AgreementWithdrawn", CHILD, "agreed-by", agreement="Y1", on="2026-02-01", hours=1)
    found = register(gave(), yes, gone)
    assert state(found) == "withdrawn"
    assert voice(found) == ("own", "assessed")


def test_parental_words_are_heard_where_the_young_person_has_said_nothing() -> None:
    """And nobody's where nobody has."""
    assert voice(register(gave())) == ("others", "parental-responsibility")
    assert voice(Register()) == ("none", "")


# ------------------------------------------------------------------ the register to be read


def test_the_register_says_who_agreed_for_whom_by_what_right_to_what_and_until_when() -> None:
    """Everything about one agreement, with its steps and when each was known."""
    found = arriving((gave(until="2026-06-01"), 3))
    one = listed(found)[MOTHER]
    assert (one.agency, one.reference, one.state, one.right) == (
        "social-care", "A1", "given", "parental-responsibility",
    )  # fmt: skip
    assert (one.whom, one.purposes, one.categories, one.recipients) == (
        (CHILD, MOTHER), ("early-help",), ("attendance", "strength"), ("social-care",),
    )  # fmt: skip
    assert (one.since, one.until) == (date(2026, 1, 1), date(2026, 6, 1))
    assert [(s.act, s.known_at) for s in one.steps] == [("given", NOON + timedelta(hours=3))]


NARROWED = said("n", "agreement.AgreementNarrowed", agreement="A1", on="2026-02-01", categories=["strength"])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ((), "given"),
        ((NARROWED,), "narrowed"),
        ((withdrew(),), "withdrawn"),
        ((refused(by=FATHER),), "disputed"),
    ],
    ids=["given", "narrowed", "withdrawn", "disputed"],
)
def test_every_state_that_an_agreement_can_be_in_is_shown(more: tuple[Said, ...], expected: str) -> None:
    """Given, narrowed, withdrawn, disputed; a refusal and an agreement that has run out beside them."""
    assert listed(register(gave(), *more))[MOTHER].state == expected
    assert listed(register(refused(by=FATHER)))[FATHER].state == "refused"
    assert listed(register(gave(until="2026-02-01")))[MOTHER].state == "expired"


def test_a_narrowed_agreement_shows_what_is_left_of_it() -> None:
    """The purposes and recipients that the narrowing did not name are as before."""
    one = listed(register(gave(), NARROWED))[MOTHER]
    assert (one.purposes, one.categories, one.recipients) == (("early-help",), ("strength",), ("social-care",))


def test_a_parents_agreement_shows_for_whom_it_no_longer_speaks() -> None:
    """The young person's own word counts for them; the mother's agreement stands for herself."""
    found = listed(register(gave(), own()))
    assert found[MOTHER].state == "given"
    assert found[MOTHER].outweighed_for == (CHILD,)
    assert found[CHILD].state == "refused"
    assert found[CHILD].competence.assessed_by == "staff 12"
    assert found[CHILD].competence.assessed_on == date(2026, 1, 10)


def test_the_register_of_a_day_before_shows_what_stood_then() -> None:
    """An agreement that had not begun is not in it."""
    found = register(gave(), withdrew())
    assert listed(found, date(2026, 1, 31))[MOTHER].state == "given"
    assert listed(found, date(2025, 12, 31)) == {}


def test_a_day_of_assessment_that_is_no_day_is_refused() -> None:
    """As any date that does not read."""
    from schemas.errors import Refusal

    with pytest.raises(Refusal):
        register(own(assessed_on="in spring"))


