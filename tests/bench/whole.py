"""(b) The whole hub: events/s, where the CPU goes, how often a policy's answer is remembered, publish-to-alert time.

Everything measured is already on the topics when the hub starts. The clock runs from the first record that a stage
takes up to the moment when the stages, both logs and the tables have caught up.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from streams import topology
from tests.bench import latency
from tests.bench.feed import Feed, feed
from tests.bench.ground import Failed, Ground
from tests.bench.hub import BenchHub
from tests.bench.report import Figures

EVENTS = 60_000
_ALERTS_PER_SECOND = 10


def events_asked(ground: Ground, full: int = EVENTS, quick: int = 600) -> int:
    """Return how many events to measure (HEARTH_BENCH_EVENTS)."""
    said = os.environ.get("HEARTH_BENCH_EVENTS", "")
    return int(said) if said.isdecimal() else ground.count(full, quick)


def run(ground: Ground, repeats: int) -> Figures:
    """Return the figures of `repeats` hubs, each from empty topics."""
    figures = Figures()
    count, seconds = events_asked(ground), ground.count(30, 3)
    home, today = ground.room("hub"), datetime.now(UTC).date()
    said: Feed | None = None
    for number in range(repeats):
        hub = BenchHub(ground, home)
        if said is None:
            ground.say(f"(b) whole hub: making up {count:,} events")
            paced = latency.EVENTS_PER_SECOND * seconds
            said = feed(hub.framing, count + paced, today)
            primed = latency.prime(hub.framing, seconds * _ALERTS_PER_SECOND, today)
            kinds = ", ".join(f"{kind} {n / len(said.measured):.1%}" for kind, n in sorted(said.kinds.items()))
            figures.notes.append(f"{count:,} events: {kinds}")
        ground.say(f"(b) whole hub, {count:,} events: what it knows already, run {number + 1} of {repeats}")
        hub.known([*said.known, *primed.known])
        ground.say(f"(b) whole hub, {count:,} events: at full speed, run {number + 1} of {repeats}")
        _full_speed(hub, figures, said, count)
        ground.say(f"(b) whole hub: {latency.EVENTS_PER_SECOND:,} events/s for {seconds} s, {number + 1} of {repeats}")
        latency.measure(hub, figures, said.measured[count:], primed.triggers)
        hub.close()
    return figures


def _full_speed(hub: BenchHub, figures: Figures, said: Feed, count: int) -> None:
    receipts = [topology.receipts(agency) for agency in hub.agencies]
    before = hub.counted(*receipts), hub.counted(topology.DECISIONS, topology.DECISIONS_SEALED)
    hub.publish(said.measured[:count])
    broker = hub.ground.broker_cpu()
    hub.start()
    end = hub.drained()
    broker = hub.ground.broker_cpu() - broker
    accepted = hub.counted(*receipts) - before[0]
    if accepted != count:
        raise Failed(f"{count} events were published and {accepted} got a receipt")
    worker = hub.readings("worker-0").lines()[-1]
    begin = min(stage["begun"] for stage in worker["stages"].values() if stage["begun"])
    stages_end = max(stage["ended"] for stage in worker["stages"].values())
    figures.add("events/s, with log and tables caught up", count / (end - begin), at_least=5000)
    figures.add("events/s, stages alone", count / (stages_end - begin))
    decisions = hub.counted(topology.DECISIONS, topology.DECISIONS_SEALED) - before[1]
    figures.add("decisions logged per event", decisions / count)
    _cpu(hub, figures, begin, end, count)
    figures.add("broker: CPU µs/event", broker / count * 1e6)


def _cpu(hub: BenchHub, figures: Figures, begin: float, end: float, count: int) -> None:
    def each(name: str, seconds: float) -> None:
        figures.add(name, seconds / count * 1e6)

    names = [name for name in hub.processes if name != "desk"]
    used = [hub.readings(name).between(begin, end) for name in names]
    each("workers: CPU µs/event", sum(last["process"] - first["process"] for first, last in used))
    for stage in ("intake", "resolver", "family"):
        records = sum(last["stages"][stage]["records"] - first["stages"][stage]["records"] for first, last in used)
        pure = sum(last["stages"][stage]["cpu"] - first["stages"][stage]["cpu"] for first, last in used)
        each(f"  {stage}, its thread", sum(_thread(first, last, f"work-{stage}") for first, last in used))
        each(f"    {stage}, the pure stage", pure)
        figures.add(f"    {stage}, records per event", records / count)
    for thread, title in _THREADS.items():
        each(f"  {title}", sum(_thread(first, last, thread) for first, last in used))
    last = used[0][1]["more"]
    figures.add("policy memo hit rate, %", 100 * last["hits"] / max(1, last["hits"] + last["misses"]))
    first, last = hub.readings("desk").between(begin, end)
    each("desk: CPU µs/event", last["process"] - first["process"])
    for thread in ("sequencer", "projector", "librdkafka, RocksDB"):
        each(f"  desk, {thread}", _thread(first, last, thread))


def _thread(first: dict[str, Any], last: dict[str, Any], name: str) -> float:
    return float(last["threads"].get(name, 0.0) - first["threads"].get(name, 0.0))


_THREADS = {
    "MainThread": "event loop (Faust)",
    "other Python threads": "fetching (aiokafka) and other threads",
    "state-": "state to the changelog",
    "people": "replica of people",
    "librdkafka, RocksDB": "librdkafka, RocksDB",
}
