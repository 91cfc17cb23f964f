"""Events on the wire: every transport gives the same event, and every fault its exact place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from schemas import framing
from schemas.codec import decode, digest, encode_binary, encode_structured, from_json, to_json
from schemas.contract import contracts
from schemas.errors import Refusal
from schemas.records import CloudEvent, Record
from schemas.samples import sample
from tests.core.schemas_kit import ATTENDANCE, EMERGENCY, TYPES, attendance, binary, with_value


@pytest.mark.parametrize("type_", TYPES)
def test_avro_json_and_back_are_one_event(type_: str) -> None:
    """Whichever way an event comes, it says the same and has the same digest."""
    event = from_json(sample(type_))
    for again in (decode(encode_binary(event)), decode(encode_structured(event)), from_json(to_json(event))):
        assert again == event
        assert digest(again) == digest(event)


def test_dates_and_instants_arrive_as_what_they_are() -> None:
    """Past the codec nobody parses text."""
    data = decode(binary()).data
    assert data["session_date"] == date(2025, 3, 10)
    assert data["about"]["happened_at"] == datetime(2025, 3, 10, 9, 15, tzinfo=UTC)
    assert data["about"]["persons"][0]["birth_date"] == date(2015, 4, 12)
    assert data["about"]["tier"] == "normal"


@pytest.mark.parametrize(
    "said",
    [
        "2025-03-10T09:15:00Z",
        "2025-03-10t09:15:00z",
        "2025-03-10 09:15:00Z",
        "2025-03-10T09:15Z",
        "2025-03-10T10:15:00+01:00",
        "2025-03-10T10:15:00+0100",
        "2025-03-10T10:15:00+01",
        "2025-03-10T09:15:00-00:00",
        "2025-03-10T09:15:00.0000001Z",
        "2025-03-10T09:15:00,000Z",
    ],
)
def test_one_moment_is_one_moment_however_it_is_written(said: str) -> None:
    """The variants of ISO 8601 that partners send; the digest does not tell them apart."""
    event = sample(ATTENDANCE)
    event["data"]["about"]["happened_at"] = said
    assert digest(from_json(event)) == digest(from_json(sample(ATTENDANCE)))


def test_an_old_id_is_read_with_the_schema_it_names() -> None:
    """A publisher who has not moved to the newest contract is understood; what is new has its default."""
    import io

    import fastavro

    (old,) = contracts()[EMERGENCY].previous
    event = from_json(sample(EMERGENCY))
    body = io.BytesIO()
    data = {name: value for name, value in event.data.items() if name != "setting"}
    fastavro.schemaless_writer(body, fastavro.parse_schema(old.schema), data)
    again = decode(with_value(encode_binary(event), framing.frame(old.id, body.getvalue())))
    assert again == event
    assert again.data["setting"] == "emergency-department"


def test_the_digest_sees_content_and_nothing_else() -> None:
    """A resend with another time or trace is a duplicate; another code is a conflict."""
    event = sample(ATTENDANCE)
    backwards = dict(reversed(event["data"].items()))
    resent = {**event, "time": "2026-01-01T00:00:00Z", "traceparent": "00-1", "data": backwards}
    assert digest(from_json(resent)) == digest(from_json(event))
    assert digest(from_json(attendance(code="I"))) != digest(from_json(event))
    assert len(digest(from_json(event))) == 32


def test_the_schema_id_may_stand_in_a_header() -> None:
    """Newer clients put the five bytes there, with the bare body as value."""
    record = binary(__value_schema_id=framing.frame(contracts()[ATTENDANCE].schema_id, b""))
    assert decode(with_value(record, (record.value or b"")[5:])) == decode(binary())


@pytest.mark.parametrize(
    "content_type", [b"application/cloudevents+json", b"application/cloudevents+json; charset=utf-8"]
)
def test_structured_mode_is_known_by_its_content_type(content_type: bytes) -> None:
    """Parameters of the content type change nothing."""
    value = msgspec.json.encode({**sample(ATTENDANCE), "specversion": 1.0})
    assert decode(Record("in.school", None, value, (("Content-Type", content_type),))) == decode(binary())


def test_binary_mode_may_carry_json() -> None:
    """The binding lets the content type say how the data is written."""
    data = msgspec.json.encode(sample(ATTENDANCE)["data"])
    assert decode(with_value(binary(content_type=b"application/json"), data)) == decode(binary())


def test_extensions_are_kept_and_foreign_headers_are_not() -> None:
    """Attributes the hub does not know are the publisher's own; other headers are the transport's."""
    event = decode(binary(ce_traceparent="00-ä".encode(), ce_subject=b"s", baggage=b"b"))
    assert event.extensions == {"traceparent": "00-ä", "subject": "s"}
    assert decode(encode_binary(event)) == event


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
