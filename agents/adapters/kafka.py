"""Reading and writing Kafka outside the engine, through confluent-kafka (librdkafka).

Keys are placed as the Java clients, aiokafka and Faust place them (murmur2), so every writer puts a family into the
same partition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import confluent_kafka
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from agents.ports import NotWritten
from schemas.errors import HearthError
from schemas.records import Record
from streams.outcome import Emit

LARGEST_RECORD = 2_097_152  # bytes of a record that the hub writes
_FLUSH_SECONDS = 60.0
_METADATA_SECONDS = 15.0
_PASSING = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)


class Unreadable(HearthError):
    """Kafka refused to be read: a topic or group that does not exist, or may not be read."""


class KafkaProducer:
    """The producer port. Idempotent: a retry inside the client is stored once, and the order of a partition kept."""

    def __init__(
        self, bootstrap: str, linger_ms: int = 5, compression: str = "lz4", patience: float = _FLUSH_SECONDS
    ) -> None:
        self._failed: list[str] = []
        self._producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": linger_ms,
                "compression.type": compression,
                "partitioner": "murmur2_random",
                "batch.size": 262_144,
                "queue.buffering.max.messages": 200_000,
                "message.max.bytes": LARGEST_RECORD,
                "message.timeout.ms": int(min(patience, _FLUSH_SECONDS) * 1000),  # then the client gives it up
                "topic.metadata.propagation.max.ms": 10_000,
                # success is known by the queue being empty; only failures cost a call each
                "delivery.report.only.error": True,
                "log_level": 0,
            }
        )

    def send(self, emits: Iterable[Emit]) -> None:
        """Queue records for writing; nothing is promised until `flush`."""
        for emit in emits:
            self._queue(emit.topic, emit.key.encode(), emit.value, list(emit.headers), emit.partition)

    def send_records(self, records: Iterable[Record]) -> None:
        """Queue records as they are; one whose partition is -1 goes where its key says."""
        for record in records:
            partition = None if record.partition < 0 else record.partition
            self._queue(record.topic, record.key, record.value, list(record.headers), partition)

    def flush(self) -> None:
        """Wait until all is acknowledged. Raises NotWritten, naming topics only, if one record was not."""
        left = self._producer.flush(_FLUSH_SECONDS)
        failed, self._failed = self._failed, []
        if left or failed:
            raise NotWritten(f"{len(failed) + left} records not acknowledged: {', '.join(sorted(set(failed))[:5])}")

    def reachable(self) -> bool:
        """Tell whether a broker answers within two seconds."""
        try:
            return bool(self._producer.list_topics(timeout=2.0).brokers)
        except KafkaException:
            return False

    def _queue(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], at: int | None
    ) -> None:
        placed = {} if at is None else {"partition": at}
        while True:
            try:
                self._producer.produce(topic, value, key, headers=headers, on_delivery=self._not_delivered, **placed)
            except BufferError:  # the queue is full: let deliveries make room
                self._producer.poll(0.1)
            except KafkaException as wrong:
                raise NotWritten(f"{topic}: {wrong.args[0].name()}") from None
            else:
                return

    def _not_delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed.append(f"{message.topic()} ({error.name()})")


class KafkaConsumer:
    """The consumer port. With a `group`: shared and committed. Without: every partition, from `start` on.

    `start` gives the first offset per (topic, partition); what it does not name is read from the beginning, or from
    the end when `from_end`.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Sequence[str],
        group: str | None = None,
        start: Mapping[tuple[str, int], int] | None = None,
        from_end: bool = False,
        session_timeout: float = 6.0,
    ) -> None:
        self._topics, self._ends = tuple(topics), Ends(bootstrap, topics)
        self._consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group or "hearth.unshared",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "latest" if from_end else "earliest",
                "session.timeout.ms": int(session_timeout * 1000),
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 65_536,
                "log_level": 0,
            }
        )
        self._polled: dict[tuple[str, int], int] = {}
        self.reached: dict[tuple[str, int], int] = {}
        """The next offset to be read of each partition that was read, past holes that compaction left."""
        if group:
            self._consumer.subscribe(list(topics))
        else:
            first = OFFSET_END if from_end else OFFSET_BEGINNING
            begun = start or {}
            self._consumer.assign([TopicPartition(*at, begun.get(at, first)) for at in self.partitions()])

    def poll(self, most: int, seconds: float) -> list[Record]:
        """Return up to `most` records; as soon as there is one, at the latest after `seconds`."""
        messages = self._consumer.consume(1, seconds)
        if messages and most > 1:
            messages += self._consumer.consume(most - 1, 0)
        records = []
        for message in messages:  # in order: an end that is told behind a record lies behind it, past what is none
            if self._holds_record(message):
                record = _record(message)
                records.append(record)
                at = record.topic, record.partition
                self._polled[at] = self.reached[at] = record.offset + 1
        return records

    def commit(self) -> None:
        """Commit the offsets behind everything polled. Raises Unreadable when the broker refuses."""
        if not self._polled:
            return
        offsets = [TopicPartition(*at, offset) for at, offset in self._polled.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as wrong:
            raise Unreadable(f"commit: {wrong.args[0].name()}") from None
        self._polled.clear()

    def partitions(self) -> list[tuple[str, int]]:
        """Return every (topic, partition) of the topics. Raises Unreadable for a topic that does not exist."""
        return _partitions(self._consumer, self._topics)

    def end_offsets(self) -> dict[tuple[str, int], int]:
        """Return the offset behind what stands on each partition."""
        return self._ends()

    def close(self) -> None:
        self._consumer.close()

    def _holds_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF:
            self.reached[(message.topic(), message.partition())] = message.offset()
        elif error.code() not in _PASSING and not error.retriable():
            raise Unreadable(f"{message.topic() or 'consumer'}: {error.name()}")
        return False


class Ends:
    """Asks where topics end: for each partition, the offset behind what stands there.

    What an open transaction wrote does not stand there yet: nobody waits for a worker that died within one.
    Asked apart from any consumer: on a consumer's own connection each answer waits behind a fetch.
    """

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        self._bootstrap, self._topics = bootstrap, tuple(topics)

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})

    def __call__(self) -> dict[tuple[str, int], int]:
        places = [TopicPartition(*at) for at in _partitions(self._admin, self._topics)]
        asked = self._admin.list_offsets(
            dict.fromkeys(places, OffsetSpec.latest()),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=_METADATA_SECONDS,
        )
        try:
            return {(at.topic, at.partition): said.result().offset for at, said in asked.items()}
        except KafkaException as wrong:
            raise Unreadable(f"{', '.join(self._topics)}: {wrong.args[0].name()}") from None


def _partitions(client: confluent_kafka.Consumer | AdminClient, topics: Sequence[str]) -> list[tuple[str, int]]:
    until = time.monotonic() + _METADATA_SECONDS
    while True:
        found = {topic: _partitions_of(client, topic) for topic in topics}
        missing = [topic for topic, partitions in found.items() if not partitions]
        if not missing:
            return [(topic, number) for topic, partitions in found.items() for number in sorted(partitions)]
        if time.monotonic() > until:
            raise Unreadable(f"no such topic: {', '.join(missing)}")
        time.sleep(0.2)


def _partitions_of(client: confluent_kafka.Consumer | AdminClient, topic: str) -> list[int]:
    try:
        said = client.list_topics(topic, timeout=_METADATA_SECONDS).topics.get(topic)
    except KafkaException as wrong:
        raise Unreadable(f"{topic}: {wrong.args[0].name()}") from None
    return [] if said is None or said.error else list(said.partitions)


def read_all(consumer: KafkaConsumer, apply: Callable[[list[Record]], None], most: int = 5000) -> int:
    """Read what stands on an unshared consumer's topics now, to the end; return how many records there were."""
    ends = {at: end for at, end in consumer.end_offsets().items() if end > 0}
    count = 0
    while any(consumer.reached.get(at, 0) < end for at, end in ends.items()):
        records = consumer.poll(most, 0.5)
        apply(records)
        count += len(records)
    return count


def _record(message: Message) -> Record:
    headers = tuple((name, value or b"") for name, value in message.headers() or ())
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    return Record(topic, message.key(), message.value(), headers, partition, offset, message.timestamp()[1])
