"""The producer and consumer ports, on both brokers and in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import confluent_kafka
import pytest
from kafka import KafkaConsumer as IndependentConsumer
from kafka.partitioner.default import murmur2

from agents.adapters.fence import FencedWriter
from agents.adapters.kafka import Ends, KafkaConsumer, KafkaProducer, Unreadable, read_all
from agents.adapters.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from agents.ports import Consumer, NotWritten, Producer
from schemas.records import Record
from streams.outcome import Emit
from tests.conftest import make_topic


class Port(NamedTuple):
    producer: Callable[[], Producer]
    consumer: Callable[..., Consumer]
    topic: Callable[..., str]


@pytest.fixture(params=["memory", "embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def port(request: pytest.FixtureRequest) -> Port:
    """The two ports on each of their adapters."""
    if request.param == "memory":
        return _in_memory()
    broker = request.getfixturevalue(request.param)
    return _on_kafka(broker)


def _in_memory() -> Port:
    partitions: dict[str, int] = {}
    broker = MemoryBroker(partitions)

    def topic(count: int = 1) -> str:
        name = f"t{len(broker._partitions) + 1}"
        broker._partitions[name] = count
        return name

    return Port(
        lambda: MemoryProducer(broker), lambda topics, group="": MemoryConsumer(broker, topics, group), topic
    )


def _on_kafka(broker: Any) -> Port:
    return Port(
        lambda: KafkaProducer(broker.bootstrap),
        lambda topics, group="": KafkaConsumer(broker.bootstrap, topics, group or None),
        lambda count=1: make_topic(broker, count),
    )


def collect(consumer: Consumer, count: int) -> list[Record]:
    """Poll until `count` records came, or 20 seconds went by: joining a group again takes a session or two."""
    found: list[Record] = []
    until = time.monotonic() + 20
    while len(found) < count and time.monotonic() < until:
        found += consumer.poll(1000, 0.2)
    return found


def test_what_was_flushed_is_read_back_whole_and_in_order(port: Port) -> None:
    """Key, value, headers and the order within a partition are kept."""
    topic, producer = port.topic(), port.producer()
    emits = [Emit(topic, f"k{n}", f"v{n}".encode(), (("ce_id", b"7"),)) for n in range(500)]
    producer.send(emits)
    producer.flush()
    found = collect(port.consumer([topic]), 500)
    assert [(r.key, r.value, r.headers) for r in found] == [(e.key.encode(), e.value, e.headers) for e in emits]
    assert [r.offset for r in found] == list(range(500))


def test_one_key_always_goes_to_one_partition_and_a_named_partition_is_obeyed(port: Port) -> None:
    """A family's records stay together; a tick goes where it is told."""
    topic, producer = port.topic(4), port.producer()
    producer.send([Emit(topic, f"k{n % 20}", b"v") for n in range(200)])
    producer.send([Emit(topic, "tick", b"t", partition=number) for number in range(4)])
    producer.flush()
    found = collect(port.consumer([topic]), 204)
    places: dict[bytes, set[int]] = {}
    for record in found:
        places.setdefault(record.key or b"", set()).add(record.partition)
    assert places.pop(b"tick") == {0, 1, 2, 3}
    assert len(places) == 20
    assert all(len(numbers) == 1 for numbers in places.values())


def test_a_new_consumer_of_a_group_starts_behind_the_last_commit(port: Port) -> None:
    """What was polled and not committed comes again; what was committed does not."""
    topic, producer = port.topic(), port.producer()
    producer.send([Emit(topic, "k", str(n).encode()) for n in range(10)])
    producer.flush()
    first = port.consumer([topic], f"group-{topic}")
    assert len(collect(first, 10)) == 10
    first.close()
    second = port.consumer([topic], f"group-{topic}")
    assert len(collect(second, 10)) == 10
    second.commit()
    producer.send([Emit(topic, "k", b"new")])
    producer.flush()
    second.close()
    assert [record.value for record in collect(port.consumer([topic], f"group-{topic}"), 1)] == [b"new"]


def test_a_poll_of_an_empty_topic_comes_back_empty(port: Port) -> None:
    """Nothing to read is an answer, not an error."""
    topic = port.topic()
    assert port.consumer([topic]).poll(10, 0.2) == []


def test_nothing_is_written_when_the_broker_does_not_acknowledge() -> None:
    """Flush raises; what was sent is forgotten, and is not written later by itself."""
    broker = MemoryBroker()
    producer = MemoryProducer(broker)
    broker.up = False
    producer.send([Emit("t", "k", b"v")])
    with pytest.raises(NotWritten):
        producer.flush()
    broker.up = True
    producer.flush()
    assert broker.records("t") == []


@pytest.mark.kafka
def test_a_write_that_kafka_refuses_is_raised_and_tells_no_content(kafka: Any) -> None:
    """A topic that nobody made: NotWritten names it; neither key nor value is in the text."""
    producer = KafkaProducer(kafka.bootstrap)
    producer.send([Emit("nobody.made.this", "secret-key", b"secret-value")])
    with pytest.raises(NotWritten) as told:
        producer.flush()
    assert "nobody.made.this" in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.kafka
def test_keys_are_placed_where_stock_clients_place_them(kafka: Any) -> None:
    """kafka-python's own murmur2 gives the same partition for every key: a publisher's events meet ours."""
    topic = make_topic(kafka, 4)
    producer = KafkaProducer(kafka.bootstrap)
    producer.send([Emit(topic, f"f_{n}", b"v") for n in range(100)])
    producer.flush()
    reader = IndependentConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=8000
    )
    found = [next(reader) for _ in range(100)]
    reader.close()
    assert all(record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 4 for record in found)


def test_reading_from_no_broker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that cannot reach its topic ends with an error that names it, and does not wait for ever."""
    monkeypatch.setattr("agents.adapters.kafka._METADATA_SECONDS", 1.0)
    with pytest.raises(Unreadable, match="nowhere"):
        KafkaConsumer("127.0.0.1:1", ["nowhere"])


def test_read_all_ends_at_what_stood_there(embedded: Any) -> None:
    """Reading to the end ends, on an empty topic too, and reads each record once."""
    topic, empty = make_topic(embedded, 3), make_topic(embedded, 1)
    producer = KafkaProducer(embedded.bootstrap)
    producer.send([Emit(topic, f"k{n}", b"v") for n in range(1000)])
    producer.flush()
    found: list[Record] = []
    consumer = KafkaConsumer(embedded.bootstrap, [topic, empty])
    assert read_all(consumer, found.extend) == 1000
    assert len({(record.partition, record.offset) for record in found}) == 1000
    consumer.close()


@pytest.mark.kafka
def test_what_an_open_transaction_wrote_is_not_waited_for(kafka: Any) -> None:
    """A worker that died within one leaves it open for half a minute: until it is committed the topic ends before."""
    topic = make_topic(kafka)
    writer = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "open"})
    writer.init_transactions(20)
    writer.begin_transaction()
    writer.produce(topic, b"not yet")
    assert writer.flush(20) == 0
    ends = Ends(kafka.bootstrap, [topic])
    assert ends() == {(topic, 0): 0}
    writer.commit_transaction(20)
    until = time.monotonic() + 20
    while ends() != {(topic, 0): 2}:  # the record, and the mark behind it
        assert time.monotonic() < until


@pytest.mark.kafka
def test_the_end_behind_a_transaction_is_reached(kafka: Any) -> None:
    """The mark that ends a transaction takes an offset and is no record: who waits for the end must not wait for it."""
    topic = make_topic(kafka)
    writer = FencedWriter(kafka.bootstrap, "the-end")
    consumer, found = KafkaConsumer(kafka.bootstrap, [topic]), list[Record]()
    try:
        for values, end in ((b"1", b"2"), 3), ((b"3",), 5):
            writer.write([(topic, 0, b"k", value) for value in values])
            until = time.monotonic() + 20
            while consumer.end_offsets() != {(topic, 0): end}:  # the mark is written after the writer was answered
                assert time.monotonic() < until
            assert read_all(consumer, found.extend) == len(values)
            assert consumer.reached == {(topic, 0): end}
    finally:
        consumer.close()
    assert [record.value for record in found] == [b"1", b"2", b"3"]
