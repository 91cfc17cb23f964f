"""A named approver, as a story: what a health clinic said reaches the child's social worker once somebody approves."""

from __future__ import annotations

import msgspec
import pytest

from agents.demo.teller import Professional, Somebody, Story
from agents.judging import Judged
from consent.decision import Decision, Outcome
from consent.engine import WORDS, Engine
from consent.judgements import NOT_TOLD, meanings
from streams.disclose import look
from streams.gate import Recipient, Said
from tests.stories.test_lawful_records import Desk

CLINIC = "health-contact"


def records(desk: Desk, who: Professional, child: Somebody, takes_back: str = "") -> str:
    """The practitioner approves telling what health says, for safeguarding; or takes it back. Its record's id."""
    said = Judged("approved", ("safeguarding",), "She is at risk from him", (CLINIC,), sensitivity="sexual-health")
    return desk.records(who, child, said, takes_back)


def clinics(desk: Desk, who: Professional, child: Somebody) -> list[Decision]:
    """The decisions of their look that showed what the clinic said."""
    decisions, _ = look(desk.told.hub.family, desk.family(child), desk.worker(who), "safeguarding", desk.now)
    return [one for one in decisions if one.category == CLINIC and one.outcome is Outcome.SHARE]


def test_what_a_clinic_said_waits_for_an_approver_who_is_not_the_one_who_asks(story: Story) -> None:
    """In danger, and on a manager's word alone: her name is on the record; taken back, it is over; nobody approves
    what they themselves ask for."""
    child, mother = story.child("Ida", "2011-02-03"), story.adult("Una")
    story.relate(child, mother, "mother")
    worker = story.professional("social-care", "social-worker")
    manager = story.professional("social-care", "manager", name="Nia Okafor")
    story.involve(worker, child, "child protection")
    story.involve(manager, child, "child protection")
    story.not_brought(child, 9, service="sexual-health", purpose="safeguarding")
    story.worried(worker, child, 5, level="significant-harm", purpose="safeguarding",
                  ground={"claim": "significant-harm"})  # fmt: skip
    desk = Desk(story)
    assert clinics(desk, worker, child) == []

    record = records(desk, manager, child)
    (seen,) = clinics(desk, worker, child)
    assert [(one.word, one.says, one.by) for one in seen.said_by] == [
        ("approver", "named", desk.worker(manager).practitioner)
    ]
    assert clinics(desk, manager, child) == []

    records(desk, manager, child, takes_back=record)
    assert clinics(desk, worker, child) == []


@pytest.mark.parametrize("code", meanings())
def test_every_finding_that_can_be_recorded_reaches_the_question(code: str, story: Story) -> None:
    """From the event of a named person to the word that the policies read, and their name with it."""
    child, mother = story.child("Ida", "2011-02-03"), story.adult("Una")
    story.relate(child, mother, "mother")
    manager = story.professional("social-care", "manager")
    story.not_brought(child, 9)
    desk = Desk(story)
    why = "consent-would-prejudice-protection" if code == NOT_TOLD else ""
    desk.records(manager, child, Judged(code, ("early-help",), "Because", not_told_because=why))
    worker = Recipient("w_1", "social-worker", "statutory", "social-care", "normal")
    answer, meaning = desk.asked_for(worker, child)[CLINIC], meanings()[code]
    (found,) = answer.findings
    assert (found.word, found.by) == (meaning.word, desk.worker(manager).practitioner)
    if meaning.word in WORDS:
        assert getattr(answer.request, meaning.word) == meaning.says
    assert (not why) or found.says == f"{meaning.says}: {why}"


def test_every_word_that_a_person_answers_can_be_recorded() -> None:
    """A word of the question that nobody could say would be a rule that nobody can be under."""
    words, nothing = Engine().policies.words, msgspec.structs.asdict(Said())
    for field, unsaid in nothing.items():
        said = {unsaid} | {one.says for one in meanings().values() if one.word == field}
        assert said == (words[WORDS[field]] if field in WORDS else {"", "told", "not-told"}), field
