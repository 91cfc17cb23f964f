"""Who may safely be told: worked out anew at every send and every look, never remembered.

Eligible = the role, involved with the family now, and neither a party themselves (subject, alleged, linked, of the
household) nor managed by one who is, and cleared for the tier. Nobody eligible: the duty queue. Never dropped, never
the default (design §9).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from schemas.codes import code_list
from schemas.ids import PersonId, PractitionerId
from schemas.people import KnownPractitioner
from streams.gate import Recipient
from streams.identity.directory import Directory
from streams.intake_names import every_id
from streams.timeline import Family

TIERS = ("normal", "sensitive", "shielded", "sealed")  # design §6, least closely kept first

_PARTIES = ("alleged", "household", "linked", "subject", "none")  # closest first


class Queue(msgspec.Struct, frozen=True):
    """A duty queue: a recipient by function, for when no practitioner is eligible."""

    id: str
    subscriber: str
    agency: str
    clearance: str
    role: str = "duty-worker"


def sector_of(role: str, on: date) -> str:
    """Sector of a practitioner's role (schemas/codes/practitioner-roles.toml); an unknown role is voluntary."""
    code = code_list("practitioner-roles").get(role, on)
    return str(code.extra.get("sector", "voluntary")) if code else "voluntary"


def alleged_in(family: Family) -> frozenset[PersonId]:
    """Everyone whom some event in the family's record names as the alleged adult, whatever became of the item."""
    found: set[PersonId] = set()
    for person, section in family.sections.items():
        for entry in section.entries.values():
            if entry.facts.role == "alleged":
                found.add(person)
            found.update(p.person for p in entry.facts.parties if p.role == "alleged")
    return frozenset(found)


def party(person: PersonId | None, family: Family) -> str:
    """How this person is a party to the family's record: none | alleged | household | linked | subject."""
    if person is None:
        return "none"
    if person in alleged_in(family):
        return "alleged"
    for member in family.members.members if family.members else ():
        if member.person == person:
            return "household" if member.home else "linked"
    linked = {p.person for s in family.sections.values() for e in s.entries.values() for p in e.facts.parties}
    if person in family.sections:
        return "subject"
    return "linked" if person in linked else "none"


def _party(worker: KnownPractitioner, family: Family, directory: Directory) -> str:
    """How a practitioner is a party, under whichever of the ids of the person they are; the closest counts."""
    ids = every_id(directory, worker.person) if worker.person else ()
    return min((party(one, family) for one in ids), key=_PARTIES.index, default="none")


def as_recipient(worker: KnownPractitioner, family: Family, directory: Directory, on: date) -> Recipient:
    """Resolve a practitioner into the recipient that the policies are asked about."""
    how = _party(worker, family, directory)
    manager = directory.practitioner(worker.manager) if worker.manager else None
    if how == "none" and manager is not None and _party(manager, family, directory) != "none":
        how = "managed-by-one"
    involved = {i.practitioner for i in family.register.involved(on)} | {family.register.lead(on)}
    return Recipient(
        id=worker.practitioner,
        role=worker.role,
        sector=sector_of(worker.role, on),
        agency=worker.agency,
        clearance=worker.clearance,
        subscriber=worker.subscriber,
        involved=worker.active and worker.practitioner in involved,
        party=how,
    )


def from_queue(queue: Queue) -> Recipient:
    """A duty queue is involved by its function, and nobody's relative; each reader of it is asked about again."""
    return Recipient(queue.id, queue.role, "statutory", queue.agency, queue.clearance, queue.subscriber)


def lead_or_duty(
    family: Family, directory: Directory, queues: Iterable[Queue], on: date
) -> Recipient:
    """Return the lead professional where there is one who is eligible, else the least cleared duty queue."""
    lead: PractitionerId | None = family.register.lead(on)
    worker = directory.practitioner(lead) if lead else None
    if worker is not None and worker.active:
        recipient = as_recipient(worker, family, directory, on)
        if recipient.party == "none" and recipient.involved:
            return recipient
    return from_queue(min(queues, key=lambda q: TIERS.index(q.clearance)))


def cleared_queue(tier: str, queues: Iterable[Queue]) -> Recipient | None:
    """Return the least cleared duty queue that may see `tier`, if there is one."""
    enough = [q for q in queues if TIERS.index(q.clearance) >= TIERS.index(tier)]
    return from_queue(min(enough, key=lambda q: TIERS.index(q.clearance))) if enough else None
