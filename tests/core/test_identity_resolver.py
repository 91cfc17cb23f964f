"""The resolver: who is meant, minted once; what is in doubt goes to a person, and a replay repeats itself."""

from __future__ import annotations

from typing import Any

from consent.seal import unseal
from schemas import records
from schemas.ids import PersonId
from schemas.people import KnownIdentifier, KnownPractitioner
from schemas.samples import sample
from streams.identity.practitioners import contact_of
from streams.intake_answers import quarantine_label
from streams.topology import FAMILY_ITEMS, IDENTITY_QUEUE, REVIEW
from tests.core.identity_world import HUB_KEY, NAMES, QUARANTINE_KEY, Memory, World, event, mark, person, related

NHS_1, NHS_2, NHS_3 = "9990001014", "9990002029", "9990000018"


def nhs(value: str) -> list[dict[str, str]]:
    return [{"system": "nhs-number", "value": value}]


def contact(name: str, *persons: dict[str, Any]) -> dict[str, Any]:
    """Return a health review about someone."""
    said = sample("hearth.health.HealthReviewCompleted")
    said["id"] = name
    said["data"]["about"] |= {"persons": list(persons), "recorded_at": "2025-03-13T09:00:00Z"}
    return said


def incident(number: str, *persons: dict[str, Any]) -> dict[str, Any]:
    said = sample("hearth.police.DomesticAbuseIncidentAttended")
    said["id"] = number
    said["data"]["about"]["persons"] = list(persons)
    return said


def superseded(number: str, old: str, status: str, new: str | None = None, **about: Any) -> dict[str, Any]:
    by = {"system": "nhs-number", "value": new} if new else None
    return event(
        "hearth.health.IdentifierSuperseded",
        number,
        [{"role": "subject", "identifiers": nhs(old)}],
        "/county/health",
        status=status,
        superseded_by=by,
        **about,
    )


def stands_for(world: World, number: str) -> PersonId | None:
    return world.people.identify(NAMES.identifier("nhs-number", number, "health"))


def batch(world: World, *sent: tuple[dict[str, Any], str]) -> list[records.Record]:
    """Return events as they stand on the resolver's queue, all read before any of them was resolved."""
    outcome = world.intake([world.record(said, agency) for said, agency in sent], Memory())
    return [world.again(emit) for emit in outcome.emits if emit.topic == IDENTITY_QUEUE]


def test_a_person_is_minted_once_within_a_batch_and_across_batches() -> None:
    """Five events about one unknown pupil, queued before the first is resolved: one person, one key, one family."""
    world = World()
    queued = batch(world, *((mark(f"m{n}", "P1"), "school") for n in range(5)))
    assert len(queued) == 5
    world.resolve(queued[:3])
    world.resolve(queued[3:])
    assert len(world.minted()) == len(world.keys) == len(world.families()) == 1
    assert len({i.id for i in world.items()}) == 5


def test_two_agencies_meet_in_a_number_both_use() -> None:
    """The NHS number joins what school and health say; each one's own number then leads to the same person."""
    world = World()
    world.take((mark("m", "P1", said={"also": nhs(NHS_1)}), "school"))
    world.take((contact("h", {"role": "subject", "identifiers": nhs("999 000 1014")}), "health"))
    assert len(world.minted()) == 1
    assert stands_for(world, NHS_1) == world.who("P1", "school").person


def test_two_people_for_one_person_said_join_nothing() -> None:
    """Two numbers that lead to two people: the whole event goes to a person, and nobody is changed."""
    world = World()
    world.take((mark("m", "P1"), "school"), (contact("h", {"role": "subject", "identifiers": nhs(NHS_1)}), "health"))
    people = world.minted()
    world.emits.clear()
    world.take((mark("n", "P1", said={"also": nhs(NHS_1), "family_name": "Ashdown"}), "school"))
    assert world.items() == []
    assert world.minted() == people
    (review,) = world.on(REVIEW)
    assert review.reason == "identity-conflict"
    assert set(review.persons) == {p.person for p in people}
    assert b"Ashdown" not in world.emits[-1].value
    opened = records.decode_queued(unseal(QUARANTINE_KEY, review.sealed, quarantine_label(review.id)))
    assert opened.persons[0].family_name == "Ashdown"


def test_one_doubt_about_one_person_holds_the_whole_event() -> None:
    """Nobody in the event is minted or given an item while it is in doubt who one of them is."""
    world = World()
    world.take((mark("m", "P1"), "school"), (contact("h", {"role": "subject", "identifiers": nhs(NHS_1)}), "health"))
    queued = batch(world, (mark("n", "P1", said={"also": nhs(NHS_1)}), "school"))
    before = len(world.minted())
    world.resolve(queued)
    assert len(world.minted()) == before


def test_a_person_without_any_number_is_for_a_person_and_the_others_go_on() -> None:
    """The incident reaches the child's record; only the unnamed adult's part waits."""
    world = World()
    unnamed = {"role": "alleged", "family_name": "Ashdown"}
    world.take((incident("i", person("child", "C1"), unnamed), "police"))
    assert [world.facts(i).role for i in world.items()] == ["child"]
    (review,) = world.on(REVIEW)
    opened = records.decode_queued(unseal(QUARANTINE_KEY, review.sealed, quarantine_label(review.id)))
    assert (review.reason, [p.role for p in opened.persons]) == ("no-identifier", ["alleged"])


def test_one_number_said_of_two_people_with_two_birth_dates_joins_nobody() -> None:
    """A mother's form filled in with the child's number does not make them one."""
    world = World()
    child = {"role": "child", "identifiers": nhs(NHS_1), "birth_date": "2015-04-12"}
    mother = {"role": "victim", "identifiers": nhs(NHS_1), "birth_date": "1988-09-30"}
    world.take((incident("i", child, mother), "police"))
    assert world.minted() == []
    assert [r.reason for r in world.on(REVIEW)] == ["identity-conflict"]


def test_a_changed_birth_date_that_health_announces_is_taken() -> None:
    """DemographicsChanged may change it; both dates are then known of the person."""
    world = World()
    subject = {"role": "subject", "identifiers": nhs(NHS_1), "birth_date": "2015-04-12"}
    world.take((contact("h", subject), "health"))
    changed = sample("hearth.health.DemographicsChanged")
    changed["data"]["changed"] = ["birth-date"]
    changed["data"]["about"]["persons"] = [{**subject, "birth_date": "2015-04-21"}]
    world.take((changed, "health"), (contact("h2", {**subject, "birth_date": "2015-04-21"}), "health"))
    assert world.on(REVIEW) == []
    assert len(world.items()) == 3


def test_a_replaced_number_stands_for_the_same_person_whatever_comes_first() -> None:
    """The new number may be heard before or after the notice."""
    world = World()
    world.take((contact("h", {"role": "subject", "identifiers": nhs(NHS_1)}), "health"))
    world.take((superseded("s", NHS_1, "R", NHS_2), "health"))
    assert stands_for(world, NHS_2) == stands_for(world, NHS_1)
    other = World()
    other.take((contact("h", {"role": "subject", "identifiers": nhs(NHS_2)}), "health"))
    other.take((superseded("s", NHS_1, "R", NHS_2), "health"))
    assert stands_for(other, NHS_2) == stands_for(other, NHS_1)
    assert len(other.minted()) == 1


def test_a_replacing_number_of_someone_else_is_for_a_person() -> None:
    """Two known people are never joined by a notice alone."""
    world = World()
    for number in (NHS_1, NHS_2):
        world.take((contact(f"h{number}", {"role": "subject", "identifiers": nhs(number)}), "health"))
    before = stands_for(world, NHS_1), stands_for(world, NHS_2)
    world.take((superseded("s", NHS_1, "R", NHS_2), "health"))
    assert (stands_for(world, NHS_1), stands_for(world, NHS_2)) == before
    assert [r.reason for r in world.on(REVIEW)] == ["identity-conflict"]


def test_an_invalidated_number_leads_to_nobody_for_good() -> None:
    """Not when it is said again, not when an older record of it is read late; another number still leads there."""
    world = World()
    world.take((mark("m", "P1", said={"also": nhs(NHS_1)}), "school"))
    older = [one for one in world.known.values() if isinstance(one, KnownIdentifier) and one.person]
    world.take((superseded("s", NHS_1, "I"), "health"))
    for one in older:
        world.people.apply(one)
    assert stands_for(world, NHS_1) == ""
    world.take((contact("h", {"role": "subject", "identifiers": nhs(NHS_1)}), "health"))
    assert [r.reason for r in world.on(REVIEW)] == ["no-identifier"]
    world.emits.clear()
    world.take((mark("n", "P1", said={"also": nhs(NHS_1)}), "school"))
    assert [e.topic for e in world.emits] == [FAMILY_ITEMS, "receipts.school"]


def test_a_replay_after_everything_was_written_does_nothing() -> None:
    """What the resolver remembers is written last, so it may trust it."""
    world = World()
    queued = batch(world, (related("r1", "C1", "M1"), "social-care"), (mark("m", "P1"), "school"))
    world.resolve(queued)
    outcome = world.resolver(queued, world.done)
    assert (outcome.emits, outcome.people, outcome.keys) == ([], [], [])


def test_a_kill_before_the_outputs_loses_none_of_them() -> None:
    """People were written, nothing was emitted: the replay emits all of it, under the same ids, and mints nobody."""
    world = World()
    first = batch(world, (related("r1", "C1", "M1"), "social-care"), (related("r2", "C2", "M2"), "social-care"))
    world.resolve(first)
    queued = batch(world, (related("r3", "C1", "M2"), "social-care"), (mark("m", "P1"), "school"))
    lost = world.resolver(queued, Memory(world.done))
    world.acknowledge(lost)
    again = world.resolver(queued, world.done)
    assert again.people == []
    assert again.keys == []
    assert effects(world, again.emits) == effects(world, lost.emits)
    assert any(kind == "SendSection" for kind, *_ in effects(world, again.emits))


def test_a_kill_after_the_keys_keeps_the_keys() -> None:
    """A key that was stored stands; what is sealed in the replay opens with it."""
    world = World()
    queued = batch(world, (mark("m", "P1"), "school"))
    lost = world.resolver(queued, Memory())
    for key in lost.keys:
        world.keys[key.person, key.version] = key.key
    again = world.resolve(queued)
    assert again.keys == []
    assert world.facts(world.items()[0]).role == "subject"


def effects(world: World, emits: list[Any]) -> set[tuple[Any, ...]]:
    """Return what emitted records say, apart from nonces."""
    found = set()
    for emit in emits:
        one = records.decode_family(emit.value)
        if isinstance(one, records.Item):
            found.add(("Item", one.id, one.family, records.encode(world.facts(one))))
        else:
            found.add((type(one).__name__, emit.key, emit.value))
    return found


def practitioner(number: str, kind: str = "Registered", recorded: str = "09:00", **fields: Any) -> dict[str, Any]:
    said = sample(f"hearth.social_care.Practitioner{kind}")
    said["id"] = number
    said["data"] |= {"practitioner": {"agency": "social-care", "id": "sw1"}, **fields}
    said["data"]["about"] |= {
        "persons": fields.pop("persons", []),
        "happened_at": "2025-03-12T09:00:00Z",
        "recorded_at": f"2025-03-13T{recorded}:00Z",
    }
    said["data"].pop("persons", None)
    return said


def worker(world: World) -> KnownPractitioner:
    found = world.people.practitioner(NAMES.practitioner("social-care", "sw1"))
    assert found
    return found


def test_a_practitioners_contact_is_sealed_and_can_be_opened_by_the_hub() -> None:
    """Name, phone and mail stand nowhere in the clear; who they are as a person is known."""
    world = World()
    world.take(
        (
            practitioner("w1", name="Sam Birch", phone="01632 960001", persons=[person("self", "S1")]),
            "social-care",
        )
    )
    known = worker(world)
    assert contact_of(known, HUB_KEY).name == "Sam Birch"
    assert b"Birch" not in records.encode(known)
    assert known.person == world.who("S1").person
    assert world.who("S1").practitioner == known.practitioner
    assert world.items() == []


def test_the_latest_record_of_a_practitioner_stands_in_any_order() -> None:
    """A late registration does not undo that they left."""
    rows = [
        practitioner("w1", team="North"),
        practitioner("w2", "Changed", "10:00", team="South", active=False),
    ]
    one, other = World(), World()
    one.take(*((row, "social-care") for row in rows))
    other.take(*((row, "social-care") for row in reversed(rows)))
    assert (worker(one).team, worker(one).active) == (worker(other).team, worker(other).active) == ("South", False)


def test_a_practitioner_named_in_two_orders_keeps_the_person_they_are() -> None:
    """A change that does not say who they are does not make the hub forget it."""
    rows = [practitioner("w1", persons=[person("self", "S1")]), practitioner("w2", "Changed", "10:00", team="South")]
    for order in (rows, rows[::-1]):
        world = World()
        world.take(*((row, "social-care") for row in order))
        assert worker(world).person == world.who("S1").person
        assert worker(world).team == "South"


def test_nothing_readable_leaves_the_resolver() -> None:
    """Names, numbers and addresses of everyone in an event are in no record, key or header that goes out."""
    world = World()
    secret = {"family_name": "Quillfeather", "address": "7 Plumbago Row", "identifiers": nhs(NHS_3)}
    queued = batch(
        world,
        (incident("i", {"role": "child", **secret}, {"role": "alleged", "family_name": "Quillfeather"}), "police"),
    )
    outcome = world.resolve(queued)
    out = b"".join(e.key.encode() + e.value for e in outcome.emits) + b"".join(map(records.encode, outcome.people))
    assert not any(text in out for text in (b"Quillfeather", b"Plumbago", NHS_3.encode()))
