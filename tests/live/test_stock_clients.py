"""Clients that know nothing of Hearth, unmodified, against a running hub: in by Kafka and HTTP, answered on Kafka."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer, SerializingProducer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, StringSerializer
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from agents.demo.teller import nhs_number
from tests.live.recorder import Recorder
from tests.live.running_hub import RunningHub

pytestmark = pytest.mark.kafka

ATTENDANCE = "hearth.school.AttendanceRecorded"
RELATIONSHIP = "hearth.social_care.RelationshipStated"
INCIDENT = "hearth.police.DomesticAbuseIncidentAttended"


def about(at: datetime, *persons: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"persons": list(persons), "happened_at": at, "recorded_at": at + timedelta(hours=1), **more}


def person(role: str, number: str, family: str, given: str, born: str) -> dict[str, Any]:
    said = {"role": role, "identifiers": [{"system": "local", "value": number}]}
    return said | {"family_name": family, "given_names": given, "birth_date": date.fromisoformat(born)}


def mark(number: str) -> dict[str, Any]:
    """Return one session's mark as a school's own system has it."""
    at = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    pupil = person("subject", number, "Larkspur", "Wren", "2014-05-06")
    return {"about": about(at, pupil), "session_date": date(2026, 3, 2), "session": "AM", "code": "/",
            "establishment": "900001"}  # fmt: skip


def wren(role: str) -> dict[str, Any]:
    return with_nhs(900_001, person(role, "", "Larkspur", "Wren", "2014-05-06"))


def iris(role: str) -> dict[str, Any]:
    return with_nhs(900_020, person(role, "", "Larkspur", "Iris", "1988-09-30"))


def with_nhs(number: int, said: dict[str, Any]) -> dict[str, Any]:
    return said | {"identifiers": [{"system": "nhs-number", "value": nhs_number(number)}]}


def mother() -> dict[str, Any]:
    """Return what social care knows: Iris is Wren's mother."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    return {"about": about(at, wren("child"), iris("adult")), "relationship": "mother", "same_household": True,
            "since": None, "until": None}  # fmt: skip


def incident() -> dict[str, Any]:
    """Return an incident of last week with 18 DASH answers: the police's system says nothing of alerts."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=7)
    persons = (iris("victim"), person("alleged", uuid.uuid4().hex, "Tarn", "Lee", "1986-01-19"), wren("child"))
    return {"about": about(at, *persons), "reference": "DA-1", "dash_yes": 18, "children_present": True,
            "voice_of_child": None, "circumstances": None, "features": [], "crime": None}  # fmt: skip


def attributes(kind: str, source: str) -> dict[str, str]:
    """Return what CloudEvents' Kafka binding puts into headers."""
    at = datetime.now(UTC).isoformat()
    return {"ce_specversion": "1.0", "ce_id": str(uuid.uuid4()), "ce_source": source, "ce_type": kind, "ce_time": at}


def receipts(hub: RunningHub, agency: str) -> dict[str, str]:
    """Return the statuses of the agency's receipts by id: they are JSON, and nothing else need be known of them."""
    said = (json.loads(record.value) for record in Recorder(hub.settings.kafka).all(f"receipts.{agency}"))
    return {one["id"]: one["status"] for one in said}


def registry(hub: RunningHub) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": hub.http})


def serializer(hub: RunningHub, kind: str) -> AvroSerializer:
    """Return Confluent's serializer as it comes: it registers its schema with the hub's registry before it writes."""
    client = registry(hub)
    schema = client.get_latest_version(kind).schema.schema_str
    return AvroSerializer(client, schema)


def test_confluents_serializing_producer_publishes_and_is_answered(hearth: RunningHub) -> None:
    """Auto-registration on, a key of the publisher's own: accepted, and the receipt is on the agency's topic."""
    before = receipts(hearth, "school")
    producer = SerializingProducer({
        "bootstrap.servers": hearth.settings.kafka, "key.serializer": StringSerializer(),
        "value.serializer": serializer(hearth, ATTENDANCE),
    })  # fmt: skip
    for _ in range(3):
        headers = attributes(ATTENDANCE, "urn:made-up:school-system")
        producer.produce("in.school", key="our-own-key", value=mark(uuid.uuid4().hex), headers=headers)
    assert producer.flush(20) == 0
    hearth.settle()
    new = receipts(hearth, "school").items() - before.items()
    assert [status for _, status in new] == ["accepted"] * 3


def test_avro_serializer_by_itself_with_a_plain_producer_does_too(hearth: RunningHub) -> None:
    """Twice the same event, as a publisher sends that lost its answer: accepted once, then told that it is known."""
    before = receipts(hearth, "school")
    to = SerializationContext("in.school", MessageField.VALUE)
    value = serializer(hearth, ATTENDANCE)(mark(uuid.uuid4().hex), to)
    headers = attributes(ATTENDANCE, "urn:made-up:school-system")
    producer = Producer({"bootstrap.servers": hearth.settings.kafka})
    for _ in range(2):
        producer.produce("in.school", value, headers=headers)
    assert producer.flush(20) == 0
    hearth.settle()
    new = [said.status for said in hearth.receipts() if said.agency == "school" and said.id not in before]
    assert new == ["accepted", "duplicate"]


@pytest.mark.parametrize("to_message", [to_structured_event, to_binary_event])
def test_the_cloudevents_sdk_publishes_over_http_and_is_answered(
    hearth: RunningHub, to_message: Callable[[CloudEvent], HTTPMessage]
) -> None:
    """The receipt that the door promised is on the agency's topic, and at the address that it gave."""
    source = "urn:made-up:sdk"
    data = json.loads(json.dumps(mark(uuid.uuid4().hex), default=lambda at: at.isoformat()))
    event = CloudEvent(
        {"id": str(uuid.uuid4()), "source": source, "type": ATTENDANCE, "specversion": "1.0",
         "datacontenttype": "application/json", "time": datetime.now(UTC)}, data,
    )  # fmt: skip
    message, token = to_message(event), {"Authorization": f"Bearer {hearth.token('school', source)}"}
    answer = httpx.post(f"{hearth.http}/events", headers=token | message.headers, content=message.body, timeout=20)
    assert answer.status_code == 202, answer.text
    hearth.settle()
    promised = answer.json()["receipt"]
    assert receipts(hearth, "school")[promised] == "accepted"
    found = httpx.get(hearth.http + answer.headers["Location"], headers=token, timeout=20)
    assert (found.status_code, found.json()["status"]) == (200, "accepted")


def test_kafka_python_reads_an_alert_with_the_subscribers_key_and_cannot_without(hearth: RunningHub) -> None:
    """An incident by Confluent's serializer raises one, sealed by HPKE (RFC 9180) to the duty team's key."""
    producer = Producer({"bootstrap.servers": hearth.settings.kafka})
    for agency, kind, said in (("social-care", RELATIONSHIP, mother()), ("police", INCIDENT, incident())):
        value = serializer(hearth, kind)(said, SerializationContext(f"in.{agency}", MessageField.VALUE))
        producer.produce(f"in.{agency}", value, headers=attributes(kind, f"urn:made-up:{agency}"))
    assert producer.flush(20) == 0
    hearth.settle()
    records = Recorder(hearth.settings.kafka).all("alerts.duty")
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    mine = private_key(hearth.settings.keys_dir / "subscriber-duty.key")
    opened = [json.loads(suite.decrypt(record.value, mine, record.key)) for record in records]
    telling = [one for one in opened if one["status"] == "open"]  # what is withdrawn, from whomever, names nobody
    alert = next(one for one in telling if "Iris Larkspur" in {named.get("name") for named in one["about"]})
    assert (alert["rule"], alert["level"]) == ("marac-visible-high-risk", "mash")
    assert all(reason["ground"] and reason["decision"] for reason in alert["reasons"])
    assert not any(b"Larkspur" in record.value for record in records)
    others = private_key(hearth.settings.keys_dir / "subscriber-early-help.key")
    with pytest.raises(InvalidTag):
        suite.decrypt(records[-1].value, others, records[-1].key)


def private_key(file: Path) -> X25519PrivateKey:
    """Return the subscriber's key as the hub handed it over: base64 of its 32 raw bytes."""
    return X25519PrivateKey.from_private_bytes(b64decode(file.read_text()))
