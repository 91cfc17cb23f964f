"""Where a hub process's CPU goes: read from outside the code that is measured, four times a second.

Each thread's CPU comes from Linux (`/proc/self/task/*/schedstat`, nanoseconds); threads are told by the names that the
hub gives them. What no Python thread used: librdkafka's and RocksDB's. Within a stage's thread the pure stage alone is
timed, once per batch. The figures go to a file, a line of JSON each time.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_EVERY_SECONDS = 0.25
_KINDS = ("work-intake", "work-resolver", "work-family", "state-", "sequencer", "projector", "people", "MainThread")


class Stage:
    """A stage, timed: records, CPU seconds of its thread, and the instants of its first and latest call."""

    def __init__(self, stage: Callable[[Sequence[Any], Any], Any]) -> None:
        self._stage = stage
        self.records, self.cpu, self.begun, self.ended = 0, 0.0, 0.0, 0.0

    def __call__(self, records: Sequence[Any], state: Any) -> Any:
        self.begun = self.begun or time.time()
        before = time.thread_time()
        try:
            return self._stage(records, state)
        finally:
            self.cpu += time.thread_time() - before
            self.records += len(records)
            self.ended = time.time()

    def figures(self) -> dict[str, float]:
        return {"records": self.records, "cpu": self.cpu, "begun": self.begun, "ended": self.ended}


class Meter:
    """Writes what this process has used so far, and what `more` says, to `file`, for as long as it runs."""

    def __init__(self, file: Path, stages: dict[str, Stage], more: Callable[[], dict[str, float]] = dict) -> None:
        self._file, self._stages, self._more = file, stages, more
        self._ended: dict[str, float] = {}
        self._threads: dict[int, tuple[str, float]] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="meter", daemon=True).start()

    def _run(self) -> None:
        with self._file.open("a") as file:
            while True:
                file.write(json.dumps(self.line()) + "\n")
                file.flush()
                time.sleep(_EVERY_SECONDS)

    def line(self) -> dict[str, Any]:
        """Return the figures of now. CPU in seconds since the process began."""
        used: dict[str, float] = {}
        for thread in threading.enumerate():
            kind = next((kind for kind in _KINDS if thread.name.startswith(kind)), "other Python threads")
            used[kind] = used.get(kind, 0.0) + _cpu_of(thread.native_id or 0)
        whole = time.process_time()
        used["librdkafka, RocksDB"] = whole - sum(used.values())
        stages = {name: stage.figures() for name, stage in self._stages.items()}
        return {"at": time.time(), "process": whole, "threads": used, "stages": stages, "more": self._more()}


def _cpu_of(task: int) -> float:
    try:
        return int(Path(f"/proc/self/task/{task}/schedstat").read_text().split()[0]) / 1e9
    except OSError:  # it ended between the listing and here
        return 0.0


class Readings:
    """The lines that one process's meter wrote."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lines(self) -> list[dict[str, Any]]:
        text = self._file.read_text() if self._file.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def between(self, begin: float, end: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the last line before `begin` and the first after `end` (Unix times), or the nearest there are."""
        lines = self.lines()
        first = [line for line in lines if line["at"] <= begin] or lines[:1]
        last = [line for line in lines if line["at"] >= end] or lines[-1:]
        return first[-1], last[0]
