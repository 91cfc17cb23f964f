"""Events on the wire: every transport gives the same event, and every fault its exact place."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from schemas import framing
from schemas.codec import decode, digest, encode_binary, encode_structured, from_json, to_json
from schemas.contract import contracts
from schemas.records import Record
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
