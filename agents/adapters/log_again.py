"""A lost log made again, under the heads that were published of it. It signs nothing.

The same entries in the same order give the same tree. Whether they did is known at the end: only then the last
published head is put beside it, as it was published, and the directory gets the log's name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from agents.adapters.disk import Disk
from agents.adapters.log_files import LogDisagrees, LogWriter
from agents.adapters.log_reader import CHECKPOINT
from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint, signed_by, verifier_key
from consent.log.entry import LogEntry
from consent.log.merkle import Edge, Tree
from schemas.errors import Misconfigured, Refusal

_UNFINISHED = ".again"
_NOT_SIGNED = b"not signed"


class LogAgain(LogWriter):
    """Takes entries as the log's writer does, up to the size of the largest head that was published."""

    def __init__(self, directory: Path, origin: str, private_key: bytes, published: Iterable[bytes]) -> None:
        """`directory` is where the log stood, and holds none now. Raises `Misconfigured` where it does, or where
        nothing was published of it."""
        if (directory / CHECKPOINT).exists() or any((directory / "tile").rglob("*")):
            raise Misconfigured(f"There is a log in {directory}: move it away first, and keep it.")
        key = verifier_key(origin, private_key)
        self._notes = dict(found for note in published for found in _of(note, key))
        if not self._notes:
            raise Misconfigured(f"No signed head of log {origin} was published: there is nothing to hold it against.")
        self._place, self._last = directory, max(self._notes, key=lambda head: head.size)
        unfinished = directory.with_name(directory.name + _UNFINISHED)
        shutil.rmtree(unfinished, ignore_errors=True)
        super().__init__(unfinished, origin, private_key, disk=Disk())

    @property
    def complete(self) -> bool:
        """Whether there are as many entries as the last head has."""
        return self.size == self._last.size

    def finish(self) -> int:
        """Hold it against every published head, name it, and return its size. Raises `LogDisagrees`: then what came
        out is left where it is, unsigned, to be looked at."""
        if not self.complete:
            raise LogDisagrees(f"The topic gave {self.size} of the {self._last.size} entries of log {self.origin}.")
        tree = Tree(self.size, self._read)
        for head in self._notes:
            self._contain(tree, head)
        self._disk.write(self._directory / CHECKPOINT, self._notes[self._last])
        self._disk.sync_directories()
        self.close()
        shutil.rmtree(self._place, ignore_errors=True)
        self._directory.rename(self._place)
        self._disk.sync(self._place.parent)
        return self._last.size

    def _load(self) -> None:
        self._edge, self.head = Edge(), _NOT_SIGNED

    def _sign(self, edge: Edge) -> bytes:  # noqa: ARG002 the writer signs here
        return _NOT_SIGNED

    def _fresh(self, entries: Sequence[LogEntry]) -> list[LogEntry]:
        return super()._fresh(entries)[: self._last.size - self.size]


def _of(note: bytes, key: VerifierKey) -> Iterator[tuple[Checkpoint, bytes]]:
    """Yield the head in `note` with the note as this log signed it, where it is one of this log."""
    with suppress(Refusal):
        yield open_checkpoint(note, key), signed_by(note, key)
