"""Forty and more kinds of bad record, each with where it must say that it is bad, and how to mend it.

Every kind is made from a sound record by one change, as it would stand on `in.<agency>`, past every door.
"""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from schemas.codec import encode_binary, from_json
from schemas.contract import contracts
from schemas.records import CloudEvent, Record

ATTENDANCE = "hearth.school.AttendanceRecorded"
INCIDENT = "hearth.police.DomesticAbuseIncidentAttended"
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
SOURCE = "urn:made-up:poison"


class Kind(NamedTuple):
    """One kind of bad record: its name, the record, and what its refusal must say. `fix` is how the fix begins."""

    name: str
    record: Record
    path: str
    code: str
    fix: str


def mark(number: str, code: str = "O", at: str = "2026-03-02T09:15:00Z", **about: Any) -> dict[str, Any]:
    """Return a sound event, structured: one session's mark of a pupil whom the school knows by `number`."""
    pupil = {"role": "subject", "identifiers": [{"system": "local", "value": f"poison-{number}"}],
             "family_name": "Larkspur", "given_names": "Wren", "birth_date": "2014-05-06"}  # fmt: skip
    said = {"persons": [pupil], "happened_at": at, "recorded_at": at, **about}
    data = {"about": said, "session_date": "2026-03-02", "session": "AM", "code": code, "establishment": "900001"}
    return {"specversion": "1.0", "id": f"poison-{number}", "source": SOURCE, "type": ATTENDANCE, "data": data}


def good(number: str) -> CloudEvent:
    """Return a sound event about a pupil of its own."""
    return from_json(mark(f"good-{number}"))


def kinds() -> list[Kind]:
    """Return every kind, in the order in which they are sent."""
    return [*_framing(), *_avro(), *_headers(), *_json(), *_contract(), *_meaning()]


# ------------------------------------------------------------------ how a record is changed


def avro(name: str, change: Callable[[bytes], bytes | None]) -> Record:
    """Return a sound binary record with its value changed."""
    sound = encode_binary(from_json(mark(name)))
    return msgspec.structs.replace(sound, topic="in.school", value=change(sound.value or b""))


def headers(name: str, change: Callable[[dict[str, bytes]], dict[str, bytes]], *more: tuple[str, bytes]) -> Record:
    """Return a sound binary record with its headers changed, and `more` behind them."""
    sound = encode_binary(from_json(mark(name)))
    return msgspec.structs.replace(sound, topic="in.school", headers=(*change(dict(sound.headers)).items(), *more))


def without(header: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda said: {name: value for name, value in said.items() if name != header}


def same(said: dict[str, bytes]) -> dict[str, bytes]:
    return said


def text(value: bytes) -> Record:
    """Return a structured record with these bytes as its value."""
    return Record("in.school", None, value, STRUCTURED)


def event(changed: dict[str, Any], agency: str = "school") -> Record:
    return Record(f"in.{agency}", None, json.dumps(changed).encode(), STRUCTURED)


def data(name: str, **fields: Any) -> Record:
    """Return a structured event with fields of its data changed; `about__x` names one of its `about`."""
    said = mark(name)
    for field, value in fields.items():
        into = said["data"]["about"] if field.startswith("about__") else said["data"]
        into[field.removeprefix("about__")] = value
    return event(said)


def pupil(name: str, **fields: Any) -> Record:
    """Return a structured event with fields of its person changed."""
    said = mark(name)
    said["data"]["about"]["persons"][0] |= fields
    return event(said)


def zigzag(number: int) -> bytes:
    """Return an Avro long."""
    raw, out = (number << 1) ^ (number >> 63), bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    return bytes([*out, raw])


def schema_id(of: str) -> bytes:
    return struct.pack(">bI", 0, contracts()[of].schema_id)


PERSONS = zigzag(1)  # how an event's Avro begins: one person in the block …
ROLE = zigzag(7) + b"subject"  # … whose first field is the role


# ------------------------------------------------------------------ the kinds


def _framing() -> list[Kind]:
    reframe = "Frame the value as byte 0, the schema id as 4 bytes big-endian"
    ask = "Write it with a schema that the registry gave an id for"
    return [
        Kind("an empty value", avro("empty", lambda _: b""), "value", "not-framed", reframe),
        Kind("a tombstone", avro("tombstone", lambda _: None), "data", "missing", "To take an event back, retract it"),
        Kind("plain text", avro("text", lambda _: b"hello, hub"), "value", "not-framed", reframe),
        Kind("Avro without a frame", avro("bare", lambda value: value[5:]), "value", "not-framed", reframe),
        Kind("a value compressed twice", avro("gzip", gzip.compress), "value", "not-framed", reframe),
        Kind("a schema named by GUID", avro("guid", lambda value: b"\x01" + bytes(16) + value[5:]), "value",
             "guid-framing", "Use the serializer's default framing"),
        Kind("an unknown schema id", avro("id", lambda value: b"\0\0\x0f\x42\x40" + value[5:]), "value",
             "unknown-schema-id", ask),
        Kind("another type's schema id", avro("other", lambda value: schema_id(INCIDENT) + value[5:]), "type",
             "type-is-not-schema", "Set ce_type to the full name of the schema"),
        Kind("a frame without a body", avro("body", lambda value: value[:5]), "data.about.persons", "truncated",
             "Encode it again with the schema"),
    ]  # fmt: skip


def _avro() -> list[Kind]:
    again = "Encode it again with the schema whose id the record carries"
    school = schema_id(ATTENDANCE)
    name = "data.about.persons[0].family_name"
    return [
        Kind("Avro cut in the middle", avro("half", lambda value: value[: value.index(b"Larkspur") + 4]), name,
             "truncated", again),
        Kind("Avro cut by one byte", avro("last", lambda value: value[:-1]), "data.establishment", "truncated", again),
        Kind("bytes behind the Avro", avro("more", lambda value: value + b"\0"), "value", "trailing-bytes",
             "Send one record, framed once"),
        Kind("text that is not UTF-8", avro("latin", lambda value: value.replace(b"Larkspur", b"Lark\xfe\xffur")), name,
             "not-utf-8", "Encode text as UTF-8"),
        Kind("NUL in a text", avro("nul", lambda value: value.replace(b"Larkspur", b"Lark\0pur")), name,
             "nul-character", "Take control characters out of the text"),
        Kind("a branch that no union has", avro("union", lambda value: value.replace(b"\x02\x10Larkspur",
             b"\x0e\x10Larkspur")), name, "no-such-branch", again),
        Kind("a text of negative length", avro("minus", lambda _: school + PERSONS + zigzag(-5)),
             "data.about.persons[0].role", "truncated", again),
        Kind("a list that claims 2^60 elements", avro("many", lambda _: school + zigzag(2**60)),
             "data.about.persons[0].role", "truncated", again),
        Kind("a number of eleven bytes", avro("long", lambda _: school + PERSONS + b"\xff" * 10 + b"\x01"),
             "data.about.persons[0].role", "out-of-range", again),
        Kind("a day that no calendar has", avro("day", lambda value: value.replace(zigzag(20514), zigzag(2**31 - 1))),
             "data.session_date", "out-of-range", "Send a date that exists"),
    ]  # fmt: skip


def _headers() -> list[Kind]:
    needed = "CloudEvents 1.0 needs it in every event"
    return [
        Kind("no headers", headers("bare", lambda _: {}), "specversion", "missing", needed),
        *(Kind(f"no {name}", headers(name, without(f"ce_{name}")), name, "missing", needed)
          for name in ("specversion", "id", "source", "type")),
        Kind("an empty source", headers("hollow", lambda said: said | {"ce_source": b""}), "source", "missing", needed),
        Kind("CloudEvents 0.3", headers("old", lambda said: said | {"ce_specversion": b"0.3"}), "specversion",
             "wrong-version", "Send CloudEvents 1.0"),
        Kind("two ids", headers("twice", same, ("ce_id", b"another")), "id", "attribute-twice", "Send it once"),
        Kind("a header that is not UTF-8", headers("header", same, ("ce_subject", b"\xff\xfe")), "subject",
             "not-utf-8", "Encode header values as UTF-8"),
        Kind("a control character in the id", headers("bell", lambda said: said | {"ce_id": b"ring\x07ring"}), "id",
             "nul-character", "Take control characters out"),
        Kind("an id of 1,025 characters", headers("far", lambda said: said | {"ce_id": b"i" * 1025}), "id", "too-long",
             "Send a shorter one"),
        Kind("a type with a slip in it", headers("slip", lambda said: said | {"ce_type": ATTENDANCE[:-1].encode()}),
             "type", "unknown-type", f"Did you mean {ATTENDANCE}?"),
        Kind("a time without its zone", headers("zone", lambda said: said | {"ce_time": b"2026-03-02T09:15:00"}),
             "time", "no-time-zone", "Add Z for UTC or the offset"),
        Kind("an attribute in capitals", headers("caps", same, ("ce_Case-Number", b"1")), "event",
             "unknown-attribute", "Attribute names are lower-case letters and digits"),
        Kind("a content type of spreadsheets", headers("csv", lambda said: said | {"content-type": b"text/csv"}),
             "content-type", "unknown-content-type", "Send application/avro or application/cloudevents+json"),
    ]  # fmt: skip


def _json() -> list[Kind]:
    one = "Send one JSON object, UTF-8"
    return [
        Kind("text that is no JSON", text(b'{"specversion": "1.0", '), "value", "not-json", one),
        Kind("JSON in UTF-16", text(json.dumps(mark("utf16")).encode("utf-16")), "value", "not-json", one),
        Kind("half a surrogate pair", text(json.dumps(mark("half")).replace("Wren", "\\ud800").encode()), "value",
             "not-json", one),
        Kind("NaN", text(json.dumps(mark("nan") | {"data": float("nan")}).encode()), "value", "not-json", one),
        Kind("100,000 nested lists", text(b"[" * 100_000), "value", "too-deep", "Send the contract's own shape"),
        Kind("a list of events", text(json.dumps([mark("list")]).encode()), "event", "wrong-type",
             "Send one CloudEvent as a JSON object"),
        Kind("a float for the version", event(mark("float") | {"specversion": 1.5}), "specversion", "wrong-type",
             "Send a JSON string"),
        Kind("a number for the id", event(mark("number") | {"id": 12}), "id", "wrong-type", "Send a JSON string"),
        Kind("no data", event({name: said for name, said in mark("nothing").items() if name != "data"}), "data",
             "missing", "Send the data itself; the hub fetches nothing"),
        Kind("data in base64", event(mark("base64") | {"data_base64": "aGVsbG8="}), "data_base64", "not-json-data",
             "Send JSON data in `data`"),
    ]  # fmt: skip


def _contract() -> list[Kind]:
    persons = "data.about.persons"
    person = mark("crowd")["data"]["about"]["persons"][0]
    police = {"type": INCIDENT, "data": {**mark("huge")["data"], "dash_yes": 2**63}}
    police["data"] = {"about": police["data"]["about"], "reference": "R1", "children_present": True, "dash_yes": 2**63}
    return [
        Kind("a field that no contract has", data("extra", sesion="AM"), "data", "unknown-field",
             "Did you mean session?"),
        Kind("a field that is missing", data("gone", about__happened_at=None), f"{persons[:10]}.happened_at",
             "not-an-instant", "Send ISO 8601"),
        Kind("a number for a text", data("seven", establishment=900001), "data.establishment", "wrong-type",
             "Send a JSON string"),
        Kind("an object for a list", data("one", about__persons=person), persons, "wrong-type",
             "Send a JSON list, even for one element"),
        Kind("an integer of 64 bits and more", event(mark("huge") | police, "police"), "data.dash_yes", "out-of-range",
             "Send a number that fits"),
        Kind("a British date", data("uk", session_date="02/03/2026"), "data.session_date", "not-a-date",
             "Send YYYY-MM-DD"),
        Kind("the 30th of February", data("feb", session_date="2026-02-30"), "data.session_date", "impossible-date",
             "Send a day that exists"),
        Kind("an instant without its zone", data("local", about__recorded_at="2026-03-02T09:15:00"),
             "data.about.recorded_at", "no-time-zone", "Add Z for UTC or the offset"),
        Kind("a text of 10,001 characters", pupil("story", address="x" * 10_001), f"{persons}[0].address", "too-long",
             "Send the headline and a reference"),
        Kind("201 people", data("crowd", about__persons=[person] * 201), persons, "too-many",
             "Send an event of its own for each"),
        Kind("300 KiB", text(json.dumps(mark("big") | {"data": "x" * 307_200}).encode()), "data", "too-large",
             "Keep an event under 256 KiB"),
        Kind("a record as large as the topic takes", text(b"x" * 1_048_000), "data", "too-large",
             "Keep an event under 256 KiB"),
    ]  # fmt: skip


def _meaning() -> list[Kind]:
    return [
        Kind("a code of no list", data("code", code="@"), "data.code", "unknown-code", "Use a code of the list"),
        Kind("a code before its time", event(_before_2024("early")), "data.code", "code-not-valid-then",
             "Use the code that stood in the list"),
        Kind("a type of another agency", event(mark("whose"), "health"), "type", "not-your-type",
             "Types that health may publish are listed by"),
        Kind("recorded before it happened", data("before", about__recorded_at="2026-02-20T09:15:00Z"),
             "data.about.happened_at", "impossible-date", "Check both"),
        Kind("a session in 1066", data("hastings", session_date="1066-10-14"), "data.session_date", "impossible-date",
             "Check the date"),
        Kind("nobody in it", data("nobody", about__persons=[]), "data.about.persons", "no-person",
             "Name each person in the event"),
        Kind("corrected and retracted at once", data("both", about__corrects="a", about__retracts="b"),
             "data.about.retracts", "corrects-and-retracts", "Retract the earlier event, or correct it"),
        Kind("a correction of itself", data("self", about__corrects="poison-self"), "data.about.corrects",
             "mends-itself", "Name the id of the earlier event"),
    ]  # fmt: skip


def _before_2024(name: str) -> dict[str, Any]:
    """Return a mark with a code that registers have had since August 2024 only, for a session of 2023."""
    said = mark(name, code="Q", at="2023-03-02T09:15:00Z")
    said["data"]["session_date"] = "2023-03-02"
    return said
