"""A partition while one worker owns it: state, writer, and the batches that wait to be acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
Row = tuple[str, int, bytes, bytes | None]
"""Topic, partition, key, value (None: the key is gone)."""


class Lost(Exception):
    """This worker no longer owns the partition: its batch is dropped, unacknowledged, for the new owner to do."""


class Writer(Protocol):
    def write(self, rows: Sequence[Row]) -> int: ...

    def close(self) -> None: ...


class StageState(Protocol[T]):
    """A partition's state as the runner handles it (agents/adapters/faust_state.py)."""

    def get(self, key: str) -> T | None: ...
    def put(self, key: str, value: T) -> None: ...
    def keys(self) -> Iterable[str]: ...
    def keep(self) -> None: ...
    def discard(self) -> None: ...
    def done(self) -> None: ...
    def undone(self) -> None: ...
    @property
    def unwritten(self) -> int: ...
    def leave(self) -> dict[bytes, bytes]: ...
    def landed(self, offset: int) -> None: ...


class Owned(Generic[T]):
    """A partition while this worker owns it: its state, its writer, and who waits to be acknowledged."""

    def __init__(self, state: StageState[T], writer: Writer, changelog: str) -> None:
        self.state = state
        self.writer = writer
        self.changelog = changelog
        self.number = 0
        self.waiting: list[Callable[[], None]] = []
        self.lock = threading.Lock()  # the cut between two checkpoints
        self.writing = threading.Lock()  # one checkpoint at a time
        self.closed = False

    def close(self) -> None:
        """Give the partition up: nothing of it is written or acknowledged any more."""
        with self.lock:
            self.closed = True
            self.waiting = []
        self.writer.close()

    def write(self, rows: Sequence[Row], fenced_out: tuple[type[Exception], ...]) -> int:
        """Write durably as the owner. Raises `Lost`, and gives the partition up, when it has another one."""
        try:
            return self.writer.write(rows)
        except fenced_out:
            self.close()
            raise Lost from None

    def checkpoint(self, fenced_out: tuple[type[Exception], ...], boundary: Callable[[str], None]) -> None:
        """Write the state of the finished batches to the changelog, then to the table, then acknowledge them."""
        with self.writing:
            with self.lock:
                waiting, self.waiting = self.waiting, []
                rows = self.state.leave() if waiting else {}
            if rows:
                named = [(self.changelog, self.number, key, raw) for key, raw in rows.items()]
                offset = self.write(named, fenced_out)
                with self.lock:
                    if self.closed:
                        raise Lost
                    self.state.landed(offset)
            if waiting:
                boundary("changelog")
            for done in waiting:
                done()
