"""(a) The light job on Hearth, Quix Streams and a bare loop: the same events, one worker each, runs alternated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from agents.adapters.topics import Topic, changelog, ensure
from tests.bench.ground import QUIX_PYTHON, Child, Failed, Ground
from tests.bench.light_job import EVENTS, INPUT, PARTITIONS, events, names
from tests.bench.report import Figures

ENGINES = ("hearth", "quix", "bare")
_SECONDS = 300.0


def run(ground: Ground, repeats: int) -> Figures:
    """Return events/s and CPU µs per event of each engine, and Hearth's ratios to Quix."""
    count = ground.count(EVENTS, 4_000)
    fill(ground, count)
    figures = Figures()
    engines = ENGINES if QUIX_PYTHON.exists() else ("hearth", "bare")
    outputs = set()
    for number in range(repeats):
        for engine in engines[number % len(engines) :] + engines[: number % len(engines)]:
            ground.say(f"(a) light job, {count:,} events: {engine}, run {number + 1} of {repeats}")
            said = _ENGINES[engine](ground, f"light{number}{engine}", count).answer(_SECONDS)
            outputs.add(said["outputs"])
            figures.add(f"{engine} events/s", count / said["seconds"])
            figures.add(f"{engine} CPU µs/event", said["cpu"] / count * 1e6)
    if len(outputs) != 1:
        raise Failed(f"the engines gave different numbers of outputs: {sorted(outputs)}")
    if "quix" in engines:
        figures.ratio("events/s, Hearth ÷ Quix", "hearth events/s", "quix events/s", at_least=1.0)
        figures.ratio("CPU per event, Hearth ÷ Quix", "hearth CPU µs/event", "quix CPU µs/event", at_most=0.8)
    return figures


def fill(ground: Ground, count: int) -> None:
    """Publish the job's input, once for all engines."""
    ensure(ground.bootstrap, [Topic(INPUT, PARTITIONS)])
    producer = Producer({"bootstrap.servers": ground.bootstrap, "linger.ms": 20, "partitioner": "murmur2_random",
                         "queue.buffering.max.messages": 1_000_000})  # fmt: skip
    for key, value in events(count):
        producer.produce(INPUT, value, key)
    if producer.flush(60):
        raise Failed("the light job's input was not acknowledged")


def _topics(ground: Ground, name: str) -> None:
    output, log = names(name)
    ensure(ground.bootstrap, [Topic(output, PARTITIONS), changelog(log, PARTITIONS)])


def _hearth(ground: Ground, name: str, count: int) -> Child:
    _topics(ground, name)
    room = ground.room(name)
    arguments = (ground.bootstrap, str(room), name, str(count))
    return ground.child("tests.bench.light_hearth", *arguments, log=room / "output.txt")


def _bare(ground: Ground, name: str, count: int) -> Child:
    _topics(ground, name)
    log = ground.room(name) / "output.txt"
    return ground.child("tests.bench.light_bare", ground.bootstrap, name, str(count), log=log)


def _quix(ground: Ground, name: str, count: int) -> Child:
    room = ground.room(name)
    ensure(ground.bootstrap, [Topic(names(name)[0], PARTITIONS)])
    arguments: tuple[Any, ...] = (ground.bootstrap, str(room / "state"), name, str(count))
    return ground.child("tests.bench.light_quix", *arguments, log=room / "output.txt", python=QUIX_PYTHON)


_ENGINES: dict[str, Callable[[Ground, str, int], Child]] = {"hearth": _hearth, "quix": _quix, "bare": _bare}
