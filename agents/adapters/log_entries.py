"""The log's entries as its writer keeps them beside the tree, in SQLite, so that one can be erased: index → id, body.

The store also answers "is this decision in the log already?". Whoever only reads has log_reader.py. Erased bodies are
overwritten on disk (`secure_delete`, no write-ahead log that would keep a copy).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from agents.adapters.log_reader import KEPT as FILE
from consent.log.entry import ERASURE, Kept, LogEntry
from consent.overtaken import Change
from schemas.errors import Refusal

_ASKED_AT_ONCE = 500  # SQLite takes at least 999 parameters
_CACHE_KIB = 65_536  # ids are random: their index is touched all over, and 2 MiB of cache spill within a batch
_SECONDS_TO_WAIT = 30.0  # for a reader's or an eraser's lock
_COLUMNS = "idx, CAST(id AS TEXT), CAST(body AS BLOB)"  # whatever a tamperer stored, these types come out
_TABLES = (
    "CREATE TABLE IF NOT EXISTS entries"
    " (idx INTEGER PRIMARY KEY CHECK (idx >= 0), id TEXT NOT NULL UNIQUE, body BLOB)",
    # where a family's register changed (consent/overtaken.py): kept and dropped with the entries that tell it
    "CREATE TABLE IF NOT EXISTS changes (family TEXT, idx INTEGER, version TEXT, place INTEGER,"
    " PRIMARY KEY (family, idx)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS changes_by_idx ON changes (idx)",
)


class LogEntries:
    """One log's kept entries. Every method is one transaction, durable on return. A damaged file raises `Refusal` on
    reading."""

    def __init__(self, directory: Path) -> None:
        """Open the store in the log's `directory`, making it when there is none."""
        self._db = sqlite3.connect(
            directory / FILE, timeout=_SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False,
            cached_statements=16,
        )  # fmt: skip
        self._db.text_factory = lambda text: text.decode(errors="replace")
        for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "secure_delete=ON", f"cache_size=-{_CACHE_KIB}"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        for table in _TABLES:
            self._db.execute(table)

    def count(self, size: int) -> tuple[int, int, int]:
        """Return how many rows there are, erased ones too: of the entries of a log of `size`, behind them, in all."""
        parts = ("idx >= 0 AND idx < ?1", "idx >= ?1", "?1 = ?1")
        asked = ", ".join(f"(SELECT count(*) FROM entries WHERE {part})" for part in parts)  # noqa: S608 our own words
        within, behind, total = self._db.execute(f"SELECT {asked}", (size,)).fetchone()
        return within, behind, total

    def known(self, ids: Sequence[str]) -> list[Kept]:
        """Return the rows of those of `ids` that there is one of, wherever it stands."""
        found: list[Kept] = []
        for at in range(0, len(ids), _ASKED_AT_ONCE):
            asked = ids[at : at + _ASKED_AT_ONCE]
            found += self._kept(f"id IN ({','.join('?' * len(asked))})", *asked)
        return found

    def erasures(self) -> list[Kept]:
        """Return every erasure in the log."""
        return self._kept("id >= ? AND id < ?", ERASURE, ERASURE[:-1] + chr(ord(ERASURE[-1]) + 1))

    def changes(self, families: Sequence[str]) -> dict[str, Change]:
        """Return the latest change of each of these families' registers that an entry tells."""
        found: dict[str, Change] = {}
        for at in range(0, len(families), _ASKED_AT_ONCE):
            asked = families[at : at + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(asked))
            # of the row with the highest index: SQLite takes a group's other columns from the row of its max()
            query = f"SELECT family, version, place, max(idx) FROM changes WHERE family IN ({marks}) GROUP BY family"  # noqa: S608 only marks
            found |= {row[0]: Change(*row[:3]) for row in self._db.execute(query, asked)}
        return found

    def keep(self, first: int, entries: Iterable[LogEntry], changes: Iterable[tuple[int, Change]] = ()) -> None:
        """Store `entries` from log index `first` on, and which of them (by place among them) tells what change."""
        rows = [(first + at, entry.id, entry.body) for at, entry in enumerate(entries)]
        told = [(change.family, first + at, change.version, change.place) for at, change in changes]
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
            self._db.executemany("INSERT INTO changes VALUES (?, ?, ?, ?)", told)

    def forget_from(self, size: int) -> None:
        """Drop what a crash left beyond the last checkpoint; the topic still has it."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM entries WHERE idx >= ?", (size,))
            self._db.execute("DELETE FROM changes WHERE idx >= ?", (size,))

    def _kept(self, where: str, *values: int | str) -> list[Kept]:
        try:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM entries WHERE {where}", values).fetchall()  # noqa: S608 ours
        except sqlite3.DatabaseError:
            raise Refusal(FILE, "unreadable-store", "it is damaged", "Restore it from a copy.") from None
        return [Kept(*row) for row in rows]

    def erase(self, index: int, entry_id: str) -> None:
        """Overwrite the body of this decision at log `index`; its id stays as a tombstone."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("UPDATE entries SET body = NULL WHERE idx = ? AND id = ?", (index, entry_id))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
