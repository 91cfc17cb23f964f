"""What each type of event promises: its schema, pinned id, who may publish it and what it is for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from schemas import avro_files, pins
from schemas.errors import Misconfigured
from schemas.pins import Pin


class Written(msgspec.Struct, frozen=True):
    """One version of one contract: the schema that a record with this id was written with."""

    id: int
    type: str
    version: int
    schema: dict[str, Any]


class Contract(msgspec.Struct, frozen=True):
    """What one type of event promises. `schema` is self-contained; `goes` is timeline | register | people.

    `persons` is how many people it needs; `signs` what it means to the hub by itself (schemas/codes/signs.toml);
    `previous` are its earlier versions, oldest first. `by`: the one role that may say it, if only one may;
    what they say is neither mended nor sealed.
    """

    type: str
    schema_id: int
    version: int
    doc: str
    schema: dict[str, Any]
    agencies: tuple[str, ...]
    category: str
    goes: str
    purpose: str
    persons: int
    signs: tuple[str, ...]
    coded: tuple[Coded, ...]
    previous: tuple[Written, ...] = ()
    by: str = ""


class Coded(msgspec.Struct, frozen=True):
    """A field whose values come from a code list. `path` has `*` for each element of an array.

    `dated_by` names the date, beside it, on which the code must be valid; empty: the day it happened.
    `means`: its code's signs count for the event.
    """

    path: tuple[str, ...]
    codes: str
    dated_by: str = ""
    means: bool = True
    may_be_empty: bool = False


@lru_cache(maxsize=1)
def contracts() -> dict[str, Contract]:
    """Return every contract by type, read once. Raises `Misconfigured` when a file and its pin disagree."""
    return load(avro_files.FOLDER)


def contract(type: str) -> Contract | None:  # noqa: A002 - the attribute's name in CloudEvents
    """Return the contract of `type`, if there is one."""
    return contracts().get(type)


@lru_cache(maxsize=1)
def written() -> dict[int, Written]:
    """Return every version of every contract by schema id."""
    current = [Written(c.schema_id, c.type, c.version, c.schema) for c in contracts().values()]
    earlier = [version for c in contracts().values() for version in c.previous]
    return {version.id: version for version in current + earlier}


def load(folder: Path) -> dict[str, Contract]:
    """Read the contracts under `folder` against its pins. Raises `Misconfigured`."""
    pinned = pins.read(folder)
    current = avro_files.read_all(folder)
    wrong = sorted({pin.type for pin in set(pins.expected(folder, pinned)) ^ set(pinned)})
    if wrong:
        raise Misconfigured(f"{pins.FILE} does not fit {', '.join(wrong)}: an old version belongs in avro/previous/")
    versions = _versions(pinned, current, avro_files.read_previous(folder))
    return {name: _contract(schema, versions[name]) for name, schema in current.items()}


def _versions(
    pinned: tuple[Pin, ...], current: dict[str, dict[str, Any]], earlier: list[dict[str, Any]]
) -> dict[str, tuple[Written, ...]]:
    by_mark = {avro_files.fingerprint(schema): schema for schema in [*current.values(), *earlier]}
    found: dict[str, list[Written]] = {}
    for pin in sorted(pinned, key=lambda p: (p.type, p.version)):
        found.setdefault(pin.type, []).append(Written(pin.id, pin.type, pin.version, by_mark[pin.fingerprint]))
    return {name: tuple(versions) for name, versions in found.items()}


def _contract(schema: dict[str, Any], versions: tuple[Written, ...]) -> Contract:
    own = schema.get("hearth", {})
    try:
        return Contract(
            type=avro_files.full_name(schema),
            schema_id=versions[-1].id,
            version=versions[-1].version,
            doc=schema["doc"],
            schema=schema,
            agencies=tuple(own["agencies"]),
            category=own["category"],
            goes=own["goes"],
            purpose=own["purpose"],
            persons=own["persons"],
            signs=tuple(own["signs"]),
            coded=tuple(_coded(schema, (), avro_files.records(schema))),
            previous=versions[:-1],
            by=own.get("by", ""),
        )
    except KeyError as error:
        raise Misconfigured(f"{avro_files.full_name(schema)}: property hearth.{error.args[0]} is missing") from error


def _coded(schema: Any, path: tuple[str, ...], named: dict[str, Any]) -> list[Coded]:
    """Return the coded fields of `schema` in order, depth first."""
    kind = avro_files.plain(schema, named)
    if kind["type"] == "array":
        return _coded(kind["items"], (*path, "*"), named)
    if kind["type"] != "record":
        return []
    return [coded for field in kind["fields"] for coded in _coded_field(field, (*path, field["name"]), named)]


def _coded_field(field: dict[str, Any], path: tuple[str, ...], named: dict[str, Any]) -> list[Coded]:
    if "codes" not in field:
        return _coded(field["type"], path, named)
    many = avro_files.plain(field["type"], named)["type"] == "array"
    means, empty = field.get("means") != "nothing", field.get("default") == ""
    return [Coded((*path, "*") if many else path, field["codes"], field.get("dated_by", ""), means, empty)]
