"""Writes that only a partition's present owner can make.

A worker that slept past its session (SIGSTOP, a paused machine) wakes believing that it still owns its partitions. What
it then sends by id does no harm: every reader drops repeats. Its state would: it would stand behind the new owner's.
So a partition's state (and `people`) is written in transactions under a name that belongs to the partition. Taking
the partition over begins by claiming that name: Kafka ends the earlier owner's open transaction and refuses all it
sends from then on. No clock is involved.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

Row = tuple[str, int, bytes, bytes | None]
"""Topic, partition, key, value (None: the key is gone)."""

_CALL_SECONDS = 10.0
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class Fenced(Exception):
    """Another worker owns the partition now. Nothing more may be done for it here."""


class Writer(Protocol):
    """Writes rows durably, all or none, or raises `Fenced`. Waits for as long as the broker is away."""

    def write(self, rows: Sequence[Row]) -> int:
        """Return the offset of the last row. All rows of one call go to one partition each time they matter."""
        ...

    def close(self) -> None:
        """Write nothing more."""
        ...


class FencedWriter:
    """The writer on a real Kafka. `name` is the partition's transactional id; making it claims the partition."""

    def __init__(self, bootstrap: str, name: str, transaction_seconds: float = 30.0) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "transactional.id": name,
                "transaction.timeout.ms": int(transaction_seconds * 1000),
                "message.timeout.ms": int(transaction_seconds * 1000),
                "linger.ms": 0,
                "queue.buffering.max.messages": 200_000,
                "log_level": 0,
            }
        )
        self._lock = threading.Lock()
        self._closed = False
        self._last = -1
        self._insist(lambda: self._producer.init_transactions(_CALL_SECONDS))

    def write(self, rows: Sequence[Row]) -> int:
        with self._lock:
            for pause in _pauses():
                self._check()
                if self._transaction(rows):
                    return self._last
                time.sleep(pause)
        raise Fenced

    def close(self) -> None:
        self._closed = True

    def _transaction(self, rows: Sequence[Row]) -> bool:
        """Try once; False when the transaction was undone and is to be tried again."""
        try:
            self._producer.begin_transaction()
            for row in rows:
                self._produce(row)
            self._insist(lambda: self._producer.commit_transaction(_CALL_SECONDS))
        except KafkaException as wrong:
            if _lost(wrong.args[0]):
                raise Fenced from None
            self._undo()
            return False
        return True

    def _produce(self, row: Row) -> None:
        topic, partition, key, value = row
        while True:
            try:
                self._producer.produce(topic, value, key, partition=partition, on_delivery=self._landed)
            except BufferError:  # the queue is full: let deliveries make room
                self._producer.poll(0.1)
            else:
                return

    def _landed(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._last = message.offset() or 0

    def _undo(self) -> None:
        try:
            self._insist(lambda: self._producer.abort_transaction(_CALL_SECONDS))
        except KafkaException as wrong:
            if _lost(wrong.args[0]):
                raise Fenced from None
            raise

    def _insist(self, call: Callable[[], Any]) -> None:
        """Make a transactional call again for as long as its failure is one that passes."""
        for pause in _pauses():
            self._check()
            try:
                call()
            except KafkaException as wrong:
                error = wrong.args[0]
                if _lost(error):
                    raise Fenced from None
                if error.txn_requires_abort() or not error.retriable():
                    raise
                time.sleep(pause)
            else:
                return

    def _check(self) -> None:
        if self._closed:
            raise Fenced


class OpenWriter:
    """The writer on the embedded broker, which has one worker and no transactions worth the name: not fenced."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0, "log_level": 0})
        self._closed = False
        self._lock = threading.Lock()

    def write(self, rows: Sequence[Row]) -> int:
        with self._lock:
            for pause in _pauses():
                if self._closed:
                    break
                self._offsets: list[int] = []
                for topic, partition, key, value in rows:
                    self._producer.produce(topic, value, key, partition=partition, on_delivery=self._landed)
                    self._producer.poll(0)
                if not self._producer.flush(_CALL_SECONDS) and len(self._offsets) == len(rows):
                    return self._offsets[-1]
                time.sleep(pause)
        raise Fenced

    def _landed(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._offsets.append(message.offset() or 0)

    def close(self) -> None:
        self._closed = True


def _lost(error: KafkaError) -> bool:
    return bool(error.fatal()) or error.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED)


def _pauses() -> Any:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]
