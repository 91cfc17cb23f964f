"""A named approver, as a story: what a health clinic said reaches the child's social worker once somebody approves."""

from __future__ import annotations

from datetime import timedelta

from agents.demo.teller import Professional, Somebody, Story
from agents.judging import Judged, as_event
from consent.decision import Decision, Outcome
from schemas.codec import from_json
from streams.disclose import look
from tests.stories.test_lawful_records import Desk

CLINIC = "health-contact"


def records(desk: Desk, who: Professional, child: Somebody, takes_back: str = "") -> str:
    """The practitioner approves telling what health says, for safeguarding; or takes it back. Its record's id."""
    said = Judged("approved", ("safeguarding",), "She is at risk from him", (CLINIC,), sensitivity="sexual-health")
    persons = [{**child.said(who.agency, "subject"), "birth_date": str(child.born)}]
    later = desk.now + timedelta(minutes=len(desk.story.events))
    event = as_event(desk.told.hub.names, desk.worker(who), persons, said, later, takes_back)
    desk.story.events.append((who.agency, from_json(event)))
    desk.told.happens(desk.story)
    return str(event["id"])


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
