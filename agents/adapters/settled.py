"""Whether all that was published has been worked through: what the stages committed, against the ends of topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, TopicPartition

from streams.topology import FAMILY_ITEMS, IDENTITY_QUEUE, IN_FORWARDED

Places = Mapping[tuple[str, int], int]
_SECONDS = 10.0


class Settled:
    """Asks the broker. `group` is the engine's; `projected` gives the projection's positions."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )

    def close(self) -> None:
        self._consumer.close()

    def behind(self) -> int:
        """How many records of the stages' topics wait for their stage."""
        committed = self._consumer.committed(self._places(self._is_stage), timeout=_SECONDS)
        return sum(max(0, self._end(place) - max(place.offset, 0)) for place in committed)

    def unprojected(self, positions: Places) -> int:
        """How many records of what the projection reads wait for it."""
        known = [TopicPartition(topic, number, at) for (topic, number), at in positions.items()]
        return sum(max(0, self._end(place) - place.offset) for place in known)

    def wait(self, seconds: float, positions: Callable[[], Places]) -> bool:
        """Return True when nothing waits, twice in a row (a stage's last outputs may make work for another)."""
        until, quiet = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            quiet = quiet + 1 if self.behind() == 0 and self.unprojected(positions()) == 0 else 0
            if quiet == 2:
                return True
            time.sleep(0.1)
        return False

    def _places(self, wanted: Callable[[str], bool]) -> list[TopicPartition]:
        topics = self._consumer.list_topics(timeout=_SECONDS).topics
        return [TopicPartition(name, n) for name, topic in topics.items() if wanted(name) for n in topic.partitions]

    def _end(self, place: TopicPartition) -> int:
        low, high = self._consumer.get_watermark_offsets(TopicPartition(place.topic, place.partition), timeout=_SECONDS)
        return int(high) if high > low else max(int(low), place.offset if place.offset > 0 else 0)

    @staticmethod
    def _is_stage(topic: str) -> bool:
        return topic.startswith("in.") or topic in (IDENTITY_QUEUE, FAMILY_ITEMS, IN_FORWARDED)
