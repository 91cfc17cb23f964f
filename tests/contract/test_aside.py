"""What becomes of a record that no stage could work through: quarantine; of what may be sealed, the sealed one."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from agents import bootstrap
from agents.demo.teller import Story
from consent.seal import Pseudonyms
from schemas.codec import encode_binary
from schemas.records import Record
from streams import sealed, topology
from streams.intake_answers import Answers

ANSWERS = Answers(Pseudonyms(b"n" * 32), lambda _, __: ("key", b"k" * 32), bytes)


def aside(record: Record) -> list[str]:
    made = bootstrap._aside(ANSWERS, record, "", "not-processable", "problem", "fix")
    return [emit.topic for emit in made]


def told(**about: str) -> Record:
    """A publisher's event, as it stands on the publisher's topic."""
    story = Story("aside", date(2026, 6, 30))
    story.not_brought(story.child("Mia", "2014-05-02"), 3, **about)
    record = encode_binary(story.events[0][1], topic=topology.inbound("health"))
    return msgspec.structs.replace(record, key=b"k", partition=0, offset=7, timestamp=1_790_000_000_000)


@pytest.mark.parametrize(
    ("tier", "where"),
    [("normal", topology.QUARANTINE), ("shielded", topology.QUARANTINE), ("sealed", topology.QUARANTINE_SEALED)],
)
def test_a_publishers_record_is_aside_by_its_own_tier_and_they_are_told(tier: str, where: str) -> None:
    """The open quarantine does not show that something sealed came, and the receipt is the publisher's own."""
    assert aside(told(tier=tier)) == [where, topology.receipts("health")]


def test_what_nobody_can_read_is_aside_openly() -> None:
    """It says nothing of itself, a tier neither (SECURITY.md)."""
    torn = msgspec.structs.replace(told(tier="sealed"), value=b"\x00", headers=())
    assert aside(torn) == [topology.QUARANTINE, topology.receipts("health")]


@pytest.mark.parametrize("topic", [topology.FAMILY_ITEMS, topology.IDENTITY_QUEUE])
def test_a_record_of_the_hubs_own_is_kept_with_what_is_sealed_and_nobody_is_told(topic: str) -> None:
    """Its seal is not opened to put it aside, so it may be about something sealed; and it is not lost."""
    record = Record(topic, b"f_1", b"anything", (), 0, 3, 1_790_000_000_000)
    assert aside(record) == [topology.QUARANTINE_SEALED]


@pytest.mark.parametrize("tier", ["Sealed", "SEALED", "sealed ", "secret"])
def test_a_tier_that_is_none_may_have_been_meant_to_be_sealed(tier: str) -> None:
    """The contract refuses it, and it is put aside where it would have been had it been written right."""
    assert sealed.quarantine_topic(tier) == topology.QUARANTINE_SEALED
