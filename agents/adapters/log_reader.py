"""Reads a log's files, which log_files.py writes. Reading needs no lock: what a checkpoint covers never changes."""

from __future__ import annotations

from pathlib import Path

from agents.adapters.log_entries import LogEntries
from consent.log.entry import Kept

CHECKPOINT = "checkpoint"
COSIGNED = "cosigned"  # the newest head that witnesses cosigned


class LogReader:
    """Reads a log while it may be written. Raises `FileNotFoundError` when the directory holds none."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._entries = LogEntries(directory)

    def read(self, path: str) -> bytes | None:
        """Return a file of the log by its path (`checkpoint`, `tile/0/000`), None if there is none."""
        return read_file(self._directory, path)

    def kept(self, bundle: int) -> list[Kept]:
        """Return the kept entries of an entry bundle."""
        return self._entries.bundle(bundle)

    def find(self, entry_id: str) -> Kept | None:
        """Return the entry of a decision, None if it is not kept here."""
        return self._entries.find(entry_id)

    def close(self) -> None:
        """Let go of the files."""
        self._entries.close()


def read_file(directory: Path, path: str) -> bytes | None:
    """Return the content of a log's file, None if there is none."""
    try:
        return (directory / path).read_bytes()
    except FileNotFoundError:
        return None
