"""Two ids that turn out to be one person: joined where that is certain, in whatever order it is heard."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.demo.teller import nhs_number, upn
from schemas.checks import upn_check_letter
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.people import KnownPractitioner
from schemas.records import Item, Members, SendSection
from schemas.samples import sample
from streams.recipients import as_recipient
from streams.timeline import Entry, Family, Section
from streams.topology import FAMILY_ITEMS, IDENTITY_QUEUE, REVIEW
from tests.core.identity_world import NAMES, Memory, World, event

Sent = tuple[dict[str, Any], str]

CHILDREN, ADULTS = ("mia", "tom", "zoe"), ("jo", "carl")
BORN = {"mia": "2015-04-12", "tom": "2015-04-12", "zoe": "2018-01-01", "jo": "1988-09-30", "carl": "1990-02-02"}
NHS = {who: nhs_number(1000 + 77 * n) for n, who in enumerate(BORN)}
UPN = {who: upn(2000 + 33 * n) for n, who in enumerate(CHILDREN)}
OTHER_NHS = nhs_number(9000)
TEMPORARY = "87300000900A"  # without its check letter


def number(system: str, who: str, agency: str) -> dict[str, str]:
    value = {"nhs-number": NHS, "upn": UPN}.get(system, {}).get(who, f"{agency}-{who}")
    return {"system": system, "value": value}


def said(who: str, agency: str, systems: Iterable[str], role: str = "subject", born: str | None = "") -> dict[str, Any]:
    """Return somebody as an agency says them, by these of their numbers; with their own birth date unless told."""
    born = BORN[who] if born == "" else born
    return {"role": role, "identifiers": [number(s, who, agency) for s in sorted(systems)], "birth_date": born}


def concern(name: str, agency: str, *persons: dict[str, Any], **more: Any) -> Sent:
    level = sample("hearth.any_agency.ConcernSignalled")["data"]["level"]
    fields = {"level": level, "practitioner": {"agency": agency, "id": "1"}}
    return event("hearth.any_agency.ConcernSignalled", name, list(persons), f"/{agency}", **fields, **more), agency


def related(name: str, child: dict[str, Any], other: dict[str, Any], home: bool = True, how: str = "parent") -> Sent:
    about = {"about_recorded_at": f"2025-03-13T09:{int(name) % 60:02}:00Z"}
    kind, fields = "hearth.social_care.RelationshipStated", {"relationship": how, "same_household": home}
    return event(kind, name, [child, other], "/social-care", **fields, **about), "social-care"


def parent(name: str, child: str, by: str, other: str, other_by: str, home: bool = True) -> Sent:
    """Return what social care states of a parent, saying each by one number."""
    both_said = said(child, "social-care", (by,), "child"), said(other, "social-care", (other_by,), "adult")
    return related(name, *both_said, home)


def both(who: str, name: str = "both", **more: Any) -> Sent:
    """Return what social care says of a child by both numbers."""
    return concern(name, "social-care", said(who, "social-care", ("nhs-number", "upn"), **more))


def apart(who: str = "mia", **more: Any) -> list[Sent]:
    """Return what a school says of a child by pupil number, and the police by NHS number."""
    return [
        concern(f"school-{who}", "school", said(who, "school", ("upn",), **more)),
        concern(f"police-{who}", "police", said(who, "police", ("nhs-number",), **more)),
    ]


def world_of(*sent: Sent) -> World:
    world = World()
    world.take(*sent)
    return world


def stands(world: World, system: str, value: str, agency: str = "") -> PersonId | None:
    """Return the id that stands for whom a number leads to."""
    found = world.people.identify(NAMES.identifier(system, value, agency))
    known = world.people.person(found) if found else None
    return known and (known.same_as or known.person)


def joined(world: World, who: str = "mia") -> bool:
    return stands(world, "upn", UPN[who]) == stands(world, "nhs-number", NHS[who])


def sections(world: World) -> dict[PersonId, set[FamilyId]]:
    """Play what was sent to families that hold sections only; return where each id's section is."""
    held: dict[PersonId, set[FamilyId]] = {}
    for one in world.on(FAMILY_ITEMS):
        if isinstance(one, Item):
            held.setdefault(one.person, set()).add(one.family)
        elif isinstance(one, SendSection) and one.family in held.get(one.person, set()):
            held[one.person].add(one.to)
            if one.remove:
                held[one.person].discard(one.family)
    return held


# ------------------------------------------------------------------ one join, closely


def test_two_ids_that_one_event_names_as_one_person_are_joined() -> None:
    """School by UPN, police by NHS number, social care by both: one person, one family, nothing in review."""
    world = world_of(*apart(), both("mia"))
    first, second = sorted(world.minted(), key=lambda known: known.person)
    assert world.on(REVIEW) == []
    assert (second.same_as, first.same_as, first.joined) == (first.person, None, (second.person,))
    assert first.families == second.families
    (members,) = world.families().values()
    assert [(m.person, m.role, m.same_as) for m in members] == [
        (first.person, "child", None),
        (second.person, "child", first.person),
    ]


def test_the_second_ids_section_follows_into_the_family() -> None:
    """Every id's section is in the family that the person is in, and the other family has no members any more."""
    world = world_of(*apart(), both("mia"))
    (family,) = world.families()
    assert set(sections(world)) == {known.person for known in world.minted()}
    assert all(places == {family} for places in sections(world).values())
    ended = [one for one in world.on(FAMILY_ITEMS) if isinstance(one, Members) and not one.members]
    assert len({one.family for one in ended}) == 1


def test_what_is_said_later_by_either_number_goes_to_the_one_family_under_its_own_id() -> None:
    """Intake sends it there itself; by both numbers it is under the id that stands for the person."""
    world = world_of(*apart(), both("mia"))
    queued = len(world.on(IDENTITY_QUEUE))
    world.emits.clear()
    world.take(*[(again(one), agency) for one, agency in (*apart(), both("mia"))])
    assert len(world.on(IDENTITY_QUEUE)) < queued
    ids = {known.person for known in world.minted()}
    items = world.items()
    assert {item.person for item in items} == ids
    assert {item.family for item in items} == set(world.families())
    assert items[-1].person == min(ids)


def again(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "id": one["id"] + "-again"}


def test_relationships_of_either_id_count_for_the_one_person() -> None:
    """Known by UPN with the mother, by NHS number with a sister and the father: all of them share one home."""
    world = world_of(
        parent("1", "mia", "upn", "jo", "local"),
        parent("2", "mia", "nhs-number", "carl", "local"),
        parent("3", "zoe", "local", "carl", "local"),
    )
    assert len(world.families()) == 2
    world.take(both("mia"))
    (members,) = world.families().values()
    assert sorted(m.role for m in members if m.same_as is None) == ["child", "child", "parent", "parent"]
    assert len(members) == 5


def test_a_parent_known_under_two_ids_is_in_every_family_of_both() -> None:
    """The police know him by NHS number, social care by its own: joined, he is one member of each child's family."""
    world = world_of(
        parent("1", "mia", "upn", "carl", "local", home=False),
        parent("2", "zoe", "upn", "carl", "nhs-number", home=False),
        concern("carl", "social-care", said("carl", "social-care", ("local", "nhs-number"))),
    )
    assert len(world.families()) == 2
    for members in world.families().values():
        assert sorted((m.role, m.same_as is None) for m in members if m.role != "child") == [
            ("parent", False),
            ("parent", True),
        ]
    (first,) = {m.same_as for ms in world.families().values() for m in ms if m.same_as}
    for known in world.minted():
        if first in (known.person, known.same_as):
            assert set(known.families) == set(world.families())


def test_a_practitioner_is_found_by_either_id() -> None:
    """Registered under one id, alleged under the other: a party to the record."""
    registered = sample("hearth.social_care.PractitionerRegistered")
    registered["data"]["practitioner"] = {"agency": "social-care", "id": "sw1"}
    registered["data"]["about"]["persons"] = [said("carl", "social-care", ("local",), "self")]
    for order in (0, 1, 2):
        rows: list[Sent] = [
            (registered, "social-care"),
            concern("p", "police", said("carl", "police", ("nhs-number",))),
            concern("b", "social-care", said("carl", "social-care", ("local", "nhs-number"))),
        ]
        world = world_of(*rows[order:], *rows[:order])
        worker = next(one for one in world.known.values() if isinstance(one, KnownPractitioner))
        assert {known.practitioner for known in world.minted()} == {worker.practitioner}
        assert worker.person
        (family,) = world.families()
        state = Family(family, Members(family, 1, world.families()[family], datetime(2025, 3, 13, tzinfo=UTC)))
        told = as_recipient(worker, state, world.people, date(2025, 3, 13))
        assert told.party == "household"
        assert alleged_under_every_id(worker, world) == {"alleged"}


def alleged_under_every_id(worker: KnownPractitioner, world: World) -> set[str]:
    """Return how they are a party to the record of a family in which one of their ids is alleged, id by id."""
    found = set()
    for known in world.minted():
        facts = world.facts(world.items()[0])
        item = ItemId(f"e.{known.person}")
        alleged = replace(facts, role="alleged")
        entry = Entry(item, EventKey("e"), alleged, datetime(2025, 3, 13, tzinfo=UTC))
        state = Family(FamilyId("f_other"), sections={known.person: Section(known.person, entries={item: entry})})
        found.add(as_recipient(worker, state, world.people, date(2025, 3, 13)).party)
    return found


def test_someone_said_twice_under_both_ids_is_one_person_of_the_event() -> None:
    """Two places in one event, one item."""
    world = world_of(*apart(), both("mia"))
    world.emits.clear()
    places = [said("mia", "social-care", (system,)) for system in ("upn", "nhs-number")]
    world.take(concern("twice", "social-care", *places))
    assert len(world.items()) == 1


def test_a_replay_of_the_join_tells_it_again() -> None:
    """Killed after the people were written: members, sections and items are all emitted when the event comes again."""
    world = world_of(*apart())
    out = world.intake([world.record(*both("mia"))], Memory())
    queued = [world.again(emit) for emit in out.emits if emit.topic == IDENTITY_QUEUE]
    lost = world.resolver(queued, Memory(world.done))
    world.acknowledge(lost)
    repeated = world.resolver(queued, world.done)
    assert repeated.people == []
    assert [(e.key, len(e.value)) for e in repeated.emits] == [(e.key, len(e.value)) for e in lost.emits]
    assert any(b'"send"' in e.value for e in repeated.emits)


# ------------------------------------------------------------------ what is not certain


def test_another_birth_date_on_any_side_joins_nobody() -> None:
    """School's, police's or social care's own: each is enough for a person to look."""
    for wrong in range(3):
        dates = ["2015-04-12"] * 3
        dates[wrong] = "2015-12-04"
        school, police, last = dates
        world = world_of(*apart(born=school)[:1], *apart(born=police)[1:], both("mia", born=last))
        assert not joined(world)
        assert [r.reason for r in world.on(REVIEW)] == ["identity-conflict"]


def test_a_birth_date_that_is_not_said_is_no_proof() -> None:
    """By one of the three it is left out: nobody is joined, though nothing contradicts it."""
    for left_out in range(3):
        dates: list[str | None] = ["2015-04-12"] * 3
        dates[left_out] = None
        school, police, last = dates
        world = world_of(*apart(born=school)[:1], *apart(born=police)[1:], both("mia", born=last))
        assert not joined(world)
        assert len(world.on(REVIEW)) == 1


def test_twins_whose_numbers_are_muddled_are_not_joined() -> None:
    """Born on one day; each has an NHS number and a pupil number of their own, so neither can be the other."""
    muddled = said("mia", "social-care", ("upn",))
    muddled["identifiers"].append(number("nhs-number", "tom", "social-care"))
    rows = [both("mia", "m"), both("tom", "t"), concern("x", "social-care", muddled)]
    world = world_of(*rows)
    assert stands(world, "upn", UPN["mia"]) != stands(world, "upn", UPN["tom"])
    assert [r.reason for r in world.on(REVIEW)] == ["identity-conflict"]


def test_a_second_nhs_number_of_a_known_person_is_for_a_person_to_look_at() -> None:
    """In either order: an agency's own number with one NHS number, and then with another that nobody has replaced."""
    one = said("mia", "social-care", ("local", "nhs-number"))
    other = said("mia", "social-care", ("local",))
    other["identifiers"].append({"system": "nhs-number", "value": OTHER_NHS})
    for rows in ((one, other), (other, one)):
        world = world_of(*(concern(f"c{n}", "social-care", row) for n, row in enumerate(rows)))
        assert [r.reason for r in world.on(REVIEW)] == ["identity-conflict"]
        assert len(world.items()) == 1


def superseded(new: str) -> Sent:
    by = {"system": "nhs-number", "value": new}
    persons = [said("mia", "health", ("nhs-number",))]
    fields = {"status": "R", "superseded_by": by}
    return event("hearth.health.IdentifierSuperseded", "s", persons, "/health", **fields), "health"


def test_a_replaced_number_is_no_second_number() -> None:
    """Known under both: the notice joins them, and whatever comes after may say either beside the pupil number."""
    new = said("mia", "health", ())
    new["identifiers"].append({"system": "nhs-number", "value": OTHER_NHS})
    world = world_of(*apart(), concern("n", "health", new), superseded(OTHER_NHS), both("mia"))
    assert world.on(REVIEW) == []
    assert len({known.same_as or known.person for known in world.minted()}) == 1


def test_a_number_that_is_corrected_is_no_second_number() -> None:
    """The mistaken number and the one that mends it may be said in either order."""
    wrong = said("mia", "social-care", ("local",))
    wrong["identifiers"].append({"system": "nhs-number", "value": OTHER_NHS})
    rows = [
        concern("wrong", "social-care", wrong),
        concern("right", "social-care", said("mia", "social-care", ("local", "nhs-number")), about_corrects="wrong"),
    ]
    for order in (rows, rows[::-1]):
        world = world_of(*order)
        assert world.on(REVIEW) == []
        assert len(world.items()) == 2


def test_a_temporary_pupil_number_gives_way_to_the_permanent_one() -> None:
    """A school that waits for a child's file uses a temporary number: not a second child."""
    temporary = upn_check_letter(TEMPORARY) + TEMPORARY
    one, other = said("mia", "school", ("local",)), said("mia", "school", ("local", "upn"))
    one["identifiers"].append({"system": "upn", "value": temporary})
    world = world_of(concern("a", "school", one), concern("b", "school", other))
    assert world.on(REVIEW) == []
    assert len(world.items()) == 2


def test_an_agencys_two_records_of_one_child_are_one_child() -> None:
    """Its own numbers may differ: the NHS number and the birth date are the same."""
    rows = []
    for record in ("7", "8"):
        one = said("mia", "social-care", ("nhs-number",))
        one["identifiers"].append({"system": "local", "value": record})
        rows.append(concern(f"c{record}", "social-care", one))
    world = world_of(*rows)
    assert len(world.minted()) == 1
    assert world.on(REVIEW) == []


def test_a_join_stands_when_the_event_that_proved_it_is_taken_back() -> None:
    """It did not happen; that both numbers are the child's was not taken back. So it is in every order."""
    back = both("mia", "back")
    back[0]["data"]["about"]["retracts"] = "both"
    rows = [*apart(), both("mia"), back]
    for seed in range(24):
        order = list(rows)
        random.Random(seed).shuffle(order)
        world = world_of(*order)
        assert joined(world)
        assert world.on(REVIEW) == []


# ------------------------------------------------------------------ every order of any history

SYSTEMS = {
    "school": ("local", "upn"),
    "police": ("nhs-number", "local"),
    "health": ("nhs-number",),
    "social-care": ("local", "nhs-number", "upn"),
}


def systems_of(agency: str, who: str) -> st.SearchStrategy[frozenset[str]]:
    usual = [s for s in SYSTEMS[agency] if s != "upn" or who in CHILDREN]
    return st.frozensets(st.sampled_from(usual), min_size=1)


@st.composite
def rows(draw: st.DrawFn) -> list[Sent]:
    """A history in which every agency says everybody by numbers of their own, and by their birth date."""
    found = []
    for place in range(draw(st.integers(2, 9))):
        child = draw(st.sampled_from(CHILDREN))
        if draw(st.booleans()):
            agency = draw(st.sampled_from(("school", "police", "health", "social-care")))
            who = child if agency == "school" else draw(st.sampled_from((child, *ADULTS)))
            found.append(concern(str(place), agency, said(who, agency, draw(systems_of(agency, who)))))
            continue
        other = draw(st.sampled_from([one for one in (*CHILDREN, *ADULTS) if one != child]))
        one, two = (
            said(who, "social-care", draw(systems_of("social-care", who)), role)
            for who, role in ((child, "child"), (other, "sibling" if other in CHILDREN else "adult"))
        )
        found.append(related(str(place), one, two, draw(st.booleans()), "sibling" if other in CHILDREN else "parent"))
    return found


def keys_of(sent: Sent) -> list[list[tuple[str, str, str]]]:
    persons, agency = sent[0]["data"]["about"]["persons"], sent[1]
    own = {"local": agency}
    return [[(i["system"], i["value"], own.get(i["system"], "")) for i in p["identifiers"]] for p in persons]


def components(history: list[Sent]) -> set[frozenset[tuple[str, str, str]]]:
    """Who there is, by the numbers that were ever said together: worked out without the hub."""
    found: list[set[tuple[str, str, str]]] = []
    for sent in history:
        for keys in keys_of(sent):
            near = [one for one in found if one & set(keys)]
            found = [one for one in found if not one & set(keys)] + [set(keys).union(*near)]
    return {frozenset(one) for one in found}


def picture(world: World, history: list[Sent]) -> tuple[Any, ...]:
    """Return who there is, each one's home, and every family's members, named by their numbers instead of ids."""
    numbers = {key for sent in history for keys in keys_of(sent) for key in keys}
    names: dict[PersonId, set[tuple[str, str, str]]] = {}
    for key in numbers:
        found = stands(world, *key)
        assert found
        names.setdefault(found, set()).add(key)
    who = {person: frozenset(keys) for person, keys in names.items()}
    families = {
        name: frozenset((who[m.person], m.role, m.home) for m in members if m.same_as is None)
        for name, members in world.families().items()
    }
    persons = [known for known in world.minted() if known.same_as is None]
    homes = {(who[known.person], families.get(known.home or FamilyId(""))) for known in persons}
    places = {(who[known.person], frozenset(families[f] for f in known.families)) for known in persons}
    return set(who.values()), Counter(families.values()), homes, places


@settings(max_examples=150)
@given(rows(), st.randoms(use_true_random=False))
def test_who_there_is_and_every_family_are_the_same_in_every_order(history: list[Sent], chance: random.Random) -> None:
    """People are those whose numbers were ever said together; nothing is in review; each section is where they are."""
    first = world_of(*history)
    expected = picture(first, history)
    assert expected[0] == components(history)
    for _ in range(4):
        order = list(history)
        chance.shuffle(order)
        world = world_of(*order)
        assert picture(world, history) == expected
        assert world.on(REVIEW) == []
        for known in world.minted():
            first_id = known.same_as or known.person
            assert known.families == world.people.person(first_id).families  # type: ignore[union-attr]
            assert set(known.families) <= sections(world).get(known.person, set(known.families))
        for members in world.families().values():
            assert {m.same_as for m in members if m.same_as} <= {m.person for m in members}


@settings(max_examples=80)
@given(rows(), st.sampled_from((("mia", "zoe"), ("tom", "zoe"), ("jo", "mia"))), st.randoms(use_true_random=False))
def test_an_event_that_muddles_two_people_never_joins_them(
    history: list[Sent], pair: tuple[str, str], chance: random.Random
) -> None:
    """Wherever it comes in: nobody's record has what was said of two people, born on two days."""
    one, other = pair
    muddled = said(one, "social-care", ("nhs-number",))
    muddled["identifiers"].append(number("nhs-number" if other in ADULTS else "upn", other, "social-care"))
    order = [*history, concern("muddled", "social-care", muddled), *apart(one)[1:], *apart(other)[other in ADULTS :]]
    chance.shuffle(order)
    world = world_of(*order)
    born: dict[PersonId, set[date]] = {}
    for item in world.items():
        known = world.people.person(item.person)
        assert known
        told = world.facts(item).said
        assert told
        assert told.birth_date
        born.setdefault(known.same_as or known.person, set()).add(told.birth_date)
    assert all(len(dates) == 1 for dates in born.values())
