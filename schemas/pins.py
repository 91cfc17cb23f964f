"""Pinned schema ids: an id once given to a schema is its own for ever, with or without a registry."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from schemas import avro_files
from schemas.errors import Misconfigured

FIRST_ID = 1001
FILE = "pins.toml"
_TABLE = '\n[[schema]]\nid = {}\ntype = "{}"\nversion = {}\nfingerprint = "{}"\n'


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A schema's id, for ever. `fingerprint` is SHA-256 (hex) of the schema without docs."""

    id: int
    type: str
    version: int
    fingerprint: str


class Pins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file schemas/avro/pins.toml."""

    schema: tuple[Pin, ...]


def read(folder: Path = avro_files.FOLDER) -> tuple[Pin, ...]:
    """Return the pins as they stand in the file. Raises `Misconfigured`."""
    try:
        found = msgspec.convert(tomllib.loads((folder / FILE).read_text(encoding="utf-8")), Pins).schema
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{FILE}: {error}") from error
    if len({pin.id for pin in found}) != len(found):
        raise Misconfigured(f"{FILE}: an id stands twice")
    return found


def expected(folder: Path = avro_files.FOLDER, known: tuple[Pin, ...] | None = None) -> tuple[Pin, ...]:
    """Return what the pins should be: a fingerprint that is known keeps its id, a new one gets the next free id.

    A current file's version is one more than how many earlier versions of it stand in `previous/`.
    """
    known = read(folder) if known is None else known
    ids = {(pin.type, pin.fingerprint): pin.id for pin in known}
    following = max((pin.id for pin in known), default=FIRST_ID - 1) + 1
    pins = []
    for name, version, schema in _all_versions(folder):
        mark = avro_files.fingerprint(schema)
        if (name, mark) not in ids:
            ids[name, mark], following = following, following + 1
        pins.append(Pin(ids[name, mark], name, version, mark))
    return tuple(sorted(pins, key=lambda pin: pin.id))


def as_toml(pins: tuple[Pin, ...]) -> str:
    """Return the text of pins.toml for `pins`."""
    head = "# Schema ids, for ever. As schemas.pins.as_toml writes it; an id is never used again.\n"
    return head + "".join(_TABLE.format(pin.id, pin.type, pin.version, pin.fingerprint) for pin in pins)


def _all_versions(folder: Path) -> list[tuple[str, int, dict[str, Any]]]:
    """Return (type, version, schema), each type's versions oldest first. A previous file says its own version."""
    earlier = [(avro_files.full_name(s), int(s["hearth"]["version"]), s) for s in avro_files.read_previous(folder)]
    count = {name: sum(1 for n, _, _ in earlier if n == name) for name, _, _ in earlier}
    current = [(name, count.get(name, 0) + 1, schema) for name, schema in avro_files.read_all(folder).items()]
    return sorted(earlier + current, key=lambda entry: entry[:2])
