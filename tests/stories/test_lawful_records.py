"""What stands on the record of a disclosure and of an enquiry, from what agencies and families really said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

import msgspec
import pytest

from agents.demo.teller import Professional, Somebody, Story
from agents.reading import NOBODY, Reading
from consent import decision
from consent.decision import Decision, Outcome
from schemas.ids import FamilyId
from schemas.records import Identifier, PersonAsKnown, Record
from streams import topology
from streams.disclose import look, replay
from streams.gate import HUB, Recipient, Said, body_of
from streams.outcome import Emit
from streams.timeline import Family, on_day
from tests.stories.told import InMemory


class Projected:
    """What a look reads, from the topics of a hub in memory."""

    def __init__(self, told: InMemory) -> None:
        self.told = told
        self.positions = dict
        for name in ("identify", "person", "family", "practitioner"):
            setattr(self, name, getattr(told.hub.people, name))

    def family_records(self, family: FamilyId) -> list[Record]:
        return [r for r in self.told.hub.trace.topics[topology.FAMILY_ITEMS] if r.key == family.encode()]


class Kept:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Emit] = []

    def send(self, records: Iterable[Emit]) -> None:
        self.sent += records

    def flush(self) -> None:
        pass

    def last(self) -> Decision:
        return decision.decode(self.sent[-1].value or b"")


class Desk:
    """A hub that was told a story, and a desk from which somebody looks."""

    def __init__(self, story: Story) -> None:
        self.told, self.story, self.log = InMemory(), story, Kept()
        self.told.happens(story)
        self.now = datetime.combine(story.today, time(18), UTC)
        self.projected: Any = Projected(self.told)
        producer: Any = self.log
        self.reading = Reading(self.projected, self.told.hub.family, producer, dict)

    def worker(self, reader: Professional) -> Any:
        return self.told.hub.people.practitioner(self.told.hub.names.practitioner(reader.agency, reader.id))

    def finds(self, reader: Professional, who: Somebody, purpose: str, reason: str = "") -> list[FamilyId]:
        said = PersonAsKnown("subject", (Identifier("nhs-number", who.nhs),), birth_date=who.born)
        return self.reading.find(self.worker(reader), said, purpose, self.now, reason)

    def family(self, child: Somebody) -> Family:
        name = self.told.family(child)
        return replay(self.told.hub.family, name, self.projected.family_records(name), self.now)

    def looks(self, reader: Professional, child: Somebody, purpose: str = "early-help") -> list[Decision]:
        decisions, _ = look(self.told.hub.family, self.family(child), self.worker(reader), purpose, self.now)
        return decisions

    def asked_for(self, reader: Recipient, child: Somebody, said: Said) -> dict[str, str]:
        """How each item of the child's that has a category answers, for `said`."""
        family, gate = self.family(child), self.told.hub.family.linking.gate
        person = (self.told.person(child),)
        on = on_day(self.now)
        entries = [e for section in family.sections.values() for e in section.entries.values()]
        answers = {
            e.facts.category: gate.disclose(e.facts, person, family.register, on, reader, "", said) for e in entries
        }
        return {category: answer.ruling.outcome for category, answer in answers.items()}


def known_to_care(story: Story) -> tuple[Somebody, Somebody]:
    child, mother = story.child("Ida", "2011-02-03"), story.adult("Una")
    story.relate(child, mother, "mother")
    return child, mother


def test_an_enquiry_before_the_threshold_needs_agreement_or_a_recorded_reason(story: Story) -> None:
    """Haringey: a duty worker may not ask about a family below the threshold, unless they record that they do."""
    child, _ = known_to_care(story)
    duty = story.professional("social-care", "duty-worker")
    desk = Desk(story)
    assert desk.finds(duty, child, "safeguarding") == []
    refused = desk.log.last()
    assert (refused.outcome, refused.rules) == (Outcome.WITHHOLD, ("no-enquiries-before-the-threshold",))
    assert desk.finds(duty, child, "safeguarding", "cannot-be-reached") == [desk.told.family(child)]
    made = desk.log.last()
    assert made.rules == ("look-up-before-the-threshold",)
    assert made.asked is not None
    assert (made.asked.override, made.asked.body, made.asked.agreement) == ("recorded", "local-authority", "none")
    assert made.decided_by == desk.worker(duty).practitioner
    assert made.rationale == "cannot-be-reached"
    assert made.review_on is not None
    assert (made.review_on - story.today).days == 28


def test_above_the_threshold_an_enquiry_needs_nobodys_agreement(story: Story) -> None:
    """A child in danger is found by the duty worker without an override; and nobody is found who is nobody."""
    child, _ = known_to_care(story)
    duty = story.professional("social-care", "duty-worker")
    story.worried(story.professional("school", "teacher"), child, 1, level="significant-harm")
    desk = Desk(story)
    assert desk.finds(duty, child, "safeguarding") == [desk.told.family(child)]
    assert desk.log.last().harm_threshold == "significant-harm"
    assert desk.finds(duty, story.child("No", "2011-02-03"), "safeguarding", "cannot-be-reached") == []
    assert desk.log.last().family == NOBODY


def test_the_record_of_a_look_says_what_was_released_and_that_the_family_agreed(story: Story) -> None:
    """Names of the fields told and of those taken out, never what stood in them."""
    child, mother = known_to_care(story)
    story.agree(mother, child)
    worker = story.professional("social-care", "early-help-worker")
    story.lead(worker, child)
    story.not_brought(child, 20)
    told = [d for d in Desk(story).looks(worker, child) if d.category == "health-contact"]
    assert told
    for one in told:
        assert "data.service" in one.released
        assert one.removed == ("source",)
        assert not set(one.released) & set(one.removed)
        assert (one.family_told, one.competence, one.agreement_state) == ("agreed", "", "in-force")


def test_the_record_names_the_right_by_which_a_young_person_agreed(story: Story) -> None:
    """From 16 their own agreement is enough, and the record says by what right it was given."""
    young = story.child("Zoe", story.day(17 * 365).isoformat())
    story.agree(young, young, capacity="young-person-16-or-over")
    worker = story.professional("social-care", "early-help-worker")
    story.lead(worker, young)
    story.not_brought(young, 20)
    told = [d for d in Desk(story).looks(worker, young) if d.category == "health-contact"]
    assert {d.competence for d in told} == {"young-person-16-or-over"}
    assert {d.asked.competence for d in told if d.asked} == {"competent"}


def test_below_the_threshold_an_item_is_held_and_the_authority_may_record_why_it_cannot_wait(story: Story) -> None:
    """What a named person recorded reaches the policies as said, and nothing else does."""
    child, _ = known_to_care(story)
    worker = story.professional("social-care", "early-help-worker")
    story.lead(worker, child)
    story.not_brought(child, 20)
    desk = Desk(story)
    worker_there = Recipient("w_1", "early-help-worker", "statutory", "social-care", "normal")
    assert desk.asked_for(worker_there, child, Said())["health-contact"] == Outcome.HOLD
    assert desk.asked_for(worker_there, child, Said(override="recorded"))["health-contact"] == Outcome.SHARE
    elsewhere = msgspec.structs.replace(worker_there, role="teacher", agency="school")
    assert desk.asked_for(elsewhere, child, Said(override="recorded"))["health-contact"] == Outcome.HOLD


def test_a_family_that_was_not_told_has_the_reason_on_the_record(story: Story) -> None:
    """Where asking would prejudice the protection, the record says so; where nobody said, it says that."""
    child, _ = known_to_care(story)
    worker = story.professional("social-care", "early-help-worker")
    story.lead(worker, child)
    teacher = story.professional("school", "teacher")
    reason = "consent-would-prejudice-protection"
    ground = {"claim": "significant-harm", "rationale": "", "decided_by": "", "condition_reason": reason}
    story.worried(teacher, child, 1, level="significant-harm", ground=ground)
    story.not_brought(child, 20)
    records = Desk(story).looks(worker, child, "safeguarding")
    told = {d.category: (d.family_told, d.condition_reason, d.harm_threshold) for d in records}
    assert told["concern"] == (f"not-told: {reason}", reason, "significant-harm")
    assert all(d.rationale and d.outcome is Outcome.SHARE for d in records)


@pytest.mark.parametrize(
    ("role", "sector", "agency", "body"),
    [
        ("social-worker", "statutory", "social-care", "local-authority"),
        ("police-officer", "statutory", "police", "police"),
        ("probation-officer", "statutory", "police", "probation"),
        ("gp", "statutory", "health", "nhs"),
        ("teacher", "statutory", "school", "school"),
        ("voluntary-worker", "voluntary", "social-care", "voluntary"),
        ("housing-officer", "statutory", "housing", "other"),
    ],
)
def test_a_recipients_body_in_law_follows_from_their_agency(role: str, sector: str, agency: str, body: str) -> None:
    """The powers name bodies, not jobs; whoever is not known to be named by them is not."""
    assert body_of(Recipient("w_1", role, sector, agency, "normal")) == body
    assert body_of(HUB) == "hub"
