"""The log's entries, kept beside its tree in SQLite so that one can be erased: log index → id, body.

The store also answers "is this decision in the log already?". Erased bodies are overwritten on disk (`secure_delete`,
no write-ahead log that would keep a copy).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from consent.log.entry import Kept, LogEntry
from consent.log.tiles import WIDTH
from consent.overtaken import Change
from schemas.errors import Refusal

FILE = "entries.sqlite"
_ASKED_AT_ONCE = 500  # SQLite takes at least 999 parameters
_SECONDS_TO_WAIT = 30.0  # for a reader's or an eraser's lock
_COLUMNS = "idx, CAST(id AS TEXT), CAST(body AS BLOB)"  # whatever a tamperer stored, these types come out
_TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB)",
    # where a family's register changed (consent/overtaken.py): kept and dropped with the entries that tell it
    "CREATE TABLE IF NOT EXISTS changes (family TEXT, idx INTEGER, version TEXT, place INTEGER,"
    " PRIMARY KEY (family, idx)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS changes_by_idx ON changes (idx)",
)


class LogEntries:
    """One log's kept entries. Every method is one transaction, durable on return. A damaged file raises `Refusal` on
    reading."""

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        """Open the store in the log's `directory`. Raises `FileNotFoundError` when there is none to read."""
        file = directory / FILE
        if not create and not file.exists():
            raise FileNotFoundError(file)
        self._db = sqlite3.connect(
            file, timeout=_SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False, cached_statements=16
        )
        self._db.text_factory = lambda text: text.decode(errors="replace")
        for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "secure_delete=ON") if create else ():
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        for table in _TABLES if create else ():
            self._db.execute(table)

    def count(self) -> int:
        """Return how many entries there are a row for, erased ones too."""
        return int(self._db.execute("SELECT count(*) FROM entries").fetchone()[0])

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return those of `ids` that are in the log."""
        found: set[str] = set()
        for at in range(0, len(ids), _ASKED_AT_ONCE):
            asked = ids[at : at + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(asked))
            rows = self._db.execute(f"SELECT id FROM entries WHERE id IN ({marks})", asked)  # noqa: S608 only marks
            found.update(row[0] for row in rows)
        return found

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

    def bundle(self, index: int) -> list[Kept]:
        """Return what is kept of entry bundle `index`, in order."""
        # read to the end at once, so that no lock keeps the writer waiting
        where = "idx >= ? AND idx < ? ORDER BY idx"
        return self._kept(where, index * WIDTH, (index + 1) * WIDTH)

    def find(self, entry_id: str) -> Kept | None:
        """Return the entry of decision `entry_id`."""
        return next(iter(self._kept("id = ?", entry_id)), None)

    def _kept(self, where: str, *values: int | str) -> list[Kept]:
        try:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM entries WHERE {where}", values).fetchall()  # noqa: S608 ours
        except sqlite3.DatabaseError:
            raise Refusal(FILE, "unreadable-store", "it is damaged", "Restore it from a copy.") from None
        return [Kept(*row) for row in rows]

    def erase(self, index: int) -> bool:
        """Overwrite the body at log `index`; its id stays as a tombstone. Return False if it was erased already."""
        with self._db:
            self._db.execute("PRAGMA secure_delete=ON").fetchall()
            self._db.execute("BEGIN IMMEDIATE")
            done = self._db.execute("UPDATE entries SET body = NULL WHERE idx = ? AND body IS NOT NULL", (index,))
        return done.rowcount == 1

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
