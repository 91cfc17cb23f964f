"""Confluent's framing: which schema a value was written with.

Byte 0, then the schema id as four bytes, big-endian, then the Avro body. Newer clients can put the same five bytes,
or byte 1 and a GUID, into the header `__value_schema_id` instead, with the bare body as value.
"""

from __future__ import annotations

import struct

from schemas.errors import Refusal

SCHEMA_ID_HEADER = "__value_schema_id"
HEAD = 5
LARGEST_EVENT = 262_144  # bytes of a record's value, unless HEARTH_MAX_EVENT_BYTES says otherwise
_FRAME = "Frame the value as byte 0, the schema id as 4 bytes big-endian, then the Avro body"
_GUID = "Use the serializer's default framing (prefix_schema_id_serializer), which sends the numeric schema id"
_id = struct.Struct(">bI")


def frame(schema_id: int, body: bytes) -> bytes:
    """Return `body` framed with `schema_id`."""
    return _id.pack(0, schema_id) + body


def unframe(value: bytes, header: bytes | None = None) -> tuple[int, int]:
    """Return (schema id, where the body starts). Raises `Refusal` at `value` or at the header."""
    if header is not None:
        return _schema_id(header, f"headers.{SCHEMA_ID_HEADER}", exact=True), 0
    return _schema_id(value, "value", exact=False), HEAD


def _schema_id(found: bytes, path: str, exact: bool) -> int:
    if found[:1] == b"\x01":
        raise Refusal(path, "guid-framing", "it names its schema by GUID", _GUID)
    if len(found) < HEAD or found[0] != 0 or (exact and len(found) != HEAD):
        raise Refusal(path, "not-framed", "it does not start with a schema id", _FRAME)
    schema_id: int = _id.unpack_from(found)[1]
    return schema_id


def check_size(value: bytes | None, largest: int = LARGEST_EVENT) -> None:
    """Refuse a value above `largest` bytes: what the hub makes of an event must fit into records of its own."""
    if value is not None and len(value) > largest:
        fix = f"Keep an event under {largest // 1024} KiB: headline facts and a pointer to the source"
        raise Refusal("data", "too-large", "The event is larger than a record may be", fix)
