"""Stated relationships through intake and resolver: families join, part and come back, and sections follow."""

from __future__ import annotations

import random
from typing import Any

import pytest

from schemas.ids import FamilyId
from schemas.records import Member, Members, SendSection, encode
from schemas.samples import sample
from streams.outcome import Emit
from streams.topology import FAMILY_ITEMS, IDENTITY_QUEUE, REVIEW
from tests.core.identity_world import World, person, related


def world_of(*events: dict[str, Any]) -> World:
    world = World()
    world.take(*((event, "social-care") for event in events))
    return world


def sends(world: World) -> list[SendSection]:
    return [one for one in world.on(FAMILY_ITEMS) if isinstance(one, SendSection)]


def home(world: World, local: str) -> FamilyId:
    found = world.who(local).home
    assert found
    return found


def names(members: tuple[Member, ...], world: World, *local: str) -> dict[str, str]:
    known = {world.who(number).person: number for number in local}
    return {known[m.person]: m.role for m in members}


def test_a_stated_relationship_makes_one_family_of_two_people() -> None:
    """Child and mother are members, told to the family, and the statement itself is in the child's record."""
    world = world_of(related("r1", "C1", "M1", "mother"))
    assert world.who("C1").families == world.who("M1").families == (home(world, "C1"),)
    assert names(world.families()[home(world, "C1")], world, "C1", "M1") == {"C1": "child", "M1": "parent"}
    assert len(world.families()) == 1
    (item,) = world.items()
    assert (item.person, item.family) == (world.who("C1").person, home(world, "C1"))
    assert world.facts(item).category == "relationships"
    first = world.on(FAMILY_ITEMS)[0]
    assert isinstance(first, Members)
    assert first.members == world.families()[home(world, "C1")]


def test_a_childs_section_moves_to_the_family_they_turn_out_to_be_in() -> None:
    """Copied to the shared home, and dropped from the family of one, which ends with no members."""
    world = world_of(related("r1", "C1", "M1"), related("r2", "C2", "M2"))
    kept, left = sorted((home(world, "C1"), home(world, "C2")))
    leaving = {number for number in ("C1", "C2", "M1", "M2") if world.who(number).families == (left,)}
    world.emits.clear()
    world.take((related("r3", "C1", "M2"), "social-care"))
    assert home(world, "C1") == home(world, "C2") == kept
    assert left not in world.families()
    moved = {(s.person, s.family, s.to, s.remove) for s in sends(world)}
    assert moved == {(world.who(number).person, left, kept, True) for number in leaving}
    ended = [one for one in world.on(FAMILY_ITEMS) if isinstance(one, Members) and one.family == left]
    assert ended[-1].members == ()


def test_an_adult_who_joins_a_second_family_is_copied_and_stays_in_the_first() -> None:
    """A shared parent: their section goes to both families, and is dropped from neither."""
    world = world_of(related("r1", "C1", "D1", "father", home=False), related("r2", "C1", "M1", "mother"))
    world.emits.clear()
    world.take((related("r3", "C2", "D1", "father"), "social-care"))
    assert home(world, "C1") != home(world, "C2")
    assert set(world.who("D1").families) == {home(world, "C1"), home(world, "C2")}
    father = world.who("D1").person
    assert [(s.family, s.to, s.remove) for s in sends(world) if s.person == father] == [
        (home(world, "C1"), home(world, "C2"), False)
    ]


def test_a_separated_fathers_part_goes_to_every_family_he_is_in() -> None:
    """One event about him is one item, in both families' records, sealed once."""
    world = world_of(related("r1", "C1", "D1", home=False), related("r2", "C2", "D1"))
    world.emits.clear()
    concern = related("unused", "C1", "D1")
    concern.update(type="hearth.any_agency.ConcernSignalled", id="c")
    concern["data"] = {
        "about": {**concern["data"]["about"], "persons": [person("subject", "D1")]},
        "level": _level(),
        "practitioner": {"agency": "social-care", "id": "sw1"},
    }
    world.take((concern, "social-care"))
    items = world.items()
    assert {i.family for i in items} == set(world.who("D1").families)
    assert len({i.id for i in items}) == len({i.sealed for i in items}) == 1


def test_a_retracted_relationship_parts_the_family_again() -> None:
    """Both children are back in families of their own, and each one's section is where they are."""
    world = world_of(related("r1", "C1", "M1"), related("r2", "C2", "M1"))
    assert home(world, "C1") == home(world, "C2")
    world.emits.clear()
    world.take((related("r3", "C2", "M1", about_retracts="r2"), "social-care"))
    assert home(world, "C1") != home(world, "C2")
    assert world.who("M1").families == (home(world, "C1"),)
    assert any(s.person == world.who("C2").person and s.remove for s in sends(world)) or any(
        s.person == world.who("C1").person and s.remove for s in sends(world)
    )
    assert names(world.families()[home(world, "C2")], world, "C1", "C2", "M1") == {"C2": "child"}


def test_a_retraction_may_come_before_what_it_takes_back() -> None:
    """The late statement changes nothing any more."""
    world = world_of(
        related("r1", "C1", "M1"), related("r3", "C2", "M1", about_retracts="r2"), related("r2", "C2", "M1")
    )
    assert home(world, "C1") != home(world, "C2")


def test_a_relationship_that_ended_keeps_the_record_and_takes_nothing_new() -> None:
    """The mother's place has an end; her section stays with the child, and she has a family of her own."""
    world = world_of(related("r1", "C1", "M1"))
    world.emits.clear()
    ended = related("r2", "C1", "M1", until="2025-02-01", about_corrects="r1")
    world.take((ended, "social-care"))
    mother = world.who("M1")
    assert mother.families != world.who("C1").families
    assert [s.remove for s in sends(world) if s.person == mother.person] == [False]
    assert mother.person in {m.person for m in world.families()[home(world, "C1")]}


def test_a_hostel_never_merges_and_a_person_is_asked_once() -> None:
    """Fourteen children and a warden: fourteen families, one review however many statements there are."""
    world = world_of(*(related(f"r{n}", f"C{n}", "W1", "carer") for n in range(14)))
    assert len({home(world, f"C{n}") for n in range(14)}) == 14
    assert {r.reason for r in world.on(REVIEW)} == {"household-too-large"}
    assert len({r.id for r in world.on(REVIEW)}) == 1
    assert len(world.who("W1").families) == 14


def test_a_hostel_that_turns_out_smaller_is_looked_at_again() -> None:
    """When enough statements are taken back, what is left is a household."""
    rows = [related(f"r{n}", f"C{n}", "W1", "carer") for n in range(12)]
    world = world_of(*rows)
    assert len({home(world, f"C{n}") for n in range(12)}) == 12
    world.take((related("back", "C11", "W1", "carer", about_retracts="r11"), "social-care"))
    assert len({home(world, f"C{n}") for n in range(11)}) == 1


def test_a_relationship_with_someone_who_has_no_number_is_for_a_person() -> None:
    """Nobody is minted from a name alone, and nothing is half stated."""
    said = related("r1", "C1", "M1")
    said["data"]["about"]["persons"][1]["identifiers"] = []
    world = world_of(said)
    assert [r.reason for r in world.on(REVIEW)] == ["no-identifier"]
    assert world.minted() == []


def test_nobody_is_their_own_parent() -> None:
    """One number for both persons of a relationship is for a person to look at."""
    world = world_of(related("r1", "C1", "C1"))
    assert len(world.on(REVIEW)) == 1
    assert world.minted() == []


HISTORY = [
    related("r1", "C1", "M1", "mother", about_recorded_at="2025-03-13T09:00:00Z"),
    related("r2", "C2", "M1", "mother", about_recorded_at="2025-03-13T09:01:00Z"),
    related("r3", "C1", "D1", "father", about_recorded_at="2025-03-13T09:02:00Z"),
    related("r4", "C1", "D1", "father", home=False, about_recorded_at="2025-03-13T09:03:00Z"),
    related("r5", "C3", "D1", "father", about_recorded_at="2025-03-13T09:04:00Z"),
    related("r6", "C3", "C2", "half-sibling", about_recorded_at="2025-03-13T09:05:00Z"),
    related(
        "r7", "C3", "C2", "half-sibling", home=False, about_corrects="r6", about_recorded_at="2025-03-13T09:06:00Z"
    ),
    related("r8", "C4", "M1", "mother", about_recorded_at="2025-03-13T09:07:00Z"),
    related("r9", "C4", "M1", "mother", about_retracts="r8", about_recorded_at="2025-03-13T09:08:00Z"),
    related("r10", "C4", "A1", "foster-carer", since="2025-03-01", about_recorded_at="2025-03-13T09:09:00Z"),
    related("r11", "M1", "G1", "mother", about_recorded_at="2025-03-13T09:10:00Z"),
    related("r12", "C2", "M1", "mother", until="2025-03-10", about_recorded_at="2025-03-13T09:11:00Z"),
    related("r13", "C2", "A1", "foster-carer", since="2025-03-10", about_recorded_at="2025-03-13T09:12:00Z"),
]
PEOPLE = ("C1", "C2", "C3", "C4", "M1", "D1", "A1", "G1")


def met() -> World:
    """Return a hub that has met everyone, so that ids are the same in every order."""
    world = World()
    world.take(*((_met(number), "social-care") for number in PEOPLE))
    return world


def picture(world: World) -> dict[str, Any]:
    persons = {n: (world.who(n).families, world.who(n).home, world.who(n).relationships) for n in PEOPLE}
    return {"families": world.families(), **persons}


@pytest.mark.parametrize("seed", range(60))
def test_families_are_the_same_in_every_order_of_arrival(seed: int) -> None:
    """A messy history of thirteen statements, some sent twice: one picture, and every section where its person is."""
    rows = list(HISTORY)
    expected = met()
    expected.take(*((row, "social-care") for row in rows))
    draw = random.Random(seed)
    draw.shuffle(rows)
    world = met()
    for row in rows:
        world.take((row, "social-care"))
        if draw.random() < 0.2:
            world.take((draw.choice(rows), "social-care"))
    assert picture(world) == picture(expected)
    assert sections(world) == {n: set(world.who(n).families) | _left_behind(world, n) for n in PEOPLE}


def sections(world: World) -> dict[str, set[FamilyId]]:
    """Play the resolver's records on families that hold sections only, and return where each person's are."""
    held: dict[FamilyId, set[str]] = {}
    for one in world.on(FAMILY_ITEMS):
        if isinstance(one, SendSection):
            if one.person in held.get(one.family, set()):
                held.setdefault(one.to, set()).add(one.person)
            if one.remove:
                held.get(one.family, set()).discard(one.person)
        elif not isinstance(one, Members):
            held.setdefault(one.family, set()).add(one.person)
    return {n: {f for f, persons in held.items() if world.who(n).person in persons} for n in PEOPLE}


def _left_behind(world: World, local: str) -> set[FamilyId]:
    """Families that keep what they knew of a person whose place in them has ended."""
    who = world.who(local).person
    return {
        f
        for f, ms in world.families().items()
        for m in ms
        if m.person == who and m.until and f in sections(world)[local]
    }


def test_a_stale_item_is_sent_on_to_where_its_person_is_now() -> None:
    """Sealed as it is; only the family's name changes."""
    world = world_of(related("r1", "C1", "M1"))
    (item,) = world.items()
    world.take((related("r2", "C0", "M1"), "social-care"))
    world.emits.clear()
    stale = Emit(IDENTITY_QUEUE, item.event, encode(item))
    world.resolve([world.again(stale)])
    (sent,) = world.items()
    assert (sent.id, sent.sealed, sent.family) == (item.id, item.sealed, home(world, "C1"))


def _level() -> str:
    level: str = sample("hearth.any_agency.ConcernSignalled")["data"]["level"]
    return level


def _met(number: str) -> dict[str, Any]:
    said = related(f"met-{number}", number, number)
    said.update(type="hearth.any_agency.ConcernSignalled")
    role = "child" if number.startswith("C") else "adult"
    said["data"] = {
        "about": {**said["data"]["about"], "persons": [person(role, number)]},
        "level": _level(),
        "practitioner": {"agency": "social-care", "id": "sw1"},
    }
    return said
