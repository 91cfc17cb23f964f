"""JSON data → typed data, field by field, as the Avro schema says: dates and instants from ISO 8601, defaults put in.

Each schema is compiled once into nested readers. A reader raises a `Refusal` whose path is relative to itself; the
record or array around it puts its own part in front, so that paths cost nothing until something is wrong.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from schemas import avro_files
from schemas.errors import Misconfigured, Refusal

Reader = Callable[[Any], Any]

MOST_TEXT = 10_000  # characters in one field: a headline, never case notes
MOST_ITEMS = 200  # elements of one array: more people than any household
_LONDON = ZoneInfo("Europe/London")
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?:(:\d\d)(?:[.,](\d{1,12}))?)?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def compile_reader(schema: dict[str, Any]) -> Reader:
    """Return a function from JSON data to typed data. It raises `Refusal` with a path such as `.about.persons[0]`."""
    return _compile(schema, avro_files.records(schema))


def inside(part: str, refusal: Refusal) -> Refusal:
    """Return `refusal` with `part` in front of its path."""
    return Refusal(part + refusal.path, refusal.code, refusal.problem, refusal.fix)


def text(value: Any) -> str:
    """Return a string as it stands. Refuses other types, NUL characters and over-long text."""
    if type(value) is not str:
        raise Refusal("", "wrong-type", "it is not text", "Send a JSON string")
    check_text(value)
    return value


def check_text(value: str) -> None:
    """Refuse what no field of the contract may hold."""
    if "\0" in value:
        raise Refusal("", "nul-character", "it holds a NUL character", "Take control characters out of the text")
    if len(value) > MOST_TEXT:
        raise Refusal("", "too-long", f"it is longer than {MOST_TEXT} characters", "Send the headline and a reference")


def day(value: Any) -> date:
    """Return a date from `YYYY-MM-DD`."""
    if type(value) is not str or not _DAY.fullmatch(value):
        raise Refusal("", "not-a-date", "it is not a date", "Send YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Refusal("", "impossible-date", "there is no such day", "Send a day that exists, as YYYY-MM-DD") from None


def instant(value: Any) -> datetime:
    """Return an instant, UTC, cut to milliseconds, from ISO 8601 with an offset (`Z`, `+01:00`, `-0000`, `+01`)."""
    found = _INSTANT.fullmatch(value) if type(value) is str else None
    if not found:
        raise Refusal("", "not-an-instant", "it is not a date and time", "Send ISO 8601: YYYY-MM-DDThh:mm:ssZ")
    days, clock, seconds, fraction, zulu, hours, minutes = found.groups()
    if not zulu and not hours:
        fix = "Add Z for UTC or the offset, such as +01:00 in British summer time"
        raise Refusal("", "no-time-zone", "it does not say its offset from UTC", fix)
    offset = "+00:00" if zulu else f"{hours}:{minutes or '00'}"
    milliseconds = f".{fraction[:3]:0<3}" if fraction else ""
    try:
        whole = datetime.fromisoformat(f"{days}T{clock}{seconds or ''}{milliseconds}{offset}")
        return whole if zulu else whole.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal("", "impossible-date", "there is no such moment", "Send a moment that exists") from None


def british_day(moment: datetime) -> date:
    """Return the day on which `moment` fell in Britain."""
    return moment.astimezone(_LONDON).date()


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise Refusal("", "wrong-type", "it is not true or false", "Send JSON true or false, without quotes")
    return value


def _whole(most: int) -> Reader:
    def read(value: Any) -> int:
        if type(value) is not int:
            raise Refusal("", "wrong-type", "it is not a whole number", "Send a JSON number without quotes or decimals")
        if not -most - 1 <= value <= most:
            raise Refusal("", "out-of-range", "the number is out of range", "Send a number that fits")
        return value

    return read


_PLAIN: dict[str, Reader] = {
    "string": text,
    "boolean": _truth,
    "int": _whole(2**31 - 1),
    "long": _whole(2**63 - 1),
}
_LOGICAL: dict[tuple[str, str], Reader] = {("int", "date"): day, ("long", "timestamp-millis"): instant}


def _compile(schema: Any, named: dict[str, Any]) -> Reader:
    if isinstance(schema, list):
        return _optional(_compile(avro_files.plain(schema, named), named))
    kind = avro_files.plain(schema, named)
    if kind["type"] == "record":
        return _record(kind, named)
    if kind["type"] == "array":
        return _array(_compile(kind["items"], named))
    logical = kind.get("logicalType")
    reader = _LOGICAL.get((kind["type"], logical)) if logical else _PLAIN.get(kind["type"])
    if reader is None:
        raise Misconfigured(f"contracts use no {kind['type']} {logical or ''}".strip())
    return reader


def _optional(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _array(reader: Reader) -> Reader:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Refusal("", "wrong-type", "it is not a list", "Send a JSON list, even for one element")
        check_items(value)
        found = []
        for number, element in enumerate(value):
            try:
                found.append(reader(element))
            except Refusal as refusal:
                raise inside(f"[{number}]", refusal) from None
        return found

    return read


def check_items(value: list[Any]) -> None:
    """Refuse a list longer than any event needs."""
    if len(value) > MOST_ITEMS:
        raise Refusal("", "too-many", f"it has more than {MOST_ITEMS} elements", "Send an event of its own for each")


def _record(schema: dict[str, Any], named: dict[str, Any]) -> Reader:
    fields = [(f["name"], _compile(f["type"], named), "default" in f, f.get("default")) for f in schema["fields"]]
    names = {name for name, _, _, _ in fields}

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Refusal("", "wrong-type", "it is not an object", "Send a JSON object with the fields of the contract")
        if not names.issuperset(value):
            raise _unknown(value, names)
        return {name: _field(value, name, reader, optional, default) for name, reader, optional, default in fields}

    return read


def _field(value: dict[str, Any], name: str, reader: Reader, optional: bool, default: Any) -> Any:
    if name not in value:
        if optional:
            return copy.copy(default)
        raise Refusal(f".{name}", "missing", "the field is missing", "Send it: the contract has no default for it")
    try:
        return reader(value[name])
    except Refusal as refusal:
        raise inside(f".{name}", refusal) from None


def _unknown(value: dict[str, Any], names: set[str]) -> Refusal:
    """The unknown name is not repeated: nobody knows what stands in it."""
    near = [match for name in value if name not in names for match in get_close_matches(str(name), names, 1)]
    fix = f"Did you mean {near[0]}?" if near else f"Send only {', '.join(sorted(names))}"
    return Refusal("", "unknown-field", "it has a field that the contract does not have", fix)
