"""What the family stage says does not depend on how its records were cut into batches: after a kill they come again in
other batches, and what was told before must be what is told then."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import msgspec

from agents.demo.stories import stories
from agents.rehearsal import Rehearsal
from schemas.records import Record
from streams import topology
from streams.disclose import InMemory
from streams.notice import AlertRecord, decode_alert_record

AT = datetime(2026, 11, 23, 18, tzinfo=UTC)


def told(hub: Rehearsal, batches: list[list[Record]]) -> list[AlertRecord]:
    """Return what the stage tells when it gets its records so, from the beginning."""
    state = InMemory()
    emits = [emit for batch in batches for emit in hub.family(batch, state).emits]
    return [decode_alert_record(emit.value) for emit in emits if emit.topic == topology.ALERTS]


def cut(records: list[Record], chance: random.Random, most: int) -> list[list[Record]]:
    batches = []
    while records:
        size = chance.randint(1, most)
        batches.append(records[:size])
        records = records[size:]
    return batches


def test_the_same_alerts_are_told_however_the_record_is_cut_into_batches() -> None:
    """Ids, revisions and what they rest on: one record at a time, a few, or all at once, withdrawn alerts too."""
    hub = Rehearsal()
    for story in stories(AT.date(), "batches"):
        hub.publish(story.events, AT)
    records = list(hub.trace.topics[topology.FAMILY_ITEMS])
    due = told(hub, [[record] for record in records])
    assert {alert.status for alert in due} == {"open", "withdrawn"}
    for most in (5, 50, 5000):
        found = told(hub, cut(records, random.Random(most), most))
        assert msgspec.json.encode(found) == msgspec.json.encode(due)
