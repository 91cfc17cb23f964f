"""Two people, one log: which step towards a person's destruction may follow which."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from consent.decision import Decision, Outcome, decode, encode
from consent.retention import Keeping
from consent.retention.steps import (
    Standing,
    Step,
    Taken,
    record,
    refuses_approval,
    refuses_hold,
    refuses_proposal,
    standing,
)
from schemas.ids import FamilyId, PersonId, PractitionerId

ANN, BEA, CAT = (PractitionerId(f"w_{name}") for name in ("ann", "bea", "cat"))
MIA, HOME = PersonId("p_mia"), FamilyId("f_home")
DUE, TODAY = Keeping("child", date(2026, 1, 1)), date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Book:
    """A log of one person's steps."""

    def __init__(self) -> None:
        self.steps: list[Decision] = []

    def take(self, step: Step, by: PractitionerId, reason: str = "period-ended", cause: str = "") -> Decision:
        at = NOON + timedelta(minutes=len(self.steps))
        made = record(Taken(step, (MIA,), HOME, reason, by, cause), DUE, at, b"s" * 16)
        self.steps.append(decode(encode(made)))
        return made

    @property
    def now(self) -> Standing:
        return standing(self.steps)


def proposed(by: PractitionerId = ANN) -> tuple[Book, str]:
    book = Book()
    return book, book.take("propose", by).id


def test_two_people_decide() -> None:
    """One proposes, another approves; then, and not before, the key may go."""
    book, proposal = proposed()
    assert not book.now.may_destroy
    book.take("approve", BEA, cause=proposal)
    assert book.now.may_destroy
    book.take("destroying", BEA, cause=proposal)
    assert book.now.destroying
    book.take("destroyed", BEA, cause=proposal)
    assert book.now.destroyed
    assert not book.now.may_destroy


def test_nobody_approves_their_own_proposal() -> None:
    """Not even where a record of it came into the log all the same."""
    book, proposal = proposed()
    book.take("approve", ANN, cause=proposal)
    assert not book.now.may_destroy
    assert refuses_approval(book.now, ANN, DUE, False, TODAY)
    assert refuses_approval(book.now, BEA, DUE, False, TODAY) == ""


def test_a_legal_hold_stops_what_was_approved_and_not_done() -> None:
    """It must be proposed anew once the hold is lifted: an old approval does not come back to life."""
    book, proposal = proposed()
    book.take("approve", BEA, cause=proposal)
    book.take("hold", CAT, "inquiry")
    assert (book.now.held, book.now.may_destroy) == (("inquiry",), False)
    assert refuses_proposal(book.now, DUE, True, TODAY) == "a legal hold stands"
    assert refuses_approval(book.now, BEA, DUE, True, TODAY) == "a legal hold stands"
    book.take("lift", CAT, "hold-ended", "inquiry")
    assert book.now == Standing()
    book.take("approve", BEA, cause=proposal)
    assert not book.now.may_destroy


def test_of_a_hold_and_a_beginning_the_one_stands_that_the_log_has_first() -> None:
    """Two officers at once: nothing is half held and half destroyed, whoever wrote last."""
    for first, then in (("hold", "destroying"), ("destroying", "hold")):
        book, proposal = proposed()
        book.take("approve", BEA, cause=proposal)
        for step in (first, then):
            book.take(step, CAT, "inquiry", proposal if step == "destroying" else "")
        assert (bool(book.now.held), book.now.destroying) == (first == "hold", first == "destroying")
        assert bool(refuses_hold(book.now)) == (first == "destroying")


def test_what_has_been_done_is_done_whatever_came_after_its_approval() -> None:
    """The log never says "held" of somebody whose key is gone, and nobody can propose it again."""
    book, proposal = proposed()
    book.take("approve", BEA, cause=proposal)
    book.take("hold", CAT, "inquiry")
    book.take("destroyed", BEA, cause=proposal)
    assert (book.now.destroyed, book.now.held) == (True, ())
    book.take("lift", CAT, "hold-ended", "inquiry")
    assert refuses_proposal(book.now, DUE, True, TODAY) == refuses_hold(book.now) == "destroyed already"
    other, unapproved = proposed()
    other.take("destroyed", BEA, cause=unapproved)
    assert not other.now.destroyed


def test_an_open_request_stops_both_until_it_is_answered() -> None:
    """What somebody asked to see must not be destroyed before they are answered; what has begun goes on."""
    assert "request" in refuses_proposal(Standing(), DUE, True, TODAY, requested=True)
    book, proposal = proposed()
    assert "request" in refuses_approval(book.now, BEA, DUE, True, TODAY, requested=True)
    book.take("approve", BEA, cause=proposal)
    assert "request" in refuses_approval(book.now, CAT, DUE, True, TODAY, requested=True)
    book.take("destroying", BEA, cause=proposal)
    assert refuses_approval(book.now, CAT, DUE, True, TODAY, requested=True) == ""


def test_one_hold_is_lifted_and_the_other_stands() -> None:
    """Each is for a reason of its own."""
    book = Book()
    book.take("hold", ANN, "inquiry")
    book.take("hold", ANN, "litigation")
    book.take("lift", BEA, "hold-ended", "inquiry")
    assert book.now.held == ("litigation",)


def test_a_hold_set_twice_and_lifted_twice_leaves_four_entries() -> None:
    """Each act is one of its own in the log, which drops what it has by id."""
    book = Book()
    for _ in range(2):
        book.take("hold", ANN, "inquiry")
        book.take("lift", ANN, "hold-ended", "inquiry")
    assert len({one.id for one in book.steps}) == 4


def test_one_proposal_has_one_approval_whoever_gives_it_and_however_often() -> None:
    """A command that is repeated after a kill writes what the log drops as a repeat."""
    book, proposal = proposed()
    first, second = book.take("approve", BEA, cause=proposal), book.take("approve", CAT, cause=proposal)
    assert first.id == second.id
    assert book.now.approved_by == BEA


def test_a_proposal_waits_for_its_day() -> None:
    """Unless its reason allows it early; and where the day is not known it never comes."""
    early, late = Keeping("child", date(2026, 6, 2)), Keeping("child-in-need", None, ("birth",))
    assert refuses_proposal(Standing(), DUE, False, TODAY) == ""
    assert refuses_proposal(Standing(), early, False, TODAY) == "its period has not run out"
    assert refuses_proposal(Standing(), early, True, TODAY) == ""
    assert refuses_proposal(Standing(), late, False, TODAY) == "when its period runs out is not known"


def test_what_came_since_the_proposal_stops_the_approval() -> None:
    """The record is in use again: its period has not run out any more."""
    book, _ = proposed()
    assert refuses_approval(book.now, BEA, Keeping("child", date(2031, 1, 1)), False, TODAY)


def test_an_approval_that_was_not_carried_out_may_be_taken_up_again() -> None:
    """Then nothing is held any more, perhaps, and no class can be told: two people had decided."""
    book, proposal = proposed()
    book.take("approve", BEA, cause=proposal)
    assert refuses_approval(book.now, CAT, Keeping("", None, ("last-contact",)), False, TODAY) == ""
    assert refuses_proposal(book.now, DUE, True, TODAY).startswith("approved already")


def test_a_step_holds_codes_and_pseudonyms_and_is_for_those_cleared_for_everything() -> None:
    """It goes into the sealed log: what class a record has may rest on a sealed item."""
    made = proposed()[0].steps[0]
    assert (made.log, made.stage, made.outcome) == ("sealed", "retention", Outcome.REFER)
    assert (made.rules[:2], made.subjects, made.decided_by) == (("propose", "period-ended"), (MIA,), ANN)
    assert made.review_on == DUE.due


STEPS = some.lists(
    some.tuples(
        some.sampled_from(["propose", "approve", "destroying", "destroyed", "hold", "lift"]),
        some.sampled_from([ANN, BEA, CAT]),
        some.sampled_from(["inquiry", "litigation"]),
        some.booleans(),
    ),
    max_size=12,
)


@given(STEPS)
def test_whatever_stands_in_the_log_nothing_is_destroyed_but_by_two_and_free_of_holds(steps: list) -> None:
    """Any writer, any order: it begins only by what two people decided after the last hold was lifted.

    And it ends only what two people decided: that stands then, whatever came since.
    """
    book, approved = Book(), set[str]()
    for step, by, reason, named in steps:
        cause = book.now.proposal if named and step != "lift" else reason
        before = book.now
        book.take(step, by, reason, cause)
        if book.now.approved_by:
            assert book.now.approved_by != book.now.proposed_by
            approved.add(book.now.proposal)
        if book.now.destroying and not before.destroying:
            assert before.may_destroy
        if book.now.destroyed and not before.destroyed:
            assert cause in approved
        if before.destroying:
            assert book.now == msgspec.structs.replace(before, destroyed=book.now.destroyed)
        if before.destroyed:
            assert book.now == before
        if book.now.held:
            assert not book.now.may_destroy
    assert msgspec.json.decode(msgspec.json.encode(book.now), type=Standing) == book.now
