"""Keeps the SQL projection: topics in, rows out. Rows and read positions go in by one transaction.

So a kill loses nothing and doubles nothing; and where the engine itself repeats a record (at-least-once), the row's id
makes the repeat harmless. Emptied tables fill again from the topics' beginnings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sql
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from agents import projector_rows as rows
from agents.adapters import database as tables
from agents.adapters.sqlengine import ready
from agents.projector_registers import as_logged
from agents.projector_rows import Row
from schemas.records import Record
from streams import topology

Places = Mapping[tuple[str, int], int]
_LOG = structlog.get_logger()


class _Written(NamedTuple):
    table: sql.Table
    row: Callable[[Record], Row | None]
    replaces: tuple[str, ...] = ()  # columns that the newest record gives; empty: the first record stands


class Projector:
    """Applies batches of records to the tables. One of it runs; `positions` tells where to read on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reached: dict[tuple[str, int], int] = {}

    def create(self) -> None:
        """Make the tables in SQLite; a deployed database has migrations. Raises Misconfigured without them.

        A file with the columns of an earlier version is emptied: it fills again from the topics.
        """
        if self._engine.dialect.name == "sqlite" and _outdated(self._engine):
            tables.METADATA.drop_all(self._engine)
        ready(self._engine, tables.METADATA, "projection")

    def positions(self) -> dict[tuple[str, int], int]:
        """Return the next offset to read of each (topic, partition)."""
        with self._engine.connect() as connection:
            rows = connection.execute(sql.select(tables.POSITIONS)).all()
        return {(row.topic, row.number): row.next for row in rows}

    def empty(self) -> None:
        """Delete all rows, to be made again from the topics."""
        self._reached = {}
        with self._engine.begin() as connection:
            for table in tables.METADATA.sorted_tables:
                connection.execute(sql.delete(table))

    def apply(self, records: Sequence[Record], reached: Places | None = None) -> int:
        """Write one batch, whole or not at all; return how many rows it gave.

        `reached` gives the next offsets to read where they lie further than behind the last records: past the mark
        that ends a transaction, which is no record, and counts all the same for those who wait for an offset.
        """
        places = _behind(records) if reached is None else reached
        ahead = {at: to for at, to in places.items() if self._reached.get(at) != to}
        if not records and not ahead:
            return 0
        gone = _gone(records)
        erased = [{"gone": gone_id} for record in records if (gone_id := rows.erased(record))]
        with self._engine.begin() as connection:
            made = _rows(as_logged(connection, records))
            made[topology.PEOPLE] = [row for row in made[topology.PEOPLE] if row["key"] not in gone]
            for name, table_rows in made.items():
                _upsert(connection, _WRITTEN[name], table_rows)
            if gone:
                connection.execute(_FORGET, [{"gone": key} for key in sorted(gone)])
            if erased:
                connection.execute(_ERASE, erased)
            if ahead:
                _advance(connection, ahead)
        self._reached |= ahead
        return sum(map(len, made.values()))


def projected_topics(agencies: Iterable[str]) -> list[str]:
    """Return the topics that the projection is made from."""
    fixed = [name for name in _WRITTEN if name != _RECEIPTS]
    return [*fixed, *(topology.receipts(agency) for agency in agencies)]


def _outdated(engine: Engine) -> bool:
    """Whether a table lacks a column that is written now."""
    found = sql.inspect(engine)
    present = [table for table in tables.METADATA.sorted_tables if found.has_table(table.name)]
    return any({c.name for c in t.columns} - {c["name"] for c in found.get_columns(t.name)} for t in present)


_FORGET = sql.delete(tables.PEOPLE).where(tables.PEOPLE.c.key == sql.bindparam("gone"))

_ERASE = sql.delete(tables.DECISIONS).where(tables.DECISIONS.c.id == sql.bindparam("gone"))


def _gone(records: Iterable[Record]) -> set[str]:
    """Return the keys of `people` whose last record here deletes what stood there."""
    last = {record.key: record.value for record in records if record.topic == topology.PEOPLE}
    return {key.decode() for key, value in last.items() if key and value is None}


def _upsert(connection: Connection, written: _Written, made: list[Row]) -> None:
    if not made:
        return
    table = written.table
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    if not written.replaces:
        connection.execute(insert.on_conflict_do_nothing(), made)
        return
    keys = [column.name for column in table.primary_key]
    newest = {tuple([row[key] for key in keys]): row for row in made}  # PostgreSQL takes a key once a statement
    replaced = {name: insert.excluded[name] for name in written.replaces}
    newer = insert.excluded.version >= table.c.version
    statement = insert.on_conflict_do_update(index_elements=keys, set_=replaced, where=newer)
    connection.execute(statement, list(newest.values()))


def _behind(records: Sequence[Record]) -> Places:
    return {(record.topic, record.partition): record.offset + 1 for record in records}


def _advance(connection: Connection, places: Places) -> None:
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(tables.POSITIONS)
    statement = insert.on_conflict_do_update(index_elements=["topic", "number"], set_={"next": insert.excluded.next})
    connection.execute(statement, [{"topic": at[0], "number": at[1], "next": to} for at, to in places.items()])


def _rows(records: Iterable[Record]) -> dict[str, list[Row]]:
    made: dict[str, list[Row]] = defaultdict(list)
    for record in records:
        row = _row(record)
        if row is not None:
            made[_written_as(record.topic)].append(row)
    return made


def _row(record: Record) -> Row | None:
    name = _written_as(record.topic)
    try:
        return _WRITTEN[name].row(record) if name else None
    except msgspec.MsgspecError:
        # only the hub writes these topics: whatever else stands there must not stop the reading of the rest
        _LOG.error("unreadable", topic=record.topic, partition=record.partition, offset=record.offset)
        return None


_RECEIPTS = topology.receipts("")
_WRITTEN: Mapping[str, _Written] = {
    topology.FAMILY_ITEMS: _Written(tables.FAMILY_RECORDS, rows.family_record),
    topology.PEOPLE: _Written(tables.PEOPLE, rows.known, replaces=("version", "body")),
    topology.DECISIONS: _Written(tables.DECISIONS, rows.decision),
    topology.DECISIONS_SEALED: _Written(tables.DECISIONS, rows.decision),
    topology.ALERTS: _Written(tables.ALERTS, rows.alert),
    topology.ALERT_OUTCOMES: _Written(tables.ALERT_OUTCOMES, rows.alert_outcome),
    topology.IG_CASES: _Written(tables.IG_CASES, rows.ig_case),
    topology.QUARANTINE: _Written(tables.QUARANTINE, rows.quarantined),
    topology.QUARANTINE_SEALED: _Written(tables.QUARANTINE, rows.quarantined),
    topology.REVIEW: _Written(tables.REVIEW, rows.review),
    topology.REVIEW_SEALED: _Written(tables.REVIEW, rows.review),
    topology.CHECKPOINTS: _Written(tables.CHECKPOINTS, rows.checkpoint),
    _RECEIPTS: _Written(tables.RECEIPTS, rows.receipt),
}


def _written_as(topic: str) -> str:
    if topic in _WRITTEN:
        return topic
    return _RECEIPTS if topic.startswith(_RECEIPTS) else ""
