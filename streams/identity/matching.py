"""Which person is said: by identifiers alone, and only beyond doubt. Looking up writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from schemas.ids import EventKey, PersonId, Pseudonym
from schemas.records import Facts, Identifier, KnownPerson, PersonAsKnown, Queued
from streams.identity.ledger import Ledger
from streams.intake_names import birth, look_up_key

_CHILD_ROLES = frozenset(("child", "pupil"))
_ADULT_ROLES = frozenset(("parent", "carer", "adult", "partner", "self"))
_BIRTH_DATE = "birth-date"  # schemas/codes/demographic-fields.toml


@dataclass(frozen=True)
class Said:
    """One person of an event: their place in it, their usable look-up keys, and whom these stand for already."""

    ordinal: int
    person: PersonAsKnown
    keys: tuple[Pseudonym, ...]
    found: frozenset[PersonId]


def look_up(ledger: Ledger, queued: Queued, also: Sequence[Identifier] = ()) -> list[Said]:
    """Return every person of the event as looked up; `also` are further identifiers of the first."""
    return [
        _said(ledger, queued.agency, ordinal, person, also if ordinal == 0 else ())
        for ordinal, person in enumerate(queued.persons)
    ]


def _said(ledger: Ledger, agency: str, ordinal: int, person: PersonAsKnown, also: Sequence[Identifier]) -> Said:
    keys, found = [], set()
    for identifier in (*person.identifiers, *also):
        key = look_up_key(ledger.names, agency, identifier)
        known = ledger.people.identify(key) if key else None
        if key is not None and known != "":  # "": declared invalid
            keys.append(key)
            if known is not None:
                found.add(known)
    return Said(ordinal, person, tuple(dict.fromkeys(keys)), frozenset(found))


def in_doubt(ledger: Ledger, facts: Facts, said: Sequence[Said]) -> bool:
    """Whether anyone said might be two people, or two people said might be one."""
    if any(len(one.found) > 1 for one in said):
        return True
    if any(_other_birth_date(ledger, facts, one) for one in said):
        return True
    return any(_doubtful(one, [other for other in said if _same(one, other)]) for one in said)


def _doubtful(one: Said, same: Sequence[Said]) -> bool:
    """Whether those who seem to be the same person as `one` may be another after all."""
    return len(same) > 1 or any(other.found != one.found or _differ(one.person, other.person) for other in same)


def _other_birth_date(ledger: Ledger, facts: Facts, said: Said) -> bool:
    for person in said.found:
        born = birth(ledger.names, person, said.person)
        known = ledger.person(person).born
        if born is not None and known and born not in known and _BIRTH_DATE not in facts.data.get("changed", ()):
            return True
    return False


def _same(one: Said, other: Said) -> bool:
    return one is not other and bool(one.found & other.found or set(one.keys) & set(other.keys))


def _differ(one: PersonAsKnown, other: PersonAsKnown) -> bool:
    if one.birth_date and other.birth_date and one.birth_date != other.birth_date:
        return True
    names = [p.given_names.strip().casefold() for p in (one, other) if p.given_names]
    return len(names) == 2 and names[0] != names[1]


def take(ledger: Ledger, event: EventKey, facts: Facts, said: Said) -> tuple[PersonId, bool]:
    """Return the person said, and whether they are new: minted from the event and their place in it.

    Their further identifiers stand for them from now on.
    """
    known = {person for person in map(ledger.people.identify, said.keys) if person}
    new = not known
    person = PersonId(ledger.names.mint("p", event, str(said.ordinal))) if new else known.pop()
    if new:
        ledger.add(KnownPerson(person, 1, ()))
    for key in said.keys:
        if ledger.people.identify(key) is None:
            ledger.identifies(key, person)
    _remember(ledger, person, facts, said.person)
    return person, new


def _remember(ledger: Ledger, person: PersonId, facts: Facts, said: PersonAsKnown) -> None:
    known = ledger.person(person)
    born = birth(ledger.names, person, said)
    ledger.change(
        person,
        born=known.born if born is None or born in known.born else (*known.born, born),
        is_child=is_child(facts, said) if known.is_child is None else known.is_child,
    )


def is_child(facts: Facts, said: PersonAsKnown) -> bool | None:
    """Whether a person is under 18 when it happened, as far as the event tells: None when it does not."""
    if said.birth_date is not None:
        return facts.happened_at.date() < _birthday(said.birth_date, 18)
    if said.role in _CHILD_ROLES or any(i.system == "upn" for i in said.identifiers):
        return True
    if said.role in _ADULT_ROLES:
        return False
    return True if facts.agency == "school" and said.role == "subject" else None


def _birthday(born: date, age: int) -> date:
    leap_day = born.month == 2 and born.day == 29
    return date(born.year + age, 3, 1) if leap_day else born.replace(year=born.year + age)
