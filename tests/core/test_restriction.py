"""Restriction of processing: of a person's information nothing is told, until it is lifted or a child needs it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import msgspec
import pytest

from consent.decision import Outcome
from consent.explain import explain
from consent.register import Register
from consent.sharing import categories, purposes
from schemas.codes import code_list
from schemas.errors import Refusal
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.records import Facts, Ground
from streams.gate import HUB, Answer, Gate, Recipient
from tests.core.register_kit import CHILD, FATHER, MOTHER, NOON, gave, lifted, register, restricted
from tests.core.test_judgements import GATE

ON = date(2026, 3, 1)
WORKER = Recipient("w_worker", "social-worker", "statutory", "social-care", "normal")
THEIRS = gave("own", by=MOTHER, about=MOTHER, capacity="adult-for-self", categories=list(categories()))


def asked(
    found: Register, persons: tuple[PersonId, ...] = (MOTHER,), to: Recipient = WORKER, on: date = ON, **more: Any
) -> Answer:
    """What the gate says of what health knows of the mother, for early help, to which she agreed."""
    fields: dict[str, Any] = {"category": "health-contact", "purpose": "early-help", "agency": "health", **more}
    agency = fields.pop("agency")
    facts = Facts("hearth.health.AppointmentNotAttended", agency, "s", "d", NOON, NOON, "subject", **fields)
    gate: Gate = GATE
    return gate.link(facts, persons, found, on) if to is HUB else gate.disclose(facts, persons, found, on, to)


def stands(found: Register, on: str = "2026-03-01", *persons: PersonId) -> bool:
    return found.restricted(persons or (MOTHER,), date.fromisoformat(on))


MARCH = restricted("r", "C1", "2026-03-01")

# ------------------------------------------------------------------ what it does


def test_what_is_restricted_is_kept_and_told_to_nobody_until_it_is_lifted() -> None:
    """It may still join the record; and the day after it is lifted all is as it was."""
    before, during = register(THEIRS), register(THEIRS, MARCH)
    assert asked(before).ruling.outcome is Outcome.SHARE
    assert (asked(during).ruling.outcome, asked(during).ruling.rules) == (Outcome.WITHHOLD, ("processing-restricted",))
    assert asked(during, to=HUB).ruling == asked(before, to=HUB).ruling
    assert asked(during, to=HUB).ruling.outcome is Outcome.SHARE
    after = register(THEIRS, MARCH, lifted("l", "C1", "2026-03-09"))
    assert asked(after, on=date(2026, 3, 8)).ruling.outcome is Outcome.WITHHOLD
    assert asked(after, on=date(2026, 3, 9)).ruling == asked(before).ruling


def test_it_is_for_every_purpose_and_every_kind_of_information() -> None:
    """Whatever it is wanted for, nothing of theirs is told without a ground."""
    found = register(THEIRS, MARCH)
    for purpose in purposes():
        for category in categories():
            answer = asked(found, purpose=purpose, category=category)
            assert answer.ruling.outcome is not Outcome.SHARE, (purpose, category)
            assert "processing-restricted" in answer.ruling.rules


def test_it_is_for_that_person_under_every_id_they_have_and_for_nobody_else() -> None:
    """Two ids of one person, restricted under one of them, lifted under the other; her child's record goes on."""
    other = PersonId("p_mother_too")
    found = register(THEIRS, MARCH)
    assert asked(found, (other, MOTHER)).ruling.outcome is Outcome.WITHHOLD
    assert not stands(found, "2026-03-01", CHILD)
    assert not stands(found, "2026-03-01", FATHER)
    back = register(THEIRS, MARCH, lifted("l", "C1", "2026-03-02", about=other))
    assert stands(back, "2026-03-02", MOTHER)
    assert not stands(back, "2026-03-02", MOTHER, other)


@pytest.mark.parametrize("claim", ["significant-harm", "s47", "vital-interests"])
def test_a_child_in_danger_comes_before_a_restriction(claim: str) -> None:
    """Article 18(2): another person's rights. The decision's explanation says that it was restricted."""
    answer = asked(register(MARCH), ground=Ground(claim, condition_reason="consent-cannot-be-given"))
    assert answer.ruling.outcome is Outcome.SHARE
    assert answer.request.restricted == "restricted"
    made = GATE.record(
        answer, place=0, stage="look", family=FamilyId("f_1"), to=WORKER, items=(ItemId("e.p_mother"),),
        event=EventKey("e"),
        subjects=(MOTHER,), register=Register(), at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    said = "The processing of this person's information was restricted then (UK GDPR Art 18)."
    assert said in explain(made)
    assert said not in explain(msgspec.structs.replace(made, asked=answer.request._replace(restricted="none")))


# ------------------------------------------------------------------ how it ends


def test_a_restriction_never_ends_by_itself() -> None:
    """Not in thirty years."""
    found = register(MARCH)
    assert not stands(found, "2026-02-28")
    assert stands(found, "2026-03-01")
    assert stands(found, "2056-03-01")
    assert found.next_change(date(2026, 2, 1)) == ON
    assert found.next_change(ON) is None


def test_nothing_but_a_lift_of_its_own_case_ends_it() -> None:
    """Not being taken back, nor corrected, nor the lift of another case, nor one whose day has not come."""
    for other in (
        restricted("x", "C1", "2026-03-01", hours=1, retracts=EventKey("r")),
        restricted("x", "C9", "2027-03-01", hours=1, corrects=EventKey("r")),
        gave("x", hours=1, retracts=EventKey("r")),
        lifted("x", "C2", "2026-03-01", hours=1),
        lifted("x", "C1", "2026-03-02", hours=1),
        lifted("x", "C1", "2026-03-01", about=FATHER, hours=1),
    ):  # fmt: skip
        for both in permutations((MARCH, other)):
            assert stands(register(*both)), other


def test_each_case_is_lifted_by_itself() -> None:
    """She contests its accuracy and objects as well: the one is settled, the other is not."""
    both = (MARCH, restricted("s", "C2", "2026-02-01"))
    assert stands(register(*both, lifted("l", "C1", "2026-03-02")), "2026-03-05")
    assert not stands(register(*both, lifted("l", "C1", "2026-03-02"), lifted("m", "C2", "2026-03-04")), "2026-03-05")


def test_of_a_restriction_and_a_lift_at_one_instant_the_restriction_stands_and_a_later_one_stands_again() -> None:
    """In whatever order they came."""
    for both in permutations((MARCH, lifted("l", "C1", "2026-03-01"))):
        assert stands(register(*both))
    later = (MARCH, lifted("l", "C1", "2026-03-01", hours=1), restricted("s", "C1", "2026-03-01", hours=2))
    assert not stands(register(*later[:2]))
    for three in permutations(later):
        assert stands(register(*three))


def test_a_restriction_and_its_lift_each_change_the_version_of_the_register() -> None:
    """So that what waits to leave is decided again; and a taking back, which ends nothing, changes nothing."""
    back = restricted("x", "C1", "2026-03-01", hours=1, retracts=EventKey("r"))
    every = [(), (MARCH,), (MARCH, lifted("l", "C1", "2026-03-02"))]
    assert len({register(*some).version() for some in every}) == 3
    assert register(MARCH, back).version() == register(MARCH).version()


def test_a_restriction_that_does_not_read_is_refused() -> None:
    """Without its day or its case it says nothing."""
    facts, item = MARCH
    for missing in ("on", "case", "on_ground"):
        data = {name: value for name, value in facts.data.items() if name != missing}
        with pytest.raises(Refusal):
            Register().apply(msgspec.structs.replace(facts, data=data), item)


def test_the_grounds_are_the_four_of_the_law() -> None:
    """Article 18(1)(a) to (d), one each."""
    letters = [entry.label.rpartition("(")[2] for entry in code_list("restriction-grounds").codes.values()]
    assert letters == ["a)", "b)", "c)", "d)"]
