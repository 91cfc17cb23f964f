"""What the resolver knows while it works through a batch: the directory, and over it what the batch has written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from consent.seal import Pseudonyms
from schemas.errors import HearthError
from schemas.ids import EventKey, FamilyId, PersonId, Pseudonym
from schemas.people import (
    ForgottenIdentifier,
    KnownFamily,
    KnownIdentifier,
    KnownPerson,
    KnownPractitioner,
    Move,
    Relationship,
    Written,
)
from schemas.records import Member
from streams.identity.directory import Directory, People
from streams.intake_names import every_id

_NOBODY = PersonId("")


class Ledger:
    """Reads through to the directory; every write bumps a version. `settled` says whether an event's effects are
    known to be done: only then may the moves that it caused be forgotten."""

    def __init__(self, directory: Directory, names: Pseudonyms, settled: Callable[[EventKey], bool]) -> None:
        self.people = People(directory)
        self.names = names
        self._settled = settled
        self._written: dict[str, Written] = {}

    def own(self, person: PersonId) -> FamilyId:
        """Return the id of the person's family of one."""
        return FamilyId(self.names.mint("f", person))

    def person(self, person: PersonId) -> KnownPerson:
        """Return a person who is known to be known."""
        found = self.people.person(person)
        if found is None:
            raise HearthError("an identifier stands for a person whom the record of people does not have")
        return found

    def ids(self, person: PersonId) -> tuple[PersonId, ...]:
        """Return all ids of a person, the one that stands for them first."""
        return every_id(self.people, person)

    def whole(self, person: PersonId) -> KnownPerson:
        """Return all that is known of a person, said of whichever id, with everybody under the id that stands for them.

        What was stated between two ids of one person states nothing.
        """
        each = [self.person(one) for one in self.ids(person)]
        first = each[0].person
        said = {statement.event: self._of_whole(statement) for one in each for statement in one.relationships}
        named_by = {self.ids(child)[0] for one in each for child in one.named_by}
        children = [one.is_child for one in each if one.is_child is not None]
        return replace(
            each[0],
            relationships=tuple(said[event] for event in sorted(said) if said[event].other != first),
            named_by=tuple(sorted(named_by - {first})),
            is_child=any(children) if children else None,
        )

    def _of_whole(self, said: Relationship) -> Relationship:
        child, other = self.ids(said.person)[0], self.ids(said.other)[0]
        return said if (child, other) == (said.person, said.other) else replace(said, person=child, other=other)

    def members(self, family: FamilyId) -> tuple[Member, ...]:
        """Return the members of a family; none where there is no such family."""
        found = self.people.family(family)
        return found.members if found else ()

    def identifies(self, pseudonym: Pseudonym, person: PersonId) -> None:
        """Let an identifier that was not known stand for `person`."""
        self._write(f"i:{pseudonym}", KnownIdentifier(pseudonym, person, 1))

    def invalidate(self, pseudonym: Pseudonym) -> None:
        """Let an identifier stand for nobody, for good."""
        self._write(f"i:{pseudonym}", KnownIdentifier(pseudonym, _NOBODY, 2))

    def forget(self, pseudonym: Pseudonym) -> None:
        """Let an identifier be as if it had never been said."""
        self._write(f"i:{pseudonym}", ForgottenIdentifier(pseudonym))

    def add(self, person: KnownPerson) -> None:
        """Write a person who was not known."""
        self._write(f"p:{person.person}", person)

    def change(self, person: PersonId, **changes: Any) -> KnownPerson:
        """Write a person's changed fields, if they change anything; return the person as they now stand."""
        before = self.person(person)
        after = replace(before, **changes)
        if after == before:
            return before
        moves = tuple(move for move in after.moves if not self._settled(move.cause))
        after = replace(after, version=before.version + 1, moves=moves)
        self._write(f"p:{person}", after)
        return after

    def set_members(self, family: FamilyId, members: tuple[Member, ...]) -> bool:
        """Write a family's members; return whether they changed."""
        before = self.people.family(family)
        if members == (before.members if before else ()):
            return False
        self._write(f"f:{family}", KnownFamily(family, before.version + 1 if before else 1, members))
        return True

    def add_practitioner(self, practitioner: KnownPractitioner) -> None:
        """Write a practitioner."""
        self._write(f"w:{practitioner.practitioner}", practitioner)

    def records(self) -> Iterable[Written]:
        """Return the last record written of each, persons and families before the identifiers that lead to them."""
        return [self._written[key] for key in sorted(self._written, key=lambda key: (key.startswith("i:"), key))]

    def _write(self, key: str, record: Written) -> None:
        self.people.apply(record)
        self._written[key] = record


def moves(
    before: tuple[FamilyId, ...],
    after: tuple[FamilyId, ...],
    stays: Callable[[FamilyId], bool],
    cause: EventKey,
    version: int,
) -> tuple[Move, ...]:
    """Return how a person's section follows them from the families `before` to those `after`.

    It is copied to every family that they join, and dropped from every one that they leave, after the copies; where
    it `stays`, they left a family whose record of them up to then remains its own.
    """
    left = sorted(set(before) - set(after))
    joined = sorted(set(after) - set(before))
    if not before or before == after:
        return ()
    if not left:
        return tuple(Move(cause, min(before), to, False, version) for to in joined)
    found = []
    for family in left:
        kept = stays(family)
        targets = joined or ([] if kept else [min(after)])
        found += [Move(cause, family, to, not kept and to == targets[-1], version) for to in targets]
    return tuple(found)
