"""Who may safely be told: worked out anew at every send and every look, never remembered.

Eligible = the role, involved with the family now, and neither a party themselves (subject, alleged, linked, of the
household) nor managed by one who is, and cleared for the tier. Nobody eligible: the duty queue. Never dropped, never
the default (design §9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

import msgspec

from schemas.codes import code_list
from schemas.ids import PersonId, PractitionerId
from schemas.people import KnownPractitioner
from schemas.records import Facts
from streams import sealed
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


def party(person: PersonId | None, family: Family, counts: Callable[[Facts], bool] = sealed.makes_party) -> str:
    """How this person is a party to the family's record: none | alleged | household | linked | subject.

    By the items that count, whatever became of them: the open ones, unless said otherwise.
    """
    if person is None:
        return "none"
    facts = [(own, e.facts) for own, s in family.sections.items() for e in s.entries.values() if counts(e.facts)]
    named = {(p.person, p.role) for _, one in facts for p in one.parties} | {(own, one.role) for own, one in facts}
    if (person, "alleged") in named:
        return "alleged"
    for member in family.members.members if family.members else ():
        if member.person == person:
            return "household" if member.home else "linked"
    section = family.sections.get(person)
    if any(own == person for own, _ in facts) or (section is not None and section.books):
        return "subject"
    return "linked" if any(one == person for one, _ in named) else "none"


def _party(
    worker: KnownPractitioner, family: Family, directory: Directory, counts: Callable[[Facts], bool]
) -> str:
    """How a practitioner, or else their manager, is a party, under whichever of the ids of the person they are."""
    manager = directory.practitioner(worker.manager) if worker.manager else None
    own, other = (
        min((party(one, family, counts) for one in _ids(directory, who)), key=_PARTIES.index, default="none")
        for who in (worker, manager)
    )
    return "managed-by-one" if own == "none" and other != "none" else own


def _ids(directory: Directory, worker: KnownPractitioner | None) -> tuple[PersonId, ...]:
    return every_id(directory, worker.person) if worker and worker.person else ()


def as_recipient(worker: KnownPractitioner, family: Family, directory: Directory, on: date) -> Recipient:
    """Resolve a practitioner into the recipient that the policies are asked about.

    Whoever is a party by a sealed item alone is one where sealed items are decided, and nowhere else: to be shut out
    of the open record would tell them.
    """
    how = _party(worker, family, directory, sealed.makes_party)
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
        sealed_party=_party(worker, family, directory, _all) if worker.clearance == sealed.SEALED else how,
    )


def _all(_: Facts) -> bool:
    return True


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
