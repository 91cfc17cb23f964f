"""The record of practitioners: the latest that was recorded of each stands, whatever the order it comes in."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from consent.seal import seal, unseal
from schemas.ids import PersonId, PractitionerId
from schemas.people import KnownPractitioner
from schemas.records import Facts, encode
from streams.identity.ledger import Ledger


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to reach a practitioner at work. `job_title` is their role's code (schemas/codes/practitioner-roles.toml)."""

    name: str
    job_title: str
    phone: str | None = None
    email: str | None = None


_decode = msgspec.json.Decoder(Contact).decode


def contact_of(known: KnownPractitioner, hub_key: bytes) -> Contact:
    """Open a practitioner's contact details with the hub's key (32 bytes). Raises `Unsealable`."""
    return _decode(unseal(hub_key, known.sealed_contact, _label(known.practitioner)))


def register(
    ledger: Ledger, facts: Facts, person: PersonId | None, hub_key: bytes, entropy: Callable[[int], bytes]
) -> PractitionerId:
    """Take in what an event says of a practitioner. Who they are as a person is kept until another is said."""
    data, name = facts.data, PractitionerId(facts.data["practitioner_id"])
    before = ledger.people.practitioner(name)
    after = KnownPractitioner(
        practitioner=name,
        version=before.version if before else 0,
        agency=data["practitioner_agency"],
        role=data["job_role"],
        team=data["team"],
        subscriber=data["subscriber"],
        clearance=data.get("clearance") or "normal",
        manager=data.get("manager_id"),
        person=person or (before.person if before else None),
        active=data.get("active", True),
        recorded_at=facts.recorded_at,
    )
    contact = Contact(data["name"], data["job_role"], data.get("phone"), data.get("email"))
    if before is not None and _order(before, contact_of(before, hub_key)) >= _order(after, contact):
        if person is None or before.person is not None:
            return name
        after, contact = msgspec.structs.replace(before, person=person), contact_of(before, hub_key)
    sealed = seal(hub_key, entropy(12), encode(contact), _label(name))
    ledger.add_practitioner(msgspec.structs.replace(after, version=after.version + 1, sealed_contact=sealed))
    for one in ledger.ids(after.person) if after.person is not None else ():
        ledger.change(one, practitioner=name)
    return name


def _order(known: KnownPractitioner, contact: Contact) -> tuple[str, bytes]:
    """What decides between two records of one practitioner: the later one, and any fixed order between equals."""
    plain = msgspec.structs.replace(known, version=0, sealed_contact=b"")
    return (known.recorded_at.isoformat() if known.recorded_at else "", encode((plain, contact)))


def _label(practitioner: PractitionerId) -> bytes:
    return f"hearth.contact|{practitioner}".encode()
