"""A story told to the running hub: over Kafka in, and read back by an independent client and through a logged look."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from agents.commands.tools import now
from agents.demo.teller import Professional, Somebody, Story
from schemas.ids import EventKey, FamilyId, PersonId, PractitionerId
from schemas.people import KnownPractitioner
from schemas.records import CloudEvent
from streams.disclose import View
from streams.intake_names import event_key
from streams.notice import Alert
from streams.timeline import Family
from tests.live.running_hub import RunningHub
from tests.stories.told import links_of


class OnKafka:
    """One story on a hub that tells other stories too: what is asked is answered for this story's people alone."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub = hub
        self.done = 0
        self.passed = timedelta()
        self.told: dict[EventKey, str] = {}  # event → its receipt's id

    def _now(self) -> datetime:
        return now() + self.passed

    def happens(self, story: Story) -> None:
        new = story.events[self.done :]
        self.done = len(story.events)
        receipts = self.hub.publish(new)
        self.told |= zip((self._key(agency, event) for agency, event in new), receipts, strict=True)
        self.hub.settle()

    def _key(self, agency: str, event: CloudEvent) -> EventKey:
        return event_key(self.hub.tools.pseudonyms, frozenset(), agency, event.source, event.id, event.type)

    def days_pass(self, days: int) -> None:
        """Every family's time passes: stories that are still to be told must not follow (tests/stories/conftest.py)."""
        self.passed += timedelta(days=days)
        self.hub.tell_time(self._now())
        self.hub.settle()

    # ------------------------------------------------------------------ who is meant

    def person(self, who: Somebody) -> PersonId:
        name = self.hub.tools.pseudonyms.identifier("nhs-number", who.nhs, "health")
        found = self.hub.tools.queries.identify(name)
        assert found, "the hub does not know this person"
        return found

    def family(self, child: Somebody) -> FamilyId:
        known = self.hub.tools.queries.person(self.person(child))
        assert known is not None
        return known.home or known.families[0]

    def _families(self, story: Story) -> set[FamilyId]:
        """Return every family that somebody of this story is in."""
        numbers = {
            identifier["value"]
            for _, event in story.events
            for person in event.data["about"]["persons"]
            for identifier in person["identifiers"]
            if identifier["system"] == "nhs-number"
        }
        names, queries = self.hub.tools.pseudonyms, self.hub.tools.queries
        persons = {queries.identify(names.identifier("nhs-number", number, "health")) for number in numbers}
        known = [queries.person(person) for person in persons if person]
        return {family for person in known if person for family in person.families}

    # ------------------------------------------------------------------ what came of it

    def alerts(self, story: Story, subscriber: str = "") -> list[Alert]:
        families = self._families(story)
        return [alert for alert in self.hub.alerts(subscriber) if alert.family in families]

    def called(self, who: Professional) -> PractitionerId:
        return self.hub.tools.pseudonyms.practitioner(who.agency, who.id)

    def _worker(self, reader: Professional) -> KnownPractitioner:
        worker = self.hub.tools.inside.directory.practitioner(self.called(reader))
        assert worker is not None, "nobody of that number is registered"
        return worker

    def moment(self, story: Story) -> datetime:
        return self._now()

    def agreements(
        self, story: Story, reader: Professional, child: Somebody, known_at: datetime | None = None
    ) -> dict[str, str]:
        at, worker, before = self._now(), self._worker(reader), len(self.hub.decisions())
        found = self.hub.tools.reading.agreements(worker, self.family(child), "early-help", at, known_at or at)
        assert self.hub.decisions()[before:], "a look leaves a decision, whatever it shows"
        return {one.reference: one.state for one in found.agreements} if found else {}

    def reads(self, story: Story, reader: Professional, child: Somebody, purpose: str = "early-help") -> View | None:
        worker = self._worker(reader)
        before = len(self.hub.decisions())
        view = self.hub.tools.reading.look(worker, self.family(child), purpose, self._now())
        looks = self.hub.decisions()[before:]
        assert looks, "a look leaves a decision, whatever it shows"
        assert {one["recipient"] for one in looks} == {worker.practitioner}
        return view

    def links(self, story: Story, child: Somebody) -> Counter[str]:
        return links_of(self._replayed(child), self.person(child))

    def _replayed(self, child: Somebody) -> Family:
        return self.hub.tools.reading.replayed(self.family(child), self._now())

    def receipts(self, story: Story) -> Counter[str]:
        ours = set(self.told.values())
        return Counter(receipt.status for receipt in self.hub.receipts() if receipt.id in ours)

    def reviews(self, story: Story) -> list[str]:
        families = self._families(story)
        return [
            review.reason
            for review in self.hub.reviews()
            if review.event in self.told or not families.isdisjoint(review.families)
        ]
