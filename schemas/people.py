"""The record of identity facts, as it stands on topic `people`: one partition, compacted, written by the resolver."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from schemas.ids import EventKey, FamilyId, PersonId, PractitionerId, Pseudonym
from schemas.records import Member, encode


class KnownIdentifier(msgspec.Struct, frozen=True, tag="identifier", tag_field="kind", gc=False):
    """A look-up key and the person it stands for. Record key: `i:` + pseudonym."""

    pseudonym: Pseudonym
    person: PersonId
    version: int


class ForgottenIdentifier(msgspec.Struct, frozen=True, gc=False):
    """A look-up key that stands for nobody any more, as if it had never been said: its record is deleted."""

    pseudonym: Pseudonym
    version: int = 3  # of an identifier, 1 stands for somebody and 2 for nobody, for good


class KnownPerson(msgspec.Struct, frozen=True, omit_defaults=True, tag="person", tag_field="kind", gc=False):
    """A person and the families they are in. Record key: `p:` + person id.

    `relationships` are all that were ever stated with this person as the child (corrected and retracted ones too);
    the resolver works families out from them. `practitioner` is set where this person works with families too.
    Of several ids of one person the smallest names them in `same_as` of the others, and lists those in `joined`.
    `erased`: their record has ended; what is left is a place in a family, which nothing leads to.
    """

    person: PersonId
    version: int
    families: tuple[FamilyId, ...]
    home: FamilyId | None = None
    relationships: tuple[Relationship, ...] = ()
    practitioner: PractitionerId | None = None
    is_child: bool | None = None
    born: tuple[str, ...] = ()  # pseudonyms of the birth dates that were accepted of them
    named_by: tuple[PersonId, ...] = ()  # those whose `relationships` name this person as the other
    moves: tuple[Move, ...] = ()  # not yet known to be carried out: what a replay of their cause asks for again
    numbers: tuple[Number, ...] = ()  # said of this id: nobody has two of one system
    same_as: PersonId | None = None
    same_by: EventKey | None = None  # the event that proved it
    joined: tuple[PersonId, ...] = ()
    erased: bool = False


class Number(msgspec.Struct, frozen=True, omit_defaults=True):
    """A number of which a person has one only (an NHS number, a permanent UPN), and the event that first said it."""

    system: str
    pseudonym: Pseudonym
    event: EventKey
    corrects: EventKey | None = None  # the earlier event that this one corrected
    former: bool = False  # replaced by another, as its issuer announced


class Move(msgspec.Struct, frozen=True, gc=False):
    """A change of families by one event: the person's section goes from `left` to `joined`."""

    cause: EventKey
    left: FamilyId
    joined: FamilyId
    remove: bool
    version: int


class Relationship(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A relationship as an agency stated it. `event` is what stated it (and is what a retraction names)."""

    event: EventKey
    person: PersonId  # the child, or the first of two siblings
    other: PersonId
    relationship: str  # schemas/codes/relationships.toml
    same_household: bool
    recorded_at: datetime
    since: date | None = None
    until: date | None = None
    retracted: bool = False
    corrects: EventKey | None = None


class KnownFamily(msgspec.Struct, frozen=True, tag="family", tag_field="kind", gc=False):
    """A family and its members. Record key: `f:` + family id. A family merged away has no members."""

    family: FamilyId
    version: int
    members: tuple[Member, ...]


class KnownPractitioner(msgspec.Struct, frozen=True, omit_defaults=True, tag="practitioner", tag_field="kind"):
    """A registered practitioner. Record key: `w:` + practitioner id. `sealed_contact` is opened under the hub's key."""

    practitioner: PractitionerId
    version: int
    agency: str
    role: str  # schemas/codes/practitioner-roles.toml
    team: str
    subscriber: str  # whose alert topic reaches them
    clearance: str = "normal"
    manager: PractitionerId | None = None
    person: PersonId | None = None
    active: bool = True
    recorded_at: datetime | None = None
    sealed_contact: bytes = b""


PeopleRecord = KnownIdentifier | KnownPerson | KnownFamily | KnownPractitioner
Written = PeopleRecord | ForgottenIdentifier
decode_people = msgspec.json.Decoder(PeopleRecord).decode


def people_value(record: Written) -> bytes | None:
    """Return the record as it stands on the topic; None deletes what stood there."""
    return None if isinstance(record, ForgottenIdentifier) else encode(record)


def people_key(record: Written) -> str:
    """Return the key under which a record of `people` is compacted."""
    match record:
        case KnownIdentifier() | ForgottenIdentifier():
            return f"i:{record.pseudonym}"
        case KnownPerson():
            return f"p:{record.person}"
        case KnownFamily():
            return f"f:{record.family}"
        case KnownPractitioner():
            return f"w:{record.practitioner}"
