"""What the projection tells of decisions that a register overtook: the same as the log does, by the same rule."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from agents.adapters.database import DECISIONS, REGISTERS
from consent.log.entry import Told, told
from consent.overtaken import Change, judged, withheld
from schemas.records import Record
from streams import topology
from streams.outcome import place_of

_ASKED_AT_ONCE = 500
_LOGS = {topology.DECISIONS: "main", topology.DECISIONS_SEALED: "sealed"}


def as_logged(connection: Connection, records: Sequence[Record]) -> list[Record]:
    """Return the records, each decision as it stands in its log; take down where registers changed."""
    found = list(records)
    for topic, log in _LOGS.items():
        placed = [(at, *said) for at, one in enumerate(records) if one.topic == topic and (said := _placed(one))]
        if not placed:
            continue
        last = _changes(connection, log, list({one.family for _, one, _ in placed}))
        answers = judged(
            ((one, place) for _, one, place in placed), last, lambda name: _known(connection, name)
        )
        for (at, _, _), answer in zip(placed, answers, strict=True):
            if answer.overtaken:
                found[at] = msgspec.structs.replace(records[at], value=withheld(records[at].value or b""))
        _take_down(connection, log, {one.change.family: one.change for one in answers if one.change is not None})
    return found


def _placed(record: Record) -> tuple[Told, int] | None:
    place = place_of(record)
    said = told(record.value or b"") if place >= 0 else None
    return (said, place) if said is not None else None


def _known(connection: Connection, decision: str) -> bool:
    return connection.execute(sql.select(DECISIONS.c.id).where(DECISIONS.c.id == decision)).first() is not None


def _changes(connection: Connection, log: str, families: list[str]) -> dict[str, Change]:
    table, found = REGISTERS, {}
    for start in range(0, len(families), _ASKED_AT_ONCE):
        query = sql.select(table.c.family, table.c.version, table.c.place).where(
            table.c.log == log, table.c.family.in_(families[start : start + _ASKED_AT_ONCE])
        )
        found |= {row.family: Change(row.family, row.version, row.place) for row in connection.execute(query)}
    return found


def _take_down(connection: Connection, log: str, changes: dict[str, Change]) -> None:
    if not changes:
        return
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(REGISTERS)
    replaced = {"version": insert.excluded.version, "place": insert.excluded.place}
    statement = insert.on_conflict_do_update(index_elements=["log", "family"], set_=replaced)
    rows = [{"log": log, "family": c.family, "version": c.version, "place": c.place} for c in changes.values()]
    connection.execute(statement, rows)
