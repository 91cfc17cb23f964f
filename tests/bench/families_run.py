"""One size of part (d): `python -m tests.bench.families_run BOOTSTRAP DIRECTORY FAMILIES EVENTS PASSES WEEKS`.

The family stage in its real runner: state in RocksDB through the engine's own table, person keys in the SQL key store,
decisions and outputs acknowledged by Kafka, state to a changelog in fenced transactions. No Faust: marks are handed to
the runner in batches as the consumer would, of families drawn at random. Three passes to warm up (a state just built
has read none of its own indexes), then the measured ones.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from agents import memory
from agents.adapters.faust_state import Coder, PartitionState
from agents.adapters.faust_store import Opening, stage_table
from agents.adapters.fence import Fenced, FencedWriter
from agents.adapters.kafka import KafkaProducer
from agents.adapters.keystore import SqlKeyStore
from agents.adapters.topics import changelog, ensure, hub_topics
from agents.app import Engine, HearthApp
from agents.owned import Owned
from agents.runner import Runner
from consent.seal import item_label, seal
from consent.sharing import agencies
from schemas.ids import EventKey, PersonId
from schemas.records import Facts, Item, Record, encode
from streams.family_state import FamilyCodec
from streams.outcome import Emit, NewKey
from streams.topology import FAMILY_ITEMS
from tests.bench.crowd import Crowd, crowd
from tests.bench.ground import answer

PARTITIONS = 4
_BATCH = 500  # a fetch of 2,000 records, over four partitions
_AT_ONCE = 2_000  # families written together when the state is built
_WARM_UP = 3  # passes
_AT_REST = 0.02  # CPU seconds in a second
_DAY = date(2026, 11, 23)


class Counted(FencedWriter):
    """Counts the bytes that go to the changelog."""

    written = 0

    def write(self, rows: Any) -> int:
        Counted.written += sum(len(key) + len(value or b"") for _, _, key, value in rows)
        return super().write(rows)


class Bench:
    """The stage with `families` families in its state."""

    def __init__(self, bootstrap: str, room: Path, families: int, weeks: int) -> None:
        self.families, self.bootstrap = families, bootstrap
        self.crowd: Crowd = crowd(_DAY, weeks)
        self.keystore = SqlKeyStore(f"sqlite:///{room / 'keys.db'}", os.urandom(32))
        self.keystore.create()
        app = HearthApp(Engine(f"families{families}", bootstrap, room, declare=False))
        self.table = stage_table(app, "family", PARTITIONS)
        codec = FamilyCodec(self.keystore.data_key, os.urandom)
        self.coder: Coder[Any] = Coder(codec.encode, codec.decode)
        self.values = 0
        self._marks = [0] * families

    def build(self) -> None:
        """Make every person's key, and write every family's state."""
        states = [PartitionState(Opening(self.table, number), self.coder, most_live=1) for number in range(PARTITIONS)]
        for start in range(0, self.families, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, self.families))
            self.keystore.store(
                [NewKey(person, 1, os.urandom(32)) for number in numbers for person in self.crowd.persons(number)]
            )
            for number in numbers:
                for key, value in self.crowd.values(number):
                    states[number % PARTITIONS].put(key, value)
            for state in states:
                state.keep()
                state.done()
                rows = state.leave()
                self.values += sum(len(key) + len(value) for key, value in rows.items())
                state.landed(start)

    def runner(self) -> Runner[Any]:
        """Return the stage's runner, owning every partition."""
        name = f"{self.table.name}-{self.families}-changelog"
        ensure(self.bootstrap, [*hub_topics(agencies(), ("duty", "named-professional", "early-help"), PARTITIONS),
                                changelog(name, PARTITIONS)])  # fmt: skip
        stage = replace(self.crowd.rehearsal.family, data_key=self.keystore.data_key)

        def own(number: int) -> Owned[Any]:
            state = PartitionState(Opening(self.table, number), self.coder)
            return Owned(state, Counted(self.bootstrap, f"{name}-{number}"), name)

        producer = KafkaProducer(self.bootstrap)
        runner = Runner("family", stage, producer, self.keystore, None, own, _never, fenced_out=(Fenced,))
        runner.own(range(PARTITIONS))
        return runner

    def batches(self, count: int, chance: random.Random) -> Iterator[list[Record]]:
        """Return `count` marks of families drawn at random, as each partition's batches in turn."""
        waiting: list[list[Record]] = [[] for _ in range(PARTITIONS)]
        for offset in range(count):
            number = chance.randrange(self.families)
            item = self._next_mark(number)
            at = number % PARTITIONS
            waiting[at].append(Record(FAMILY_ITEMS, item.family.encode(), encode(item), (), at, offset, 0))
            if len(waiting[at]) == _BATCH:
                yield waiting[at]
                waiting[at] = []
        yield from filter(None, waiting)

    def _next_mark(self, number: int) -> Item:
        self._marks[number] += 1
        return self.crowd.mark(number, self._marks[number], self._sealed)

    def _sealed(self, person: PersonId, event: EventKey, facts: Facts) -> tuple[int, bytes]:
        version, key = self.keystore.data_key(person)
        return version, seal(key, os.urandom(12), encode(facts), item_label(f"{event}.{person}", version))  # type: ignore[arg-type]


def measure(runner: Runner[Any], batches: list[list[Record]]) -> float:
    """Return the CPU seconds of working through the batches, state written to the changelog as the hub does."""
    begun = time.process_time()
    for number, batch in enumerate(batches, start=1):
        runner.work(batch[0].partition, batch)
        if number % PARTITIONS == 0:
            runner.checkpoint()
    runner.checkpoint()
    return time.process_time() - begun


def rest() -> None:
    """Wait until RocksDB has put in order what the building wrote at once: no hub is built in a minute."""
    while True:
        begun = time.process_time()
        time.sleep(1.0)
        if time.process_time() - begun < _AT_REST:
            return


def main(bootstrap: str, room: Path, families: int, events: int, passes: int, weeks: int) -> None:
    bench = Bench(bootstrap, room, families, weeks)
    bench.build()
    runner, chance = bench.runner(), random.Random(families)
    memory.settle()
    rest()
    runs = []
    for number in range(_WARM_UP + passes):
        batches = list(bench.batches(events, chance))
        Counted.written = 0
        cpu = measure(runner, batches)
        if number >= _WARM_UP:
            runs.append(cpu / events)
    disk = sum(file.stat().st_size for file in room.rglob("*") if file.is_file() and file.name != "keys.db")
    answer({"cpu": runs, "values": bench.values / families, "disk": disk / families, "log": Counted.written / events})
    runner.own([])


def _never(record: Record, *why: str) -> Emit:
    raise AssertionError(record.offset, why)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *(int(number) for number in sys.argv[3:7]))
