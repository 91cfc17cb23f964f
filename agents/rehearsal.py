"""The whole hub in one process, in memory, with the real tools: for stories, and to try a rule before it is in force.

Nothing here stands in for a component: it is streams/pipeline.py with real keys, policies and codes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from consent.engine import Engine
from consent.seal import Pseudonyms, open_sealed
from schemas import records
from schemas.codec import encode_binary
from schemas.errors import KeyDestroyed, Unsealable
from schemas.ids import PersonId
from schemas.people import KnownPractitioner
from schemas.records import CloudEvent, Record, Tick
from streams import topology
from streams.alert import Alerts
from streams.family import FamilyStage
from streams.gate import Gate
from streams.identity.directory import People
from streams.identity.practitioners import Contact, contact_of
from streams.identity.resolver import Resolver
from streams.intake import Intake
from streams.intake_names import event_key
from streams.linking import Linking
from streams.notice import Alert, decode_alert
from streams.outcome import NewKey
from streams.pipeline import Pipeline, Trace
from streams.recipients import Queue
from streams.risk.rules import rule_book
from streams.timeline import Family

TYPED_SOURCES: frozenset[str] = frozenset()


QUEUES = (
    Queue("duty", "duty", "social-care", "shielded"),
    Queue("named-professional", "named-professional", "social-care", "sealed"),
)


class Rehearsal:
    """A hub in memory. `publish` takes (agency, event) pairs; time is the timestamp of each record."""

    def __init__(
        self, seed: bytes = b"rehearsal", entropy: Callable[[int], bytes] = os.urandom, engine: Engine | None = None
    ) -> None:
        """`entropy` gives all keys, nonces and salts; a constant one makes two hubs' bytes comparable."""
        self.names = Pseudonyms(hashlib.sha256(seed).digest())
        self.engine = engine or Engine()
        self.people = People()
        self._keys: dict[PersonId, bytes] = {}
        self._destroyed: set[PersonId] = set()
        self._hub_key = entropy(32)
        self._private = X25519PrivateKey.from_private_bytes(entropy(32))
        gate = Gate(self.engine, entropy)
        public = self._private.public_key().public_bytes_raw()
        alerts = Alerts(gate, self.people, self.names, lambda _: public, self._contact)
        self.family = FamilyStage(
            Linking(gate), alerts, rule_book(), self.people, self.names, QUEUES, self.data_key, entropy
        )
        quarantine = lambda at, record: ("quarantine", self._hub_key)  # noqa: E731, ARG005
        intake = Intake(self.names, self.people, self.data_key, quarantine, entropy, TYPED_SOURCES)
        resolver = Resolver(self.names, self.people, self.data_key, quarantine, entropy, self._hub_key)
        stages = {"intake": intake, "resolver": resolver, "family": self.family}
        self.pipeline = Pipeline(stages, self._keep, self.people.apply)

    @property
    def trace(self) -> Trace:
        return self.pipeline.trace

    def data_key(self, person: PersonId, version: int | None = None) -> tuple[int, bytes]:
        """The person's key, of which there is one version; Unsealable when it was destroyed."""
        if person in self._destroyed:
            raise KeyDestroyed("the person's key was destroyed")
        if person not in self._keys or version not in (None, 1):
            raise Unsealable("no key of this version was ever made")
        return 1, self._keys[person]

    def destroy_key(self, person: PersonId) -> None:
        """Forget everything sealed under the person's key, everywhere, at once."""
        del self._keys[person]
        self._destroyed.add(person)

    def _keep(self, keys: list[NewKey]) -> None:
        for key in keys:
            if key.person not in self._destroyed:
                self._keys.setdefault(key.person, key.key)

    def _contact(self, worker: KnownPractitioner) -> Contact:
        return contact_of(worker, self._hub_key)

    # ------------------------------------------------------------------ in

    def publish(self, events: Iterable[tuple[str, CloudEvent]], at: datetime) -> None:
        """Send events through the hub, one after another, as if received at `at`."""
        for agency, event in events:
            record = encode_binary(event, topic=topology.inbound(agency))
            key = event_key(self.names, TYPED_SOURCES, agency, event.source, event.id, event.type)
            place = len(self.trace.topics[record.topic])
            stamped = msgspec.structs.replace(
                record, key=key.encode(), partition=0, offset=place, timestamp=int(at.timestamp() * 1000)
            )
            self.pipeline.run([stamped])

    def tick(self, at: datetime) -> None:
        """Let time pass."""
        tick = Record(topology.FAMILY_ITEMS, b"tick", records.encode(Tick(at)), (), 0, -1, int(at.timestamp() * 1000))
        self.pipeline.run([tick])

    # ------------------------------------------------------------------ out

    def alerts(self, subscriber: str = "") -> list[Alert]:
        """Every alert as last sent (to one subscriber, where one is named), opened with the subscribers' key."""
        latest: dict[str, Alert] = {}
        for topic, sent in self.trace.topics.items():
            if not topic.startswith(topology.alerts_to(subscriber)):
                continue
            for record in sent:
                alert = self.open_alert(record)
                if alert.id not in latest or latest[alert.id].revision <= alert.revision:
                    latest[alert.id] = alert
        return list(latest.values())

    def open_alert(self, record: Record) -> Alert:
        """Open one record of an alert topic."""
        return decode_alert(open_sealed(self._private.private_bytes_raw(), record.value or b"", record.key or b""))

    def families(self) -> list[Family]:
        """Every family's state that holds anything."""
        values = self.pipeline.states["family"].values.values()
        return [v for v in values if isinstance(v, Family) and v.sections]
