"""Clients that know nothing of Hearth, unmodified: CloudEvents SDKs, and Confluent's serializer with our registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent as OldCloudEvent
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from agents.adapters.memory import MemoryBroker, MemoryProducer
from agents.portal.writer import Writer
from schemas.codec import decode, from_json
from schemas.contract import contracts
from schemas.records import Receipt
from schemas.samples import sample
from tests.edges.door_kit import BATCH, Site, attendance, site

SUBJECT = "in.school-value"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("door")) as running:
        yield running


def said(id: str) -> CloudEvent:  # noqa: A002 (CloudEvents' name)
    """Return a sound event as the stock SDK builds it."""
    event = attendance(id)
    attributes = {name: event[name] for name in ("id", "source", "type", "specversion", "datacontenttype")}
    return CloudEvent(attributes | {"time": datetime(2026, 3, 2, 9, 21, tzinfo=UTC)}, event["data"])


def sent(door: Site, message: HTTPMessage) -> httpx.Response:
    headers = {"Authorization": f"Bearer {door.token}"} | message.headers
    return httpx.post(f"{door.url}/events", headers=headers, content=message.body, timeout=20)


@pytest.mark.parametrize("to_message", [to_structured_event, to_binary_event])
def test_the_cloudevents_sdk_publishes_over_http_as_it_is(door: Site, to_message: Any) -> None:
    """Structured and binary mode, made and encoded by the SDK alone."""
    name = f"sdk-ü {to_message.__name__}"
    answer = sent(door, to_message(said(name)))
    assert answer.status_code == 202, answer.text
    (record,) = [r for r in door.written() if dict(r.headers)["ce_id"] == name.encode()]
    event = decode(record)
    assert event.time == datetime(2026, 3, 2, 9, 21, tzinfo=UTC)
    assert event.data["session_date"] == date(2026, 3, 2)


def test_the_older_sdk_s_events_are_taken_too(door: Site) -> None:
    """Publishers upgrade when they can."""
    event = attendance("old-sdk-1")
    attributes = {name: event[name] for name in ("id", "source", "type")}
    for convert in (to_structured, to_binary):
        headers, body = convert(OldCloudEvent(attributes, event["data"]))
        assert sent(door, HTTPMessage(headers=headers, body=body)).status_code == 202


def checked(door: Site, content: bytes, source: str, agency: str) -> tuple[int, Any]:
    """Return what the door says to `agency` of an event on a dry run: the status and the warnings."""
    token, _ = door.tokens.issue("agency", agency, agency, (source,), timedelta(hours=1))
    answer = door.post(content, query="?dry-run", Authorization=f"Bearer {token}")
    return answer.status_code, answer.json().get("warnings")


def test_every_sample_that_the_door_gives_out_is_one_that_it_takes(door: Site) -> None:
    """What a publisher copies from GET /samples works, of every type, for an agency that publishes it."""
    listed = httpx.get(f"{door.url}/samples", timeout=20).json()
    assert {one["type"] for one in listed} == set(contracts())
    for one in listed:
        answer = httpx.get(door.url + one["sample"], timeout=20)
        assert answer.headers["content-type"] == "application/cloudevents+json"
        found = [checked(door, answer.content, answer.json()["source"], agency) for agency in one["agencies"]]
        assert (200, []) in found, (one["type"], found)


def test_a_stock_serializer_that_registers_by_default_writes_what_the_hub_reads(door: Site) -> None:
    """Confluent's AvroSerializer, with our door as its registry, to the agency's topic."""
    registry = SchemaRegistryClient({"url": door.url})
    contract = contracts()["hearth.school.AttendanceRecorded"]
    event = from_json(sample(contract.type))
    serialize = AvroSerializer(registry, json.dumps(contract.schema))
    value = serialize(event.data, SerializationContext("in.school", MessageField.VALUE))
    assert value is not None
    assert int.from_bytes(value[1:5]) == contract.schema_id
    headers = {"ce_specversion": "1.0", "ce_id": "stock-1", "ce_source": event.source, "ce_type": event.type}
    producer = Producer({"bootstrap.servers": door.bootstrap})
    producer.produce("in.school", value, headers=headers | {"content-type": "application/avro"})
    assert producer.flush(20) == 0
    (record,) = [r for r in door.written() if dict(r.headers)["ce_id"] == b"stock-1"]
    assert decode(record).data == event.data


def test_a_stock_deserializer_reads_what_the_door_wrote(door: Site) -> None:
    """By the schema id alone, which it looks up in our registry."""
    door.post(attendance("stock-2"))
    (record,) = [r for r in door.written() if dict(r.headers)["ce_id"] == b"stock-2"]
    read = AvroDeserializer(SchemaRegistryClient({"url": door.url}))
    found = read(record.value, SerializationContext("in.school", MessageField.VALUE))
    assert found is not None
    assert (found["session"], found["about"]["persons"][0]["family_name"]) == ("AM", "Quillfeather")


def test_a_stock_client_finds_every_pinned_schema_and_can_register_no_other(door: Site) -> None:
    """Subjects by record name, ids as pinned; a schema of one's own is refused."""
    registry = SchemaRegistryClient({"url": door.url})
    assert set(registry.get_subjects()) == set(contracts())
    for name, contract in contracts().items():
        assert registry.get_latest_version(name).schema_id == contract.schema_id
    assert registry.get_compatibility() == "BACKWARD_TRANSITIVE"
    own = Schema(json.dumps({"type": "record", "name": "Own", "fields": []}), "AVRO")
    with pytest.raises(SchemaRegistryError):
        registry.register_schema(SUBJECT, own)
    with pytest.raises(SchemaRegistryError):
        registry.delete_subject(SUBJECT)


def test_a_batch_may_come_from_a_stock_client_in_chunks(door: Site) -> None:
    """Without a declared length, as streaming clients send."""
    body = json.dumps([attendance(f"chunk-{number}") for number in range(50)]).encode()
    chunks = (body[at : at + 1_000] for at in range(0, len(body), 1_000))
    headers = {"Authorization": f"Bearer {door.token}", "Content-Type": BATCH}
    answer = httpx.post(f"{door.url}/events", headers=headers, content=chunks, timeout=20)
    assert answer.status_code == 202
    assert len({one["receipt"] for one in answer.json()["events"]}) == 50


def test_a_receipt_is_its_own_agency_s_and_nobody_else_s(door: Site) -> None:
    """Another agency's receipt is as if it were not there."""
    id = door.post(attendance("receipt-1")).json()["receipt"]  # noqa: A001
    pending = door.get(f"/receipts/{id}")
    assert (pending.status_code, int(pending.headers["retry-after"])) == (404, 2)
    receipt = Receipt(id, "school", "accepted", datetime(2026, 3, 2, 9, 22, tzinfo=UTC))
    door.receipts.held["school", id] = receipt
    assert door.get(f"/receipts/{id}").json()["status"] == "accepted"
    health, _ = door.tokens.issue("agency", "health", "health", ("urn:gp:1",), timedelta(hours=1))
    assert door.get(f"/receipts/{id}", health).content == pending.content
    assert httpx.get(f"{door.url}/receipts/{id}", timeout=20).status_code == 401


def test_the_door_says_whether_it_can_take_events(tmp_path: Path) -> None:
    """200 while the broker answers, 503 when it does not."""
    with site(tmp_path) as running:
        assert httpx.get(f"{running.url}/health", timeout=20).json() == {"status": "up"}
        running.door.reachable = lambda: False
        assert httpx.get(f"{running.url}/health", timeout=20).status_code == 503


def test_an_event_that_the_broker_did_not_acknowledge_is_not_acknowledged_to_its_publisher(tmp_path: Path) -> None:
    """503 with Retry-After, and the same event is taken when the broker is back."""
    broker = MemoryBroker()
    with site(tmp_path) as running:
        running.door.writer = Writer(MemoryProducer(broker), patience=5)
        broker.up = False
        answer = running.post(attendance("down-1"))
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:hearth:problem:not-acknowledged"
        assert int(answer.headers["retry-after"]) > 0
        assert broker.records("in.school") == []
        broker.up = True
        assert running.post(attendance("down-1")).status_code == 202
        assert len(broker.records("in.school")) == 1
