"""A partition's state: live objects above a table's raw values, written back once per key and batch.

Five layers, newest first, each a mapping of keys to encoded values:

    step     what the records being tried put; dropped when the stage raises
    batch    what this batch's steps put so far
    waiting  batches whose outputs are written, and whose state is not in the changelog yet
    leaving  what is being written to the changelog now
    store    the table: only what the changelog holds

Live objects are kept beside them, so that a family is decoded once and not at every event. A stage may change an
object it got before it raises, so a step that fails throws away every object that it touched.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from agents.adapters.faust_store import RawStore

T = TypeVar("T")

_VERSION = struct.Struct(">Q")  # every value begins with how often its key was written


class Coder(msgspec.Struct, Generic[T], frozen=True):
    """How a stage's objects become bytes and back."""

    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]


class PartitionState(Generic[T]):
    """`streams.outcome.State` for one partition, while one worker owns it.

    A stage's thread calls `get`, `put`, `keep` and `discard`; the thread that writes the changelog calls `leave` and
    `landed`. `most_live` objects stay decoded at most.
    """

    def __init__(self, store: RawStore, coder: Coder[T], most_live: int = 20_000) -> None:
        self._store = store
        self._coder = coder
        self._most_live = most_live
        self._live: OrderedDict[str, tuple[int, T]] = OrderedDict()
        self._touched: set[str] = set()
        self._absent: set[str] = set()  # looked for in this step and not there: a put need not look again
        self._step: dict[str, T] = {}
        self._batch: dict[bytes, bytes] = {}
        self._waiting: dict[bytes, bytes] = {}
        self._leaving: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------------ what a stage sees

    def get(self, key: str) -> T | None:
        self._touched.add(key)
        live = self._live.get(key)
        if live is None:
            raw = self._raw(key.encode())
            if raw is None:
                self._absent.add(key)
                return None
            live = (_VERSION.unpack_from(raw)[0], self._coder.decode(raw[_VERSION.size :]))
            self._live[key] = live
        else:
            self._live.move_to_end(key)
        return live[1]

    def put(self, key: str, value: T) -> None:
        self._touched.add(key)
        self._step[key] = value
        self._live[key] = (self._version(key), value)

    def keys(self) -> Iterator[str]:
        """All keys, each once. A key put while this runs may be missing."""
        with self._lock:
            unwritten = {**self._leaving, **self._waiting, **self._batch}
        fresh = {key.decode() for key in unwritten} | set(self._step)
        yield from list(fresh)
        for key in self._store.keys():  # noqa: SIM118 - no dict
            if (name := key.decode()) not in fresh:
                yield name

    # ------------------------------------------------------------------ around a stage

    def keep(self) -> None:
        """The step went well: encode what it put, once per key."""
        for key, value in self._step.items():
            version = self._live[key][0] + 1
            self._live[key] = (version, value)
            self._batch[key.encode()] = _VERSION.pack(version) + self._coder.encode(value)
        self._step = {}
        self._touched, self._absent = set(), set()
        while len(self._live) > self._most_live:
            self._live.popitem(last=False)

    def discard(self) -> None:
        """The stage raised: forget what it put and every object that it may have changed."""
        for key in self._touched:
            self._live.pop(key, None)
        self._step = {}
        self._touched, self._absent = set(), set()

    def done(self) -> None:
        """The batch's outputs are written: its state may go to the changelog."""
        with self._lock:
            self._waiting.update(self._batch)
            self._batch = {}

    def undone(self) -> None:
        """The batch came to nothing: forget all of it, decoded objects too."""
        self._batch = {}
        self._live.clear()
        self.discard()

    # ------------------------------------------------------------------ to the changelog

    @property
    def unwritten(self) -> int:
        """How many keys wait for the changelog."""
        return len(self._waiting)

    def leave(self) -> dict[bytes, bytes]:
        """Take what is to be written to the changelog now; `get` still sees it."""
        with self._lock:
            self._leaving, self._waiting = self._waiting, {}
            return self._leaving

    def landed(self, offset: int) -> None:
        """What left is in the changelog up to `offset`: it may go into the table."""
        self._store.write(self._leaving, offset)
        with self._lock:
            self._leaving = {}

    # ------------------------------------------------------------------

    def _raw(self, key: bytes) -> bytes | None:
        with self._lock:
            for layer in (self._batch, self._waiting, self._leaving):
                found = layer.get(key)
                if found is not None:
                    return found
        return self._store.get(key)

    def _version(self, key: str) -> int:
        live = self._live.get(key)
        if live is not None:
            return live[0]
        raw = None if key in self._absent else self._raw(key.encode())
        return 0 if raw is None else _VERSION.unpack_from(raw)[0]


def value_of(raw: bytes) -> tuple[int, bytes]:
    """Return a stored value's version and the stage's own bytes."""
    return _VERSION.unpack_from(raw)[0], raw[_VERSION.size :]
