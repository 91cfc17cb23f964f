"""The log on disk: one writer that appends in batches and signs a checkpoint last.

    <log>/checkpoint              the signed head
    <log>/cosigned                the newest head that witnesses cosigned (agents/witnessing.py writes it)
    <log>/tile/...                tiles and entry bundles (consent/log/tiles.py)
    <log>/entries.sqlite          the entries themselves, erasable
    <log>/lock                    held by the writer

Everything is on disk (fsync of files and directories, atomic renames) before the checkpoint that covers it is. What a
crash leaves beyond the checkpoint was never signed, and goes away at the next start: the topic still has it. What a
checkpoint covers is never written again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from agents.adapters.disk import Disk, hold
from agents.adapters.log_entries import LogEntries
from agents.adapters.log_reader import CHECKPOINT, read_file
from consent.log import merkle, tiles
from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint, sign, verifier_key
from consent.log.entry import ERASURE, SALT_AT_MOST, Kept, LogEntry, commitment, erasure, erasure_id, head, salted
from consent.log.merkle import Edge, Tree
from consent.overtaken import Change, judged, withheld
from schemas.errors import HearthError, Misconfigured, Refusal

MOST_AT_ONCE = 10_000  # entries between two checkpoints, so that a crash leaves no more than that behind


class LogDisagrees(HearthError):
    """The files are not those that an earlier checkpoint was signed for. Nothing is signed until they are restored."""


class LogWriter:
    """The one writer of a log. Not thread-safe; a second writer on the same directory is refused."""

    def __init__(
        self,
        directory: Path,
        origin: str,
        private_key: bytes,
        published: Iterable[bytes] = (),
        disk: Disk | None = None,
    ) -> None:
        """Open the log in `directory`, making it when there is none, and drop what a crash left behind.

        `published` are checkpoints that others have seen (the records of topic `checkpoints`): when the disk holds
        less than one of them, or something else, `LogDisagrees` is raised. `Misconfigured`: it has a writer already.
        """
        self._directory, self._private, self._disk = directory, private_key, disk or Disk()
        self._key = verifier_key(origin, private_key)
        self._seen = [seen for note in published if (seen := _own(note, self._key)) is not None]
        self._others: list[Checkpoint] = []  # published by somebody, and not yet found to be this log's past
        self._disk.make_directory(directory)
        self._disk.doubt(directory)
        self._edge, self.head = Edge(), b""
        with ExitStack() as held:
            held.callback(os.close, _lock(directory))
            self._entries = LogEntries(directory)
            held.callback(self._entries.close)
            self._load()
            self._held = held.pop_all()

    @property
    def origin(self) -> str:
        """The log's name, which is its key's name too."""
        return self._key.name

    @property
    def size(self) -> int:
        """How many entries the last checkpoint covers."""
        return self._edge.size

    def append(self, entries: Sequence[LogEntry]) -> int:
        """Append those of `entries` that are not in the log yet (by id) and sign; return how many those were.

        After an exception the log is as the checkpoint on disk says; appending the same again is safe.
        """
        if not self.head:
            self._load()
        head, self.head = self.head, b""  # until this is done, memory is not to be trusted
        fresh = self._fresh(entries)
        for at in range(0, len(fresh), MOST_AT_ONCE):
            first, chunk = self.size, fresh[at : at + MOST_AT_ONCE]
            head = self._append(chunk)
            self._erase(Kept(first + place, one.id, one.body) for place, one in enumerate(chunk))
        self.head = head
        return len(fresh)

    def agree(self, published: Iterable[bytes]) -> None:
        """Take note of what was published meanwhile. Raises `LogDisagrees` when another writer signed a head of this
        log that its files do not begin with: nothing may be signed beside that."""
        heads = (_own(note, self._key) for note in published)
        self._others += [one for one in heads if one is not None and one not in self._seen]
        tree = Tree(self.size, self._read)
        for other in self._others:
            self._contain(tree, other)
        self._others.clear()  # not before: one that does not fit is not forgotten

    def close(self) -> None:
        """Let the next writer in."""
        self._held.close()

    # ------------------------------------------------------------------ appending

    def _fresh(self, entries: Sequence[LogEntry]) -> list[LogEntry]:
        known = self._known([entry.id for entry in entries])
        first = {entry.id: entry for entry in reversed(entries)}
        fresh = [entry for entry in entries if entry.id not in known and first[entry.id] is entry]
        if not all(salted(entry.salt) for entry in fresh):
            raise Refusal("salt", "unsalted-entry", "an entry's salt is too short or too long", "Give it 16 bytes.")
        return fresh

    def _known(self, ids: Sequence[str]) -> set[str]:
        """Return those of `ids` that the signed tree has. A row alone says nothing: somebody may have put it there."""
        rows = [one for one in self._entries.known(ids) if 0 <= one.index < self.size]
        tree = Tree(self.size, self._read)
        if not all(self._committed(tree, one) for one in rows):
            raise LogDisagrees(f"An entry of log {self.origin} is not what was signed: restore the log from a copy.")
        return {one.id for one in rows}

    def _committed(self, tree: Tree, one: Kept) -> bool:
        """Whether what is kept is what the tree has at that place, or was erased there, under its own id."""
        if one.body is None:
            rows = [row for row in self._entries.known([erasure_id(one.index)]) if row.body]
            said = [erasure(head(row.body or b""), row.index) for row in rows if self._committed(tree, row)]
            return any(erases is not None and erases.id == one.id for erases in said)
        read = head(one.body)
        return (
            one.index < tree.size and read.id == one.id and len(read.salt) <= SALT_AT_MOST
            and commitment(read.salt, one.body) == tree.entry(one.index)
        )  # fmt: skip

    def _erase(self, entries: Iterable[Kept]) -> None:
        """Erase what the erasures among these signed entries name."""
        for one in entries:
            if one.id.startswith(ERASURE) and one.body and (said := erasure(head(one.body), one.index)):
                self._disk.commit(partial(self._entries.erase, said.index, said.id))

    def _append(self, fresh: Sequence[LogEntry]) -> bytes:
        fresh, changes = self._judged(fresh)
        edge, files = merkle.extend(self._edge, [commitment(entry.salt, entry.body) for entry in fresh])
        self._disk.commit(lambda: self._entries.keep(self._edge.size, fresh, changes))
        for path, content in files.items():
            self._disk.write(self._directory / path, content)
        self._disk.sync_directories()
        note = self._sign(edge)
        self._edge = edge
        self._drop_partials(path for path in files if ".p/" not in path)
        return note

    def _judged(self, fresh: Sequence[LogEntry]) -> tuple[list[LogEntry], list[tuple[int, Change]]]:
        """Return the entries as they go in, what a register overtook as withheld, and where registers change."""
        placed = [(at, entry.told, entry.place) for at, entry in enumerate(fresh) if entry.told is not None]
        last = self._entries.changes(list({told.family for _, told, _ in placed}))
        entries, changes = list(fresh), []
        for (at, _, _), one in zip(placed, judged(((told, place) for _, told, place in placed), last), strict=True):
            if one.overtaken:
                entries[at] = msgspec.structs.replace(fresh[at], body=withheld(fresh[at].body))
            if one.change is not None:
                changes.append((at, one.change))
        return entries, changes

    def _sign(self, edge: Edge) -> bytes:
        checkpoint = Checkpoint(self.origin, edge.size, edge.root())
        note = sign(checkpoint, self._private)
        self._disk.write(self._directory / CHECKPOINT, note)
        self._disk.sync_directories()
        self._seen = [checkpoint]
        return note

    def _drop_partials(self, full: Iterable[str]) -> None:
        for path in full:
            self._disk.remove_tree(self._directory / f"{path}.p")

    # ------------------------------------------------------------------ starting

    def _load(self) -> None:
        """Take the checkpoint on disk as the log's state, prove that the files fit it, and drop what lies beyond."""
        note = self._read(CHECKPOINT)
        if note is None:
            note = self._begin()
        signed = open_checkpoint(note, self._key)
        self._agree(signed)
        edge = merkle.load_edge(signed.size, self._read)
        kept, behind, rows = self._entries.count(signed.size)
        if edge.root() != signed.root or kept != signed.size or rows != kept + behind or behind > MOST_AT_ONCE:
            raise LogDisagrees(f"The files of log {self.origin} do not fit its checkpoint: restore them from a copy.")
        self._drop_leftovers(signed.size)
        self._erase(self._entries.erasures())  # a crash may have come between the two, or a copy been put back
        self._edge, self.head = edge, note

    def _begin(self) -> bytes:
        if self._entries.count(0)[2] or any(self._tiles()) or any(seen.size for seen in self._seen):
            raise LogDisagrees(f"Log {self.origin} has no checkpoint, but it had one: restore it from a copy.")
        return self._sign(Edge())

    def _agree(self, signed: Checkpoint) -> None:
        """Never sign a second history: all that was signed before must be a beginning of what is on disk."""
        tree = Tree(signed.size, self._read)
        for seen in self._seen:
            self._contain(tree, seen)

    def _contain(self, tree: Tree, seen: Checkpoint) -> None:
        if seen.size > tree.size or tree.range_root(0, seen.size) != seen.root:
            raise LogDisagrees(
                f"Log {self.origin} on disk has {tree.size} entries and does not contain the {seen.size} that were "
                "signed elsewhere or before: restore the newest copy."
            )

    def _drop_leftovers(self, size: int) -> None:
        self._entries.forget_from(size)
        for path in list(self._tiles()):
            tile = tiles.parse(path)
            if tile is None or not tiles.covered(tile, size):
                self._disk.remove(self._directory / path)
        self._disk.sync_directories()

    def _tiles(self) -> Iterator[str]:
        for folder, _, names in os.walk(self._directory / "tile"):
            for name in names:
                yield (Path(folder) / name).relative_to(self._directory).as_posix()

    def _read(self, path: str) -> bytes | None:
        return read_file(self._directory, path)


def _own(note: bytes, key: VerifierKey) -> Checkpoint | None:
    """Return the checkpoint in `note` if this log signed it; the topic holds other logs' heads too."""
    try:
        return open_checkpoint(note, key)
    except Refusal:
        return None


def _lock(directory: Path) -> int:
    lock = hold(directory / "lock")
    if lock is None:
        raise Misconfigured(f"The log in {directory} has a writer already.")
    return lock
