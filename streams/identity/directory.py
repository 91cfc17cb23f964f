"""The read side of `people`: what intake, the resolver and the gate may ask of it."""

from __future__ import annotations

from typing import Protocol

from schemas.ids import FamilyId, PersonId, PractitionerId, Pseudonym
from schemas.records import KnownFamily, KnownIdentifier, KnownPerson, KnownPractitioner, PeopleRecord


class Directory(Protocol):
    """A replica of `people`. It may be behind; it is never ahead, and never makes anything up."""

    def identify(self, pseudonym: Pseudonym) -> PersonId | None: ...

    def person(self, person: PersonId) -> KnownPerson | None: ...

    def family(self, family: FamilyId) -> KnownFamily | None: ...

    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None: ...


class People:
    """A directory in memory, and the overlay in which a resolver's batch sees its own writes."""

    def __init__(self, behind: Directory | None = None) -> None:
        self._behind = behind
        self._identifiers: dict[Pseudonym, PersonId] = {}
        self._persons: dict[PersonId, KnownPerson] = {}
        self._families: dict[FamilyId, KnownFamily] = {}
        self._practitioners: dict[PractitionerId, KnownPractitioner] = {}

    def apply(self, record: PeopleRecord) -> None:
        """Take in one record of `people`; the last one for a key stands."""
        if isinstance(record, KnownIdentifier):
            self._identifiers[record.pseudonym] = record.person
        elif isinstance(record, KnownPerson):
            self._persons[record.person] = record
        elif isinstance(record, KnownFamily):
            self._families[record.family] = record
        else:
            self._practitioners[record.practitioner] = record

    def identify(self, pseudonym: Pseudonym) -> PersonId | None:
        found = self._identifiers.get(pseudonym)
        return self._behind.identify(pseudonym) if found is None and self._behind else found

    def person(self, person: PersonId) -> KnownPerson | None:
        found = self._persons.get(person)
        return self._behind.person(person) if found is None and self._behind else found

    def family(self, family: FamilyId) -> KnownFamily | None:
        found = self._families.get(family)
        return self._behind.family(family) if found is None and self._behind else found

    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None:
        found = self._practitioners.get(practitioner)
        return self._behind.practitioner(practitioner) if found is None and self._behind else found
