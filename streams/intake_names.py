"""What intake calls things: events, and the people in them as look-up keys. Nothing here is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from consent.seal import Pseudonyms
from schemas.checks import nhs_number, upn
from schemas.ids import EventKey, PersonId, PractitionerId, Pseudonym
from schemas.people import KnownPerson, KnownPractitioner
from schemas.records import Identifier, PersonAsKnown


class Directory(Protocol):
    """What intake asks of the record of people: a replica that may be behind, and never makes anything up."""

    def identify(self, pseudonym: Pseudonym) -> PersonId | None:
        """Return whom it stands for; `""` when the identifier was declared invalid; None when it is not known."""
        ...

    def person(self, person: PersonId) -> KnownPerson | None: ...
    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None: ...


def every_id(directory: Directory, person: PersonId) -> tuple[PersonId, ...]:
    """Return all ids under which this person is known, the one that stands for them first."""
    known = directory.person(person)
    first = known.same_as if known is not None and known.same_as else person
    whole = known if first == person else directory.person(first)
    return (first, *whole.joined) if whole is not None else (first,)


def event_key(
    names: Pseudonyms,
    typed_sources: frozenset[str],
    agency: str,
    source: str,
    id: str,  # noqa: A002 (CloudEvents' names)
    type: str,  # noqa: A002
) -> EventKey:
    """Return the key of an event: an agency's own, so that no agency can pre-empt or sound out another's ids.

    Sources in `typed_sources` give one id to several types of event.
    """
    return names.event(f"{agency} {source}", id, type if source in typed_sources else None)


def as_known(said: Iterable[Mapping[str, Any]]) -> tuple[PersonAsKnown, ...]:
    """Return the persons of an event's `about`, as the publisher knows them."""
    return tuple(
        [
            PersonAsKnown(**{**person, "identifiers": tuple([Identifier(**i) for i in person.get("identifiers", ())])})
            for person in said
        ]
    )


def usable(names: Pseudonyms, agency: str, person: PersonAsKnown) -> list[Pseudonym]:
    """Return the look-up keys of a person's identifiers that may be keys; a number that fails its check is none."""
    return [key for _, key in keyed(names, agency, person)]


def keyed(names: Pseudonyms, agency: str, person: PersonAsKnown) -> list[tuple[str, Pseudonym]]:
    """Return (system, look-up key) of each identifier that may be a key."""
    found = []
    for said in person.identifiers:
        key = look_up_key(names, agency, said)
        if key is not None:
            found.append((said.system, key))
    return found


def look_up_key(names: Pseudonyms, agency: str, said: Identifier) -> Pseudonym | None:
    """Return the look-up key of one identifier, or None where it must not be one."""
    checked = _CHECKS.get(said.system)
    value = checked(said.value) if checked else _own_number(said.value)
    return names.identifier(said.system, value, agency) if value else None


def birth(names: Pseudonyms, person: PersonId, said: PersonAsKnown) -> str | None:
    """Return the pseudonym of the birth date that is said of a person, if one is.

    It differs from person to person, so that two who were born on one day do not show. A year that only fills the
    field (1900 and before) is no evidence.
    """
    if said.birth_date is None or said.birth_date.year <= _FILLER_YEAR:
        return None
    return names.mint("b", person, said.birth_date.isoformat())


def _own_number(said: str) -> str | None:
    """Return an agency's own number; None for what fills an empty field, which would join strangers."""
    number = said.strip()
    return None if number.casefold() in _FILLERS or not number.strip("0-.?*xX") else number


_FILLER_YEAR = 1900
_FILLERS = frozenset(("n/a", "na", "none", "null", "nil", "unknown", "not known", "tbc"))
_CHECKS = {"nhs-number": nhs_number, "upn": upn}
