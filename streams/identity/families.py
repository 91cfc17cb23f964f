"""Which families there are, worked out from what agencies stated about relationships: a pure function of the set of
statements, whatever their order. Nothing is ever worked out from an address.

Children who live with the same parent or carer, or with a stated sibling, share one home family. A child has one home
family; an adult is in every family in which they have a role. More than twelve people are no household (a hostel, a
refuge): the widest tie is then not followed, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date

import msgspec

from schemas.ids import FamilyId, PersonId
from schemas.people import Relationship
from schemas.records import Member

HOUSEHOLD_LIMIT = 12  # persons
SIBLING = "sibling"
_ROLES = ("parent", "carer", SIBLING, "other-adult")  # Member.role, closest first

Tie = tuple[PersonId, ...]
"""What children live together by: one adult, or two siblings."""


class Standing(msgspec.Struct, frozen=True):
    """What stands between a child and each other person. `ended`: it held, and holds no more."""

    now: dict[PersonId, Relationship]
    ended: dict[PersonId, Relationship]


class Worked(msgspec.Struct, frozen=True):
    """The families worked out. `homes`: each child's. `too_wide`: ties not followed, for a person to look at."""

    families: dict[FamilyId, tuple[Member, ...]]
    homes: dict[PersonId, FamilyId]
    too_wide: tuple[Tie, ...] = ()


def role_of(relationship: str) -> str:
    """Return a member's role by the relationship stated (schemas/codes/relationships.toml)."""
    return _ROLE_OF.get(relationship, "other-adult")


_ROLE_OF = {
    **dict.fromkeys(("parent", "mother", "father", "step-parent", "adoptive-parent"), "parent"),
    **dict.fromkeys(("carer", "foster-carer", "guardian"), "carer"),
    **dict.fromkeys(("sibling", "half-sibling", "step-sibling"), SIBLING),
}


def standing(statements: Iterable[Relationship]) -> Standing:
    """Return what stands of the statements that name one child.

    A statement that another corrects or takes back is void, and stays so. Of several about the same two people the
    one recorded last stands. "Now" is the last day that any of them speaks of or was recorded on, never a clock's.
    """
    said = tuple(statements)
    replaced = {s.corrects for s in said if s.corrects is not None}
    kept = [s for s in said if not s.retracted and s.event not in replaced]
    as_of = max((max(s.recorded_at.date(), s.since or date.min) for s in kept), default=date.min)
    now: dict[PersonId, Relationship] = {}
    ended: dict[PersonId, Relationship] = {}
    for statement in sorted(kept, key=lambda s: (s.recorded_at, s.event)):
        (now if statement.until is None or statement.until > as_of else ended)[statement.other] = statement
    return Standing(now, {other: s for other, s in ended.items() if other not in now})


def work_out(
    children: Collection[PersonId],
    statements: Iterable[Relationship],
    own: Callable[[PersonId], FamilyId],
    limit: int = HOUSEHOLD_LIMIT,
) -> Worked:
    """Work out the home families of `children` from every statement that names one of them as the child.

    `own` gives the id of a person's family of one; a family shared by several children has the smallest of theirs.
    """
    by_child: dict[PersonId, list[Relationship]] = {child: [] for child in children}
    for statement in statements:
        by_child[statement.person].append(statement)
    stands = {child: standing(said) for child, said in by_child.items()}
    groups, too_wide = _groups(stands, limit)
    families = {min(map(own, group)): _members(group, stands) for group in groups}
    homes = {child: min(map(own, group)) for group in groups for child in group}
    return Worked(families, homes, too_wide)


def _groups(stands: Mapping[PersonId, Standing], limit: int) -> tuple[list[frozenset[PersonId]], tuple[Tie, ...]]:
    """Return the groups of children that share a home, and the ties that were too wide to follow."""
    ties = _ties(stands)
    adults = {child: _adults_at_home(stand) for child, stand in stands.items()}
    dropped: list[Tie] = []
    while True:
        groups = _joined(stands, ties.values())
        wide = {tie for group in groups if _size(group, adults) > limit for tie in _widest(group, ties)}
        if not wide:
            return groups, tuple(sorted(dropped))
        dropped += wide
        ties = {tie: joined for tie, joined in ties.items() if tie not in wide}


def _ties(stands: Mapping[PersonId, Standing]) -> dict[Tie, set[PersonId]]:
    ties: dict[Tie, set[PersonId]] = {}
    for child, stand in stands.items():
        for other, statement in stand.now.items():
            if not statement.same_household:
                continue
            role = role_of(statement.relationship)
            if role in ("parent", "carer"):
                ties.setdefault((other,), set()).add(child)
            elif role == SIBLING and other in stands:
                ties.setdefault((min(child, other), max(child, other)), set()).update((child, other))
    return {tie: joined for tie, joined in ties.items() if len(joined) > 1}


def _adults_at_home(stand: Standing) -> frozenset[PersonId]:
    return frozenset(other for other, s in stand.now.items() if s.same_household and role_of(s.relationship) != SIBLING)


def _size(group: frozenset[PersonId], adults: Mapping[PersonId, frozenset[PersonId]]) -> int:
    return len(group.union(*(adults[child] for child in group)))


def _widest(group: frozenset[PersonId], ties: Mapping[Tie, set[PersonId]]) -> list[Tie]:
    ours = [tie for tie, joined in ties.items() if not group.isdisjoint(joined)]
    most = max((len(ties[tie]) for tie in ours), default=0)
    return [tie for tie in ours if len(ties[tie]) == most]


def _joined(children: Iterable[PersonId], ties: Iterable[set[PersonId]]) -> list[frozenset[PersonId]]:
    group = {child: {child} for child in children}
    for joined in ties:
        whole = set().union(*(group[child] for child in joined))
        for child in whole:
            group[child] = whole
    return list({id(whole): frozenset(whole) for whole in group.values()}.values())


def _members(group: frozenset[PersonId], stands: Mapping[PersonId, Standing]) -> tuple[Member, ...]:
    found: dict[PersonId, Member] = {child: Member(child, "child") for child in group}
    for child in sorted(group):
        stand = stands[child]
        for other, statement in (*stand.now.items(), *stand.ended.items()):
            if other not in group:
                member = _member(statement, other in stand.now)
                found[other] = _merged(found[other], member) if other in found else member
    return tuple(found[person] for person in sorted(found))


def _member(statement: Relationship, now: bool) -> Member:
    role = role_of(statement.relationship)
    home = now and statement.same_household and role != SIBLING
    return Member(statement.other, role, home, statement.since, statement.until)


def _merged(one: Member, other: Member) -> Member:
    """Return one place for a person who has one by each of two children: the closest role, the longest time."""
    role = min(one.role, other.role, key=_ROLES.index)
    since = None if one.since is None or other.since is None else min(one.since, other.since)
    until = None if one.until is None or other.until is None else max(one.until, other.until)
    return Member(one.person, role, one.home or other.home, since, until)
