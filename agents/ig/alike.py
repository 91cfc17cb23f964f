"""What a reader and a family have in common, compared by pseudonyms: nothing that is compared leaves this module.

A reader's surname is the last word of the name that their agency registered; their address is known only where the hub
knows them as a person of some family. What sealed items alone tell of anybody is not compared.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from agents.reading import Reading
from consent.seal import Pseudonyms
from schemas.errors import Unsealable
from schemas.ids import FamilyId, PersonId, PractitionerId
from schemas.people import KnownPractitioner
from schemas.records import PersonAsKnown
from streams.identity.practitioners import Contact
from streams.intake_names import every_id
from streams.timeline import Family

Marks = frozenset[tuple[str, str]]
"""(`surname` or `address`, its pseudonym)."""


class Comparison:
    """Compares readers with families as of one instant. Each is opened once."""

    def __init__(self, reading: Reading, contact: Callable[[KnownPractitioner], Contact], now: datetime) -> None:
        self._reading, self._contact = reading, contact
        self._state = cache(lambda family: reading.replayed(family, now))
        self._of_reader = cache(self._reader_marks)
        self._of_family = cache(self._family_marks)

    def __call__(self, reader: PractitionerId, family: FamilyId) -> frozenset[str]:
        """Return which of `surname` and `address` they have in common."""
        return frozenset(kind for kind, _ in self._of_reader(reader) & self._of_family(family))

    def _reader_marks(self, reader: PractitionerId) -> Marks:
        known = self._reading.stage.directory.practitioner(reader)
        if known is None:
            return frozenset()
        found = set(marks(self._names, PersonAsKnown("self", family_name=self._surname(known))))
        for person in every_id(self._reading.projection, known.person) if known.person else ():
            mine = self._reading.projection.person(person)
            for family in mine.families if mine else ():
                found |= self._said(self._state(family), person)
        return frozenset(found)

    def _surname(self, known: KnownPractitioner) -> str:
        try:
            return (self._contact(known).name.split() or [""])[-1]
        except Unsealable:
            return ""

    def _family_marks(self, family: FamilyId) -> Marks:
        state = self._state(family)
        return frozenset(mark for person in state.sections for mark in self._said(state, person))

    def _said(self, family: Family, person: PersonId) -> Marks:
        section = family.sections.get(person)
        if section is None or section.said is None:
            return frozenset()
        return marks(self._names, section.said)

    @property
    def _names(self) -> Pseudonyms:
        return self._reading.stage.pseudonyms


def marks(names: Pseudonyms, said: PersonAsKnown) -> Marks:
    """Return pseudonyms of a person's surname, and of their address by each of the ways it was said."""
    places = (said.uprn, f"{said.address}|{said.postcode or ''}" if said.address else "")
    found = {("address", _name(names, "address", place)) for place in places if place}
    return frozenset(found | ({("surname", _name(names, "surname", said.family_name))} if said.family_name else set()))


def _name(names: Pseudonyms, kind: str, text: str) -> str:
    return names.mint("n", kind, "".join(letter for letter in text.casefold() if letter.isalnum() or letter == "|"))
