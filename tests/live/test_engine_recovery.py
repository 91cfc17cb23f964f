"""State comes back from Kafka alone, a graceful stop repeats nothing, and the embedded broker carries the engine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.adapters.embedded import Embedded
from agents.adapters.faust_state import value_of
from agents.adapters.kafka import KafkaConsumer, KafkaProducer, read_all
from agents.adapters.topics import Topic, changelog, ensure
from deploy.kafka.broker import start
from streams.outcome import Emit
from streams.topology import DECISIONS, PEOPLE, QUARANTINE
from tests.live.engine_job import CODER, EVENTS, EVERY, OUTPUTS, PARTITIONS, Account, expected, make
from tests.live.processes import Worker, wait_for

CHANGELOG = "job-accounts-changelog"
ACCOUNTS = 200
TOPICS = [
    Topic(EVENTS, PARTITIONS), Topic(OUTPUTS, PARTITIONS), Topic(DECISIONS, 1), Topic(PEOPLE, 1), Topic(QUARANTINE, 1),
    changelog(CHANGELOG, PARTITIONS),
]  # fmt: skip


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    running = start(tmp_path_factory.mktemp("kafka"))
    yield running.bootstrap
    running.stop()


@pytest.fixture
def embedded() -> Iterator[str]:
    running = Embedded(TOPICS)
    yield running.bootstrap
    running.close()


class Job:
    """The proving job on one broker: send, wait, look."""

    def __init__(self, bootstrap: str, directory: Path, **environ: str) -> None:
        self.worker = Worker("tests.live.engine_worker", [bootstrap], directory, environ)
        self._bootstrap = bootstrap
        self._sent = 0

    def send(self, count: int) -> None:
        producer = KafkaProducer(self._bootstrap, compression="none")
        events = [make(number, ACCOUNTS) for number in range(self._sent, self._sent + count)]
        producer.send([Emit(EVENTS, event.account, msgspec.json.encode(event)) for event in events])
        producer.flush()
        self._sent += count

    def read(self, topic: str) -> list[Any]:
        consumer = KafkaConsumer(self._bootstrap, [topic])
        try:
            records: list[Any] = []
            read_all(consumer, records.extend)
            return records
        finally:
            consumer.close()

    def accounts(self) -> dict[str, Account]:
        return {record.key.decode(): CODER.decode(value_of(record.value)[1]) for record in self.read(CHANGELOG)}

    def done(self) -> bool:
        """Tell whether every account holds all that was sent."""
        return self.accounts() == expected(make(number, ACCOUNTS) for number in range(self._sent))

    @property
    def due(self) -> list[int]:
        return list(range(0, self._sent, EVERY))


def _fresh(bootstrap: str) -> None:
    from kafka.admin import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    names = {topic.name for topic in TOPICS} & set(admin.list_topics())
    for name in names:
        admin.delete_topics([name])
    wait_for("topics gone", lambda: not names & set(admin.list_topics()), 20)
    admin.close()
    ensure(bootstrap, TOPICS)


@pytest.mark.kafka
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("store", "forget"), [("rocksdb", False), ("rocksdb", True), ("memory", True)])
def test_state_comes_back_from_kafka_with_the_old_disk_an_empty_one_or_none(
    kafka: str, tmp_path: Path, store: str, forget: bool
) -> None:
    """After a SIGKILL the next events fold onto the state that was there."""
    _fresh(kafka)
    job = Job(kafka, tmp_path / "w", JOB_STORE=store)
    try:
        job.send(2000)
        job.worker.start()
        wait_for("first half folded", job.done, 90)
        job.worker.signal(signal.SIGKILL)
        wait_for("dead", lambda: not job.worker.alive, 10)
        job.worker.start(forget=forget)
        job.send(2000)
        wait_for("second half folded", job.done, 90)
        assert sorted({int(record.value) for record in job.read(OUTPUTS)}) == job.due
    finally:
        job.worker.stop()


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_graceful_stop_repeats_nothing(kafka: str, tmp_path: Path) -> None:
    """SIGTERM finishes the batch in hand, writes its state and commits: the next worker says nothing twice."""
    _fresh(kafka)
    job = Job(kafka, tmp_path / "w")
    try:
        job.send(20_000)
        job.worker.start()
        wait_for("work begun", lambda: job.read(OUTPUTS), 60)
        assert job.worker.stop() is not None, "the worker had to be killed"
        job.worker.start()
        wait_for("all folded", job.done, 90)
        assert sorted(int(record.value) for record in job.read(OUTPUTS)) == job.due
    finally:
        job.worker.stop()


@pytest.mark.timeout(120)
def test_the_embedded_broker_carries_the_engine_for_trying_out(embedded: str, tmp_path: Path) -> None:
    """No Java, no transactions, one worker: outputs and state are exact."""
    job = Job(embedded, tmp_path / "w", JOB_STORE=os.environ.get("HEARTH_STORE", "memory"), JOB_BROKER="embedded")
    try:
        job.send(3000)
        job.worker.start()
        wait_for("all folded", job.done, 60)
        assert sorted(int(record.value) for record in job.read(OUTPUTS)) == job.due
    finally:
        job.worker.stop()
