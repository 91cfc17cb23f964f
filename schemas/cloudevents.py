"""CloudEvents 1.0 attributes, from Kafka headers (binary mode) or from a JSON object (structured mode)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import msgspec

from schemas.contract import contracts
from schemas.errors import Refusal
from schemas.fields import inside, instant
from schemas.framing import SCHEMA_ID_HEADER

STRUCTURED = "application/cloudevents+json"
AVRO = "application/avro"
PREFIX = "ce_"
MOST_ATTRIBUTE = 1_024  # characters
MOST_EXTENSIONS = 32
_REQUIRED = ("specversion", "id", "source", "type")
_TEXT_ONLY = frozenset((*_REQUIRED, "time", "subject", "dataschema", "datacontenttype"))
_NAME = re.compile(r"[a-z0-9]{1,64}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Attributes(msgspec.Struct, frozen=True):
    """An event without its data. `extensions` hold `subject` and `dataschema` too, where they are sent."""

    id: str
    source: str
    type: str
    time: datetime | None
    extensions: dict[str, str]


class Headers(msgspec.Struct, frozen=True):
    """A Kafka record's headers: the CloudEvents attributes without prefix, and what says how the value is written."""

    attributes: dict[str, str]
    content_type: str
    schema_id: bytes | None


def read_headers(headers: Iterable[tuple[str, bytes]]) -> Headers:
    """Sort a record's headers. Headers that are no part of CloudEvents are left aside. Raises `Refusal`."""
    attributes: dict[str, str] = {}
    content_type, schema_id = "", None
    for name, value in headers:
        if name.startswith(PREFIX):
            _put(attributes, name[3:], value)
        elif name == SCHEMA_ID_HEADER:
            schema_id = value
        elif name.lower() == "content-type":
            content_type = _utf8("content-type", value)
    return Headers(attributes, media_type(content_type), schema_id)


def media_type(said: str) -> str:
    """Return a content type without its parameters (`; charset=…`), lower case."""
    return said.partition(";")[0].strip().lower()


def attributes_of(found: dict[str, str]) -> Attributes:
    """Check the attributes and return them. Raises `Refusal` at the attribute's own name."""
    for name in _REQUIRED:
        if not found.get(name):
            raise Refusal(name, "missing", "the attribute is missing", "CloudEvents 1.0 needs it in every event")
    if found["specversion"] != "1.0":
        raise Refusal("specversion", "wrong-version", "it is not 1.0", "Send CloudEvents 1.0")
    if found["type"] not in contracts():
        raise unknown_type(found["type"])
    rest = {name: value for name, value in found.items() if name not in _REQUIRED}
    time = rest.pop("time", None)
    rest.pop("datacontenttype", None)
    return Attributes(found["id"], found["source"], found["type"], _time(time), _extensions(rest))


def attributes_in(event: dict[str, Any]) -> dict[str, str]:
    """Return the attributes of a JSON event as text. Raises `Refusal` at the attribute's own name."""
    found: dict[str, str] = {}
    for name, value in event.items():
        if name == "data" or value is None:
            continue
        found[_name(name)] = _attribute(name, _as_text(name, value))
    return found


def _as_text(name: str, value: Any) -> Any:
    """Return what the specification allows beside text: a version that YAML read as a number, a number or truth."""
    if name == "specversion":
        return "1.0" if type(value) is float and value == 1.0 else value
    return str(value).lower() if name not in _TEXT_ONLY and type(value) in (int, bool) else value


def unknown_type(said: str) -> Refusal:
    """Return the refusal for a type that has no contract, with the nearest that has."""
    near = get_close_matches(said, contracts(), 1)
    fix = f"Did you mean {near[0]}?" if near else "Send a type that has a contract: `hearth schemas check` lists them"
    return Refusal("type", "unknown-type", "there is no contract of this type", fix)


def _put(attributes: dict[str, str], name: str, value: bytes) -> None:
    if _name(name) in attributes:
        raise Refusal(_path(name), "attribute-twice", "the attribute stands twice in the headers", "Send it once")
    attributes[name] = _attribute(name, _utf8(name, value))


def _utf8(name: str, value: Any) -> str:
    try:
        return str(value, "utf-8")
    except (UnicodeDecodeError, TypeError):
        raise Refusal(_path(name), "not-utf-8", "the header is not UTF-8", "Encode header values as UTF-8") from None


def _path(name: str) -> str:
    """Return the path of an attribute. An extension's name is the publisher's own, so it is not repeated."""
    return name if name in _TEXT_ONLY or name == "content-type" else "extensions"


@lru_cache(maxsize=256)
def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        fix = "Attribute names are lower-case letters and digits; the event's own fields belong in data"
        raise Refusal("event", "unknown-attribute", "it has an attribute that cannot be one", fix)
    return name


def _attribute(name: str, value: Any) -> str:
    if type(value) is not str:
        raise Refusal(_path(name), "wrong-type", "the attribute is not text", "Send a JSON string")
    if len(value) > MOST_ATTRIBUTE:
        raise Refusal(_path(name), "too-long", f"it is longer than {MOST_ATTRIBUTE} characters", "Send a shorter one")
    if not value.isprintable() and _CONTROL.search(value):
        raise Refusal(_path(name), "nul-character", "it holds a control character", "Take control characters out")
    return value


def _time(said: str | None) -> datetime | None:
    try:
        return instant(said) if said is not None else None
    except Refusal as refusal:
        raise inside("time", refusal) from None


def _extensions(found: dict[str, str]) -> dict[str, str]:
    if len(found) > MOST_EXTENSIONS:
        raise Refusal("event", "too-many", f"it has more than {MOST_EXTENSIONS} extensions", "Send what is needed")
    return found
