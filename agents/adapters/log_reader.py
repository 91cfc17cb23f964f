"""Reads a log's files, which log_files.py writes. Reading needs no lock: what a checkpoint covers never changes.

The kept entries are asked in words of its own, not in the writer's (log_entries.py): an auditor does not take over its
mistakes.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from consent.log.entry import Kept, Rows
from consent.log.tiles import WIDTH
from schemas.errors import Refusal

CHECKPOINT = "checkpoint"
COSIGNED = "cosigned"  # the newest head that witnesses cosigned
KEPT = "entries.sqlite"
_SECONDS_TO_WAIT = 30.0  # for the writer's lock
_COLUMNS = "idx, CAST(id AS TEXT), CAST(body AS BLOB)"  # whatever a tamperer stored, these types come out
_BUNDLE = f"SELECT {_COLUMNS} FROM entries WHERE idx BETWEEN ? AND ? ORDER BY idx"  # noqa: S608 our own words
_FIND = f"SELECT {_COLUMNS} FROM entries WHERE id = ? ORDER BY idx"  # noqa: S608
_ROWS = """
    SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM entries WHERE idx < 0),
           (SELECT count(*) FROM entries WHERE idx >= ?), (SELECT max(idx) FROM entries)
"""


class LogReader:
    """Reads a log while it may be written. Raises `FileNotFoundError` when the directory holds none."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        if not (directory / KEPT).exists():
            raise FileNotFoundError(directory / KEPT)
        self._db = sqlite3.connect(
            directory / KEPT, timeout=_SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False
        )
        self._db.text_factory = lambda text: text.decode(errors="replace")

    def read(self, path: str) -> bytes | None:
        """Return a file of the log by its path (`checkpoint`, `tile/0/000`), None if there is none."""
        return read_file(self._directory, path)

    def kept(self, bundle: int) -> list[Kept]:
        """Return the kept entries of an entry bundle."""
        return [Kept(*row) for row in self._ask(_BUNDLE, bundle * WIDTH, bundle * WIDTH + WIDTH - 1)]

    def find(self, entry_id: str) -> Kept | None:
        """Return the entry of a decision, None if it is not kept here."""
        return next((Kept(*row) for row in self._ask(_FIND, entry_id) if row[0] >= 0), None)

    def rows(self, size: int) -> Rows:
        """Return how many rows are kept of a log of `size`."""
        total, before, behind, last = self._ask(_ROWS, size)[0]
        return Rows(total, before, behind, last if isinstance(last, int) else -1)

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()

    def _ask(self, question: str, *values: int | str) -> list[tuple[Any, ...]]:
        # read to the end at once, so that no lock keeps the writer waiting
        try:
            return self._db.execute(question, values).fetchall()
        except sqlite3.DatabaseError:
            raise Refusal(KEPT, "unreadable-store", "it is damaged", "Restore it from a copy.") from None


def read_file(directory: Path, path: str) -> bytes | None:
    """Return the content of a log's file, None if there is none."""
    try:
        return (directory / path).read_bytes()
    except FileNotFoundError:
        return None
