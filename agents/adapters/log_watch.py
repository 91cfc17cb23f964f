"""How far the log is behind the decisions: where it is too far, nothing new is disclosed (design: fail closed).

Kafka's acknowledgement makes a decision durable; the sequencer makes it provable. A sequencer that stands still for
long is a hub that tells what it cannot prove yet. A command lives for seconds: it knows how old the backlog is by the
time at which the first decision of it was written.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from weakref import ref

from confluent_kafka import Consumer, KafkaException, TopicPartition

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
_FIRST_ANSWER_SECONDS = 15.0


class LogWatch:
    """Looks each second, in a thread of its own, at what `group` has committed of `topic` (one partition).

    The thread and its client end soon after nobody holds the watch any more.
    """

    def __init__(self, bootstrap: str, group: str, topic: str, most_seconds: float) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )
        self._place = TopicPartition(topic, 0)
        self._most = most_seconds
        self._marks: deque[tuple[float, int]] = deque()  # when the topic ended where, oldest first
        self._looked = 0.0
        self._answered = threading.Event()
        threading.Thread(target=_watch, args=(ref(self),), name="log-watch", daemon=True).start()

    def keeps_up(self) -> bool:
        """Whether what was decided `most_seconds` ago is in the log, as far as anybody knows by now.

        The first time it waits until it is known: at most for a quarter of a minute.
        """
        if not self._answered.wait(_FIRST_ANSWER_SECONDS):
            return False
        oldest = min(self._marks[0][0], self._looked) if self._marks else self._looked
        return time.monotonic() - oldest <= self._most

    def look(self) -> None:
        """Ask the broker once. Raises KafkaException where it does not answer: what is known then grows old."""
        first, end = self._consumer.get_watermark_offsets(self._place, timeout=_ANSWER_SECONDS)
        done = max(self._consumer.committed([self._place], timeout=_ANSWER_SECONDS)[0].offset, first)
        if not self._answered.is_set() and done < end:
            self._marks.append((time.monotonic() - self._age(done), end))
        now = time.monotonic()
        if not self._marks or self._marks[-1][1] < end:
            self._marks.append((now, end))
        while self._marks and self._marks[0][1] <= done:
            self._marks.popleft()
        self._looked = now
        self._answered.set()

    def _age(self, offset: int) -> float:
        """Return how many seconds ago the record at `offset` was written. Raises KafkaException if it does not come."""
        self._consumer.assign([TopicPartition(self._place.topic, 0, offset)])
        message = self._consumer.poll(_ANSWER_SECONDS)
        self._consumer.unassign()
        if message is None or message.error() is not None:
            raise KafkaException("the oldest decision that is not in the log could not be read")
        return max(0.0, time.time() - message.timestamp()[1] / 1000)


def _watch(watched: ref[LogWatch]) -> None:
    while (watch := watched()) is not None:
        with suppress(KafkaException):
            watch.look()
        del watch
        time.sleep(_LOOK_SECONDS)
