"""What lies under a stage's table: raw values by partition, in memory or RocksDB, filled by Faust's recovery.

Faust's own stores look the partition up from the event that a coroutine is working on; a stage works in a thread of
its own and knows its partition. A write and the changelog offset behind it land together, so a kill in between
leaves the disk at one point of the changelog or the next, never between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import rocksdict
from faust.stores import memory, rocksdb
from faust.tables.table import Table
from faust.types import TP
from yarl import URL

_ROCKS = {
    "block_cache_size": 32 * 1024**2,  # per partition; Faust's default is 2 GiB each
    "write_buffer_size": 16 * 1024**2,
    "max_write_buffer_number": 2,
    "bloom_filter_size": 10,
}


class RawStore(Protocol):
    """One partition's values. `write` takes None for a key that is gone, and the offset of the last one's changelog."""

    def get(self, key: bytes) -> bytes | None: ...

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None: ...

    def keys(self) -> Iterator[bytes]: ...


class MemoryPartition:
    """A partition in a dict. It forgets at the end of the process; the changelog brings it back."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.offset: int | None = None

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None:
        for key, value in rows.items():
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
        self.offset = self.offset if offset is None else offset

    def keys(self) -> Iterator[bytes]:
        yield from list(self.rows)


class RocksPartition:
    """A partition in a RocksDB of its own; the offset is a row in the same write."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.get = db.get

    @property
    def offset(self) -> int | None:
        found = self._db.get(rocksdb.Store.offset_key)
        return None if found is None else int(found)

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in rows.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        if offset is not None:
            batch.put(rocksdb.Store.offset_key, b"%d" % offset)
        self._db.write(batch)

    def keys(self) -> Iterator[bytes]:
        yield from (key for key in self._db.keys() if key != rocksdb.Store.offset_key)  # noqa: SIM118 - no dict


class Opening:
    """A partition of a table, opened when it is first used: after the store has had its rebalance."""

    def __init__(self, table: Table, number: int) -> None:
        self._table = table
        self._number = number
        self._opened: Any = None

    @property
    def _partition(self) -> Any:
        if self._opened is None:
            self._opened = self._table.data.partition(self._number)
        return self._opened

    def get(self, key: bytes) -> bytes | None:
        return self._partition.get(key)

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None:
        self._partition.write(rows, offset)

    def keys(self) -> Iterator[bytes]:
        return self._partition.keys()


class _Recovers:
    """What both stores do when Faust reads the changelog back: apply a batch partition by partition."""

    def partition(self, number: int) -> Any:
        raise NotImplementedError

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:  # noqa: ARG002
        rows: dict[int, dict[bytes, bytes | None]] = {}
        ends: dict[int, int] = {}
        for message in (event.message for event in batch):
            of = rows.setdefault(message.partition, {})
            if message.key is not None:  # a marker has none: it only moves the offset on
                of[message.key] = message.value
            ends[message.partition] = message.offset
        for number, of in rows.items():
            self.partition(number).write(of, ends[number])

    def persisted_offset(self, tp: TP) -> int | None:
        return self.partition(tp.partition).offset

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        self.partition(tp.partition).write({}, offset)


class MemoryStore(_Recovers, memory.Store):
    """A table in memory, by partition. A partition that went to another worker is forgotten."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._partitions: dict[int, MemoryPartition] = {}

    def partition(self, number: int) -> MemoryPartition:
        return self._partitions.setdefault(number, MemoryPartition())

    async def on_rebalance(self, _assigned: set[TP], revoked: set[TP], newly: set[TP], _generation: int = 0) -> None:
        for tp in revoked | newly:
            if tp.topic == self.table.changelog_topic_name:
                self._partitions.pop(tp.partition, None)

    def reset_state(self) -> None:
        self._partitions.clear()


class RocksStore(_Recovers, rocksdb.Store):
    """A table on disk: one RocksDB per partition, in the app's table directory."""

    def partition(self, number: int) -> RocksPartition:
        return RocksPartition(self._db_for_partition(number))


class StageTable(Table):
    """A Faust table (its changelog, assignment and recovery) that tells when partitions are about to be recovered.

    `on_owned(numbers)` is awaited after an assignment is known and before its changelog is read, and must end every
    earlier writer's hold on those partitions.
    """

    on_owned: Callable[[list[int]], Any]

    def _new_store_by_url(self, url: str | URL) -> Any:
        kind = RocksStore if URL(url).scheme == "rocksdb" else MemoryStore
        return kind(
            url, self.app, self, table_name=self.name, key_type=bytes, value_type=bytes, key_serializer="raw",
            value_serializer="raw", loop=self.loop, options=dict(_ROCKS) if kind is RocksStore else None,
        )  # fmt: skip

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly: set[TP], generation_id: int = 0) -> None:
        """Fence the assigned partitions, then let the store open them."""
        topic = self.changelog_topic_name
        await self.on_owned(sorted(tp.partition for tp in assigned if tp.topic == topic))
        await super().on_rebalance(assigned, revoked, newly, generation_id)


def stage_table(app: Any, name: str, partitions: int) -> StageTable:
    """Add a table of raw bytes to `app`, its changelog partitioned as its source topics are."""
    table = StageTable(app, name=name, partitions=partitions, key_type=bytes, value_type=bytes)
    app.tables.add(table)
    return table
