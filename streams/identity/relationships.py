"""A stated relationship, written down, and the families that change by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from schemas.ids import EventKey, FamilyId, PersonId
from schemas.people import KnownPerson, Move, Relationship
from schemas.records import Facts, Member
from streams.identity.families import SIBLING, Tie, Worked, role_of, standing, work_out
from streams.identity.ledger import Ledger, moves


class Settled(NamedTuple):
    """What working families out anew has changed. `moves` are by person; `too_wide` are ties not followed."""

    changed: set[FamilyId]
    moves: list[tuple[PersonId, Move]]
    too_wide: tuple[Tie, ...] = ()


class _Place(NamedTuple):
    families: tuple[FamilyId, ...]
    home: FamilyId | None


def state(ledger: Ledger, event: EventKey, facts: Facts, child: PersonId, other: PersonId) -> None:
    """Write down what an event states, corrects or takes back; once, however often it comes."""
    statement = Relationship(
        event=event,
        person=child,
        other=other,
        relationship=facts.data["relationship"],
        same_household=facts.data["same_household"],
        recorded_at=facts.recorded_at,
        since=_day(facts.data.get("since")),
        until=_day(facts.data.get("until")),
        retracted=facts.retracts is not None,
        corrects=facts.retracts or facts.corrects,
    )
    kept = {s.event: s for s in ledger.person(child).relationships}
    kept.setdefault(event, statement)
    ledger.change(child, relationships=tuple(kept[key] for key in sorted(kept)))
    ledger.change(other, named_by=tuple(sorted({*ledger.person(other).named_by, child})))


def settle(ledger: Ledger, cause: EventKey, persons: Iterable[PersonId]) -> Settled:
    """Work out anew the families of `persons`, and of everyone whose families theirs may touch."""
    seeds = {other for person in persons for other in _near(ledger.whole(person))}
    reached = _reach(ledger, seeds)
    children = [person for person in sorted(reached) if _is_child_of(ledger, person)]
    said = [statement for child in children for statement in ledger.whole(child).relationships]
    worked = work_out(children, said, ledger.own)
    scope = sorted(reached.union(*(_others(ledger.whole(child)) for child in children)))
    places = {person: _place(ledger, person, worked) for person in scope}
    families = _families(ledger, worked, places)
    changed = {family for family, members in families.items() if ledger.set_members(family, members)}
    everyone = {one: place for person, place in places.items() for one in ledger.ids(person)}
    for person, place in everyone.items():
        _move(ledger, cause, person, place)
    asked = [(p, move) for p in everyone for move in ledger.person(p).moves if move.cause == cause]
    return Settled(changed, asked, worked.too_wide)


def _reach(ledger: Ledger, seeds: Collection[PersonId]) -> set[PersonId]:
    """Return everyone who lives with one of `seeds`, by what is stated, step by step."""
    reached, todo = set(seeds), list(seeds)
    while todo:
        for person in _housemates(ledger, todo.pop()) - reached:
            reached.add(person)
            todo.append(person)
    return reached


def _housemates(ledger: Ledger, person: PersonId) -> set[PersonId]:
    known = ledger.whole(person)
    found = {s.other for s in standing(known.relationships).now.values() if s.same_household}
    for child in known.named_by:
        tie = standing(ledger.whole(child).relationships).now.get(person)
        if tie is not None and tie.same_household:
            found.add(child)
    homes = {home for one in ledger.ids(person) if (home := ledger.person(one).home)}
    for home in homes:
        children = {ledger.ids(member.person)[0] for member in ledger.members(home) if member.role == "child"}
        found |= children if person in children else set()
    return found


def _near(known: KnownPerson) -> set[PersonId]:
    """Return a person and whom their families turn on; for one of several ids, everyone who ever named any of them."""
    return {known.person, *_others(known), *(known.named_by if known.joined else ())}


def _others(known: KnownPerson) -> set[PersonId]:
    return {statement.other for statement in known.relationships}


def _is_child_of(ledger: Ledger, person: PersonId) -> bool:
    """Whether any statement that stands names this person as a child, or as a child's sibling."""
    known = ledger.whole(person)
    own = standing(known.relationships)
    if own.now or own.ended:
        return True
    for child in known.named_by:
        stand = standing(ledger.whole(child).relationships)
        tie = stand.now.get(person) or stand.ended.get(person)
        if tie is not None and role_of(tie.relationship) == SIBLING:
            return True
    return False


def _place(ledger: Ledger, person: PersonId, worked: Worked) -> _Place:
    """Return the families a person is in: their home as a child, and that of every child by whom they have a role."""
    known = ledger.whole(person)
    home = worked.homes.get(person)
    if home is None and _is_child_of(ledger, person):
        home = known.home
    families = {home} if home else set()
    lives: set[FamilyId] = set()
    for child in known.named_by:
        tie = standing(ledger.whole(child).relationships).now.get(person)
        where = worked.homes.get(child) or ledger.whole(child).home
        if tie is not None and where is not None and role_of(tie.relationship) != SIBLING:
            families.add(where)
            if tie.same_household:
                lives.add(where)
    if not families:
        return _Place((ledger.own(person),), ledger.own(person))
    return _Place(tuple(sorted(families)), home or min(lives, default=None))


def _families(ledger: Ledger, worked: Worked, places: dict[PersonId, _Place]) -> dict[FamilyId, tuple[Member, ...]]:
    """Return the members of every family in question, none for one that is dissolved."""
    families = dict(worked.families)
    for person, place in places.items():
        own = ledger.own(person)
        if own in families:
            continue
        if own in place.families and person not in worked.homes and not _is_child_of(ledger, person):
            role = "child" if ledger.whole(person).is_child else "other-adult"
            families[own] = (Member(person, role),)
        elif person in worked.homes or not _is_child_of(ledger, person):
            families[own] = ()
    families |= {ledger.own(other): () for person in places for other in ledger.ids(person)[1:]}
    return {family: _by_every_id(ledger, members) for family, members in families.items()}


def _by_every_id(ledger: Ledger, members: tuple[Member, ...]) -> tuple[Member, ...]:
    """Return the members with their further ids beside them: in each stands a section of the family's record."""
    found = [
        member if one == member.person else replace(member, person=one, same_as=member.person)
        for member in members
        for one in ledger.ids(member.person)
    ]
    return tuple(sorted(found, key=lambda member: member.person))


def _move(ledger: Ledger, cause: EventKey, person: PersonId, place: _Place) -> None:
    known = ledger.person(person)

    def stays(family: FamilyId) -> bool:
        return any(m.person == person and m.role not in ("child", SIBLING) for m in ledger.members(family))

    asked = moves(known.families, place.families, stays, cause, known.version + 1)
    ledger.change(person, families=place.families, home=place.home, moves=known.moves + asked)


def _day(said: str | date | None) -> date | None:
    return date.fromisoformat(said) if isinstance(said, str) else said
