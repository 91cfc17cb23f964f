"""Where a record's Avro stops making sense. Run only after the fast decoder has failed, to name the exact field."""

from __future__ import annotations

from typing import Any

from schemas import avro_files
from schemas.errors import Refusal
from schemas.fields import inside

# What an Avro int or long can hold, and what a date or an instant can be (years 1 to 9999).
_DAYS = (-719_162, 2_932_896)
_MILLIS = (-62_135_596_800_000, 253_402_300_799_999)
_RANGES = {"date": _DAYS, "timestamp-millis": _MILLIS}
_REENCODE = "Encode it again with the schema whose id the record carries"


def locate(schema: dict[str, Any], body: bytes) -> Refusal:
    """Return the refusal for the first field of `body` that cannot be read with `schema`."""
    cursor = _Cursor(body, avro_files.records(schema))
    try:
        cursor.read(schema)
    except Refusal as refusal:
        return inside("data", refusal)
    return Refusal("data", "unreadable", "it cannot be read with its schema", _REENCODE)


class _Cursor:
    """Steps through a body by its schema, keeping nothing of what it reads."""

    def __init__(self, body: bytes, named: dict[str, Any]) -> None:
        self._body = body
        self._at = 0
        self._named = named

    def read(self, schema: Any) -> None:
        if isinstance(schema, list):
            branch = self._long()
            if not 0 <= branch < len(schema):
                raise Refusal("", "no-such-branch", "it is of no type that the schema allows", _REENCODE)
            schema = schema[branch]
        if schema != "null":
            self._value(avro_files.plain(schema, self._named))

    def _value(self, schema: dict[str, Any]) -> None:
        kind = schema["type"]
        if kind == "record":
            self._record(schema)
        elif kind == "array":
            self._array(schema)
        elif kind == "string":
            self._text()
        elif kind == "boolean":
            self._take(1)
        else:
            self._number(schema.get("logicalType", ""))

    def _record(self, schema: dict[str, Any]) -> None:
        for field in schema["fields"]:
            try:
                self.read(field["type"])
            except Refusal as refusal:
                raise inside(f".{field['name']}", refusal) from None

    def _array(self, schema: dict[str, Any]) -> None:
        number = 0
        while count := self._long():
            if count < 0:
                count = -count
                self._long()
            for _ in range(count):
                try:
                    self.read(schema["items"])
                except Refusal as refusal:
                    raise inside(f"[{number}]", refusal) from None
                number += 1

    def _text(self) -> None:
        try:
            self._take(self._long()).decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal("", "not-utf-8", "its text is not UTF-8", "Encode text as UTF-8") from None

    def _number(self, logical: str) -> None:
        least, most = _RANGES.get(logical, (-(2**63), 2**63 - 1))
        if not least <= self._long() <= most:
            raise Refusal("", "out-of-range", "the date or time is out of range", "Send a date that exists")

    def _take(self, size: int) -> bytes:
        found = self._body[self._at : self._at + size] if size >= 0 else b""
        if size < 0 or len(found) != size:
            raise Refusal("", "truncated", "the record ends before this field does", _REENCODE)
        self._at += size
        return found

    def _long(self) -> int:
        """Return a zigzag number; an Avro long has ten bytes at most."""
        raw = 0
        for shift in range(0, 70, 7):
            byte = self._take(1)[0]
            raw |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (raw >> 1) ^ -(raw & 1)
        raise Refusal("", "out-of-range", "a number in it has too many bytes", _REENCODE)
