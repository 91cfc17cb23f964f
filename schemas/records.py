"""The hub's own records, as they stand on its topics (JSON by msgspec; instants are UTC, ISO 8601).

A partner's event is a CloudEvent with Avro data (`schemas/codec.py`); past intake everything is one of these.
What a person may be known by stands only inside `sealed` bytes.

`gc=False`: they hold no cycles, so the garbage collector need not walk the hundreds of thousands that are kept.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from schemas.ids import EventKey, FamilyId, ItemId, PersonId, Pseudonym


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a topic, as read or to be written. `timestamp` is milliseconds since 1970, UTC."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1
    offset: int = -1
    timestamp: int = 0


class CloudEvent(msgspec.Struct, frozen=True):
    """A CloudEvents 1.0 event with its data decoded (instants as aware datetimes, dates as dates)."""

    id: str
    source: str
    type: str
    data: dict[str, Any]
    time: datetime | None = None
    extensions: dict[str, str] = {}


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """An identifier as said: `system` is `nhs-number`, `upn` or `local` (the publisher's own number)."""

    system: str
    value: str


class PersonAsKnown(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A person as the publishing agency knows them, with their role in the event. Always sealed past intake."""

    role: str  # subject | victim | alleged | child | parent | witness | ... (schemas/codes/roles.toml)
    identifiers: tuple[Identifier, ...] = ()
    family_name: str | None = None
    given_names: str | None = None
    birth_date: date | None = None
    sex: str | None = None
    address: str | None = None
    postcode: str | None = None
    uprn: str | None = None
    phone: str | None = None


class Party(msgspec.Struct, frozen=True, gc=False):
    """Another person in the same event, by pseudonym, and their role in it."""

    person: PersonId
    role: str


class Ground(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The threshold that the publisher says is met: `claim` from schemas/codes/grounds.toml."""

    claim: str
    rationale: str = ""
    decided_by: str = ""
    condition_reason: str = ""  # which of the para-18 reasons, where the condition asks for one


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one event says about one person: the plaintext of an item's seal.

    `data` holds the event's own fields only (JSON-ready: instants and dates as ISO strings), without persons.
    `signs` are what its codes mean to the hub (schemas/codes/signs.toml).
    """

    type: str
    agency: str
    source: str
    digest: str  # of the whole event's content: two events under one id with two digests are a conflict
    happened_at: datetime
    recorded_at: datetime
    role: str
    category: str  # consent/sharing/categories.toml
    purpose: str  # consent/sharing/purposes.toml
    tier: str = "normal"  # normal | sensitive | shielded | sealed
    parties: tuple[Party, ...] = ()
    corrects: EventKey | None = None
    retracts: EventKey | None = None
    ground: Ground | None = None
    signs: tuple[str, ...] = ()
    data: dict[str, Any] = {}
    said: PersonAsKnown | None = None
    known_as: EventKey | None = None  # by which corrections name the event, where it is filed under another key


# ------------------------------------------------------------------ family.items (key: family id)


class Item(msgspec.Struct, frozen=True, tag="item", tag_field="kind", gc=False):
    """One event's part about one person, on its way into one family's record. `sealed` holds `Facts`."""

    id: ItemId
    event: EventKey
    person: PersonId
    family: FamilyId
    received_at: datetime
    key_version: int
    sealed: bytes


class Member(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A person's place in a family. `until` is exclusive. `home`: they live in the household.

    `same_as`: the person was minted twice, and is that other member, whose place counts.
    """

    person: PersonId
    role: str  # child | parent | carer | sibling | other-adult
    home: bool = True
    since: date | None = None
    until: date | None = None
    same_as: PersonId | None = None


class Members(msgspec.Struct, frozen=True, tag="members", tag_field="kind", gc=False):
    """Who is in the family, from the resolver. The highest `version` stands."""

    family: FamilyId
    version: int
    members: tuple[Member, ...]
    received_at: datetime


class SendSection(msgspec.Struct, frozen=True, tag="send", tag_field="kind"):
    """The resolver asks `family` to copy a person's section to `to`, and to drop it here when `remove`."""

    family: FamilyId
    person: PersonId
    to: FamilyId
    remove: bool
    version: int
    received_at: datetime


class Section(msgspec.Struct, frozen=True, tag="section", tag_field="kind"):
    """A person's section of a family's state, copied to another family; folded in item by item, by id."""

    family: FamilyId
    person: PersonId
    came_from: FamilyId
    version: int
    key_version: int
    sealed: bytes
    received_at: datetime


class Erased(msgspec.Struct, frozen=True, tag="erased", tag_field="kind"):
    """A person's record has ended: `family` drops their section, and keeps that they are of it."""

    family: FamilyId
    person: PersonId
    received_at: datetime


class Tick(msgspec.Struct, frozen=True, tag="tick", tag_field="kind"):
    """The passing of time, as a record: timers fire on it, never on a wall clock."""

    at: datetime


FamilyRecord = Item | Members | SendSection | Section | Erased | Tick

# ------------------------------------------------------------------ what goes back, aside and out


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of one event, a function of what its publisher itself sent. On `receipts.<agency>`.

    `id` is the receipt id that the door gave (the event key, and a digest of the content).
    `status`: accepted | duplicate | conflict | quarantined.
    """

    id: str
    agency: str
    status: str
    received_at: datetime
    path: str = ""
    code: str = ""
    problem: str = ""
    fix: str = ""
    warnings: tuple[Remark, ...] = ()


class Remark(msgspec.Struct, frozen=True, gc=False):
    """Something accepted all the same, that the publisher should mend."""

    path: str
    code: str
    problem: str
    fix: str


class Quarantined(msgspec.Struct, frozen=True):
    """A record that could not be read or breaks the contract. `sealed` is the record, under a key that expires."""

    id: str
    agency: str
    topic: str
    received_at: datetime
    path: str
    code: str
    problem: str
    fix: str
    sealed: bytes
    key_id: str


class Review(msgspec.Struct, frozen=True):
    """Something a person must decide before the hub joins anything. `sealed` is the event's part, under `key_id`.

    Or a break-glass to be looked at: `event` is then its decision's id, and `sealed` what the practitioner said.
    """

    id: str
    event: EventKey
    reason: str  # identity-conflict | no-identifier | household-too-large | orphan-correction | refer | break-glass
    received_at: datetime
    sealed: bytes
    key_id: str
    persons: tuple[PersonId, ...] = ()
    families: tuple[FamilyId, ...] = ()


class Queued(msgspec.Struct, frozen=True, gc=False):
    """An event for the resolver, still in the clear (short retention, hub only). On `identity.queue`."""

    event: EventKey
    agency: str
    source: str
    type: str
    digest: str
    received_at: datetime
    data: dict[str, Any]
    persons: tuple[PersonAsKnown, ...]


class Forget(msgspec.Struct, frozen=True, tag="forget", tag_field="kind"):
    """Asks the resolver to let nothing lead to these ids of one person any more. On `identity.queue`.

    `identifiers` are the look-up keys that stand for them, `families` those that hold anything of them.
    """

    persons: tuple[PersonId, ...]
    identifiers: tuple[Pseudonym, ...]
    families: tuple[FamilyId, ...]
    received_at: datetime


_ENCODER = msgspec.json.Encoder()
encode = _ENCODER.encode
decode_family = msgspec.json.Decoder(FamilyRecord).decode
decode_facts = msgspec.json.Decoder(Facts).decode
decode_forget = msgspec.json.Decoder(Forget).decode
decode_queued = msgspec.json.Decoder(Queued).decode
decode_receipt = msgspec.json.Decoder(Receipt).decode
decode_quarantined = msgspec.json.Decoder(Quarantined).decode
decode_review = msgspec.json.Decoder(Review).decode
