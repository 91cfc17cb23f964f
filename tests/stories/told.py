"""How a story is told to a hub, and what is asked of it: one suite, in memory and on Kafka."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

import msgspec

from agents.demo.teller import Professional, Somebody, Story
from agents.rehearsal import Rehearsal
from schemas import records
from schemas.ids import FamilyId, PersonId
from schemas.people import KnownPractitioner
from streams import topology
from streams.agreement_look import look_at_agreements
from streams.disclose import View, look, replay
from streams.notice import Alert
from streams.timeline import Family, names_of


class Told(Protocol):
    """A hub that a story can be told to."""

    def happens(self, story: Story) -> None:
        """Everything told since last time reaches the hub, and is worked through."""
        ...

    def days_pass(self, days: int) -> None: ...

    def alerts(self, story: Story, subscriber: str = "") -> list[Alert]:
        """The alerts about this story's people as last sent (to one subscriber), those withdrawn too."""
        ...

    def reads(self, story: Story, reader: Professional, child: Somebody, purpose: str = "early-help") -> View | None:
        """What the professional is shown when they look at the child's family."""
        ...

    def agreements(
        self, story: Story, reader: Professional, child: Somebody, known_at: datetime | None = None
    ) -> dict[str, str]:
        """How the family's agreements stand, by reference, as the professional is shown them; as known then, or now."""
        ...

    def called(self, who: Professional) -> str:
        """The pseudonym by which the hub knows a practitioner."""
        ...

    def moment(self, story: Story) -> datetime:
        """An instant after all that has happened, and before whatever happens next."""
        ...

    def links(self, story: Story, child: Somebody) -> Counter[str]:
        """How many of the child's items stand at share, hold, withhold, refer."""
        ...

    def receipts(self, story: Story) -> Counter[str]: ...

    def reviews(self, story: Story) -> list[str]: ...


def open_rules(alerts: Iterable[Alert]) -> dict[str, str]:
    """Rule → level of the alerts that stand."""
    return {a.rule: a.level for a in alerts if a.status == "open"}


def links_of(family: Family, person: PersonId) -> Counter[str]:
    """How many of a person's items stand at each outcome, under whichever of their ids."""
    found: Counter[str] = Counter()
    for name in names_of(family, person):
        section = family.sections.get(name)
        if section is not None:
            found.update(str(entry.link) for entry in section.entries.values())
            found.update(str(book.link) for book in section.books.values())
    return found


class InMemory:
    """A rehearsal of its own for each story."""

    def __init__(self) -> None:
        self.hub = Rehearsal()
        self.done = 0
        self.passed = 0
        self.moments = 0

    def _now(self, story: Story) -> datetime:
        later = timedelta(days=self.passed, minutes=2 * self.moments)
        return datetime.combine(story.today, time(18), UTC) + later

    def moment(self, story: Story) -> datetime:
        self.moments += 1
        return self._now(story) - timedelta(minutes=1)

    def happens(self, story: Story) -> None:
        self._today = story
        new = story.events[self.done :]
        self.done = len(story.events)
        self.hub.publish(new, self._now(story))

    def days_pass(self, days: int) -> None:
        self.passed += days
        self.hub.tick(self._now(self._today))

    def alerts(self, story: Story, subscriber: str = "") -> list[Alert]:
        return self.hub.alerts(subscriber)

    def person(self, who: Somebody) -> PersonId:
        found = self.hub.people.identify(self.hub.names.identifier("nhs-number", who.nhs, "health"))
        assert found, "the hub does not know this person"
        return found

    def family(self, child: Somebody) -> FamilyId:
        known = self.hub.people.person(self.person(child))
        assert known is not None
        return known.home or known.families[0]

    def called(self, who: Professional) -> str:
        return self.hub.names.practitioner(who.agency, who.id)

    def _looks(self, story: Story, reader: Professional, child: Somebody) -> tuple[Family, KnownPractitioner]:
        family = self.family(child)
        mine = [r for r in self.hub.trace.topics[topology.FAMILY_ITEMS] if r.key == family.encode()]
        worker = self.hub.people.practitioner(self.hub.names.practitioner(reader.agency, reader.id))
        assert worker is not None, "nobody of that number is registered"
        return replay(self.hub.family, family, mine, self._now(story)), worker

    def agreements(
        self, story: Story, reader: Professional, child: Somebody, known_at: datetime | None = None
    ) -> dict[str, str]:
        state, worker = self._looks(story, reader, child)
        now = self._now(story)
        decisions, found = look_at_agreements(self.hub.family, state, worker, "early-help", now, known_at or now)
        assert decisions, "a look leaves a decision, whatever it shows"
        return {one.reference: one.state for one in found.agreements} if found else {}

    def reads(self, story: Story, reader: Professional, child: Somebody, purpose: str = "early-help") -> View | None:
        state, worker = self._looks(story, reader, child)
        decisions, view = look(self.hub.family, state, worker, purpose, self._now(story))
        assert decisions, "a look leaves a decision, whatever it shows"
        return view

    def links(self, story: Story, child: Somebody) -> Counter[str]:
        family = self.family(child)
        states = [state for state in self.hub.families() if state.family == family]
        return links_of(states[0], self.person(child)) if states else Counter()

    def receipts(self, story: Story) -> Counter[str]:
        topics = [t for t in self.hub.trace.topics if t.startswith("receipts.")]
        every = [records.decode_receipt(r.value or b"") for t in topics for r in self.hub.trace.topics[t]]
        return Counter(r.status for r in every)

    def reviews(self, story: Story) -> list[str]:
        found = [records.decode_review(r.value or b"") for r in self.hub.trace.topics[topology.REVIEW]]
        return [r.reason for r in found]


def canonical(view: View | None) -> bytes:
    """A view without what differs from one telling to the next: ids and the instant."""
    if view is None:
        return b""
    lines = sorted(
        (line.on.isoformat(), line.what, line.agency, line.role, msgspec.json.encode(line.detail, order="sorted"),
         line.ground, line.signs, line.possible, line.absent)
        for line in view.lines
    )  # fmt: skip
    named = sorted((p.role, p.name) for p in view.persons)
    standing = sorted((s.rule, s.level) for s in view.standing)
    return msgspec.json.encode([lines, named, standing])
