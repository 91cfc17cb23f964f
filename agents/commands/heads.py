"""Heads of a log that were kept apart from it: an auditor's own last one, and those that witnesses cosigned."""

from __future__ import annotations

from pathlib import Path

from agents.adapters.disk import Disk
from agents.commands.saying import fail
from agents.witness import place_of
from agents.witness_client import Unreachable, fetch


class Memory:
    """The last head of a log that an auditor saw, in a directory of their own."""

    def __init__(self, directory: Path, origin: str) -> None:
        self._file = directory / f"{origin.replace('/', '_')}.checkpoint"
        self.note = self._file.read_bytes() if self._file.exists() else b""

    def keep(self, note: bytes) -> None:
        """Keep `note` from now on, durably."""
        disk = Disk()
        disk.write(self._file, note)
        disk.sync_directories()
        self.note = note


def cosigned_at(where: str, origin: str) -> bytes | None:
    """Return the cosigned head in a file, or the last one that the witness at an address saw of the log `origin`.

    Ends the command with 2 without such a file, with 3 when the witness does not answer."""
    try:
        if where.startswith(("http://", "https://")):
            return fetch(f"{where.rstrip('/')}/{place_of(origin)}")
        return Path(where).read_bytes()
    except OSError as wrong:
        fail(f"{where} holds no cosigned checkpoint ({type(wrong).__name__}).", 2)
    except Unreachable:
        fail(f"{where} does not answer.", 3)
