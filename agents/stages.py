"""Which stage reads what, on how many partitions, and under which claim it writes its state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from agents.adapters.faust_state import Coder, PartitionState
from agents.adapters.faust_store import Opening, StageTable
from agents.adapters.fence import Fenced, FencedWriter, OpenWriter
from agents.app import Engine, HearthApp, StageSpec, owns
from agents.ports import Clock, KeyStore, NotWritten, Producer
from agents.runner import Again, Owned, Quarantine, Runner
from schemas.people import Written
from schemas.records import Tick, encode
from streams import topology
from streams.outcome import Emit, Stage


class Outside(msgspec.Struct, frozen=True):
    """What a stage's runner needs beside its stage. `producer` makes a new one: stages share none."""

    producer: Callable[[], Producer]
    quarantine: Quarantine
    keystore: KeyStore | None = None
    people_apply: Callable[[Written], None] | None = None
    passing: tuple[type[Exception], ...] = (OSError,)
    may_disclose: Callable[[str], bool] = lambda _: True
    oldest_send: float = 30.0


class Hub(msgspec.Struct, frozen=True):
    """The hub's three stages with their coders of state, and what the resolver waits for before it mints."""

    agencies: tuple[str, ...]
    partitions: int
    intake: Stage[Any]
    intake_state: Coder[Any]
    resolver: Stage[Any]
    resolver_state: Coder[Any]
    family: Stage[Any]
    family_state: Coder[Any]
    family_again: Again
    people_ready: Callable[[], None]


def add_hub(app: HearthApp, hub: Hub, outside: Outside) -> None:
    """Add intake, resolver and family to `app`."""
    inbound = (*(topology.inbound(agency) for agency in hub.agencies), topology.IN_FORWARDED)
    add_stage(app, "intake", inbound, hub.partitions, hub.intake, hub.intake_state, outside, hub.people_ready)
    add_stage(
        app, "resolver", (topology.IDENTITY_QUEUE,), 1, hub.resolver, hub.resolver_state, outside, hub.people_ready
    )
    add_stage(
        app, "family", (topology.FAMILY_ITEMS,), hub.partitions, hub.family, hub.family_state, outside,
        hub.people_ready, hub.family_again,
    )  # fmt: skip


def add_stage(
    app: HearthApp,
    name: str,
    topics: tuple[str, ...],
    partitions: int,
    stage: Stage[Any],
    coder: Coder[Any],
    outside: Outside,
    ready: Callable[[], None] | None = None,
    again: Again | None = None,
) -> None:
    """Add one stage with a table of its own name; `again` decides again what it wants sent and has not left."""
    runner = partial(_runner, app.engine, name, stage, coder, outside, again)
    app.add_stage(StageSpec(name, topics, partitions, runner, ready))


def changelogs(engine_name: str, partitions: int) -> dict[str, int]:
    """Return the stages' changelog topics and their numbers of partitions, for whoever makes topics."""
    of = {"intake": partitions, "resolver": 1, "family": partitions}
    return {f"{engine_name}-{name}-changelog": number for name, number in of.items()}


def _runner(
    engine: Engine, name: str, stage: Stage[Any], coder: Coder[Any], outside: Outside, again: Again | None,
    table: StageTable,
) -> Runner[Any]:
    changelog = table.changelog_topic_name

    def own(number: int) -> Owned[Any]:
        writer: Any = OpenWriter(engine.bootstrap)
        if engine.transactions:
            writer = FencedWriter(engine.bootstrap, f"{changelog}-{number}")
        return Owned(PartitionState(Opening(table, number), coder), writer, changelog)

    return Runner(
        name, stage, outside.producer(), outside.keystore, outside.people_apply, own, outside.quarantine,
        fenced_out=(Fenced,), passing=outside.passing, may_disclose=outside.may_disclose,
        again=again, oldest_send=outside.oldest_send,
    )  # fmt: skip


def add_ticks(app: HearthApp, producer: Producer, partitions: int, seconds: float, clock: Clock | None = None) -> None:
    """Tell every family partition the time each `seconds`; only the worker that has partition 0 does."""
    now = clock or (lambda: datetime.now(UTC))

    async def ticking() -> None:
        loop = asyncio.get_running_loop()
        while not app.should_stop:
            await asyncio.sleep(seconds)
            if owns(app, topology.FAMILY_ITEMS, 0):
                await loop.run_in_executor(None, _tell, producer, list(ticks(now(), partitions)))

    app.task(ticking)


def ticks(at: datetime, partitions: int) -> Iterable[Emit]:
    """Return the record of `at` for each partition."""
    value = encode(Tick(at))
    return (Emit(topology.FAMILY_ITEMS, "", value, partition=number) for number in range(partitions))


def _tell(producer: Producer, emits: list[Emit]) -> None:
    try:
        producer.send(emits)
        producer.flush()
    except NotWritten:
        return  # the next tick says it again
