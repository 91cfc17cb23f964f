"""A replica of `people` in memory, filled by a thread of its own from the topic's beginning.

Records are kept as the bytes they came in and decoded when asked for: millions must fit, and a batch asks for few.
Look-ups from other threads need no lock: each dictionary is written by one thread, an entry at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from agents.adapters.kafka import KafkaConsumer
from schemas.errors import Misconfigured
from schemas.ids import FamilyId, PersonId, PractitionerId, Pseudonym
from schemas.people import (
    ForgottenIdentifier,
    KnownFamily,
    KnownIdentifier,
    KnownPerson,
    KnownPractitioner,
    Written,
    people_key,
)
from schemas.records import Record
from schemas.records import encode as encode_record

_decode_identifier = msgspec.json.Decoder(KnownIdentifier).decode
_decode_person = msgspec.json.Decoder(KnownPerson).decode
_decode_family = msgspec.json.Decoder(KnownFamily).decode
_decode_practitioner = msgspec.json.Decoder(KnownPractitioner).decode
_POLL_RECORDS = 5000


class _Version(msgspec.Struct):
    version: int


_decode_version = msgspec.json.Decoder(_Version).decode


class Stored:
    """What `people` says, by key: the directory port without its thread."""

    def __init__(self) -> None:
        self._identifiers: dict[str, PersonId] = {}
        self._records: dict[str, bytes] = {}
        self._ahead: dict[str, int] = {}  # versions of our own writes that the topic has not yet brought back

    def take(self, record: Record) -> None:
        """Take in one record as it stands on the topic; the last one for a key stands, an empty one removes it."""
        key = (record.key or b"").decode()
        if key in self._ahead and not self._brings_back(key, record.value):
            return
        if record.value is None:
            self._identifiers.pop(key[2:], None)
            self._records.pop(key, None)
        elif key.startswith("i:"):
            self._identify(_decode_identifier(record.value))
        else:
            self._records[key] = record.value

    def apply(self, record: Written) -> None:
        """Take in one decoded record: what this process itself has just had acknowledged."""
        self._ahead[people_key(record)] = record.version
        if isinstance(record, ForgottenIdentifier):
            self._identifiers.pop(record.pseudonym, None)
        elif isinstance(record, KnownIdentifier):
            self._identify(record)
        else:
            self._records[people_key(record)] = encode_record(record)

    def identify(self, pseudonym: Pseudonym) -> PersonId | None:
        return self._identifiers.get(pseudonym)

    def person(self, person: PersonId) -> KnownPerson | None:
        found = self._records.get("p:" + person)
        return None if found is None else _decode_person(found)

    def family(self, family: FamilyId) -> KnownFamily | None:
        found = self._records.get("f:" + family)
        return None if found is None else _decode_family(found)

    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None:
        found = self._records.get("w:" + practitioner)
        return None if found is None else _decode_practitioner(found)

    def __len__(self) -> int:
        return len(self._identifiers) + len(self._records)

    def _brings_back(self, key: str, value: bytes | None) -> bool:
        # an older version than our own write must not take its place, not even for a moment
        version = self._ahead[key] if value is None else _decode_version(value).version
        if version >= self._ahead[key]:
            del self._ahead[key]
            return True
        return False

    def _identify(self, known: KnownIdentifier) -> None:
        self._identifiers[known.pseudonym] = known.person


class Replica(Stored):
    """The directory, kept up with the topic by a thread. It may be behind; it is never ahead."""

    def __init__(self, consumer: Callable[[], KafkaConsumer]) -> None:
        super().__init__()
        self._open = consumer
        self._stopping = threading.Event()
        self._asked = threading.Event()
        self._ends: dict[tuple[str, int], int] | None = None
        self._reached: dict[tuple[str, int], int] = {}
        self._thread = threading.Thread(target=self._follow, name="people", daemon=True)

    def start(self, wait_seconds: float = 120.0) -> Replica:
        """Start following; return when everything that stands on the topic is in. Raises like `catch_up`."""
        self._asked.set()
        self._thread.start()
        self._wait(wait_seconds)
        return self

    def catch_up(self, wait_seconds: float = 60.0) -> None:
        """Return when everything that stands on the topic now is in: what a resolver waits for before it mints.

        Raises Misconfigured when that takes longer than `wait_seconds`, or the thread ended.
        """
        self._ends = None
        self._asked.set()
        self._wait(wait_seconds)

    def caught_up(self) -> bool:
        """Tell whether all that stood on the topic when last asked is in."""
        ends = self._ends
        return ends is not None and all(self._reached.get(at, 0) >= end for at, end in ends.items())

    def alive(self) -> bool:
        """Tell whether the thread still follows; a replica that stopped following must not be used."""
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.caught_up():
            if time.monotonic() > until or not self._thread.is_alive():
                raise Misconfigured("the replica of `people` could not be filled")
            time.sleep(0.01)

    def _follow(self) -> None:
        consumer = self._open()
        try:
            while not self._stopping.is_set():
                if self._asked.is_set():
                    self._asked.clear()
                    self._ends = consumer.end_offsets()
                for record in consumer.poll(_POLL_RECORDS, 0.1):
                    self.take(record)
                # a compacted topic has holes: where the reading stands counts, not the last record's offset
                self._reached.update(consumer.reached)
        finally:
            consumer.close()
