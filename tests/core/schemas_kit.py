"""What the tests of schemas share: events of every type, and records of them."""

from __future__ import annotations

from typing import Any

from schemas.codec import encode_binary, from_json
from schemas.contract import contracts
from schemas.records import CloudEvent, Record
from schemas.samples import sample

ATTENDANCE = "hearth.school.AttendanceRecorded"
EMERGENCY = "hearth.health.EmergencyAttended"
TYPES = sorted(contracts())


def attendance(**changes: Any) -> dict[str, Any]:
    """Return the sample of an attendance mark with changes to its own fields."""
    event = sample(ATTENDANCE)
    event["data"].update(changes)
    return event


def about(type_: str = ATTENDANCE, **changes: Any) -> CloudEvent:
    """Return the sample of a type, typed, with changes to its `about`."""
    event = sample(type_)
    event["data"]["about"].update(changes)
    return from_json(event)


def binary(event: dict[str, Any] | None = None, **headers: bytes | None) -> Record:
    """Return a binary-mode record, with headers replaced, added, or (None) left out. `_` stands for `-`."""
    record = encode_binary(from_json(event or sample(ATTENDANCE)), topic="in.school")
    kept = {name: value for name, value in record.headers if name.replace("-", "_") not in headers}
    added = {
        name.replace("content_type", "content-type"): value for name, value in headers.items() if value is not None
    }
    return Record(record.topic, None, record.value, tuple({**kept, **added}.items()))


def with_value(record: Record, value: bytes | None) -> Record:
    """Return `record` with another value."""
    return Record(record.topic, record.key, value, record.headers)
