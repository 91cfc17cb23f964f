"""Decisions for the tests of what IG staff ask: made by the engine itself, put on topics, read from the projection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agents.adapters.sqlengine import open_engine
from agents.projector import Projector
from agents.queries import Queries
from consent.decision import Decision, encode, record
from consent.engine import Engine
from consent.request import Request
from schemas.ids import EventKey, FamilyId, ItemId, PersonId, PractitionerId
from schemas.people import KnownPractitioner
from schemas.records import Record
from streams import topology

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEAD = "w_lead"
OFFICER = KnownPractitioner(PractitionerId("w_ig"), 1, "social-care", "ig-officer", "ig", "duty")
CLEARED = KnownPractitioner(PractitionerId("w_ig2"), 1, "social-care", "ig-officer", "ig", "duty", "sealed")
ASKED = Request(
    "disclose", "early-help-worker", "statutory", "normal", "involved", "none", "attendance", "none", "normal",
    "school", "early-help", "in-date", "in-force", "none", "none",
)  # fmt: skip
ENGINE = Engine()


class World:
    """A projection, and what is told to it."""

    def __init__(self, folder: Path) -> None:
        engine = open_engine(f"sqlite:///{folder / 'ig.db'}")
        self.projector = Projector(engine)
        self.projector.create()
        self.queries = Queries(engine)
        self._next: dict[str, int] = {}

    def tell(self, topic: str, body: bytes, key: str = "k", headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        offset = self._next.get(topic, 0)
        self._next[topic] = offset + 1
        self.projector.apply([Record(topic, key.encode(), body, headers, 0, offset, 1_790_000_000_000)])

    def decide(
        self, stage: str = "disclose", *, minutes: float = 0, family: str = "f_1", to: str = LEAD, item: str = "e1.p_1",
        fields: dict[str, Any] | None = None, **asked: str,
    ) -> Decision:  # fmt: skip
        """Put a question to the policies, and its record on the topic of its log."""
        action = {"look": "disclose", "find": "find", "link": "link"}.get(stage, "disclose")
        hub = {"role": "hub", "sector": "hub", "clearance": "sealed"} if stage == "link" else {}
        request = ASKED._replace(**{"action": action, **hub, **asked})
        at = AT + timedelta(minutes=minutes)
        made = record(
            ENGINE.rule(request), request, family=FamilyId(family), recipient="hub" if stage == "link" else to,
            policy_set=ENGINE.policy_set, register_version="rv", decided_at=at, salt=b"0" * 16, stage=stage,
            event=EventKey(item.partition(".")[0]), items=(ItemId(item),), occasion=at.isoformat(),
            subjects=(PersonId(item.partition(".")[2]),), **(fields or {}),
        )  # fmt: skip
        self.tell(topology.decisions_for(made.log), encode(made))
        return made
