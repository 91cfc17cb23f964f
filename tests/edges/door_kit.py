"""What the tests of the HTTP door share: a real broker in memory, the door on a free port, an agency with a token."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from agents.adapters.embedded import Embedded
from agents.adapters.kafka import KafkaConsumer, KafkaProducer, read_all
from agents.adapters.sqlengine import open_engine
from agents.adapters.tokens import Tokens
from agents.adapters.topics import Topic
from agents.portal.door import Door
from agents.portal.serve import serving
from agents.portal.writer import Writer
from agents.sending import Framing
from consent.seal import Pseudonyms
from schemas.records import Receipt, Record

SOURCE = "urn:school:100001"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NAMES = Pseudonyms(b"k" * 32)
AGENCIES = ("school", "health")


def now() -> datetime:
    return datetime.now(UTC)


def attendance(id: str = "mark-1", **changes: Any) -> dict[str, Any]:  # noqa: A002 (CloudEvents' name)
    """Return a valid event about a made-up pupil; `changes` are to its attributes."""
    about = {
        "persons": [
            {
                "role": "subject",
                "identifiers": [{"system": "local", "value": "P-77123"}],
                "family_name": "Quillfeather",
                "given_names": "Isolde",
                "birth_date": "2014-05-06",
            }
        ],
        "happened_at": "2026-03-02T09:00:00Z",
        "recorded_at": "2026-03-02T09:20:00Z",
    }
    data = {"about": about, "session_date": "2026-03-02", "session": "AM", "code": "/", "establishment": "100001"}
    event = {"specversion": "1.0", "id": id, "source": SOURCE, "type": "hearth.school.AttendanceRecorded"}
    return event | {"datacontenttype": "application/json", "data": data} | changes


@dataclass
class Receipts:
    """Receipts by (agency, id): what the projection answers the door with."""

    held: dict[tuple[str, str], Receipt] = field(default_factory=dict)

    def receipt(self, agency: str, id: str) -> Receipt | None:  # noqa: A002
        return self.held.get((agency, id))


@dataclass
class Site:
    """A running door and what stands behind it."""

    url: str
    token: str
    tokens: Tokens
    receipts: Receipts
    door: Door
    bootstrap: str

    def post(self, content: Any, media: str = STRUCTURED, query: str = "", **headers: str) -> httpx.Response:
        """Post one body with the school's token."""
        said = {"Authorization": f"Bearer {self.token}", "Content-Type": media} | headers
        body = {"content": content} if isinstance(content, bytes) else {"json": content}
        return httpx.post(f"{self.url}/events{query}", headers=said, timeout=20, **body)

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        return httpx.get(self.url + path, headers={"Authorization": f"Bearer {token or self.token}"}, timeout=20)

    def written(self, agency: str = "school") -> list[Record]:
        """Return everything that stands on the agency's topic."""
        consumer, found = KafkaConsumer(self.bootstrap, [f"in.{agency}"]), list[Record]()
        try:
            read_all(consumer, found.extend)
        finally:
            consumer.close()
        return found


@contextmanager
def site(folder: Path, **limits: Any) -> Iterator[Site]:
    """Run a door on the embedded broker."""
    broker = Embedded([Topic(f"in.{agency}", 2) for agency in AGENCIES])
    tokens = Tokens(open_engine(f"sqlite:///{folder / 'tokens.db'}"), now, os.urandom)
    token, _ = tokens.issue("agency", "school", "school", (SOURCE,), timedelta(days=1))
    receipts = Receipts()
    door = Door(tokens, Framing(NAMES), Writer(KafkaProducer(broker.bootstrap)), receipts, **limits)
    try:
        with serving(door) as url:
            yield Site(url, token, tokens, receipts, door, broker.bootstrap)
    finally:
        broker.close()
