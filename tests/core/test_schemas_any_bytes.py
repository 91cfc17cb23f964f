"""Whatever the bytes, an event or a refusal; and a refusal never repeats what it was sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import framing
from schemas.checking import check
from schemas.codec import decode, digest, encode_binary, from_json, signs, to_json
from schemas.contract import contracts, written
from schemas.errors import Refusal
from schemas.records import CloudEvent, Record
from schemas.samples import sample
from tests.core.schemas_kit import ATTENDANCE, TYPES, binary

SAMPLES = [encode_binary(from_json(sample(type_))) for type_ in TYPES]
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
SECRET = "Zebedee Quillfeather 9434765919"


def publisher(type_: str) -> str:
    """Return who sends the sample of a type: practitioners are registered by their own agency."""
    may = contracts()[type_].agencies
    return "social-care" if "social-care" in may else may[0]


def outcome(record: Record) -> CloudEvent | Refusal:
    """Decode and check; anything but an event or a refusal fails the test by itself."""
    try:
        event = decode(record)
        check(event, publisher(event.type))
    except Refusal as refusal:
        return refusal
    signs(event)
    return event


@settings(max_examples=300)
@given(st.sampled_from(sorted(written())), st.binary(max_size=300))
def test_any_body_is_an_event_or_a_refusal(schema_id: int, body: bytes) -> None:
    """Every contract, every version, any bytes behind its frame."""
    headers = binary(ce_type=written()[schema_id].type.encode()).headers
    assert isinstance(outcome(Record("in", None, framing.frame(schema_id, body), headers)), CloudEvent | Refusal)


@settings(max_examples=500)
@given(
    st.sampled_from(SAMPLES),
    st.integers(0, 10_000),
    st.integers(0, 255),
    st.sampled_from(["set", "cut", "drop", "put"]),
)
def test_one_slip_in_a_good_record_is_an_event_or_a_refusal(record: Record, at: int, byte: int, how: str) -> None:
    """A byte changed, lost, added, or the rest cut off."""
    value = record.value or b""
    at %= len(value)
    new = {
        "set": value[:at] + bytes([byte]) + value[at + 1 :],
        "cut": value[:at],
        "drop": value[:at] + value[at + 1 :],
        "put": value[:at] + bytes([byte]) + value[at:],
    }[how]
    found = outcome(Record("in", None, new, record.headers))
    assert isinstance(found, CloudEvent | Refusal)
    if isinstance(found, CloudEvent):
        assert from_json(msgspec.json.decode(msgspec.json.encode(to_json(found)))) == found
        assert len(digest(found)) == 32


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_time", "content-type", "ce_x", "x"]), st.binary()),
        max_size=6,
    )
)
def test_any_headers_are_an_event_or_a_refusal(headers: list[tuple[str, bytes]]) -> None:
    """Twice, empty, not UTF-8."""
    good = [header for header in binary().headers if header[0] not in dict(headers)]
    assert isinstance(outcome(Record("in", None, binary().value, (*good, *headers))), CloudEvent | Refusal)


@settings(max_examples=300)
@given(st.sampled_from(TYPES), st.data())
def test_any_json_anywhere_in_an_event_is_an_event_or_a_refusal(type_: str, data: st.DataObject) -> None:
    """One field, at any depth, becomes anything."""
    event: Any = sample(type_)
    inner: Any = event
    while isinstance(inner, dict | list) and inner:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inner[key], dict | list) or data.draw(st.booleans()):
            inner[key] = data.draw(JSON)
            break
        inner = inner[key]
    found = outcome(Record("in", None, msgspec.json.encode(event), STRUCTURED))
    assert isinstance(found, CloudEvent | Refusal)


@settings(max_examples=200)
@given(st.binary(max_size=200) | JSON.map(msgspec.json.encode))
def test_any_structured_value_is_an_event_or_a_refusal(value: bytes) -> None:
    """Bytes that are no JSON, JSON that is no event."""
    assert isinstance(outcome(Record("in", None, value, STRUCTURED)), Refusal)


def planted(event: Any, path: tuple[Any, ...] = ()) -> list[Any]:
    """Return copies of `event`, each with the secret in one place: as a value, and as the name of a field."""
    inner = event
    for step in path:
        inner = inner[step]
    copies = [_with(event, path, SECRET)] if path else []
    if isinstance(inner, dict):
        copies += [_with(event, (*path, SECRET), 1), _with(event, (*path, "secret"), {SECRET: SECRET})]
        return copies + [copy for key in inner for copy in planted(event, (*path, key))]
    if isinstance(inner, list):
        return copies + [copy for key in range(len(inner)) for copy in planted(event, (*path, key))]
    return copies


def _with(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = msgspec.json.decode(msgspec.json.encode(event))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return copy


@pytest.mark.parametrize("type_", TYPES)
def test_no_refusal_or_remark_repeats_what_was_sent(type_: str) -> None:
    """A name planted in any field, or as a field's name, stands in no error."""
    refusals = 0
    for event in planted(sample(type_)):
        found = outcome(Record("in", None, msgspec.json.encode(event), STRUCTURED))
        if isinstance(found, Refusal):
            refusals += 1
            texts = (found.path, found.code, found.problem, found.fix, str(found))
        else:
            remarks = check(found, publisher(type_))
            texts = tuple(text for remark in remarks for text in msgspec.structs.astuple(remark))
        assert not any(word.lower() in text.lower() for word in SECRET.split() for text in texts)
    assert refusals > 10


def test_a_name_planted_in_avro_or_headers_stands_in_no_error() -> None:
    """The same for the binary mode."""
    event = from_json(sample(ATTENDANCE))
    secret = SECRET.encode()
    for name in (
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_specversion",
        "content-type",
        "ce_" + SECRET,
        "ce_zebedee",
    ):
        for value in (secret, secret + b"\xff", secret * 100, secret + b"\0"):
            headers = {**dict(binary().headers), name: value}
            found = outcome(Record("in", None, binary().value, tuple(headers.items())))
            assert isinstance(found, CloudEvent) or not any(
                word.lower() in str(found).lower() for word in SECRET.split()
            )
    spoiled = (encode_binary(event).value or b"").replace(b"Robin", b"\xffobin")
    found = outcome(Record("in", None, spoiled, binary().headers))
    assert isinstance(found, Refusal)
    assert "obin" not in str(found)
    assert found.__cause__ is None
