"""By what right somebody speaks is checked against when they were born, where that is known.

Ages and their sources are in consent/sharing/ages.toml.
From 16 a young person is presumed able; below, somebody finds it; at 18 parental responsibility ends.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from consent.agreement_ages import ages, reaches
from consent.decision import Outcome
from consent.register import Register
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.records import Facts, Item, PersonAsKnown
from streams.attendance import Block
from streams.fold import take_item
from streams.gate import HUB
from streams.timeline import Family
from tests.core.register_kit import (
    CHILD,
    FATHER,
    MOTHER,
    NOON,
    SIBLING,
    Said,
    gave,
    refused,
    register,
    said,
    state,
)
from tests.core.test_agreements_known_when import own
from tests.core.test_whose_agreement import ASSESSED, NOT_ABLE, asked, words

ON = date(2026, 3, 1)
BORN = {age: date(2026 - age, 1, 1) for age in (9, 15, 16, 17, 18, 19, 40)}
FROM_16, FOR_SELF = {"capacity": "young-person-16-or-over"}, {"capacity": "adult-for-self"}
NOT_SAID: dict[str, Any] = {"capacity": None, "assessed_by": None, "assessed_on": None}


def yes(**more: Any) -> Said:
    """The child's own yes."""
    return gave("y", by=CHILD, ref="Y1", **more)


def aged(age: int, *items: Said) -> Register:
    """The register of a child of that age, and a mother of forty."""
    found = register(*items)
    found.learn(CHILD, BORN[age])
    found.learn(MOTHER, BORN[40])
    return found


SHARE, HOLD, REFER = Outcome.SHARE, Outcome.HOLD, Outcome.REFER
CASES: dict[str, tuple[int, tuple[Said, ...], tuple[str, str, Outcome]]] = {
    "at 9, said to be 16": (9, (yes(**FROM_16),), ("in-force", "not-assessed", REFER)),
    "at 15, said to be 16": (15, (yes(**FROM_16),), ("in-force", "not-assessed", REFER)),
    "at 15, said to be 16 and assessed": (15, (yes(**{**ASSESSED, **FROM_16}),), ("in-force", "not-assessed", REFER)),
    "at 9, said to be an adult": (9, (yes(**FOR_SELF),), ("in-force", "not-assessed", REFER)),
    "at 9, said to have parental responsibility": (9, (yes(),), ("in-force", "not-assessed", REFER)),
    "at 15, found competent": (15, (yes(**ASSESSED),), ("in-force", "competent", SHARE)),
    "at 16": (16, (yes(**FROM_16),), ("in-force", "competent", SHARE)),
    "at 16, said to be an adult": (16, (yes(**FOR_SELF),), ("in-force", "competent", SHARE)),
    "at 16, to be assessed and not": (
        16, (yes(capacity="competent-young-person"),), ("in-force", "competent", SHARE),
    ),
    "at 19, for themselves": (19, (yes(**FOR_SELF),), ("in-force", "not-in-question", SHARE)),
    "at 17, found not able": (17, (yes(**NOT_ABLE),), ("in-force", "not-competent", HOLD)),
    "at 15, a parent's": (15, (gave(),), ("in-force", "not-in-question", SHARE)),
    "at 16, a parent's": (16, (gave(),), ("in-force", "another-agreed", HOLD)),
    "at 17, a parent's, who was found not able": (
        17, (gave(), yes(**NOT_ABLE)), ("in-force", "not-in-question", SHARE),
    ),
    "at 17, a parent's, who was found not able below 16": (
        17, (gave(), yes(**{**NOT_ABLE, "assessed_on": "2024-06-01"}, since="2024-06-01", until="2024-07-01")),
        ("in-force", "another-agreed", HOLD),
    ),
    "at 18, a parent's": (18, (gave(),), ("none", "not-in-question", HOLD)),
    "at 19, a local authority's": (19, (gave(capacity="local-authority"),), ("none", "not-in-question", HOLD)),
    "at 19, their own and a parent's no": (
        19, (yes(**FOR_SELF), refused()), ("in-force", "not-in-question", SHARE),
    ),
    "at 17, their own no": (17, (gave(), own(**NOT_SAID)), ("refused", "not-in-question", Outcome.WITHHOLD)),
    "at 15, their own no": (15, (gave(), own(**NOT_SAID)), ("disputed", "not-in-question", REFER)),
    "at 9, their own no, said to be 16": (
        9, (gave(), own(**{**NOT_SAID, **FROM_16})), ("disputed", "not-in-question", REFER),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_whose_word_counts_goes_by_age(case: str) -> None:
    """From what was said, and when the child was born, to the answer of the gate."""
    age, items, expected = CASES[case]
    found = aged(age, *items)
    assert words(asked(found)) == expected
    assert words(asked(found, HUB)) == expected


UNKNOWN = ("at 9, said to be 16", "at 9, said to be an adult", "at 16, a parent's", "at 18, a parent's")


@pytest.mark.parametrize("case", UNKNOWN)
def test_without_a_birth_date_everything_counts_as_it_was_said(case: str) -> None:
    """Whose age is not known is as they are said to be: nothing is presumed against it."""
    assert words(asked(register(*CASES[case][1])))[2] is SHARE


def test_what_is_the_mothers_own_is_hers_whatever_the_child_comes_to() -> None:
    """Her yes by parental responsibility still carries her own information, and a younger child's."""
    found = aged(19, gave(), gave("s", about=SIBLING, ref="S1"))
    assert state(found, person=MOTHER) == "in-force"
    assert state(found, person=CHILD) == "none"


def test_a_father_does_not_agree_for_a_grown_up_mother() -> None:
    """Nobody has parental responsibility for an adult."""
    facts, _ = gave()
    for_her = said("f", "agreement.AgreementGiven", MOTHER, "for", {FATHER: "agreed-by"}, **facts.data)
    found = register(for_her)
    assert state(found, person=MOTHER) == "in-force"
    found.learn(MOTHER, BORN[40])
    assert state(found, person=MOTHER) == "none"


def test_time_alone_changes_it_on_the_birthdays_and_a_timer_says_so() -> None:
    """The day before the sixteenth birthday the mother's yes counts; on it, and on the eighteenth, it counts less."""
    found = register(gave(since="2020-01-01"))
    found.learn(CHILD, date(2008, 2, 29))
    days = [date(2024, 2, 29), date(2026, 3, 1)]  # in 2026 there is no 29 February
    heard = [
        words(asked(found, on=on))[:2] for day in days for on in (day - timedelta(days=1), day)
    ]  # fmt: skip
    assert heard == [
        ("in-force", "not-in-question"), ("in-force", "another-agreed"), ("in-force", "another-agreed"),
        ("none", "not-in-question"),
    ]  # fmt: skip
    assert found.next_change(date(2022, 1, 1)) == days[0]
    assert found.next_change(days[0]) == days[1]


def test_what_was_claimed_too_early_does_not_become_true_by_waiting() -> None:
    """Said to be 16 at 15: at 16 they are asked again, by a person who knows of the first time."""
    found = register(yes(**FROM_16, since="2026-01-01"))
    found.learn(CHILD, date(2010, 2, 1))
    assert words(asked(found))[1:] == ("not-assessed", REFER)


def test_of_two_birth_dates_that_are_said_the_stricter_counts() -> None:
    """A person known under two ids, 17 by one and 15 by the other: nobody's word is taken without a person's look."""
    twin = PersonId("p_child_again")
    for items, competence in (((yes(**FROM_16),), "not-assessed"), ((gave(),), "another-agreed")):
        found = aged(17, *items)
        found.learn(twin, BORN[15])
        heard = found.heard("early-help", "attendance", "social-care", "social-worker", (CHILD, twin), ON)
        assert (heard.state, heard.competence) == ("in-force", competence)


def test_a_birth_date_that_is_learnt_later_gives_another_version_of_the_register() -> None:
    """So that everything is asked again; of whom no agreement speaks, it changes nothing."""
    found = register(gave())
    before = found.version()
    found.learn(SIBLING, BORN[9])
    assert found.version() == before
    found.learn(CHILD, BORN[19])
    assert found.version() != before
    assert state(found) == "none"
    found.forget(CHILD)
    assert found.born.get(CHILD) is None


def test_the_list_says_for_whom_an_agreement_no_longer_speaks_and_by_what_right_it_was_given() -> None:
    """For one who decides alone at 17; and what a nine-year-old was said to be is not established."""
    listed = {one.by: one for one in aged(17, gave()).agreements(ON)}
    assert listed[MOTHER].outweighed_for == (CHILD,)
    assert {one.by: one.right for one in aged(9, yes(**FROM_16)).agreements(ON)} == {CHILD: "not-established"}
    assert {one.by: one.right for one in aged(16, yes(**FROM_16)).agreements(ON)} == {CHILD: "presumed"}
    assert aged(9, gave()).agreements(ON)[0].outweighed_for == ()


def test_every_age_says_what_it_is_for_and_where_it_is_from() -> None:
    """And that nobody has confirmed it yet."""
    assert {name: one.age for name, one in ages().items()} == {"presumed": 16, "majority": 18}
    assert all(one.source and one.rule and not one.checked for one in ages().values())
    assert reaches(date(2010, 5, 3), "presumed") == date(2026, 5, 3)


def born_by(*told: tuple[date | None, str, int]) -> dict[PersonId, date]:
    """What a family's register knows of the child's birth after these items: (birth date, tier, hour) of each."""
    family = Family(FamilyId("f_1"))
    for number, (born, tier, hours) in enumerate(told):
        at = NOON + timedelta(hours=hours)
        as_known = PersonAsKnown("subject", birth_date=born)
        facts = Facts("hearth.any_agency.StrengthObserved", "school", "s", "d", at, at, "subject", "strength",
                      "early-help", said=as_known, tier=tier)  # fmt: skip
        event = EventKey(f"e{number}")
        take_item(family, Item(ItemId(f"{event}.{CHILD}"), event, CHILD, family.family, at, 1, b""), facts, _no_blocks)
    return family.register.born


def _no_blocks(person: PersonId, number: int, month: str) -> Block:
    return Block(person, month)


def test_the_latest_birth_date_that_is_openly_said_counts() -> None:
    """What gives none takes none away, and what is sealed has no part in it: its existence would show."""
    first, later = (BORN[15], "normal", 0), (BORN[17], "normal", 2)
    assert born_by(first, (None, "normal", 1)) == {CHILD: BORN[15]}
    assert born_by(first, later) == born_by(later, first) == {CHILD: BORN[17]}
    assert born_by(first, (BORN[9], "sealed", 9)) == {CHILD: BORN[15]}
    assert born_by((BORN[9], "sealed", 9)) == {}
