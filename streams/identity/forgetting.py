"""A person's record ends: nothing leads to them any more, and every family that holds anything of them drops it.

What is left of them is an id that nothing leads to, in its place in the families: without it a brother and a sister
whose mother is forgotten would be no household any more. A new event about them makes them a new person.
"""

from __future__ import annotations

import msgspec

from schemas.ids import PractitionerId
from schemas.records import Erased, Forget, encode
from streams.identity.ledger import Ledger
from streams.outcome import Emit
from streams.topology import FAMILY_ITEMS


def forget(ask: Forget, ledger: Ledger) -> list[Emit]:
    """Take away what leads to these ids and what is known of them; tell their families. A second time is the same."""
    known = [one for person in ask.persons if (one := ledger.people.person(person)) is not None]
    numbers = {number.pseudonym for one in known for number in one.numbers}
    for pseudonym in sorted(numbers | set(ask.identifiers)):
        if ledger.people.identify(pseudonym) in ask.persons:
            ledger.forget(pseudonym)
    for one in known:
        _leave_work(one.practitioner, ledger)
        ledger.change(one.person, born=(), numbers=(), practitioner=None, erased=True)
    families = {family for one in known for family in one.families} | set(ask.families)
    return [
        Emit(FAMILY_ITEMS, family, encode(Erased(family, person, ask.received_at)))
        for family in sorted(families)
        for person in ask.persons
    ]


def _leave_work(name: PractitionerId | None, ledger: Ledger) -> None:
    """Unlink whom they were at work from whom they were to the services."""
    worker = ledger.people.practitioner(name) if name is not None else None
    if worker is not None and worker.person is not None:
        ledger.add_practitioner(msgspec.structs.replace(worker, version=worker.version + 1, person=None))
