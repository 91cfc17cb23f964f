"""Every fault on the wire is refused at its exact place, with a way to mend it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas import framing
from schemas.codec import decode, encode_binary, from_json
from schemas.contract import contracts
from schemas.errors import Refusal
from schemas.records import CloudEvent, Record
from schemas.samples import sample
from tests.core.schemas_kit import ATTENDANCE, EMERGENCY, attendance, binary, with_value


def refused(record: Record) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        decode(record)
    assert caught.value.problem
    assert caught.value.fix
    return caught.value.path, caught.value.code


def refused_json(event: Any) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        from_json(event)
    assert refused(Record("in.school", None, msgspec.json.encode(event), _STRUCTURED)) == (
        caught.value.path,
        caught.value.code,
    )
    return caught.value.path, caught.value.code


_STRUCTURED = (("content-type", b"application/cloudevents+json"),)
VALUE = binary().value or b""


@pytest.mark.parametrize(
    ("record", "path", "code"),
    [
        (with_value(binary(), None), "data", "missing"),
        (with_value(binary(), b""), "value", "not-framed"),
        (with_value(binary(), b"\0\0\0\0\1"), "value", "unknown-schema-id"),
        (with_value(binary(), VALUE[:5]), "data.about.persons", "truncated"),
        (with_value(binary(), VALUE[:-1]), "data.establishment", "truncated"),
        (with_value(binary(), VALUE[:20]), "data.about.persons[0].identifiers[0].value", "truncated"),
        (with_value(binary(), VALUE + b"\0"), "value", "trailing-bytes"),
        (with_value(binary(), b"\x01" + bytes(16) + VALUE[5:]), "value", "guid-framing"),
        (with_value(binary(), VALUE[5:]), "value", "not-framed"),
        (with_value(binary(), VALUE.replace(b"pupil", b"pup\xffl")), "data.about.persons[0].role", "not-utf-8"),
        (
            with_value(binary(), VALUE.replace(b"Robin", b"Ro\0in")),
            "data.about.persons[0].given_names",
            "nul-character",
        ),
        (binary(ce_type=EMERGENCY.encode()), "type", "type-is-not-schema"),
        (binary(ce_type=b"hearth.school.AttendanceRecord"), "type", "unknown-type"),
        (binary(ce_type=None), "type", "missing"),
        (binary(ce_id=None), "id", "missing"),
        (binary(ce_id=b""), "id", "missing"),
        (binary(ce_source=None), "source", "missing"),
        (binary(ce_specversion=None), "specversion", "missing"),
        (binary(ce_specversion=b"0.3"), "specversion", "wrong-version"),
        (binary(ce_id=b"\xff"), "id", "not-utf-8"),
        (binary(ce_id=b"a\0b"), "id", "nul-character"),
        (binary(ce_id=b"a" * 2000), "id", "too-long"),
        (binary(ce_time=b"yesterday"), "time", "not-an-instant"),
        (binary(ce_time=b"2025-03-10T09:15:00"), "time", "no-time-zone"),
        (binary(ce_Robin=b"x"), "event", "unknown-attribute"),
        (binary(ce_robinashdown=b"\xff"), "extensions", "not-utf-8"),
        (binary(content_type=b"text/csv"), "content-type", "unknown-content-type"),
        (binary(__value_schema_id=b"\x01" + bytes(16)), "headers.__value_schema_id", "guid-framing"),
        (binary(__value_schema_id=b"\x00"), "headers.__value_schema_id", "not-framed"),
        (Record("in.school", None, VALUE), "specversion", "missing"),
        (Record("in.school", None, VALUE, (*binary().headers, ("ce_id", b"2"))), "id", "attribute-twice"),
        (Record("in.school", None, b"[" * 100_000, _STRUCTURED), "value", "too-deep"),
        (Record("in.school", None, b"{", _STRUCTURED), "value", "not-json"),
        (Record("in.school", None, None, _STRUCTURED), "value", "not-json"),
        (Record("in.school", None, b'{"a":"\xff"}', _STRUCTURED), "value", "not-json"),
        (Record("in.school", None, b'"{}"', _STRUCTURED), "event", "wrong-type"),
    ],
)
def test_a_record_that_breaks_the_binding_is_refused_at_its_place(record: Record, path: str, code: str) -> None:
    """Its publisher learns which header or field to mend."""
    assert refused(record) == (path, code)


def test_a_date_that_no_calendar_has_is_refused_at_its_field() -> None:
    """Avro's number of days may be anything; ours is a day."""
    import io

    import fastavro

    contract = contracts()[ATTENDANCE]
    plain = msgspec.json.decode(msgspec.json.encode(contract.schema).replace(b'"logicalType":"date"', b'"x":1'))
    event = from_json(sample(ATTENDANCE))
    person = {**event.data["about"]["persons"][0], "birth_date": 2**31 - 1}
    data = {**event.data, "session_date": 0, "about": {**event.data["about"], "persons": [person]}}
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(plain), data)
    record = with_value(binary(), framing.frame(contract.schema_id, body.getvalue()))
    assert refused(record) == ("data.about.persons[0].birth_date", "out-of-range")


def person(**changes: Any) -> dict[str, Any]:
    event = sample(ATTENDANCE)
    event["data"]["about"]["persons"][0].update(changes)
    return event


def without(*path: str) -> dict[str, Any]:
    event: dict[str, Any] = sample(ATTENDANCE)
    inner = event
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return event


@pytest.mark.parametrize(
    ("event", "path", "code"),
    [
        (None, "event", "wrong-type"),
        ([], "event", "wrong-type"),
        (without("id"), "id", "missing"),
        (without("data"), "data", "missing"),
        ({**without("data"), "data_base64": "AA=="}, "data_base64", "not-json-data"),
        ({**sample(ATTENDANCE), "data": None}, "data", "missing"),
        ({**sample(ATTENDANCE), "data": "{}"}, "data", "wrong-type"),
        ({**sample(ATTENDANCE), "id": 7}, "id", "wrong-type"),
        ({**sample(ATTENDANCE), "specversion": 1}, "specversion", "wrong-type"),
        ({**sample(ATTENDANCE), "source": {"a": 1}}, "source", "wrong-type"),
        ({**sample(ATTENDANCE), "extra": {"a": 1}}, "extensions", "wrong-type"),
        ({**sample(ATTENDANCE), "eventType": "x"}, "event", "unknown-attribute"),
        ({**sample(ATTENDANCE), **{f"x{n}": "" for n in range(40)}}, "event", "too-many"),
        (without("data", "code"), "data.code", "missing"),
        (without("data", "about"), "data.about", "missing"),
        (without("data", "about", "recorded_at"), "data.about.recorded_at", "missing"),
        (attendance(Code="O"), "data", "unknown-field"),
        (attendance(code=1), "data.code", "wrong-type"),
        (attendance(code=None), "data.code", "wrong-type"),
        (attendance(code="a\0"), "data.code", "nul-character"),
        (attendance(code="a" * 10_001), "data.code", "too-long"),
        (attendance(session_date="2025-02-30"), "data.session_date", "impossible-date"),
        (attendance(session_date="10/03/2025"), "data.session_date", "not-a-date"),
        (attendance(session_date=20157), "data.session_date", "not-a-date"),
        (person(birth_date="2015-4-12"), "data.about.persons[0].birth_date", "not-a-date"),
        (person(family_name={"string": "x"}), "data.about.persons[0].family_name", "wrong-type"),
        (person(identifiers="x"), "data.about.persons[0].identifiers", "wrong-type"),
        (person(identifiers=[{"system": "upn"}]), "data.about.persons[0].identifiers[0].value", "missing"),
        (person(identifiers=[{}] * 201), "data.about.persons[0].identifiers", "too-many"),
        (person(surname="x"), "data.about.persons[0]", "unknown-field"),
    ],
)
def test_json_that_breaks_the_contract_is_refused_at_its_field(event: Any, path: str, code: str) -> None:
    """The same over Kafka and at the door."""
    assert refused_json(event) == (path, code)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("2025-03-10T09:15:00", "no-time-zone"),
        ("2025-03-10", "not-an-instant"),
        ("28-Nov-2022 14:48:11.000Z[UTC]", "not-an-instant"),
        ("2025-03-10T25:15:00Z", "impossible-date"),
        ("2025-02-30T09:15:00Z", "impossible-date"),
        ("0001-01-01T00:00:00+05:00", "impossible-date"),
        ("2025-03-10T09:15:00+99:00", "impossible-date"),
        ("２０２５-03-10T09:15:00Z", "not-an-instant"),
        (1741598100000, "not-an-instant"),
    ],
)
def test_a_moment_that_is_unclear_is_refused(said: Any, code: str) -> None:
    """A time without its offset is an hour wrong for half the year."""
    event = sample(ATTENDANCE)
    event["data"]["about"]["happened_at"] = said
    assert refused_json(event) == ("data.about.happened_at", code)


def test_a_whole_number_and_a_truth_are_not_text() -> None:
    """`"9"` is no 9, true is no 1."""
    for field, value in (("dash_yes", "9"), ("dash_yes", True), ("dash_yes", 9.5), ("dash_yes", 2**40), ("crime", 1)):
        event = sample("hearth.police.DomesticAbuseIncidentAttended")
        event["data"][field] = value
        assert refused_json(event)[0] == f"data.{field}"


def test_the_fix_names_what_is_nearest() -> None:
    """A slip of the pen is mended in one step."""
    for event, fix in (
        ({**sample(ATTENDANCE), "type": "hearth.school.AttendanceRecorder"}, ATTENDANCE),
        (attendance(sesion="AM"), "session"),
        (person(birthdate="2015-04-12"), "birth_date"),
    ):
        with pytest.raises(Refusal, match=fix):
            from_json(event)


def test_data_that_does_not_fit_is_not_written() -> None:
    """A bug in an adapter never reaches the broker."""
    event = from_json(sample(ATTENDANCE))
    for data in ({}, {**event.data, "session_date": "soon"}, {**event.data, "about": None}):
        with pytest.raises(Refusal, match="from_json"):
            encode_binary(CloudEvent(event.id, event.source, event.type, data))
    with pytest.raises(Refusal, match="no contract"):
        encode_binary(CloudEvent(event.id, event.source, "hearth.school.Nothing", event.data))
