"""The whole flow in memory: start here. agents/runner.py does the same against Kafka, with the effects acknowledged.

    in.<agency> ──► intake ──► family.items ──► family (gate → timeline → risk → alert) ──► alerts.<subscriber>
                      │  └──► identity.queue ──► resolver ──► people, family.items, review
                      └─────► receipts.<agency>, quarantine            every decision ──► the log, first
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from consent.decision import Decision
from schemas.people import Written
from schemas.records import Record
from streams import topology
from streams.disclose import InMemory
from streams.outcome import NewKey, Outcome


class Trace(msgspec.Struct):
    """What came of a run: the log, in order, and every record that left a stage, by topic."""

    log: list[Decision] = []
    topics: dict[str, list[Record]] = msgspec.field(default_factory=lambda: defaultdict(list))


def stage_of(topic: str) -> str:
    """Name of the stage that reads `topic`; empty for a topic that no stage reads."""
    readers = {topology.IDENTITY_QUEUE: "resolver", topology.FAMILY_ITEMS: "family"}
    return "intake" if topic.startswith("in.") else readers.get(topic, "")


class Pipeline:
    """The three stages, each with its state, joined by a queue. `keep` stores new keys, `learn` the people."""

    def __init__(
        self,
        stages: Mapping[str, Callable[[list[Record], Any], Outcome]],
        keep: Callable[[list[NewKey]], None],
        learn: Callable[[Written], None],
    ) -> None:
        self._stages, self._keep, self._learn = stages, keep, learn
        self.states = {name: InMemory() for name in stages}
        self.trace = Trace()

    def run(self, records: Iterable[Record]) -> Trace:
        """Take every record through every room, until nothing is left to do."""
        waiting = deque(records)
        while waiting:
            record = waiting.popleft()
            if record.offset < 0:  # of what a stage emitted, and of ticks
                record = msgspec.structs.replace(record, offset=len(self.trace.topics[record.topic]))
            self.trace.topics[record.topic].append(record)
            stage = stage_of(record.topic)
            if stage:
                waiting += self._effects(self._stages[stage]([record], self.states[stage]), record.timestamp)
        return self.trace

    def _effects(self, outcome: Outcome, timestamp: int) -> list[Record]:
        """Carry the outcome out in the order that the runner keeps: keys, decisions, people, then what is emitted."""
        self._keep(outcome.keys)
        self.trace.log += outcome.decisions
        for person in outcome.people:
            self._learn(person)
        return [
            Record(e.topic, e.key.encode(), e.value, e.headers, 0, -1, timestamp)
            for e in outcome.emits
        ]
