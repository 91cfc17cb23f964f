"""What the hub needs from the outside, as protocols. Adapters in agents/adapters/ fulfil them; tests/contract/
runs one suite per port on each adapter. Only agents/bootstrap.py names an adapter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from schemas.ids import PersonId
from schemas.records import Record
from streams.outcome import Emit, NewKey


class KeyStore(Protocol):
    """Person keys, wrapped by the key-encryption key. Deleting one is final (SQL, apart from everything else)."""

    def store(self, keys: Sequence[NewKey]) -> None:
        """Wrap and store; durable on return. A (person, version) that exists is left as it is."""
        ...

    def data_key(self, person: PersonId, version: int | None = None) -> tuple[int, bytes]:
        """Return (version, key), the newest if `version` is None. Raises `Unsealable` when destroyed or unknown."""
        ...

    def destroy(self, person: PersonId) -> int:
        """Delete every key of `person`; return how many there were."""
        ...

    def names(self, prefix: str) -> list[PersonId]:
        """Return everyone, and everything, with a key whose name begins so."""
        ...


class Producer(Protocol):
    """Writes to Kafka. Nothing is done until `flush` says so."""

    def send(self, emits: Iterable[Emit]) -> None: ...

    def flush(self) -> None:
        """Wait until every record sent is acknowledged by the broker; raise `NotWritten` if one was not."""
        ...


class NotWritten(Exception):
    """The broker did not acknowledge. Nothing that depends on the write may happen."""


class Consumer(Protocol):
    """Reads topics outside the engine (projector, sequencer, directory replica, commands)."""

    def poll(self, most: int, seconds: float) -> list[Record]: ...

    def commit(self) -> None:
        """Commit the offsets of everything polled."""
        ...

    def close(self) -> None: ...


class Placed(msgspec.Struct, frozen=True):
    """Where the broker stored a record."""

    topic: str
    partition: int
    offset: int


class Clock(Protocol):
    def __call__(self) -> datetime: ...


class Entropy(Protocol):
    def __call__(self, size: int) -> bytes: ...
