"""Whose the agreement is, from the register to the answer: every word for it that the policies read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from consent.decision import Outcome
from consent.engine import Engine
from consent.register import Register
from schemas.codes import code_list
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.records import Facts, Ground
from streams.gate import HUB, Answer, Gate, Recipient
from streams.linking import Linking
from streams.timeline import Entry, Family
from tests.core.register_kit import CHILD, FATHER, MOTHER, NOON, SIBLING, Said, gave, refused, register, said

ON = date(2026, 3, 1)
HARM = Ground("significant-harm", condition_reason="consent-cannot-be-given")
NURSE = Recipient("w_nurse", "early-help-worker", "statutory", "social-care", "normal")
GATE = Gate(Engine(), lambda n: b"0" * n)
ASSESSED = {"capacity": "competent-young-person", "assessed_by": "staff 12", "assessed_on": "2026-01-10"}
NOT_ABLE = {"capacity": "young-person-not-competent", "assessed_by": "staff 12", "assessed_on": "2026-01-10"}


def own(event: str = "y", ref: str = "Y1", **more: Any) -> Said:
    """The child's own agreement."""
    return gave(event, by=CHILD, ref=ref, **{"capacity": "competent-young-person", **more})


def asked(found: Register, to: Recipient = NURSE, on: date = ON, **more: Any) -> Answer:
    """What the gate says of a mark of the child's: to the worker, or (to the hub) of the link."""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    fields: dict[str, Any] = {"category": "attendance", "purpose": "early-help", "ground": None, **more}
    facts = Facts("hearth.school.AttendanceRecorded", "school", "s", "d", at, at, "subject", **fields)
    if to is HUB:
        return GATE.link(facts, (CHILD,), found, on)
    return GATE.disclose(facts, (CHILD,), found, on, to)


def words(answer: Answer) -> tuple[str, str, Outcome]:
    return answer.request.agreement, answer.request.competence, answer.ruling.outcome


CASES: dict[str, tuple[tuple[Said, ...], tuple[str, str, Outcome], str]] = {
    "a parent's": ((gave(),), ("in-force", "not-in-question", Outcome.SHARE), ""),
    "own, found competent": (
        (own(**ASSESSED),), ("in-force", "competent", Outcome.SHARE), "competent-young-person",
    ),
    "own, from 16": (
        (own(capacity="young-person-16-or-over"),), ("in-force", "competent", Outcome.SHARE), "young-person-16-or-over",
    ),
    "own, and nobody assessed it": ((own(),), ("in-force", "not-assessed", Outcome.REFER), "not-assessed"),
    "own, assessed about something else": (
        (own(**ASSESSED, competent_categories=["strength"]),), ("in-force", "not-assessed", Outcome.REFER),
        "not-assessed",
    ),
    "own, found not competent": (
        (own(**NOT_ABLE),), ("in-force", "not-competent", Outcome.HOLD), "not-competent",
    ),
    "own, said not to be competent, and nobody assessed it": (
        (own(capacity="young-person-not-competent"),), ("in-force", "not-assessed", Outcome.REFER), "not-assessed",
    ),
    "a parent's, where nobody who is named denies that the young person decides": (
        (gave(), own(**ASSESSED, purposes=["direct-care"], competent_purposes=["early-help"], until="2026-01-20"),
         own("y2", "Y2", since="2026-02-10", capacity="young-person-not-competent", purposes=["direct-care"])),
        ("in-force", "another-agreed", Outcome.HOLD), "another-agreed",
    ),
    "own, found not competent about something else": (
        (own(**NOT_ABLE, competent_categories=["strength"]),), ("in-force", "not-assessed", Outcome.REFER),
        "not-assessed",
    ),
    "a parent's, for what a competent young person decides": (
        (gave(), own(**ASSESSED, purposes=["direct-care"], competent_purposes=["direct-care", "early-help"],
                     since="2026-01-01", until="2026-02-01")),
        ("in-force", "another-agreed", Outcome.HOLD), "another-agreed",
    ),
    "a parent's, for one of 16 who was asked about something else": (
        (gave(), refused(by=CHILD, about=CHILD, capacity="young-person-16-or-over", purposes=["direct-care"])),
        ("in-force", "another-agreed", Outcome.HOLD), "another-agreed",
    ),
    "a parent's, for one found competent about something else": (
        (gave(), own(**ASSESSED, purposes=["direct-care"], competent_purposes=["direct-care"], until="2026-02-01")),
        ("in-force", "not-in-question", Outcome.SHARE), "",
    ),
    "a parent's, where the young person was found not competent": (
        (own(**NOT_ABLE), gave()), ("in-force", "not-in-question", Outcome.SHARE), "",
    ),
    "a parent's, where nobody assessed the young person's yes": (
        (own(), gave()), ("in-force", "not-in-question", Outcome.SHARE), "",
    ),
    "own, not assessed, and a parent's no": (
        (own(), refused(by=MOTHER)), ("refused", "not-in-question", Outcome.WITHHOLD), "",
    ),
    "nobody's": ((), ("none", "not-in-question", Outcome.HOLD), ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("to", [NURSE, HUB], ids=["disclose", "link"])
def test_whose_the_agreement_is_reaches_the_gate_and_decides(case: str, to: Recipient) -> None:
    """From what stands in the register to the outcome, for the link and for the disclosure alike."""
    items, expected, recorded = CASES[case]
    answer = asked(register(*items), to)
    assert words(answer) == expected
    assert answer.competence == recorded


def test_every_word_for_whose_agreement_it_is_can_come_from_the_register() -> None:
    """A word that nothing could lead to would be a rule that nobody can be under."""
    said_by_policies = {"not-in-question", "competent", "not-assessed", "not-competent", "another-agreed"}
    assert {expected[1] for _, expected, _ in CASES.values()} == said_by_policies


def test_an_agreement_that_does_not_count_is_never_told_as_agreed() -> None:
    """In danger it is shared all the same, and the record does not say that the family agreed to it."""
    for items, told in (((own(),), "not-said"), ((own(**NOT_ABLE),), "not-said"), ((own(**ASSESSED),), "agreed")):
        answer = asked(register(*items), ground=HARM)
        assert answer.ruling.outcome is Outcome.SHARE
        assert answer.request.agreement == "in-force"
        assert answer.family_told == told


def test_nothing_rests_on_an_agreement_that_does_not_count() -> None:
    """What is linked because of danger is linked by that; what rests on an agreement goes when it is withdrawn."""
    for items, rests_on in (((own(),), ""), ((own(**ASSESSED),), "y")):
        family = Family(FamilyId("f_1"))
        family.register = register(*items)
        facts = Facts("hearth.school.AttendanceRecorded", "school", "s", "d", NOON, NOON, "subject", "attendance",
                      "early-help", ground=HARM)  # fmt: skip
        entry = Entry(ItemId("e.p_child"), EventKey("e"), facts, NOON)
        Linking(GATE).arrive(family, CHILD, facts, EventKey("e"), entry, NOON)
        assert (entry.link, entry.rests_on) == (Outcome.SHARE, rests_on)


def test_an_assessment_counts_from_its_day() -> None:
    """Before it nobody had said so; on the day it was found, the young person's own word holds."""
    found = register(own(**{**ASSESSED, "assessed_on": "2026-03-02"}))
    assert words(asked(found)) == ("in-force", "not-assessed", Outcome.REFER)
    assert found.next_change(ON) == date(2026, 3, 2)
    assert words(asked(found, on=date(2026, 3, 2))) == ("in-force", "competent", Outcome.SHARE)


def test_the_latest_assessment_says_who_decides() -> None:
    """Competent for a time, then found not to be: from then on a parent's agreement holds again."""
    able = own(**ASSESSED, purposes=["direct-care"], competent_purposes=["early-help", "direct-care"],
               until="2026-02-01")  # fmt: skip
    not_able = own("y2", "Y2", since="2026-02-10", **NOT_ABLE, purposes=["direct-care"],
                   competent_purposes=["early-help", "direct-care"])  # fmt: skip
    found = register(gave(), able, not_able)
    assert words(asked(found, on=date(2026, 2, 9)))[1:] == ("another-agreed", Outcome.HOLD)
    assert words(asked(found))[1:] == ("not-in-question", Outcome.SHARE)


def test_a_retracted_finding_no_longer_counts() -> None:
    """What was taken back was never found: the yes is there, and nobody has said whether they could."""
    found = register(own(**NOT_ABLE), own("y2", corrects=EventKey("y"), hours=2))
    assert words(asked(found))[1:] == ("not-assessed", Outcome.REFER)


def test_another_parents_child_is_not_in_question() -> None:
    """Who decides for themselves decides for nobody else."""
    scope = {"purposes": ["early-help"], "categories": ["attendance"], "recipients": ["social-care"], **ASSESSED}
    theirs = said("s", "agreement.AgreementGiven", SIBLING, "agreed-by", agreement="S1", since="2026-01-01", **scope)
    assert words(asked(register(gave(by=FATHER), theirs)))[1:] == ("not-in-question", Outcome.SHARE)


def test_who_decides_for_themselves_does_so_under_every_id_they_have() -> None:
    """A person minted twice: asked about under one id, and competent, as is known under the other."""
    twin = PersonId("p_child_again")
    elsewhere = said("t", "agreement.AgreementRefused", twin, "agreed-by", agreement="T1", on="2026-02-01",
                     purposes=["direct-care"], capacity="young-person-16-or-over")  # fmt: skip
    found = register(gave(), elsewhere)
    for ids in ((CHILD, twin), (twin, CHILD)):
        heard = found.heard("early-help", "attendance", "social-care", "social-worker", ids, ON)
        assert (heard.state, heard.competence) == ("in-force", "another-agreed")
    alone = found.heard("early-help", "attendance", "social-care", "social-worker", (CHILD,), ON)
    assert alone.competence == "not-in-question"


def test_the_finding_is_a_code_that_a_publisher_can_say() -> None:
    """A word that no contract lets in would never reach the register."""
    assert code_list("agreement-capacity").get("young-person-not-competent", ON) is not None
