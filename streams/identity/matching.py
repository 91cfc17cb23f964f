"""Which person is said: by identifiers alone, and only beyond doubt. Looking up writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from schemas.ids import EventKey, PersonId, Pseudonym
from schemas.people import KnownPerson
from schemas.records import Facts, Identifier, PersonAsKnown, Queued
from streams.identity.ledger import Ledger
from streams.intake_names import birth, look_up_key

_CHILD_ROLES = frozenset(("child", "pupil"))
_ADULT_ROLES = frozenset(("parent", "carer", "adult", "partner", "self"))
_BIRTH_DATE = "birth-date"  # schemas/codes/demographic-fields.toml


@dataclass(frozen=True)
class Said:
    """One person of an event: their place in it, their usable look-up keys, and whom these stand for already.

    `found` are the ids that stand for persons. `numbers` are (system, key) where nobody has two of one system;
    `former` those of them that the event says were replaced.
    """

    ordinal: int
    person: PersonAsKnown
    keys: tuple[Pseudonym, ...]
    found: frozenset[PersonId]
    numbers: tuple[tuple[str, Pseudonym], ...] = ()
    former: frozenset[Pseudonym] = frozenset()


def look_up(ledger: Ledger, queued: Queued, also: Sequence[Identifier] = ()) -> list[Said]:
    """Return every person of the event as looked up; `also` are further identifiers of the first."""
    return [
        _said(ledger, queued.agency, ordinal, person, also if ordinal == 0 else ())
        for ordinal, person in enumerate(queued.persons)
    ]


def _said(ledger: Ledger, agency: str, ordinal: int, person: PersonAsKnown, also: Sequence[Identifier]) -> Said:
    keys, found, numbers, former = [], set(), [], set()
    replaced = {identifier.system for identifier in also}
    for place, identifier in enumerate((*person.identifiers, *also)):
        key = look_up_key(ledger.names, agency, identifier)
        known = ledger.people.identify(key) if key else None
        if key is not None and known != "":  # "": declared invalid
            keys.append(key)
            if _only_one(identifier):
                numbers.append((identifier.system, key))
                if place < len(person.identifiers) and identifier.system in replaced:
                    former.add(key)
            if known is not None:
                found.add(ledger.ids(known)[0])
    return Said(ordinal, person, tuple(dict.fromkeys(keys)), frozenset(found), tuple(numbers), frozenset(former))


def _only_one(said: Identifier) -> bool:
    """Whether nobody has two of these. A temporary UPN, whose last character is a letter, gives way to another."""
    return said.system == "nhs-number" or (said.system == "upn" and said.value.strip()[-1:].isdigit())


def in_doubt(ledger: Ledger, facts: Facts, said: Sequence[Said]) -> bool:
    """Whether what is said of anyone contradicts what is known, or two people said might be one."""
    if any(_other_birth_date(ledger, facts, one) for one in said):
        return True
    return any(_doubtful(one, [other for other in said if _same(one, other)]) for one in said)


def _doubtful(one: Said, same: Sequence[Said]) -> bool:
    """Whether those who seem to be the same person as `one` may be another after all."""
    return len(same) > 1 or any(other.found != one.found or _differ(one.person, other.person) for other in same)


def _other_birth_date(ledger: Ledger, facts: Facts, said: Said) -> bool:
    if _BIRTH_DATE in facts.data.get("changed", ()):
        return False
    return any(_born_otherwise(ledger, person, said.person) for person in said.found)


def _born_otherwise(ledger: Ledger, person: PersonId, said: PersonAsKnown) -> bool:
    ids = ledger.ids(person)
    if birth(ledger.names, person, said) is None or not any(ledger.person(one).born for one in ids):
        return False
    return not any(birth(ledger.names, one, said) in ledger.person(one).born for one in ids)


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
    if new:
        person = PersonId(ledger.names.mint("p", event, str(said.ordinal)))
        before = ledger.people.person(person)
        if before is not None and before.erased:
            return person, False  # the event comes again after their record ended: nothing may lead to them
        ledger.add(KnownPerson(person, 1, ()))
    else:
        person = known.pop() if len(known) == 1 else ledger.ids(known.pop())[0]
    for key in said.keys:
        if ledger.people.identify(key) is None:
            ledger.identifies(key, person)
    _remember(ledger, person, facts, said.person)
    return person, new


def _remember(ledger: Ledger, person: PersonId, facts: Facts, said: PersonAsKnown) -> None:
    known = ledger.person(person)
    born = birth(ledger.names, person, said)
    guessed = born is not None and not known.born  # by their role: the date knows better, whichever comes first
    ledger.change(
        person,
        born=known.born if born is None or born in known.born else (*known.born, born),
        is_child=is_child(facts, said) if known.is_child is None or guessed else known.is_child,
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
