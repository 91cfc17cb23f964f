"""Hearth's three stages, as bootstrap builds them, driven by a Quix Streams application.

`python -m tests.bench.quix_stages FILE DIRECTORY`, with the hub's settings in the environment, in the environment that
`make bench` makes. Record by record, with Quix's own keyed state (RocksDB and changelog): a stage's values are encoded
by Hearth's codecs and kept under the record's key. Keys are stored before what they seal leaves; Quix sends decisions
and outputs in no particular order, and knows no fence: it promises less than the runner does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from quixstreams import Application, message_context
from quixstreams.models.serializers import Serializer

from agents import bootstrap, logging, memory
from agents.adapters.directory import Replica
from agents.adapters.faust_state import Coder
from agents.adapters.kafka import KafkaConsumer
from agents.settings import Settings
from consent import sharing
from schemas.people import people_key
from schemas.records import Record, encode
from streams import topology
from streams.outcome import Emit, Outcome
from tests.bench.meter import Meter, Stage
from tests.bench.piped import GROUP


class Value(Serializer):
    """An emit's bytes as they are."""

    def __call__(self, value: Emit, ctx: Any) -> bytes:
        return value.value


class Kept:
    """`streams.outcome.State` over Quix's state for one record: what was put is encoded once, at the end."""

    def __init__(self, state: Any, coder: Coder[Any]) -> None:
        self._state, self._coder = state, coder
        self._live: dict[str, Any] = {}
        self._changed: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        if key not in self._live:
            raw = self._state.get_bytes(key)
            if raw is None:
                return None
            self._live[key] = self._coder.decode(raw)
        return self._live[key]

    def put(self, key: str, value: Any) -> None:
        self._live[key] = self._changed[key] = value

    def keep(self) -> None:
        for key, value in self._changed.items():
            self._state.set_bytes(key, self._coder.encode(value))


class Driven:
    """One stage as a function of a Quix stream: (value, state) → emits."""

    def __init__(self, stage: Stage, coder: Coder[Any], tools: bootstrap.Tools, replica: Replica) -> None:
        self._stage, self._coder, self._tools, self._replica = stage, coder, tools, replica

    def __call__(self, value: Any, key: Any, timestamp: int, headers: Any, state: Any, topic: str) -> list[Emit]:
        at = message_context()
        kept = Kept(state, self._coder)
        record = Record(topic, key, value, tuple(headers or ()), at.partition, at.offset, timestamp)
        outcome: Outcome = self._stage([record], kept)
        kept.keep()
        self._tools.keystore.store(outcome.keys)
        for person in outcome.people:
            self._replica.apply(person)
        people = [Emit(topology.PEOPLE, people_key(person), encode(person)) for person in outcome.people]
        decisions = [
            Emit(topology.decisions_for(decision.log), decision.id, encode(decision)) for decision in outcome.decisions
        ]
        return [*decisions, *people, *outcome.emits]


def build(settings: Settings, directory: str) -> tuple[Application, dict[str, Stage]]:
    """Return the application and its stages."""
    replica = Replica(lambda: KafkaConsumer(settings.kafka, [topology.PEOPLE])).start()
    tools = bootstrap.open_tools(settings, replica)
    hub = bootstrap.hub_stages(tools, replica.catch_up)
    app = Application(
        settings.kafka, consumer_group=GROUP, auto_offset_reset="earliest", state_dir=directory, loglevel="WARNING"
    )
    stages = {name: Stage(getattr(hub, name)) for name in ("intake", "resolver", "family")}
    targets = {
        topic.name: app.topic(topic.name, key_serializer="str", value_serializer=Value())
        for topic in bootstrap.topics(settings)
    }
    read = {topology.IDENTITY_QUEUE: "resolver", topology.FAMILY_ITEMS: "family", topology.IN_FORWARDED: "intake"}
    read |= {topology.inbound(agency): "intake" for agency in sharing.agencies()}
    for topic, name in read.items():
        driven = Driven(stages[name], getattr(hub, f"{name}_state"), tools, replica)
        _drive(app, topic, driven, targets)
    return app, stages


def _drive(app: Application, topic: str, driven: Driven, targets: dict[str, Any]) -> None:
    source = app.topic(topic, key_deserializer="bytes", value_deserializer="bytes")

    def work(value: Any, key: Any, timestamp: int, headers: Any, state: Any) -> list[Emit]:
        return driven(value, key, timestamp, headers, state, topic)

    def target(emit: Emit, *_: Any) -> Any:
        return targets[emit.topic]

    stream = app.dataframe(source).apply(work, stateful=True, metadata=True, expand=True)
    stream = stream.set_headers(lambda emit, *_: list(emit.headers))
    stream.to_topic(target, key=lambda emit: emit.key)


def main(file: Path, directory: str) -> None:
    logging.set_up("quix")
    app, stages = build(Settings.load(), directory)
    Meter(file, stages).start()
    memory.settle()
    app.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
