"""A hub that runs as a user would run it, on a real Kafka, and what tests ask of it.

`hearth up` is a process of its own; events go in by its own framing, or raw; what came of them is read by kafka-python.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import confluent_kafka
import kafka
import msgspec
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from agents import bootstrap
from agents.adapters.kafka import KafkaProducer
from agents.adapters.keys import FIRST_SUBSCRIBERS, subscriber_private_key
from agents.commands.tools import Tools, open_tokens
from agents.settings import Settings
from agents.stages import ticks
from consent.seal import open_sealed
from consent.sharing import agencies
from schemas import records
from schemas.records import CloudEvent, Record
from streams import topology
from streams.notice import Alert, decode_alert

_START_SECONDS = 60.0
_SETTLE_SECONDS = 90.0
_STOP_SECONDS = 40.0
_LOOK_SECONDS = 0.05
_GROUPS = (bootstrap.ENGINE_NAME, *(f"hearth-log-{log}" for log in bootstrap.LOGS))
QUICK = {"HEARTH_COMMIT_INTERVAL": "0.1"}
"""What a test's hub sets that a user's need not: offsets are committed soon, so that `settle` need not wait."""


class RunningHub:
    """`hearth up` on the Kafka at `address`, with its home in `home`. `start` it, `stop` it."""

    def __init__(self, address: str, home: Path) -> None:
        self.environ = {"HEARTH_KAFKA": address, "HEARTH_HOME": str(home), **QUICK}
        self.settings = Settings.load(self.environ)
        self.output = home / "up.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: dict[str, Reader] = {}

    # ------------------------------------------------------------------ running

    def start(self) -> RunningHub:
        """Start the hub and return when it says that it listens."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        command = [str(Path(sys.executable).with_name("hearth")), "up"]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, env={**os.environ, **self.environ}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        _until("the hub listens", lambda: self.settings.listening() is not None, _START_SECONDS, self._complain)
        return self

    def stop(self) -> int:
        """Ask the hub to stop, as Ctrl-C does; return its exit code."""
        assert self._process is not None
        for reader in self._readers.values():
            reader.close()
        self._admin.close()
        self._watcher.close()
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(_STOP_SECONDS)

    def end(self) -> None:
        """Stop the hub where it still runs: a test that failed on the way leaves none behind."""
        if self._process is not None and self._process.poll() is None:
            self.stop()

    @property
    def http(self) -> str:
        found = self.settings.listening()
        assert found is not None
        return found.http

    def token(self, agency: str, *sources: str) -> str:
        """Return a new token of `agency` that speaks for `sources`."""
        token, _ = open_tokens(self.settings).issue("agency", agency, agency, sources, timedelta(hours=1))
        return token

    # ------------------------------------------------------------------ in

    @cached_property
    def tools(self) -> Tools:
        """What the commands work with, on this hub."""
        return Tools(self.environ)

    @cached_property
    def producer(self) -> KafkaProducer:
        return self.tools.producer

    def publish(self, events: Iterable[tuple[str, CloudEvent]]) -> list[str]:
        """Frame and write events, as `hearth publish` does; return their receipts' ids."""
        ready = [self.tools.framing.ready(event, agency) for agency, event in events]
        self.producer.send([one.emit for one in ready])
        self.producer.flush()
        return [one.receipt for one in ready]

    def write(self, written: Iterable[Record]) -> list[Record]:
        """Write records as they are, past every door; return them with the place that each has now."""
        placed: dict[int, Record] = {}

        def landed(number: int, record: Record, error: Any, message: Any) -> None:
            assert error is None, error
            placed[number] = msgspec.structs.replace(record, partition=message.partition(), offset=message.offset())

        producer = confluent_kafka.Producer({"bootstrap.servers": self.settings.kafka, "message.max.bytes": 2_097_152})
        for number, one in enumerate(written):
            producer.produce(
                one.topic, one.value, one.key, max(one.partition, 0), headers=list(one.headers),
                on_delivery=partial(landed, number, one),
            )  # fmt: skip
        assert producer.flush(30) == 0
        return [placed[number] for number in sorted(placed)]

    def tell_time(self, at: Any) -> None:
        """Tell every partition of family.items that it is `at`."""
        self.producer.send(ticks(at, self.settings.partitions))
        self.producer.flush()

    def settle(self) -> None:
        """Return when nothing is under way: every group is at its topics' ends, and the projection as well.

        A stage writes what comes of a record before it commits the record. So when all that was committed is found,
        afterwards, to be all there is, nothing more can come.
        """
        self.producer.flush()
        _until("the hub has settled", self._settled, _SETTLE_SECONDS, self.lagging)

    def _settled(self) -> bool:
        try:
            return not self.lagging()
        except KafkaError:  # a new broker makes the topic of the groups' offsets when it is first asked
            return False

    def lagging(self) -> dict[str, int]:
        """Return how many records each group, or the projection, has still to read, by topic and partition."""
        reached: dict[tuple[str, int], int] = {}
        for places in self._admin.list_group_offsets(dict.fromkeys(_GROUPS)).values():
            reached |= {(at.topic, at.partition): said.offset for at, said in places.items()}
        for at, first in self._watcher.beginning_offsets(self._places).items():  # what has gone is not to be read
            place = (at.topic, at.partition)
            reached[place] = max(reached.get(place, 0), first)
        projected = self.tools.queries.positions()
        ends = {(at.topic, at.partition): end for at, end in self._watcher.end_offsets(self._places).items()}
        behind = {f"{at[0]}/{at[1]}": end - reached.get(at, 0) for at, end in ends.items() if at[0] in _WORKED}
        shown = {f"projected {at[0]}/{at[1]}": end - projected.get(at, 0) for at, end in ends.items()
                 if at[0] not in _NOT_PROJECTED}  # fmt: skip
        return {place: lag for place, lag in (behind | shown).items() if lag}

    @cached_property
    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.settings.kafka)

    @cached_property
    def _watcher(self) -> kafka.KafkaConsumer:
        return kafka.KafkaConsumer(bootstrap_servers=self.settings.kafka)

    @cached_property
    def _places(self) -> list[kafka.TopicPartition]:
        numbers = {topic: self._watcher.partitions_for_topic(topic) or () for topic in sorted(_WATCHED)}
        return [kafka.TopicPartition(topic, number) for topic in numbers for number in numbers[topic]]

    def _complain(self) -> str:
        return self.logs()[-2000:]

    def logs(self) -> str:
        """Return all that the hub's processes have said."""
        files = [self.output, *sorted((self.settings.run_dir / "output").glob("*"))]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    # ------------------------------------------------------------------ out, read by kafka-python

    def said(self, topic: str) -> list[Any]:
        """Return every record that stands on `topic`, as kafka-python reads it."""
        if topic not in self._readers:
            self._readers[topic] = Reader(self.settings.kafka, topic)
        return self._readers[topic].all()

    def receipts(self) -> list[records.Receipt]:
        """Return every receipt, in each agency's order. One that a worker wrote again after a rebalance counts once."""
        topics = map(topology.receipts, agencies())
        said = dict.fromkeys(one.value for topic in topics for one in self.said(topic))
        return [records.decode_receipt(value) for value in said]

    def quarantine(self) -> dict[str, records.Quarantined]:
        """Return what is in quarantine, by id."""
        found = [records.decode_quarantined(one.value) for one in self.said(topology.QUARANTINE)]
        return {one.id: one for one in found}

    def quarantine_id(self, record: Any) -> str:
        """Return the id under which a record that stands on an inbound topic is put aside."""
        return self.tools.pseudonyms.mint("q", record.topic, str(record.partition), str(record.offset))

    def reviews(self) -> list[records.Review]:
        return [records.decode_review(one.value) for one in self.said(topology.REVIEW)]

    def alerts(self, only: str = "") -> list[Alert]:
        """Return every alert as last sent (to one subscriber), opened with its subscriber's private key."""
        latest: dict[str, Alert] = {}
        for subscriber in [only] if only else FIRST_SUBSCRIBERS:
            private = subscriber_private_key(self.settings, subscriber)
            for record in self.said(topology.alerts_to(subscriber)):
                alert = decode_alert(open_sealed(private, record.value, record.key))
                if alert.id not in latest or latest[alert.id].revision <= alert.revision:
                    latest[alert.id] = alert
        return list(latest.values())

    def decisions(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(one.value) for one in self.said(topology.DECISIONS)]


class Reader:
    """Every record of one topic, by a client that shares nothing with the hub; asked again, it reads on."""

    def __init__(self, address: str, topic: str) -> None:
        self._consumer = kafka.KafkaConsumer(
            bootstrap_servers=address, isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=50
        )
        numbers = sorted(self._consumer.partitions_for_topic(topic) or ())
        self._places = [kafka.TopicPartition(topic, number) for number in numbers]
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)
        self._found: list[Any] = []

    def all(self) -> list[Any]:
        """Return what stands on the topic now."""
        ends = self._consumer.end_offsets(self._places)
        while any(self._consumer.position(at) < ends[at] for at in self._places):
            for found in self._consumer.poll(200).values():
                self._found += found
        return list(self._found)

    def close(self) -> None:
        self._consumer.close()


_INBOUND = tuple(topology.inbound(agency) for agency in agencies())
_WORKED = {*_INBOUND, topology.IN_FORWARDED, topology.IDENTITY_QUEUE, topology.FAMILY_ITEMS}
_WORKED |= {topology.decisions_for(log) for log in bootstrap.LOGS}
_WATCHED = _WORKED | set(bootstrap.projected_topics(agencies()))
_NOT_PROJECTED = _WATCHED - set(bootstrap.projected_topics(agencies()))


def _until(what: str, seen: Callable[[], bool], seconds: float, otherwise: Callable[[], Any]) -> None:
    until = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < until, f"{what}: not within {seconds} s. {otherwise()}"
        time.sleep(_LOOK_SECONDS)
