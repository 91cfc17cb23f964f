"""Bad records among good ones, on a running hub: each put aside with where and why, and none in the way of another."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import confluent_kafka
import httpx
import msgspec
import pytest

from agents.commands.tools import Tools
from consent.seal import unseal
from schemas.codec import from_json
from schemas.records import CloudEvent, Quarantined, Record
from streams.intake_answers import decode_record, quarantine_label
from tests.live import poison
from tests.live.poison import Kind
from tests.live.running_hub import RunningHub

pytestmark = pytest.mark.kafka

KINDS = poison.kinds()


class Sent(NamedTuple):
    """What was sent, and what the hub made of it."""

    bad: dict[str, Record]
    good: list[CloudEvent]
    receipts: list[str]
    new: set[str]  # ids of all that was put aside meanwhile


@pytest.fixture(scope="module")
def sent(hearth: RunningHub) -> Sent:
    """Send all kinds, a good event before and behind each, over all partitions; return when the hub is through."""
    hearth.settle()
    before = hearth.quarantine().keys()
    events = [poison.good(str(number)) for number in range(len(KINDS) + 1)]
    receipts = hearth.publish([("school", events[0])])
    bad: dict[str, Record] = {}
    for number, kind in enumerate(KINDS):
        (bad[kind.name],) = hearth.write([msgspec.structs.replace(kind.record, partition=number % 4)])
        receipts += hearth.publish([("school", events[number + 1])])
    hearth.settle()
    return Sent(bad, events, receipts, hearth.quarantine().keys() - before)


def aside(hub: RunningHub, sent: Sent, kind: Kind) -> Quarantined:
    return hub.quarantine()[hub.quarantine_id(sent.bad[kind.name])]


def test_there_are_forty_kinds_and_more() -> None:
    """No two of them are called alike."""
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 40


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_bad_record_is_put_aside_with_its_field_and_how_to_mend_it(
    hearth: RunningHub, sent: Sent, kind: Kind
) -> None:
    """The exact path, the name of what is wrong and the fix; the same in its publisher's receipt."""
    found = aside(hearth, sent, kind)
    assert (found.path, found.code) == (kind.path, kind.code)
    assert found.fix.startswith(kind.fix)
    assert found.agency == kind.record.topic.removeprefix("in.")
    told = [said for said in hearth.receipts() if (said.agency, said.received_at) == (found.agency, found.received_at)]
    assert (kind.path, kind.code, found.fix, "quarantined") in {(s.path, s.code, s.fix, s.status) for s in told}


def test_every_good_record_among_them_is_accepted_and_decided_on(hearth: RunningHub, sent: Sent) -> None:
    """Each has its receipt, and its item stands in a family's record under a decision of the gate."""
    status = {said.id: said.status for said in hearth.receipts() if said.id in set(sent.receipts)}
    assert [status.get(id) for id in sent.receipts] == ["accepted"] * len(sent.good)  # noqa: A001
    linked = {one.get("event"): one["outcome"] for one in hearth.decisions() if one["stage"] == "link"}
    keys = [hearth.tools.framing.ready(event, "school").event for event in sent.good]
    assert {linked.get(key) for key in keys} <= {"share", "hold"}


def test_nothing_else_was_put_aside(hearth: RunningHub, sent: Sent) -> None:
    """As many as were bad, no more."""
    assert sent.new == {hearth.quarantine_id(one) for one in sent.bad.values()}


def test_what_was_put_aside_is_whole_and_opens_only_with_its_key(hearth: RunningHub, sent: Sent) -> None:
    """A person who mends it needs the record as it came: it is sealed, byte by byte."""
    for name in ("Avro cut by one byte", "a record as large as the topic takes", "100,000 nested lists"):
        found = hearth.quarantine()[hearth.quarantine_id(sent.bad[name])]
        _, key = key_of(hearth.tools, found)
        record = decode_record(unseal(key, found.sealed, quarantine_label(found.id)))
        assert record.value == sent.bad[name].value


def key_of(tools: Tools, found: Quarantined) -> tuple[str, bytes]:
    return tools.inside.quarantine_keys(found.received_at, found.id)


def test_another_event_under_an_id_that_was_taken_is_a_conflict(hearth: RunningHub) -> None:
    """The first stands; the second is put aside, and its publisher told."""
    first, second = poison.mark("taken"), poison.mark("taken", code="N")
    (accepted,) = hearth.publish([("school", from_json(first))])
    hearth.settle()
    (refused,) = hearth.publish([("school", from_json(second))])
    hearth.settle()
    said = {one.id: one for one in hearth.receipts() if one.id in (accepted, refused)}
    assert said[accepted].status == "accepted"
    assert (said[refused].status, said[refused].path, said[refused].code) == ("conflict", "id", "conflict")
    assert "send a new id" in said[refused].fix


@pytest.mark.parametrize("bytes_of_text", [300_000, 2_000_000])
def test_an_oversized_event_is_refused_at_the_door(hearth: RunningHub, bytes_of_text: int) -> None:
    """413, whether the event is above an event's size or the request above a request's; nothing is written."""
    before = len(hearth.said("in.school"))
    event = poison.mark("large")
    person = event["data"]["about"]["persons"][0]
    event["data"]["about"]["persons"] = [person | {"address": "x" * 9_000}] * (bytes_of_text // 9_000)
    token = hearth.token("school", poison.SOURCE)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
    answer = httpx.post(f"{hearth.http}/events", headers=headers, content=json.dumps(event), timeout=20)
    assert answer.status_code == 413, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["fix"]
    assert len(hearth.said("in.school")) == before


def test_a_record_above_the_topics_size_is_refused_by_the_broker(hearth: RunningHub) -> None:
    """A stock producer that is allowed more by its own settings is told so by Kafka."""
    refusals: list[Any] = []
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": hearth.settings.kafka, "message.max.bytes": 4_000_000, "log_level": 0}
    )
    producer.produce("in.school", b"x" * 1_100_000, on_delivery=lambda error, _: refusals.append(error))
    producer.flush(20)
    assert [error.code() for error in refusals] == [confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE]
