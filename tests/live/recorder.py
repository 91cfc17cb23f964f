"""What stands on Kafka, read by a client that shares nothing with the hub: kafka-python."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError


class Recorder:
    """Reads topics and groups of one broker. Committed records only, as every reader of the hub does."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def all(self, topic: str) -> list[Any]:
        """Return every committed record of `topic`, each partition in order."""
        consumer = self._consumer()
        try:
            partitions = _partitions(consumer, topic)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            records: list[Any] = []
            while any(consumer.position(at) < ends[at] for at in partitions):
                for found in consumer.poll(500).values():
                    records += found
            return records
        finally:
            consumer.close()

    def lag(self, group: str, topic: str) -> int:
        """Return how many records of `topic` the group has not committed; -1 when the broker did not say."""
        consumer = self._consumer(group_id=group)
        try:
            partitions = _partitions(consumer, topic)
            ends = consumer.end_offsets(partitions)
            return sum(ends[at] - (consumer.committed(at) or 0) for at in partitions)
        except KafkaError:
            return -1
        finally:
            consumer.close()

    def _consumer(self, **more: Any) -> KafkaConsumer:
        return KafkaConsumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed", enable_auto_commit=False,
            auto_offset_reset="earliest", **more,
        )  # fmt: skip


def _partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
