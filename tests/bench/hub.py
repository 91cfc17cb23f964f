"""A whole hub under the benchmark: its processes with meters, what is published to it, and when it has caught up."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from agents import bootstrap
from agents.adapters.kafka import KafkaConsumer, KafkaProducer
from agents.adapters.keys import load_keys
from agents.adapters.sqlengine import open_engine
from agents.adapters.topics import ensure
from agents.projector import Projector, projected_topics
from agents.sending import Framing, Ready
from agents.settings import Settings
from consent import sharing
from consent.seal import Pseudonyms
from streams import topology
from tests.bench.ground import Child, Failed, Ground
from tests.bench.meter import Readings

_DRAIN_SECONDS = 1800.0
_LOOK_SECONDS = 0.1
LOGS = tuple((topology.decisions_for(log), f"hearth-log-{log}") for log in bootstrap.LOGS)


class BenchHub:
    """One hub with topics and run directory of its own. `workers` processes run the stages, one the log and tables."""

    def __init__(self, ground: Ground, home: Path) -> None:
        self.ground = ground
        ground.forget()
        os.environ.setdefault("HEARTH_BENCH_WORKERS", "1")
        environ = {
            "HEARTH_HOME": str(home),
            "HEARTH_KAFKA": ground.bootstrap,
            "HEARTH_TICK_SECONDS": "86000",  # no tick falls into the run
            "HEARTH_HTTP_PORT": "0",
            "HEARTH_WORKERS": os.environ["HEARTH_BENCH_WORKERS"],
        }
        settings = Settings.load(environ)
        shutil.rmtree(settings.run_dir, ignore_errors=True)
        self.settings = settings.begin_run(datetime.now(UTC))
        keys = load_keys(self.settings)
        self.framing = Framing(Pseudonyms(keys.pseudonym, keys.pseudonym_version), bootstrap.TYPED_SOURCES)
        ensure(ground.bootstrap, bootstrap.topics(self.settings))
        self.agencies = sharing.agencies()
        inbound = [topology.inbound(agency) for agency in self.agencies]
        self.stages = Group(
            self,
            bootstrap.ENGINE_NAME,
            [*inbound, topology.IN_FORWARDED, topology.IDENTITY_QUEUE, topology.FAMILY_ITEMS],
        )
        self.logs = [Group(self, group, [topic]) for topic, group in LOGS]
        self._projected = Ends(self.settings.kafka, projected_topics(self.agencies))
        self._projector: Projector | None = None
        self.processes: dict[str, Child] = {}

    # ------------------------------------------------------------------ running

    def start(self, desk: bool = True) -> None:
        """Start the workers, and the process that keeps the log and the tables."""
        names = [f"worker-{number}" for number in range(self.settings.workers)]
        for name in [*names, "desk"] if desk else names:
            log = self.settings.home / f"{name}.txt"
            kind = "desk" if name == "desk" else "worker"
            arguments = (str(self.meter_file(name)), kind, name)
            self.processes[name] = self.ground.child(
                "tests.bench.hub_process", *arguments, log=log, environ={**self.settings.environ()}
            )

    def stop(self) -> None:
        for child in self.processes.values():
            child.stop()
        self.processes = {}

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        for reader in (self.stages, *self.logs, self._projected):
            reader.close()

    def meter_file(self, name: str) -> Path:
        return self.settings.run_dir / f"{name}.meter"

    def readings(self, name: str) -> Readings:
        return Readings(self.meter_file(name))

    # ------------------------------------------------------------------ in

    def publish(self, events: Iterable[Ready]) -> None:
        """Publish and wait for the acknowledgement of all."""
        producer = KafkaProducer(self.settings.kafka, linger_ms=20)
        producer.send(ready.emit for ready in events)
        producer.flush()

    def known(self, events: Iterable[Ready], desk: bool = True) -> None:
        """Work through what the hub is to know beforehand, and stop."""
        self.publish(events)
        self.start(desk)
        self.drained(desk)
        self.stop()
        for file in self.settings.run_dir.glob("*.meter"):
            file.unlink()

    # ------------------------------------------------------------------ caught up

    def drained(self, desk: bool = True) -> float:
        """Wait until the stages, the logs and the tables have caught up; return the instant (Unix time)."""
        until = time.monotonic() + _DRAIN_SECONDS
        waits: list[Any] = [self.stages.caught_up]
        if desk:
            waits += [*(log.caught_up for log in self.logs), self._tables_caught_up]
        for caught_up in waits:
            while not caught_up():
                for child in self.processes.values():
                    child.check()
                if time.monotonic() > until:
                    raise Failed(f"the hub did not catch up within {_DRAIN_SECONDS:.0f} s")
                time.sleep(_LOOK_SECONDS)
        return time.time()

    def counted(self, *topics: str) -> int:
        """Return how many records stand on the topics (none of them written in transactions)."""
        with closing(Ends(self.settings.kafka, topics)) as ends:
            return sum(ends.now().values())

    def _tables_caught_up(self) -> bool:
        if self._projector is None:
            self._projector = Projector(open_engine(self.settings.database_url))
        positions = self._projector.positions()
        return all(positions.get(at, 0) >= end for at, end in self._projected.now().items())


class Ends:
    """The offsets at which topics end."""

    def __init__(self, bootstrap_servers: str, topics: Iterable[str]) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers, list(topics))

    def now(self) -> dict[tuple[str, int], int]:
        return self._consumer.end_offsets()

    def close(self) -> None:
        self._consumer.close()


class Group:
    """How far a consumer group is with its topics."""

    def __init__(self, hub: BenchHub, group: str, topics: list[str]) -> None:
        self._consumer = Consumer({"bootstrap.servers": hub.settings.kafka, "group.id": group, "log_level": 0})
        self._ends = Ends(hub.settings.kafka, topics)

    def caught_up(self) -> bool:
        """Tell whether everything that stands there is committed: asked in this order, nothing slips through."""
        wanted = [TopicPartition(*at) for at in self._ends.now()]
        committed = {(at.topic, at.partition): at.offset for at in self._consumer.committed(wanted, timeout=10)}
        return all(committed[at] >= end for at, end in self._ends.now().items() if end)

    def close(self) -> None:
        self._consumer.close()
        self._ends.close()
