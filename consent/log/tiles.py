"""Where the log's tiles and entry bundles stand, and what is in them: C2SP tlog-tiles (c2sp.org/tlog-tiles).

Format only: the writer (merkle.py) and the verifier (verify.py) share this module and the other formats
(entry.py, checkpoint.py), and nothing that computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from schemas.errors import Refusal

HEIGHT = 8  # levels of the tree that one tile spans
WIDTH = 1 << HEIGHT  # hashes, or entries, in a full tile
HASH_BYTES = 32
ENTRIES = -1  # the "level" of an entry bundle
HIGHEST_LEVEL = 63

Read = Callable[[str], bytes | None]
"""Reads one of the log's files by its path below the log's prefix; None when there is none."""

_PATH = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


class Tile(msgspec.Struct, frozen=True):
    """A tile's place: `level` (ENTRIES for a bundle), `index` within the level, `width` 1..256."""

    level: int
    index: int
    width: int = WIDTH


def path(tile: Tile) -> str:
    """Return `tile/<L>/<N>[.p/<W>]`, N in groups of three digits: 1234067 is `x001/x234/067`."""
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    partial = "" if tile.width == WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{_number(tile.index)}{partial}"


def _number(index: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def parse(text: str) -> Tile | None:
    """Return the tile that stands at `text`, None if it is not the one way to write a tile's path."""
    found = _PATH.fullmatch(text)
    if found is None:
        return None
    level, number, width = found.groups()
    tile = Tile(
        ENTRIES if level == "entries" else int(level),
        int(number.replace("/", "").replace("x", "")),
        int(width) if width else WIDTH,
    )
    return tile if tile.level <= HIGHEST_LEVEL and path(tile) == text else None


def held(level: int, size: int) -> int:
    """Return how many hashes (or entries) a tree of `size` leaves holds at tile level `level`."""
    return size if level == ENTRIES else size >> (HEIGHT * level)


def covered(tile: Tile, size: int) -> bool:
    """Whether all that `tile` holds is part of a tree of `size` leaves."""
    return tile.index * WIDTH + tile.width <= held(tile.level, size)


def at_size(level: int, index: int, size: int) -> Tile:
    """Return the tile `index` of `level` as a tree of `size` leaves has it: full, or partial at the right edge."""
    return Tile(level, index, min(WIDTH, held(level, size) - index * WIDTH))


def full(tile: Tile) -> Tile:
    """Return the full tile in `tile`'s place."""
    return Tile(tile.level, tile.index)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return the entries, each behind its length as a big-endian uint16."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(content: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises `Refusal` when its end does not fall on an entry's end."""
    entries: list[bytes] = []
    at = 0
    while at < len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        if at + 2 > len(content) or end > len(content):
            raise Refusal(f"entry {len(entries)}", "torn-bundle", "it ends in the middle of an entry", "Restore it.")
        entries.append(content[at + 2 : end])
        at = end
    return entries


def decode_hashes(content: bytes) -> list[bytes]:
    """Return the hashes of a tile; a torn last one comes back short."""
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]
