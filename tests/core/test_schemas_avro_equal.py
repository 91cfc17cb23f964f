"""fastavro does on the hot path what avro defines: held equal on generated data of every contract and version."""

from __future__ import annotations

import io
import json
import warnings
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import avro_files, framing, wire
from schemas.codec import decode, digest, from_json, to_json
from schemas.contract import contracts, written
from schemas.records import CloudEvent, Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import avro.io
    import avro.schema

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 12, 31), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


def data_of(schema: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return typed data of a schema."""
    if isinstance(schema, list):
        return st.none() | data_of(avro_files.plain(schema, named), named)
    kind = avro_files.plain(schema, named)
    if kind["type"] == "record":
        return st.fixed_dictionaries({field["name"]: data_of(field["type"], named) for field in kind["fields"]})
    if kind["type"] == "array":
        return st.lists(data_of(kind["items"], named), max_size=2)
    logical = {"date": DAYS, "timestamp-millis": MOMENTS}.get(kind.get("logicalType", ""))
    plain = {"string": TEXT, "boolean": st.booleans(), "int": st.integers(-(2**31), 2**31 - 1)}
    return logical if logical is not None else plain[kind["type"]]


def by_avro(schema: Any, data: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    writer = avro.io.DatumWriter(avro.schema.parse(json.dumps(schema)))
    writer.write(data, avro.io.BinaryEncoder(stream))
    return stream.getvalue()


def read_by_avro(writer: Any, reader: Any, body: bytes) -> Any:
    found = avro.io.DatumReader(avro.schema.parse(json.dumps(writer)), avro.schema.parse(json.dumps(reader)))
    return found.read(avro.io.BinaryDecoder(io.BytesIO(body)))


@pytest.mark.parametrize("schema_id", sorted(written()))
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_both_write_the_same_bytes_and_read_the_same_data(schema_id: int, data: st.DataObject) -> None:
    """Whichever of the two a partner uses, the hub sees one event; older versions come out as the current one."""
    version = written()[schema_id]
    current = contracts()[version.type].schema
    said = data.draw(data_of(version.schema, avro_files.records(version.schema)))
    body = by_avro(version.schema, said)
    read = wire.read(schema_id, version.type, framing.frame(schema_id, body), framing.HEAD)
    assert read == read_by_avro(version.schema, current, body)
    if schema_id == contracts()[version.type].schema_id:
        assert read == said
        assert wire.write(version.type, said) == body


@pytest.mark.parametrize("type_", sorted(contracts()))
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_json_and_avro_of_the_same_data_are_the_same_event(type_: str, data: st.DataObject) -> None:
    """Typed data goes through JSON and Avro and comes back as it was, with one digest."""
    schema = contracts()[type_].schema
    event = CloudEvent("1", "/s", type_, data.draw(data_of(schema, avro_files.records(schema))))
    headers = (("ce_id", b"1"), ("ce_source", b"/s"), ("ce_type", type_.encode()), ("ce_specversion", b"1.0"))
    value = framing.frame(contracts()[type_].schema_id, wire.write(type_, event.data))
    through_json = from_json(json.loads(json.dumps(to_json(event))))
    assert through_json == decode(Record("in", None, value, headers)) == event
    assert digest(through_json) == digest(event)
