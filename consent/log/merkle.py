"""The writer's tree: RFC 6962 §2.1 hashing over tiles; appending in batches, roots, and the two proofs.

Nothing here is stored or checked: `extend` returns the files to write, `Tree` reads tiles through a function.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from consent.log import tiles
from consent.log.tiles import ENTRIES, HEIGHT, WIDTH, Read, Tile
from schemas.errors import Refusal

EMPTY_ROOT = sha256().digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of neighbouring hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def _peaks(row: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the complete subtrees that `row` splits into, widest first."""
    peaks, at = [], 0
    for bit in range(len(row).bit_length() - 1, -1, -1):
        if len(row) >> bit & 1:
            peaks.append(complete_root(row[at : at + (1 << bit)]))
            at += 1 << bit
    return peaks


class Edge(msgspec.Struct, frozen=True):
    """The right edge of the tree, all that appending needs: the entries of the unfinished bundle, and for each tile
    level the hashes of its unfinished tile."""

    size: int = 0
    bundle: tuple[bytes, ...] = ()
    levels: tuple[tuple[bytes, ...], ...] = ()

    def root(self) -> bytes:
        """Return the root of the tree."""
        right: bytes | None = None
        for row in self.levels:
            for peak in reversed(_peaks(row)):
                right = peak if right is None else node_hash(peak, right)
        return EMPTY_ROOT if right is None else right


def extend(edge: Edge, entries: Sequence[bytes]) -> tuple[Edge, dict[str, bytes]]:
    """Return the edge behind `entries`, and the files (path → content) that the longer tree needs beyond the old one.

    No file is among them that the old tree covers: what was signed is never written again.
    """
    files: dict[str, bytes] = {}
    bundles, bundle = _chunks([*edge.bundle, *entries])
    for at, chunk in enumerate([*bundles, bundle] if entries else []):
        _put(files, Tile(ENTRIES, edge.size // WIDTH + at, len(chunk)), tiles.encode_bundle(chunk))
    levels, new, level = [], [leaf_hash(entry) for entry in entries], 0
    while new or level < len(edge.levels):
        old = edge.levels[level] if level < len(edge.levels) else ()
        done, rest = _chunks([*old, *new])
        first = edge.size >> HEIGHT * (level + 1)
        for at, chunk in enumerate([*done, rest] if new else []):
            _put(files, Tile(level, first + at, len(chunk)), b"".join(chunk))
        levels.append(tuple(rest))
        new, level = [complete_root(chunk) for chunk in done], level + 1
    return Edge(edge.size + len(entries), tuple(bundle), tuple(levels)), files


def _chunks(row: list[bytes]) -> tuple[list[list[bytes]], list[bytes]]:
    """Return the full tiles in `row`, and the rest."""
    end = len(row) - len(row) % WIDTH
    return [row[at : at + WIDTH] for at in range(0, end, WIDTH)], row[end:]


def _put(files: dict[str, bytes], tile: Tile, content: bytes) -> None:
    if tile.width:
        files[tiles.path(tile)] = content


def load_edge(size: int, read: Read) -> Edge:
    """Return the right edge of the stored tree of `size` leaves. Raises `Refusal` where a tile is missing or torn."""
    tree, levels, level = Tree(size, read), [], 0
    while tiles.held(level, size):
        levels.append(tuple(tree.tile(level, tiles.held(level, size) // WIDTH)))
        level += 1
    bundle = tree.content(ENTRIES, size // WIDTH)
    return Edge(size, tuple(tiles.decode_bundle(bundle)[: size % WIDTH]), tuple(levels))


class Tree:
    """A stored tree of `size` leaves, read tile by tile."""

    def __init__(self, size: int, read: Read) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._bundles: dict[int, list[bytes]] = {}

    def content(self, level: int, index: int) -> bytes:
        """Return the tile's or bundle's bytes; of a full one also where this tree has only part of it."""
        tile = tiles.at_size(level, index, self.size)
        if not tile.width:
            return b""
        content = self._read(tiles.path(tile)) or self._read(tiles.path(tiles.full(tile)))
        if content is None:
            raise Refusal(tiles.path(tile), "missing-tile", "the file is missing", "Restore it from a copy.")
        return content

    def entry(self, index: int) -> bytes:
        """Return the entry at `index`, as its bundle has it."""
        return self.bundle(index // WIDTH)[index % WIDTH]

    def bundle(self, index: int) -> list[bytes]:
        """Return the entries of bundle `index`, as many as this tree has."""
        if index not in self._bundles:
            width = tiles.at_size(ENTRIES, index, self.size).width
            self._bundles[index] = tiles.decode_bundle(self.content(ENTRIES, index))[:width]
        return self._bundles[index]

    def tile(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of the tile, as many as this tree has."""
        if (level, index) not in self._tiles:
            width = tiles.at_size(level, index, self.size).width
            hashes = tiles.decode_hashes(self.content(level, index)[: width * tiles.HASH_BYTES])
            if len(hashes) != width or (hashes and len(hashes[-1]) != tiles.HASH_BYTES):
                where = tiles.path(Tile(level, index, width))
                raise Refusal(where, "torn-tile", "the file is too short", "Restore it from a copy.")
            self._tiles[level, index] = hashes
        return self._tiles[level, index]

    def _complete(self, height: int, index: int) -> bytes:
        """Return the root of the complete subtree `index` of 2**`height` leaves."""
        level, within = divmod(height, HEIGHT)
        first = index << within
        at = first % WIDTH
        return complete_root(self.tile(level, first // WIDTH)[at : at + (1 << within)])

    def range_root(self, first: int, end: int) -> bytes:
        """Return MTH(D[first:end]), for ranges that RFC 6962's splits give."""
        right: bytes | None = None
        while end > first:
            height = ((end - first) & (first - end)).bit_length() - 1  # the narrowest complete subtree, at the right
            end -= 1 << height
            peak = self._complete(height, end >> height)
            right = peak if right is None else node_hash(peak, right)
        return EMPTY_ROOT if right is None else right

    def root(self) -> bytes:
        """Return the root."""
        return self.range_root(0, self.size)

    def inclusion(self, index: int) -> list[bytes]:
        """Return PATH(index, D[size]), RFC 6962 §2.1.1, lowest sibling first."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self._path(index, 0, self.size)

    def _path(self, index: int, first: int, end: int) -> list[bytes]:
        if end - first == 1:
            return []
        middle = first + _split(end - first)
        if index < middle:
            return [*self._path(index, first, middle), self.range_root(middle, end)]
        return [*self._path(index, middle, end), self.range_root(first, middle)]

    def consistency(self, old: int) -> list[bytes]:
        """Return PROOF(old, D[size]), RFC 6962 §2.1.2; empty for the whole and for the empty tree."""
        if not 0 <= old <= self.size:
            raise IndexError(old)
        return [] if old in (0, self.size) else self._subproof(old, 0, self.size, whole=True)

    def _subproof(self, old: int, first: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self.range_root(first, end)]
        middle = first + _split(end - first)
        if old <= middle:
            return [*self._subproof(old, first, middle, whole=whole), self.range_root(middle, end)]
        return [*self._subproof(old, middle, end, whole=False), self.range_root(first, middle)]


def _split(leaves: int) -> int:
    """Return the largest power of two smaller than `leaves`."""
    return 1 << (leaves - 1).bit_length() - 1
