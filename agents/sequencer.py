"""Gives decisions their place in the log: topic `decisions` (or `decisions.sealed`) → the log's files → `checkpoints`
(or `checkpoints.sealed`).

One step: read a batch → read the heads published meanwhile: one that is not this log's own past was signed by another
writer, and nothing is signed beside it → append the batch (repeats drop by decision id), on disk and signed → publish
the signed head → commit the offsets. After a kill in between, the batch is read again; what the log has already drops
as a repeat, and the head is published again. So no decision is skipped, none has two places, and no second history is
signed.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol

from msgspec import json

from agents.ports import Clock, Consumer, Producer
from consent.log.entry import LogEntry, head, salted, told
from schemas.errors import Refusal
from schemas.records import Record
from streams.outcome import Emit, place_of
from streams.topology import checkpoints_of


class Log(Protocol):
    """What the sequencer needs of a log (agents/adapters/log_files.py)."""

    head: bytes  # the signed checkpoint; empty after a failed append

    @property
    def origin(self) -> str: ...

    def agree(self, published: Iterable[bytes]) -> None:
        """Raise when one of these heads is of this log and not of its past."""
        ...

    def append(self, entries: list[LogEntry]) -> int:
        """Append and sign those that are new by id, what a register overtook as withheld; durable on return; return
        how many."""
        ...


class Sequencer:
    """The single sequencer of one log. Whoever runs it calls `step` again and again, in one thread."""

    def __init__(
        self,
        log: Log,
        consumer: Consumer,
        producer: Producer,
        clock: Clock,
        salt: Callable[[bytes], bytes],
        most: int = 10_000,
        published: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        """`consumer` reads the log's decisions topic only; `salt` gives the salt of an entry that has none, the same
        for the same bytes; `most` is how many decisions a step takes at once; `published` returns what came to the
        log's topic of heads since it was last asked, up to that topic's end."""
        self._log, self._consumer, self._producer = log, consumer, producer
        self._clock, self._salt, self._most, self._heads = clock, salt, most, published
        self._polled: list[Record] = []  # read, and not yet through
        self._batch: list[LogEntry] = []  # the same, as the log takes them
        self._published = b""
        self._in_log_until = datetime.min.replace(tzinfo=UTC)

    def step(self, seconds: float = 0.2) -> int:
        """Take one batch through, waiting up to `seconds` for it; return how many decisions the log gained.

        An exception (disk full, broker away, files tampered with) leaves the batch for the next step to take up.
        """
        asked = self._clock()
        if not self._polled:
            self._polled, self._batch = self._consumer.poll(self._most, seconds), []
        if not self._batch:
            self._batch = [self._entry(record) for record in self._polled]
        if self._batch:
            self._log.agree(self._heads())
        added = self._log.append(self._batch) if self._batch else 0
        self._publish()
        if self._polled:
            self._consumer.commit()
        self._in_log_until = _written(self._polled[-1]) if self._polled else asked
        self._polled = []
        return added

    def lag(self) -> float:
        """Return for how many seconds back a decision may stand in the topic and not in the log; at first unknown,
        which is years."""
        return max(0.0, (self._clock() - self._in_log_until).total_seconds())

    def _entry(self, record: Record) -> LogEntry:
        """Return the record as it goes into the log: byte by byte, so that the log can be made again from the topic.

        But for what a register overtook: the log's writer puts that in as withheld, judged by the topic alone.
        """
        body, place = record.value or b"", place_of(record)
        said = told(body) if place >= 0 else None
        if said is not None and salted(said.salt):
            return LogEntry(said.id, said.salt, body, said, place)
        try:
            read = head(body)
        except Refusal:
            # the hub never writes such a one: it is evidence, and must not hold up the decisions behind it
            name = f"unreadable.{sha256(body).hexdigest()}"
            return self._salted(body, {"id": name, "unreadable": b64encode(body).decode()})
        return LogEntry(read.id, read.salt, body) if salted(read.salt) else self._salted(body, json.decode(body))

    def _salted(self, body: bytes, entry: dict[str, Any]) -> LogEntry:
        salt = self._salt(body)
        return LogEntry(entry["id"], salt, json.encode({**entry, "salt": salt}))

    def _publish(self) -> None:
        if self._log.head == self._published:
            return
        self._producer.send([Emit(checkpoints_of(self._log.origin), self._log.origin, self._log.head)])
        self._producer.flush()
        self._published = self._log.head


def _written(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
