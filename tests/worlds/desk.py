"""One world: a hub with its projection and the real ways of looking at it, everything in memory.

Keys, nonces and salts are constant, so that two worlds' bytes can be compared.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sql
from sqlalchemy.pool import StaticPool

from agents.adapters.database import METADATA
from agents.alerting import Alerting
from agents.projector import Projector, projected_topics
from agents.queries import Queries
from agents.reading import Reading
from agents.rehearsal import QUEUES, TYPED_SOURCES, Rehearsal
from consent.decision import encode
from schemas import records
from schemas.codec import encode_binary
from schemas.ids import FamilyId
from schemas.people import PeopleRecord, people_key
from schemas.records import CloudEvent, Record
from streams import topology
from streams.again import decide_again
from streams.intake_names import event_key
from streams.outcome import Emit, Outcome, State
from streams.pipeline import Pipeline, Trace
from streams.timeline import Family
from tests.worlds.history import AGENCIES, Script, Told

VARIANTS = ("sealed", "without", "unsealed")


@cache
def engine() -> Any:
    """Return the policies, loaded once, and what was decided by them."""
    return Rehearsal().engine


def zeros(count: int) -> bytes:
    """Entropy that does not differ from one world to the next."""
    return bytes(count)


class Remembering(Reading):
    """A reading that replays a family's records once for each instant: looks change nothing of it."""

    def _replay(self, family: FamilyId, records: list[Record], now: datetime) -> Family:
        known: dict[Any, Family] = self.__dict__.setdefault("known", {})
        what = (family, len(records), now)
        if what not in known:
            known[what] = super()._replay(family, records, now)
        return known[what]


class Kept(Queries):
    """The projection, asked once for what it says of people and families, until more is taken in."""

    kept: dict[str, Any]

    def _known(self, key: str) -> object:
        if key not in self.kept:
            self.kept[key] = super()._known(key)
        return self.kept[key]

    def positions(self) -> dict[tuple[str, int], int]:
        if "" not in self.kept:
            self.kept[""] = super().positions()
        return dict(self.kept[""])

    def family_records(self, family: FamilyId) -> list[Record]:
        if family not in self.kept:
            self.kept[family] = super().family_records(family)
        found: list[Record] = self.kept[family]
        return found


class Desk:
    """A world. `tell` takes the history in, `close` lets the last ticks come and fills the projection."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.hub = Rehearsal(b"worlds", zeros, engine())
        stages = {**self.hub.pipeline._stages, "family": self._family} if script.held_up else self.hub.pipeline._stages
        self.hub.pipeline = Pipeline(stages, self.hub._keep, self._learn)
        self.waiting = sorted(script.ticks)
        database = sql.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        METADATA.create_all(database)
        self.projector, self.queries = Projector(database), Kept(database)
        self.queries.kept = {}
        self.reading = Remembering(self.queries, self.hub.family, self, dict)
        self.alerting = Alerting(self.queries, self.reading, QUEUES)

    def branch(self) -> Desk:
        """Return another world of the same past."""
        other = Desk(self.script)
        for name, known in vars(self.hub.people).items():
            setattr(other.hub.people, name, copy.copy(known))
        other.hub._keys, other.waiting = dict(self.hub._keys), list(self.waiting)
        for name, state in self.hub.pipeline.states.items():
            copied = copy.deepcopy if name == "family" else dict
            other.hub.pipeline.states[name].values = copied(state.values)
        trace = other.hub.pipeline.trace = Trace(list(self.hub.trace.log))
        trace.topics.update({topic: list(every) for topic, every in self.hub.trace.topics.items()})
        return other

    def _family(self, batch: Sequence[Record], state: State[Any]) -> Outcome:
        """The family stage before a broker that is away for a while: what was to leave is decided again."""
        decided = self.hub.family(batch, state)
        at = datetime.fromtimestamp(batch[-1].timestamp / 1000, UTC) + self.script.held_up
        if not decided.sends:
            return decided
        leaves = decide_again(self.hub.family, decided, state, at, 0)
        once = {one.id: one for one in (*reversed(leaves.decisions), *reversed(decided.decisions))}  # as in the log
        return Outcome(decisions=list(reversed(once.values())), emits=leaves.emits)

    def _learn(self, known: PeopleRecord) -> None:
        self.hub.people.apply(known)
        self.send([Emit(topology.PEOPLE, people_key(known), records.encode(known))])

    # a producer, as agents/ports.py has it: what a look logs goes to the projection at once

    def send(self, emits: list[Emit]) -> None:
        topics, at = self.hub.trace.topics, int(self.script.end.timestamp() * 1000) + 1000
        for e in emits:
            place = len(topics[e.topic])
            topics[e.topic].append(Record(e.topic, e.key.encode(), e.value, e.headers, 0, place, at))

    def flush(self) -> None:
        return None

    def tell(self, first: int, told: Iterable[Told], variant: str) -> Desk:
        """Take in this part of the history as this variant has it; `first` is the place of its first event."""
        for place, one in enumerate(told, first):
            while self.waiting and self.waiting[0] < one.at:
                self.hub.tick(self.waiting.pop(0))
            if one.hidden and variant == "without":
                continue
            event = _unsealed(one.event) if one.hidden and variant == "unsealed" else one.event
            record = encode_binary(event, topic=topology.inbound(one.agency))
            key = event_key(self.hub.names, TYPED_SOURCES, one.agency, event.source, event.id, event.type)
            stamp = int(one.at.timestamp() * 1000)
            self.hub.pipeline.run(
                [msgspec.structs.replace(record, key=key.encode(), partition=0, offset=place, timestamp=stamp)]
            )
        return self

    def close(self) -> Desk:
        for at in self.waiting:
            self.hub.tick(at)
        for one in self.hub.trace.log:
            self.send([Emit(topology.decisions_for(one.log), one.id, encode(one))])
        self.project()
        return self

    def project(self) -> None:
        """Take in what stands on the topics and is not there yet."""
        done = self.projector.positions()
        found = []
        for topic in projected_topics(AGENCIES):
            every, first = self.hub.trace.topics[topic], done.get((topic, 0), 0)
            found += [
                msgspec.structs.replace(r, partition=0, offset=n) for n, r in enumerate(every[first:], first)
            ]
        self.projector.apply(found)
        self.queries.kept.clear()


def played(script: Script, *variants: str) -> list[Desk]:
    """Return the history's worlds in these variants; what they have in common, before the first seal, is told once."""
    until = next((n for n, one in enumerate(script.told) if one.hidden), len(script.told))
    past = Desk(script).tell(0, script.told[:until], "")
    desks = [*(past.branch() for _ in variants[1:]), past]
    return [desk.tell(until, script.told[until:], what).close() for desk, what in zip(desks, variants, strict=True)]


def _unsealed(event: CloudEvent) -> CloudEvent:
    about = {**event.data["about"], "tier": "normal"}
    return msgspec.structs.replace(event, data={**event.data, "about": about})


