"""The read side of `people`: what intake, the resolver and the gate may ask of it."""

from __future__ import annotations

from typing import Protocol

from schemas.ids import FamilyId, PersonId, PractitionerId, Pseudonym
from schemas.people import (
    ForgottenIdentifier,
    KnownFamily,
    KnownIdentifier,
    KnownPerson,
    KnownPractitioner,
    Written,
)


class Directory(Protocol):
    """A replica of `people`. It may be behind; it is never ahead, and never makes anything up."""

    def identify(self, pseudonym: Pseudonym) -> PersonId | None:
        """Return whom it stands for; `""` when the identifier was declared invalid; None when it is not known."""
        ...

    def person(self, person: PersonId) -> KnownPerson | None: ...

    def family(self, family: FamilyId) -> KnownFamily | None: ...

    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None: ...


class People:
    """A directory in memory, and the overlay in which a resolver's batch sees its own writes.

    For one key the highest version stands, so that a record may be taken in twice, or late. An identifier that was
    declared invalid stays so.
    """

    def __init__(self, behind: Directory | None = None) -> None:
        self._behind = behind
        self._identifiers: dict[Pseudonym, PersonId | None] = {}  # None: forgotten, whatever stands behind
        self._persons: dict[PersonId, KnownPerson] = {}
        self._families: dict[FamilyId, KnownFamily] = {}
        self._practitioners: dict[PractitionerId, KnownPractitioner] = {}

    def apply(self, record: Written) -> None:
        """Take in one record of `people`."""
        if isinstance(record, ForgottenIdentifier):
            self._identifiers[record.pseudonym] = None
        elif isinstance(record, KnownIdentifier):
            if self._identifiers.get(record.pseudonym) != "":
                self._identifiers[record.pseudonym] = record.person
        elif isinstance(record, KnownPerson):
            if _stands(record, self._persons.get(record.person)):
                self._persons[record.person] = record
        elif isinstance(record, KnownFamily):
            if _stands(record, self._families.get(record.family)):
                self._families[record.family] = record
        elif _stands(record, self._practitioners.get(record.practitioner)):
            self._practitioners[record.practitioner] = record

    def identify(self, pseudonym: Pseudonym) -> PersonId | None:
        if pseudonym in self._identifiers or self._behind is None:
            return self._identifiers.get(pseudonym)
        return self._behind.identify(pseudonym)

    def person(self, person: PersonId) -> KnownPerson | None:
        found = self._persons.get(person)
        return self._behind.person(person) if found is None and self._behind else found

    def family(self, family: FamilyId) -> KnownFamily | None:
        found = self._families.get(family)
        return self._behind.family(family) if found is None and self._behind else found

    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None:
        found = self._practitioners.get(practitioner)
        return self._behind.practitioner(practitioner) if found is None and self._behind else found


def _stands(
    record: KnownPerson | KnownFamily | KnownPractitioner, before: KnownPerson | KnownFamily | KnownPractitioner | None
) -> bool:
    return before is None or record.version >= before.version
