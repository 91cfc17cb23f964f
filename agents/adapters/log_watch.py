"""How far the log is behind the decisions: where it is too far, nothing new is disclosed (design: fail closed).

Kafka's acknowledgement makes a decision durable; the sequencer makes it provable. A sequencer that stands still for
long is a hub that tells what it cannot prove yet.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress

from confluent_kafka import Consumer, KafkaException, TopicPartition

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 5.0


class LogWatch:
    """Looks each second, in a thread of its own, at what `group` has committed of `topic` (one partition)."""

    def __init__(self, bootstrap: str, group: str, topic: str, most_seconds: float) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )
        self._place = TopicPartition(topic, 0)
        self._most = most_seconds
        self._marks: deque[tuple[float, int]] = deque()  # when the topic ended where, oldest first
        self._looked = time.monotonic()
        threading.Thread(target=self._watch, name="log-watch", daemon=True).start()

    def keeps_up(self) -> bool:
        """Whether what was decided `most_seconds` ago is in the log, as far as anybody knows by now."""
        now = time.monotonic()
        oldest = min(self._marks[0][0], self._looked) if self._marks else self._looked
        return now - oldest <= self._most

    def _watch(self) -> None:
        while True:
            with suppress(KafkaException):  # not known: `_looked` grows old, and with it the lag
                self._look()
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> None:
        _, end = self._consumer.get_watermark_offsets(self._place, timeout=_ANSWER_SECONDS)
        done = self._consumer.committed([self._place], timeout=_ANSWER_SECONDS)[0].offset
        now = time.monotonic()
        if not self._marks or self._marks[-1][1] < end:
            self._marks.append((now, end))
        while self._marks and self._marks[0][1] <= max(done, 0):
            self._marks.popleft()
        self._looked = now
