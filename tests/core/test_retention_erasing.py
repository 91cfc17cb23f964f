"""Which entry of the log may be erased, by whom, and what stands proposed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from consent.decision import Decision, decode, encode
from consent.log.entry import erasure, head
from consent.retention.erasing import STAYS, Proposal, Target, approve, proposals, propose, refuses
from schemas.ids import PersonId
from tests.contract.logs import decision
from tests.core.test_retention_steps import ANN, BEA, MIA, NOON, Book

TARGET = Target("main", 7, decision(7).id)


def proposed() -> tuple[Decision, Proposal]:
    made = propose(TARGET, "court-order", ANN, NOON, b"s" * 16)
    return made, proposals([made])[TARGET.id]


def test_the_approval_is_the_erasure() -> None:
    """It names the entry, the reason and both officers, and nothing of what the entry held."""
    _, standing = proposed()
    made = decode(encode(approve(TARGET, standing, BEA, NOON, b"s" * 16)))
    said = erasure(head(encode(made)), 20)
    assert said is not None
    assert (said.index, said.id, said.proposed_by, said.approved_by) == (7, TARGET.id, ANN, BEA)
    assert (made.subjects, made.items, made.event) == ((), (), None)


def test_an_officer_alone_erases_nothing() -> None:
    """Not even where a record of their own approval came into the log."""
    _, standing = proposed()
    assert erasure(head(encode(approve(TARGET, standing, ANN, NOON, b"s" * 16))), 20) is None


def test_the_first_proposal_stands_until_it_is_approved() -> None:
    """A second one changes nothing; after the approval none stands."""
    first, standing = proposed()
    again = propose(TARGET, "never-lawful", BEA, NOON + timedelta(minutes=1), b"s" * 16)
    assert proposals([first, again]) == {TARGET.id: standing}
    assert proposals([first, approve(TARGET, standing, BEA, NOON, b"s" * 16)]) == {}


@pytest.mark.parametrize("stage", STAYS)
def test_what_was_ended_or_erased_stays(stage: str) -> None:
    """Whether a person's record may end is worked out from those entries."""
    assert refuses(replace(decision(7), stage=stage), [], None)
    assert refuses(decision(7), [], None) == ""


def test_a_legal_hold_keeps_the_entries_about_a_person() -> None:
    """Until it is lifted; a hold on somebody else does not."""
    about = replace(decision(7), subjects=(MIA,))
    book = Book()
    book.take("hold", ANN, "inquiry")
    assert refuses(about, book.steps, None) == "a legal hold stands"
    assert refuses(replace(about, subjects=(PersonId("p_other"),)), book.steps, None) == ""
    book.take("lift", ANN, "hold-ended", "inquiry")
    assert refuses(about, book.steps, None) == ""


def test_nobody_erases_what_is_about_themselves() -> None:
    """An officer may be in a family too."""
    assert refuses(replace(decision(7), subjects=(MIA,)), [], MIA) == "nobody decides on their own record"
