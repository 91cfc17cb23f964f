"""What stands on a hub's topics after a run, read by kafka-python, committed records only.

What is sealed is opened with the hub's keys and the subscribers'.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from agents import bootstrap
from agents.adapters.keys import load_subscribers, subscriber_private_key
from agents.adapters.log_reader import LogReader
from agents.settings import Settings
from consent.log.checkpoint import unverified
from consent.seal import open_sealed
from consent.sharing import agencies
from schemas import records
from schemas.ids import FamilyId
from schemas.people import decode_people
from streams import topology
from streams.attendance import Block
from streams.family_state import FamilyCodec
from streams.identity.directory import People
from streams.notice import Alert, AlertRecord, decode_alert, decode_alert_record
from streams.timeline import Family
from tests.live.changelog import Changelog
from tests.live.hub_feed import Published
from tests.live.hub_state import Lexicon, World
from tests.live.recorder import Recorder

CHANGELOG = f"{bootstrap.ENGINE_NAME}-family-changelog"


@dataclass
class Standing:
    """What stands on Kafka at `settings.kafka` after `published` was published."""

    settings: Settings
    published: Published

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(self.settings.kafka)

    @cached_property
    def tools(self) -> bootstrap.Tools:
        return bootstrap.open_tools(self.settings, self.people)

    @cached_property
    def people(self) -> People:
        people = People()
        for record in self.recorder.all(topology.PEOPLE):
            people.apply(decode_people(record.value))
        return people

    @cached_property
    def people_gone_back(self) -> int:
        """How many records of people an older one has replaced."""
        newest: dict[bytes, int] = {}
        last: dict[bytes, int] = {}
        for record in self.recorder.all(topology.PEOPLE):
            last[record.key] = decode_people(record.value).version
            newest[record.key] = max(last[record.key], newest.get(record.key, 0))
        return sum(last[key] != newest[key] for key in last)

    @cached_property
    def changelog(self) -> Changelog:
        return Changelog(self.recorder.all(CHANGELOG))

    @cached_property
    def world(self) -> World:
        """Every family's state as recovery would find it: the newest value of each key of the changelog."""
        codec = FamilyCodec(self.tools.keystore.data_key, os.urandom)
        values = {key: codec.decode(raw) for key, raw in self.changelog.newest.items()}
        families = {FamilyId(key): value for key, value in values.items() if isinstance(value, Family)}
        blocks = {key: value for key, value in values.items() if isinstance(value, Block)}
        return World(Lexicon(self.tools.names, self.published.events), self.people, families, blocks)

    @cached_property
    def receipts(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for agency in agencies():
            for record in self.recorder.all(topology.receipts(agency)):
                receipt = records.decode_receipt(record.value)
                found[receipt.id].add(receipt.status)
        return found

    @cached_property
    def reviews(self) -> dict[str, records.Review]:
        both = (*self.recorder.all(topology.REVIEW), *self.recorder.all(topology.REVIEW_SEALED))
        found = [records.decode_review(record.value) for record in both]
        return {review.id: review for review in found}

    @cached_property
    def decisions(self) -> dict[str, tuple[int, dict[str, Any]]]:
        """Each decision by id, with the instant at which the broker first had it."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        for log in bootstrap.LOGS:
            for record in self.recorder.all(topology.decisions_for(log)):
                found.setdefault(record.key.decode(), (record.timestamp, msgspec.json.decode(record.value)))
        return found

    @cached_property
    def sent(self) -> list[tuple[int, Alert]]:
        """Every alert that was sent, opened as its subscriber does, with the instant at which the broker had it."""
        found = []
        for subscriber in load_subscribers(self.settings):
            private = subscriber_private_key(self.settings, subscriber)
            for record in self.recorder.all(topology.alerts_to(subscriber)):
                found.append((record.timestamp, decode_alert(open_sealed(private, record.value, record.key))))
        return found

    @cached_property
    def alerts(self) -> list[AlertRecord]:
        return [decode_alert_record(record.value) for record in self.recorder.all(topology.ALERTS)]

    def behind(self, patience: int) -> list[tuple[int, int]]:
        """Return the times (ms) in which a decision older than `patience` was under no signed head of the main log,
        apart from each other and in order."""
        origin, heads = self.settings.log_origin("main").encode(), []
        for record in self.recorder.all(topology.CHECKPOINTS):
            if record.key == origin:
                heads.append((unverified(record.value).size, record.timestamp))
        reader, late = LogReader(self.settings.log_dir / "main"), []
        for at, decision in self.decisions.values():
            if decision.get("log", "main") != "main":
                continue
            kept = reader.find(decision["id"])
            signed = next((then for size, then in heads if kept and size > kept.index), 2**62)
            if signed > at + patience:
                late.append((at + patience, signed))
        reader.close()
        merged: list[tuple[int, int]] = []
        for begin, end in sorted(late):
            if merged and begin <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((begin, end))
        return merged
