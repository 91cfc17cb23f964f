"""The light job on Hearth's engine: a Faust app with a batch consumer, a Runner, RocksDB and a fenced changelog.

One worker process: `python -m tests.bench.light_hearth BOOTSTRAP DIRECTORY RUN EVENTS [memory|rocksdb]`. It prints
seconds and CPU from the first record worked on to the acknowledgement of the last one's state.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agents.adapters.faust_state import Coder, PartitionState
from agents.adapters.faust_store import Opening, StageTable
from agents.adapters.fence import Fenced, FencedWriter
from agents.adapters.kafka import KafkaProducer
from agents.app import Engine, HearthApp, StageSpec, run
from agents.owned import Owned
from agents.runner import Runner
from schemas.records import Record
from streams.outcome import Emit, Outcome, State
from tests.bench.ground import answer
from tests.bench.light_job import INPUT, PARTITIONS, light_job, names


class Light:
    """The job as a stage."""

    def __init__(self, output: str) -> None:
        self._output = output
        self.outputs = 0

    def __call__(self, records: Sequence[Record], state: State[bytes]) -> Outcome:
        outcome = Outcome()
        for record in records:
            family = (record.key or b"").decode()
            new, output = light_job(record.value or b"", state.get(family))
            state.put(family, new)
            if output is not None:
                outcome.emits.append(Emit(self._output, family, output))
        self.outputs += len(outcome.emits)
        return outcome


class Measured(Runner[bytes]):
    """Notes time and CPU from the first record on, and ends the process behind the last acknowledgement."""

    stage: Light
    due = 0
    _acknowledged = 0
    _begun: tuple[float, float] | None = None

    def work(
        self,
        partition: int,
        records: Sequence[Record],
        done: Callable[[], None] = lambda: None,
        still_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self._begun = self._begun or (time.perf_counter(), time.process_time())
        super().work(partition, records, lambda: self._ack(len(records), done), still_ours)

    def _ack(self, count: int, done: Callable[[], None]) -> None:
        done()
        self._acknowledged += count
        if self._acknowledged >= self.due and self._begun:
            took, cpu = time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]
            answer({"seconds": took, "cpu": cpu, "outputs": self.stage.outputs})
            threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()


def build(bootstrap: str, directory: Path, run_name: str, due: int, store: str) -> HearthApp:
    """Return the worker's app."""
    app = HearthApp(Engine(run_name, bootstrap, directory, store=store, declare=False))

    def runner(table: StageTable) -> Runner[bytes]:
        def own(number: int) -> Owned[bytes]:
            name = table.changelog_topic_name
            coder: Coder[bytes] = Coder(bytes, bytes)
            writer: Any = FencedWriter(bootstrap, f"{name}-{number}")
            return Owned(PartitionState(Opening(table, number), coder), writer, name)

        stage = Light(names(run_name)[0])
        producer = KafkaProducer(bootstrap)
        measured = Measured("light", stage, producer, None, None, own, _never, fenced_out=(Fenced,))
        measured.stage, measured.due = stage, due
        return measured

    app.add_stage(StageSpec("light", (INPUT,), PARTITIONS, runner))
    return app


def _never(record: Record, *_why: str) -> Emit:
    raise AssertionError(record.offset)


if __name__ == "__main__":
    where, room, run_name, events = sys.argv[1:5]
    run(build(where, Path(room), run_name, int(events), sys.argv[5] if len(sys.argv) > 5 else "rocksdb"))
