"""Intake and resolver run in memory, as the pipeline runs them: for the tests of both."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from consent.seal import Pseudonyms, item_label, unseal
from schemas import codec, records
from schemas.errors import Unsealable
from schemas.ids import EventKey, FamilyId, PersonId, Pseudonym
from schemas.people import KnownFamily, KnownPerson
from schemas.records import Facts, Item, Members, Record, Section, SendSection
from streams.identity.directory import People
from streams.identity.resolver import Resolver
from streams.intake import Intake
from streams.outcome import Emit, Outcome
from streams.topology import FAMILY_ITEMS, IDENTITY_QUEUE, IN_FORWARDED, QUARANTINE, QUARANTINE_SEALED, REVIEW

NAMES = Pseudonyms(b"n" * 32)
NOW = 1_741_860_300_000  # 2025-03-13 10:05 UTC
HUB_KEY = b"h" * 32
QUARANTINE_KEY = b"q" * 32


class Memory(dict[str, Any]):
    """A stage's state."""

    def put(self, key: str, value: Any) -> None:
        self[key] = value


class World:
    """A hub as far as identity goes: everything emitted stays in `emits`, in order."""

    def __init__(self, typed_sources: Iterable[str] = ()) -> None:
        self.people = People()
        self.known: dict[str, Any] = {}
        self.keys: dict[tuple[PersonId, int], bytes] = {}
        self.emits: list[Emit] = []
        self.seen, self.done = Memory(), Memory()
        self._offsets = itertools.count()
        self._entropy = itertools.count(1)
        tools = (NAMES, self.people, self.data_key, self.quarantine_key, self.entropy)
        self.intake = Intake(*tools, typed_sources=frozenset(typed_sources))
        self.resolver = Resolver(*tools, HUB_KEY)

    def entropy(self, size: int) -> bytes:
        return next(self._entropy).to_bytes(size)

    def quarantine_key(self, at: datetime, record: str) -> tuple[str, bytes]:
        return (at.strftime("%Y-%m"), QUARANTINE_KEY)

    def data_key(self, person: PersonId, version: int = 1) -> tuple[int, bytes]:
        if (person, version) not in self.keys:
            raise Unsealable("no key")
        return (version, self.keys[person, version])

    def record(self, event: dict[str, Any], agency: str, key: str | None = None) -> Record:
        """Return the event as it stands on the agency's topic, under the hub's key unless another is given."""
        read = codec.from_json(event)
        plain = codec.encode_binary(read)
        own = key if key is not None else self.intake._reading.key(read, agency)
        return msgspec.structs.replace(
            plain, topic=f"in.{agency}", key=own.encode(), partition=0, offset=next(self._offsets), timestamp=NOW
        )

    def take(self, *sent: tuple[dict[str, Any], str]) -> None:
        """Let events through, one after the other."""
        for event, agency in sent:
            self.run([self.record(event, agency)])

    def run(self, batch: Sequence[Record]) -> None:
        """Run one batch of intake, and all that follows from it."""
        outcome = self.intake(batch, self.seen)
        self.emits += outcome.emits
        forwarded = [self.again(emit) for emit in outcome.emits if emit.topic == IN_FORWARDED]
        if forwarded:
            self.run(forwarded)
        queued = [self.again(emit) for emit in outcome.emits if emit.topic == IDENTITY_QUEUE]
        if queued:
            self.resolve(queued)

    def resolve(self, queued: Sequence[Record]) -> Outcome:
        """Run one batch of the resolver, and take in what it wrote."""
        outcome = self.resolver(queued, self.done)
        self.acknowledge(outcome)
        self.emits += outcome.emits
        return outcome

    def acknowledge(self, outcome: Outcome) -> None:
        """Store keys and people: the first two effects of a batch."""
        for key in outcome.keys:
            self.keys.setdefault((key.person, key.version), key.key)
        for written in outcome.people:
            self.people.apply(written)
            name = next(
                getattr(written, f) for f in ("pseudonym", "person", "family", "practitioner") if hasattr(written, f)
            )
            self.known[f"{type(written).__name__}:{name}"] = written

    def again(self, emit: Emit) -> Record:
        """Return an emitted record as read from its topic."""
        return Record(emit.topic, emit.key.encode(), emit.value, emit.headers, 0, next(self._offsets), NOW + 60_000)

    # -- what came of it

    def on(self, topic: str) -> list[Any]:
        """Return what stands on a topic, decoded."""
        return [_DECODERS.get(e.topic, records.decode_receipt)(e.value) for e in self.emits if e.topic == topic]

    def receipts(self, agency: str) -> list[records.Receipt]:
        return self.on(f"receipts.{agency}")

    def items(self) -> list[Item]:
        return [one for one in self.on(FAMILY_ITEMS) if isinstance(one, Item)]

    def facts(self, item: Item) -> Facts:
        _, key = self.data_key(item.person, item.key_version)
        return records.decode_facts(unseal(key, item.sealed, item_label(item.id, item.key_version)))

    def who(self, local: str, agency: str = "social-care") -> KnownPerson:
        """Return the person an agency knows by its own number."""
        found = self.people.identify(NAMES.identifier("local", local, agency))
        assert found
        known = self.people.person(found)
        assert known
        return known

    def families(self) -> dict[FamilyId, tuple[records.Member, ...]]:
        """Return every family that has members."""
        found = [one for one in self.known.values() if isinstance(one, KnownFamily)]
        return {one.family: one.members for one in found if one.members}

    def minted(self) -> list[KnownPerson]:
        return [one for one in self.known.values() if isinstance(one, KnownPerson)]

    def event_key(self, event: dict[str, Any], agency: str) -> EventKey:
        return NAMES.event(f"{agency} {event['source']}", event["id"])


_DECODERS: dict[str, Any] = {
    FAMILY_ITEMS: records.decode_family,
    QUARANTINE: records.decode_quarantined,
    QUARANTINE_SEALED: records.decode_quarantined,
    REVIEW: records.decode_review,
    IDENTITY_QUEUE: records.decode_queued,
}

FAMILY_RECORDS = (Item, Members, SendSection, Section)
SOCIAL_CARE = "/county/social-care"


def person(role: str, *local: str, **more: Any) -> dict[str, Any]:
    """Return a person as said, known by an agency's own numbers."""
    identifiers = [{"system": "local", "value": number} for number in local]
    return {"role": role, "identifiers": identifiers + more.pop("also", []), **more}


def event(
    kind: str, name: str, persons: list[dict[str, Any]], source: str = SOCIAL_CARE, **more: Any
) -> dict[str, Any]:
    """Return an event as structured JSON; what is in `about_...` goes into its `about`."""
    about = {name.removeprefix("about_"): more.pop(name) for name in list(more) if name.startswith("about_")}
    about = {"persons": persons, "happened_at": "2025-03-12T09:00:00Z", "recorded_at": "2025-03-13T09:00:00Z", **about}
    return {"specversion": "1.0", "id": name, "source": source, "type": kind, "data": {"about": about, **more}}


def mark(name: str, *pupil: str, code: str = "/", **more: Any) -> dict[str, Any]:
    """Return an attendance mark."""
    persons = [person("subject", *pupil, **more.pop("said", {}))]
    fields = {"session_date": "2025-03-12", "session": "AM", "code": code, "establishment": "100001"}
    return event("hearth.school.AttendanceRecorded", name, persons, "/county/school", **fields, **more)


def related(name: str, child: str, other: str, how: str = "parent", home: bool = True, **more: Any) -> dict[str, Any]:
    """Return a stated relationship: what `other` is to `child`."""
    role = "sibling" if "sibling" in how else "adult"
    persons = [person("child", child), person(role, other)]
    fields = {"relationship": how, "same_household": home}
    return event("hearth.social_care.RelationshipStated", name, persons, **fields, **more)


def pseudonym(system: str, value: str, agency: str) -> Pseudonym:
    return NAMES.identifier(system, value, agency)
