"""Kafka's part in memory: topics, partitions, consumer groups with committed offsets. For tests and for trying out.

It keeps what the ports promise (nothing is written until `flush`, a new consumer of a group starts behind the last
commit) and nothing that a broker adds: no retention, no rebalance. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

from agents.ports import NotWritten
from schemas.records import Record
from streams.outcome import Emit


class MemoryBroker:
    """Holds topics as lists of records, partition by partition."""

    def __init__(self, partitions: Mapping[str, int] | None = None, default_partitions: int = 1) -> None:
        """`partitions` gives the number of partitions of the topics that have other than `default_partitions`."""
        self._partitions, self._default = dict(partitions or {}), default_partitions
        self._topics: dict[str, list[list[Record]]] = {}
        self._committed: dict[tuple[str, str], list[int]] = {}
        self.up = True  # set False and nothing is acknowledged
        self.now = 0  # milliseconds since 1970: the timestamp of what is written

    def topic(self, name: str) -> list[list[Record]]:
        """Return the topic's partitions, made on first use."""
        count = self._partitions.get(name, self._default)
        return self._topics.setdefault(name, [[] for _ in range(count)])

    def records(self, topic: str) -> list[Record]:
        """Return everything in a topic, partition after partition."""
        return [record for partition in self.topic(topic) for record in partition]

    def write(self, emit: Emit) -> Record:
        """Append one record and return it as stored. An Emit always has a value: no tombstones here."""
        partitions, key = self.topic(emit.topic), emit.key.encode()
        number = crc32(key) % len(partitions) if emit.partition is None else emit.partition
        offset = len(partitions[number])
        record = Record(emit.topic, key, emit.value, emit.headers, number, offset, self.now)
        partitions[number].append(record)
        return record

    def committed(self, group: str, topic: str) -> list[int]:
        """Return the group's next offset in each partition of `topic`."""
        return list(self._committed.get((group, topic), [0] * len(self.topic(topic))))

    def commit(self, group: str, topic: str, offsets: Sequence[int]) -> None:
        """Store the group's next offsets."""
        self._committed[group, topic] = list(offsets)


class MemoryProducer:
    """The `Producer` port over a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._sent: list[Emit] = []

    def send(self, emits: Iterable[Emit]) -> None:
        """Take records; `flush` writes them."""
        self._sent += emits

    def flush(self) -> None:
        """Write everything sent. Raises `NotWritten`, and forgets what was sent, when the broker is not up."""
        sent, self._sent = self._sent, []
        if not self._broker.up:
            raise NotWritten(f"{len(sent)} records were not acknowledged")
        for emit in sent:
            self._broker.write(emit)


class MemoryConsumer:
    """The `Consumer` port over a `MemoryBroker`. A consumer without a group reads all from the start."""

    def __init__(self, broker: MemoryBroker, topics: Sequence[str], group: str = "") -> None:
        self._broker, self._group = broker, group
        self._next = {topic: broker.committed(group, topic) for topic in topics}

    def poll(self, most: int, seconds: float) -> list[Record]:  # noqa: ARG002 what is there is there at once
        """Return up to `most` records behind those polled before, each partition in order."""
        polled: list[Record] = []
        for topic, offsets in self._next.items():
            for number, partition in enumerate(self._broker.topic(topic)):
                taken = partition[offsets[number] : offsets[number] + most - len(polled)]
                offsets[number] += len(taken)
                polled += taken
        return polled

    def commit(self) -> None:
        """Commit the offsets of everything polled. Without a group there is nothing to commit to."""
        if self._group:
            for topic, offsets in self._next.items():
                self._broker.commit(self._group, topic, offsets)

    def close(self) -> None:
        """Nothing is held open."""
