"""What every part of the benchmark stands on: one real Kafka, a directory, and child processes that end with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient

from deploy.kafka.broker import PROJECT, Broker, start

STOP_SECONDS = 30.0
_ANSWER = '{"bench"'
QUIX_PYTHON = PROJECT / ".bench" / "quix" / "bin" / "python"
"""Quix Streams needs an older confluent-kafka than Hearth, hence an environment of its own (`make bench` makes it)."""


class Failed(Exception):
    """A part of the benchmark did not do what it is measured for; the message says what, and where its output is."""


@dataclass
class Ground:
    """Where the benchmark runs. `say` shows progress; `quick` makes everything small: it shows that it runs."""

    directory: Path
    broker: Broker
    say: Callable[[str], None]
    quick: bool = False
    children: list[Child] = field(default_factory=list)

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    def count(self, full: int, quick: int) -> int:
        """Return `full`, or `quick` on a quick run."""
        return quick if self.quick else full

    def room(self, name: str) -> Path:
        """Return a new directory."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))

    def child(
        self, module: str, *arguments: str, log: Path, python: Path | None = None, environ: Mapping[str, str] = {}
    ) -> Child:
        """Start `python -m module` in the project's directory."""
        child = Child([str(python or sys.executable), "-m", module, *arguments], log, dict(environ))
        self.children.append(child)
        return child

    def rest(self) -> None:
        """Stop what a part left running."""
        for child in self.children:
            child.stop()
        self.children.clear()

    def broker_cpu(self) -> float:
        """Return the CPU seconds that the broker has used."""
        return cpu_of(self.broker.pid)

    def forget(self, keep: tuple[str, ...] = ()) -> None:
        """Delete every topic but Kafka's own and those in `keep`, and wait until they are gone."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, client_id="bench")
        try:
            for _ in range(300):
                left = [name for name in admin.list_topics() if not name.startswith("__") and name not in keep]
                if not left:
                    return
                admin.delete_topics(left)
                time.sleep(0.2)
            raise Failed("the broker kept topics that were deleted")
        finally:
            admin.close()


class Child:
    """A process of the benchmark. Its output goes to `log`; a line that it prints may be a JSON answer."""

    def __init__(self, command: list[str], log: Path, environ: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env={**os.environ, **environ, "PYTHONPATH": str(PROJECT)},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def answer(self, seconds: float) -> dict[str, Any]:
        """Wait for its end and return the JSON object that it printed last. Raises Failed without one."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
        lines = self.log.read_text(errors="replace").splitlines()
        found = [line[line.index(_ANSWER) :] for line in lines if _ANSWER in line]
        if not found:
            raise Failed(f"no figures from {self.process.args[2]}: see {self.log}\n{self.tail()}")  # type: ignore[index]
        return dict(json.loads(found[-1])["bench"])

    def check(self) -> None:
        """Raise Failed when it has ended by itself."""
        if self.process.poll() is not None:
            raise Failed(f"a process ended with {self.process.returncode}: see {self.log}\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """Ask it to end, and kill it when it has not within 30 s."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def answer(figures: Mapping[str, Any]) -> None:
    """Print a child's figures as the line that `Child.answer` looks for."""
    print(json.dumps({"bench": dict(figures)}), flush=True)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds (user and system) of a process of this machine."""
    said = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def ground(say: Callable[[str], None], quick: bool = False) -> Iterator[Ground]:
    """Start a Kafka of one's own; on the way out, stop all that was started, by its pid, and delete its data."""
    directory = Path(tempfile.mkdtemp(prefix="hearth-bench-"))
    say("starting Kafka")
    broker = start(directory / "kafka")
    here = Ground(directory, broker, say, quick)
    failed = True
    try:
        yield here
        failed = False
    finally:
        here.rest()
        broker.stop()
        if failed:
            print(f"output of what failed is kept in {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
