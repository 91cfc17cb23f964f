"""Avro bodies ↔ typed data. fastavro does the work; tests hold it equal to `avro`, which defines and checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Any

import fastavro

from schemas import avro_fault, avro_files
from schemas.contract import contracts, written
from schemas.errors import Refusal
from schemas.fields import MOST_TEXT, check_items, check_text, inside

Check = Callable[[Any], None]
# All that fastavro was seen to raise for bytes that do not fit the schema (tests/core/test_schemas_any_bytes.py).
_UNREADABLE = (EOFError, ValueError, IndexError, OverflowError, TypeError, KeyError)
_UNWRITABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, IndexError)


def read(schema_id: int, type: str, value: bytes, start: int) -> dict[str, Any]:  # noqa: A002
    """Return the data of an Avro body, in the current contract's shape, whichever version wrote it.

    Instants are aware datetimes (UTC), dates are dates. Raises `Refusal` with the exact path.
    """
    writer, reader, check = _tools(schema_id, type)
    stream = BytesIO(value)
    stream.seek(start)
    try:
        data: dict[str, Any] = fastavro.schemaless_reader(stream, writer, reader)
    except _UNREADABLE:
        raise avro_fault.locate(written()[schema_id].schema, value[start:]) from None
    if stream.tell() != len(value):
        raise Refusal("value", "trailing-bytes", "bytes follow the record", "Send one record, framed once")
    try:
        check(data)
    except Refusal as refusal:
        raise inside("data", refusal) from None
    return data


def write(type: str, data: dict[str, Any]) -> bytes:  # noqa: A002
    """Return the Avro body of typed `data`, written with the current contract. Raises `Refusal` at `data`."""
    stream = BytesIO()
    try:
        fastavro.schemaless_writer(stream, _parsed(contracts()[type].schema_id), data)
    except _UNWRITABLE:
        problem, fix = "it does not fit the contract", "Make it with schemas.codec.from_json, which names the field"
        raise Refusal("data", "does-not-fit", problem, fix) from None
    return stream.getvalue()


@lru_cache(maxsize=1024)
def _tools(schema_id: int, type: str) -> tuple[Any, Any, Check]:  # noqa: A002
    """Return (writer's schema, reader's schema or None where it is the same, the check of texts and lists)."""
    version = written().get(schema_id)
    if version is None:
        fix = "Write it with a schema that the registry gave an id for"
        raise Refusal("value", "unknown-schema-id", "the hub has no schema of this id", fix)
    if version.type != type:
        fix = "Set ce_type to the full name of the schema that the value is written with"
        raise Refusal("type", "type-is-not-schema", "the type is not the one the value's schema is for", fix)
    current = contracts()[type]
    reader = None if schema_id == current.schema_id else _parsed(current.schema_id)
    return _parsed(schema_id), reader, _check_of(current.schema, avro_files.records(current.schema)) or _nothing


@lru_cache(maxsize=1024)
def _parsed(schema_id: int) -> Any:
    return fastavro.parse_schema(written()[schema_id].schema)


def _nothing(_: Any) -> None:
    return None


def _check_of(schema: Any, named: dict[str, Any]) -> Check | None:
    """Return what checks texts and lists in data of `schema`, where it is not null; None where it can hold neither."""
    if isinstance(schema, list):
        return _check_of(avro_files.plain(schema, named), named)
    kind = avro_files.plain(schema, named)
    if kind["type"] == "record":
        return _check_record(kind, named)
    if kind["type"] == "array":
        return _check_array(_check_of(kind["items"], named) or _nothing)
    return check_text if kind["type"] == "string" else None


def _check_record(schema: dict[str, Any], named: dict[str, Any]) -> Check:
    found = [(field["name"], _check_of(field["type"], named)) for field in schema["fields"]]
    texts = [name for name, check in found if check is check_text]
    checks = [(name, check) for name, check in found if check and check is not check_text]

    def run(value: dict[str, Any]) -> None:
        for name in texts:
            text = value[name]
            if text is not None and (len(text) > MOST_TEXT or "\0" in text):
                _inside(name, check_text, text)
        for name, check in checks:
            inner = value[name]
            if inner:  # neither absent nor an empty list
                _inside(name, check, inner)

    return run


def _inside(name: str, check: Check, value: Any) -> None:
    try:
        check(value)
    except Refusal as refusal:
        raise inside(f".{name}", refusal) from None


def _check_array(check: Check) -> Check:
    def run(value: list[Any]) -> None:
        check_items(value)
        for number, element in enumerate(value):
            try:
                check(element)
            except Refusal as refusal:
                raise inside(f"[{number}]", refusal) from None

    return run
