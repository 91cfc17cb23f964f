"""A family's story for IG staff: told to the whole hub in memory, read through the real projection and real looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from agents.adapters.memory import MemoryBroker, MemoryProducer
from agents.demo.teller import Professional, Somebody, Story
from agents.ig.access import Access
from agents.ig.alike import Comparison
from agents.ig.cases import Cases
from agents.ig.decisions import DecisionLog
from agents.ig.watch import Watch
from agents.reading import Reading
from agents.rehearsal import Rehearsal
from consent.decision import Decision, decode
from schemas.ids import FamilyId, PersonId
from schemas.people import KnownPractitioner, PeopleRecord, people_key
from schemas.records import encode as encode_record
from streams import topology
from streams.outcome import to_log
from tests.core.ig_kit import World

TODAY = date(2026, 11, 23)
NOW = datetime.combine(TODAY, time(18), UTC)


@dataclass
class Told:
    """The hub, its projection, and what is logged of looks and of what officers do."""

    folder: Path
    name: str = "ig"
    broker: MemoryBroker = field(default_factory=MemoryBroker)

    def __post_init__(self) -> None:
        self.world = World(self.folder)
        self.hub = Rehearsal()
        self.story = Story(self.name, TODAY)
        learn = self.hub.pipeline._learn
        self.hub.pipeline._learn = lambda one: (learn(one), self._known(one))[0]
        self.reading = Reading(self.world.queries, self.hub.family, MemoryProducer(self.broker), dict, patience=0.1)
        self._done = self._logged = self._looked = self._said = 0

    def _known(self, one: PeopleRecord) -> None:
        self.world.tell(topology.PEOPLE, encode_record(one), people_key(one))

    def happens(self) -> None:
        """Take everything told since the last time through the hub, and into the projection."""
        new, self._done = self.story.events[self._done :], len(self.story.events)
        before = {name: len(records) for name, records in self.hub.trace.topics.items()}
        self.hub.publish(new, NOW - timedelta(hours=1))
        for name in (topology.FAMILY_ITEMS, topology.ALERTS):
            for record in self.hub.trace.topics[name][before.get(name, 0) :]:
                self.world.tell(name, record.value or b"", (record.key or b"").decode())
        for emit in map(to_log, self.hub.trace.log[self._logged :]):
            self.world.tell(emit.topic, emit.value, emit.key, emit.headers)
        self._logged = len(self.hub.trace.log)

    def logged(self) -> list[Decision]:
        """Return what looks and officers logged since the last time, and project it, and what they said of cases."""
        cases = self.broker.records(topology.IG_CASES)
        for record in cases[self._said :]:
            self.world.tell(topology.IG_CASES, record.value or b"", (record.key or b"").decode())
        self._said = len(cases)
        topics = (topology.DECISIONS, topology.DECISIONS_SEALED)
        every = [record for name in topics for record in self.broker.records(name)]
        new, self._looked = every[self._looked :], len(every)
        for record in new:
            self.world.tell(record.topic, record.value or b"", "k", record.headers)
        return [decode(record.value or b"") for record in new]

    def person(self, who: Somebody) -> PersonId:
        found = self.hub.people.identify(self.hub.names.identifier("nhs-number", who.nhs, "health"))
        assert found
        return found

    def family(self, child: Somebody) -> FamilyId:
        known = self.hub.people.person(self.person(child))
        assert known is not None
        return known.home or known.families[0]

    def worker(self, who: Professional) -> KnownPractitioner:
        found = self.hub.people.practitioner(self.hub.names.practitioner(who.agency, who.id))
        assert found is not None
        return found

    def looks(
        self, who: Professional, child: Somebody, at: datetime = NOW, purpose: str = "early-help"
    ) -> list[Decision]:
        """The professional looks at the child's family; return what that logged."""
        self.reading.look(self.worker(who), self.family(child), purpose, at)
        return self.logged()

    def access(self, officer: Professional) -> Access:
        return Access(self.reading, self.world.queries, self.worker(officer))

    def cases(self, officer: KnownPractitioner) -> Cases:
        return Cases(self.world.queries, MemoryProducer(self.broker), self.hub.names, officer)

    def watch(self, officer: KnownPractitioner) -> Watch:
        alike = Comparison(self.reading, self.hub._contact, NOW + timedelta(days=9))
        return Watch(DecisionLog(self.world.queries, officer), self.cases(officer), alike)
