"""The verifier's tree: recounts every hash from the leaves, its own way, and compares each tile that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from consent.log import tiles
from consent.log.checkpoint import Checkpoint
from consent.log.proof import node
from consent.log.tiles import WIDTH, Read, Tile

EMPTY_ROOT = sha256().digest()


class Problem(msgspec.Struct, frozen=True):
    """Something that does not fit. `place` is a file and a position in it, or an entry's index."""

    place: str
    problem: str


class Report(msgspec.Struct):
    """What verifying found. `kept` entries match their commitment, `erased` ones left a tombstone and their erasure
    stands in the log, `unsigned` ones stand behind the head, as a writer at work has them; they count only when the
    kept entries were given. `files` is how many tiles and bundles were compared, `remembered` how many entries the
    largest head kept elsewhere covers."""

    origin: str
    size: int = 0
    root: str = ""
    files: int = 0
    kept: int = 0
    erased: int = 0
    unsigned: int = 0
    remembered: int = 0
    problems: list[Problem] = []

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems

    def found(self, place: str, problem: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(place, problem))


def stored(tile: Tile, read: Read, report: Report) -> tuple[Tile, bytes | None]:
    """Read a tile and return it with its content; a full one where only part of it belongs to this tree and the
    partial one is gone (its writer may delete it then)."""
    report.files += 1
    content = read(tiles.path(tile))
    if content is not None or tile.width == WIDTH:
        return tile, content
    whole = tiles.full(tile)
    content = read(tiles.path(whole))
    return (tile, None) if content is None else (whole, content)


class Recount:
    """Adds leaves one by one to a binary counter of complete subtrees; each subtree whose height is a multiple of
    eight is a hash in a tile."""

    def __init__(self, read: Read, report: Report, earlier: Sequence[Checkpoint]) -> None:
        self._read, self._report, self._earlier = read, report, earlier
        self._sizes = {one.size for one in earlier}
        self._subtrees: list[tuple[int, bytes]] = []  # (height, root), heights falling
        self._rows: dict[int, tuple[int, list[bytes]]] = {}  # tile level: index of the unfinished tile, its hashes
        self._counted = 0

    def add(self, hashed: bytes) -> None:
        """Count one leaf hash; compare each tile that it completes, and each earlier head that it reaches."""
        height = 0
        self._place(0, hashed)
        while self._subtrees and self._subtrees[-1][0] == height:
            hashed, height = node(self._subtrees.pop()[1], hashed), height + 1
            if height % tiles.HEIGHT == 0:
                self._place(height // tiles.HEIGHT, hashed)
        self._subtrees.append((height, hashed))
        self._counted += 1
        if self._counted in self._sizes:
            self._compare_heads()

    def _place(self, level: int, hashed: bytes) -> None:
        index, row = self._rows.setdefault(level, (0, []))
        row.append(hashed)
        if len(row) == WIDTH:
            self._compare_tile(Tile(level, index), row)
            self._rows[level] = (index + 1, [])

    def _compare_tile(self, tile: Tile, expected: Sequence[bytes]) -> None:
        read, content = stored(tile, self._read, self._report)
        place = tiles.path(read)
        if content is None:
            self._report.found(place, "it is missing")
            return
        found = tiles.decode_hashes(content)
        if len(content) != read.width * tiles.HASH_BYTES:
            self._report.found(place, f"it is {len(content)} bytes long, not {read.width * tiles.HASH_BYTES}")
        for at, (one, other) in enumerate(zip(found, expected, strict=False)):
            if one != other:
                self._report.found(f"{place}, hash {at}", "it is not the hash of what it stands for")

    def _root(self) -> bytes:
        roots = [root for _, root in self._subtrees]
        while len(roots) > 1:
            right = roots.pop()
            roots[-1] = node(roots[-1], right)
        return roots[0] if roots else EMPTY_ROOT

    def _compare_heads(self) -> None:
        root = self._root()
        if any(one.root != root for one in self._earlier if one.size == self._counted):
            place = f"entries 0 to {self._counted - 1}"
            self._report.found(place, "they are not those that an earlier checkpoint signed")

    def finish(self, signed: Checkpoint) -> None:
        """Compare the tiles at the right edge, and the root."""
        for level, (index, row) in self._rows.items():
            if row:
                self._compare_tile(Tile(level, index, len(row)), row)
        if self._counted != signed.size or self._root() != signed.root:
            self._report.found("checkpoint", "its root is not the root of the entries")
