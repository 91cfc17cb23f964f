"""What intake says back, and puts aside: receipts, and records sealed into quarantine under a key that expires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from consent.seal import Pseudonyms, seal
from schemas.errors import KeyDestroyed, Refusal
from schemas.records import Quarantined, Receipt, Record, Remark, encode
from streams import sealed
from streams.intake_split import Entropy
from streams.outcome import Emit
from streams.topology import receipts

QuarantineKey = Callable[[datetime, str], tuple[str, bytes]]
"""Returns (key id, key of 32 bytes) for the record of this id, received at that instant; destroyed when it expires.

Raises KeyDestroyed where it was: a replay brings the record again, and it stays closed (`seal_aside`)."""

CONFLICT = Refusal(
    "id",
    "conflict",
    "another event with this source and id was accepted before, with other content",
    "send a new id; to change what was said, send a new event whose about.corrects names the first one's id",
)
AGREEMENT_EVIDENCE_MISSING = Remark(
    "data.about.agreement_reference",
    "agreement-evidence-missing",
    "this is shared for early help, and no evidence of the family's agreement came with it",
    "give the agency's reference of the family's agreement, or publish the agreement itself (AgreementGiven)",
)

decode_record = msgspec.json.Decoder(Record).decode


def quarantine_label(id: str) -> bytes:  # noqa: A002 (the record's own name for it)
    """Return the label that a quarantined record, or a review's part, is sealed to."""
    return f"hearth.quarantine|{id}".encode()


def seal_aside(
    quarantine_key: QuarantineKey, entropy: Entropy, at: datetime, name: str, body: bytes
) -> tuple[str, bytes]:
    """Return (key id, sealed body) of the record `name`, put aside at that instant; nothing, where its key is gone."""
    try:
        key_id, key = quarantine_key(at, name)
    except KeyDestroyed:
        return "", b""
    return key_id, seal(key, entropy(12), body, quarantine_label(name))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when an event first reached the hub, and from whom. `place` is (topic, partition, offset)."""

    agency: str
    place: tuple[str, int, int]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Answers:
    """Makes receipts and quarantined records. Every id is derived from its cause, so a replay repeats it."""

    names: Pseudonyms
    quarantine_key: QuarantineKey
    entropy: Entropy

    def receipt(self, id: str, status: str, origin: Origin, warnings: tuple[Remark, ...] = ()) -> Emit:  # noqa: A002
        """Return the receipt of an event that was accepted, or was here before."""
        return self._receipt(Receipt(id, origin.agency, status, origin.received_at, warnings=warnings))

    def refused(
        self, record: Record, origin: Origin, why: Refusal, receipt: str, status: str, tier: str = ""
    ) -> list[Emit]:
        """Return a refused record's receipt (under its own id where `receipt` is empty) and its place in quarantine.

        `tier` is the one that the event says it has, where it could be read.
        """
        name = self.names.mint("q", *map(str, origin.place))
        said = Receipt(
            receipt or name, origin.agency, status, origin.received_at, why.path, why.code, why.problem, why.fix
        )
        return [self._quarantined(name, record, origin, why, sealed.quarantine_topic(tier)), self._receipt(said)]

    def _quarantined(self, name: str, record: Record, origin: Origin, why: Refusal, topic: str) -> Emit:
        key_id, parcel = seal_aside(self.quarantine_key, self.entropy, origin.received_at, name, encode(record))
        aside = Quarantined(
            id=name,
            agency=origin.agency,
            topic=origin.place[0],
            received_at=origin.received_at,
            path=why.path,
            code=why.code,
            problem=why.problem,
            fix=why.fix,
            sealed=parcel,
            key_id=key_id,
        )
        return Emit(topic, name, encode(aside))

    def _receipt(self, receipt: Receipt) -> Emit:
        return Emit(receipts(receipt.agency), receipt.id, encode(receipt))
