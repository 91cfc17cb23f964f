"""The hub's topics on a real Kafka, looked at with kafka-python."""

from __future__ import annotations

import time

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from agents.adapters.kafka import KafkaConsumer, KafkaProducer
from agents.adapters.topics import Topic, changelog, ensure, hub_topics
from deploy.kafka.broker import Broker
from schemas.errors import Misconfigured
from streams import topology
from streams.outcome import Emit

pytestmark = pytest.mark.kafka
TOPICS = [*hub_topics(["school", "health"], ["duty"], 4), changelog("hearth-family-changelog", 4)]


@pytest.fixture(scope="module")
def made(kafka: Broker) -> list[str]:
    return ensure(kafka.bootstrap, TOPICS)


def config_of(kafka: Broker, topic: str) -> dict[str, str]:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        admin.close()
    return {name: str(said["value"]) for name, said in answer["topic"][topic].items()}


def test_every_topic_is_made_once(kafka: Broker, made: list[str]) -> None:
    """A second start makes nothing; partitions are as told."""
    assert sorted(made) == sorted(topic.name for topic in TOPICS)
    assert ensure(kafka.bootstrap, TOPICS) == []
    consumer = KafkaConsumer(kafka.bootstrap, [topic.name for topic in TOPICS])
    for topic in TOPICS:
        assert sum(name == topic.name for name, _ in consumer.partitions()) == topic.partitions
    consumer.close()


def test_another_number_of_partitions_is_refused(kafka: Broker, made: list[str]) -> None:
    """Keys would change partition, and a family's state would be in two places."""
    with pytest.raises(Misconfigured, match="has 4 partitions and HEARTH_PARTITIONS asks for 8"):
        ensure(kafka.bootstrap, hub_topics(["school", "health"], ["duty"], 8))


@pytest.mark.parametrize(
    ("topic", "name", "value"),
    [
        (topology.inbound("school"), "message.timestamp.type", "LogAppendTime"),
        (topology.inbound("school"), "retention.ms", str(7 * 86_400_000)),
        (topology.IDENTITY_QUEUE, "retention.ms", str(7 * 86_400_000)),
        (topology.PEOPLE, "cleanup.policy", "compact"),
        (topology.PEOPLE, "max.compaction.lag.ms", str(7 * 86_400_000)),
        (topology.inbound("school"), "segment.ms", str(86_400_000)),
        (topology.IDENTITY_QUEUE, "segment.ms", str(86_400_000)),
        ("hearth-family-changelog", "cleanup.policy", "compact"),
        (topology.FAMILY_ITEMS, "retention.ms", "-1"),
        (topology.DECISIONS, "retention.ms", "-1"),
        (topology.receipts("school"), "compression.type", "uncompressed"),
        (topology.alerts_to("duty"), "compression.type", "uncompressed"),
    ],
)
def test_each_topic_keeps_what_it_must(kafka: Broker, made: list[str], topic: str, name: str, value: str) -> None:
    """Plaintext for days, the record for good, people compacted, what others read in no codec that they may lack."""
    assert config_of(kafka, topic)[name] == value


def test_nobody_can_backdate_what_the_hub_receives(kafka: Broker, made: list[str]) -> None:
    """`received_at` is the broker's time, whatever the publisher's clock says."""
    producer = KafkaProducer(kafka.bootstrap)
    before = time.time() * 1000 - 2000
    producer._producer.produce(topology.inbound("health"), b"v", b"k", timestamp=1)
    producer.send([Emit(topology.inbound("health"), "k", b"v")])
    producer.flush()
    consumer = KafkaConsumer(kafka.bootstrap, [topology.inbound("health")])
    found = []
    while len(found) < 2:
        found += consumer.poll(10, 1.0)
    consumer.close()
    assert all(record.timestamp > before for record in found)


def test_a_topic_of_one_name_never_means_two_things() -> None:
    """Names are unique."""
    names = [topic.name for topic in TOPICS]
    assert len(names) == len(set(names))
    assert all(isinstance(topic, Topic) for topic in TOPICS)
