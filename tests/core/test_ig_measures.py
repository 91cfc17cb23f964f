"""The numbers IG staff are asked for, each against a small history counted by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from agents.ig.decisions import LOOK, MACHINE, DecisionLog
from agents.ig.measures import Measure, definitions, measures
from schemas.people import KnownPractitioner, people_key
from schemas.records import encode
from streams import topology
from streams.notice import AlertRecord
from tests.core.ig_kit import AT, CLEARED, LEAD, OFFICER, World

DAY = 24 * 60
NOW = AT + timedelta(days=100)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def count(world: World, officer: KnownPractitioner = OFFICER, days: int = 60) -> list[Measure]:
    return measures(DecisionLog(world.queries, officer), world.queries, AT, AT + timedelta(days=days), NOW)


def numbers(world: World, measure: str, kind: str, **more: int) -> dict[str, float]:
    return {one.what: one.number for one in count(world, **more) if (one.measure, one.kind) == (measure, kind)}


def test_the_share_of_disclosures_by_ground_is_of_its_own_class(world: World) -> None:
    """Three sends, one of them for a child's safety; the look beside them changes none of the shares."""
    world.decide(minutes=1)
    world.decide(minutes=2)
    world.decide(minutes=3, ground="s47")
    world.decide("look", minutes=4)
    world.decide("link", minutes=5)
    world.decide(minutes=6, agreement="none")
    found = [one for one in count(world) if one.measure == "disclosures-by-ground"]
    assert [round(one.share or 0, 2) for one in found if one.kind == MACHINE] == [0.67, 0.33]
    assert [one.share for one in found if one.kind == LOOK] == [1.0]
    assert "Children Act 2004 s10" in found[0].what


def test_an_agreement_was_sought_where_an_answer_was_known_whatever_the_answer(world: World) -> None:
    """Refused is sought; never asked is not; a family counts once."""
    world.decide("link", family="f_1", agreement="none")
    world.decide("link", family="f_1", agreement="refused", minutes=1)
    world.decide("link", family="f_2", agreement="none")
    world.decide("link", family="f_3", agreement="in-force")
    assert numbers(world, "agreements-sought", MACHINE) == {"sought": 2, "not sought": 1}


def test_how_long_something_was_held_is_from_its_first_hold_to_the_next_other_answer(world: World) -> None:
    """Released after ten days; held still; a child's marks are one, and a hold after the period is not counted."""
    held = {"agreement": "none", "category": "concern"}
    world.decide("link", item="e1.p_1", **held)
    world.decide("link", item="e1.p_1", minutes=10 * DAY, category="concern")
    world.decide("link", item="e2.p_1", minutes=20 * DAY, **held)
    for session in range(3):
        world.decide("link", item=f"m{session}.p_1", minutes=(30 + session) * DAY, agreement="none")
    world.decide("link", item="book.p_1", minutes=34 * DAY)
    world.decide("link", item="e3.p_1", minutes=80 * DAY, **held)
    assert numbers(world, "held", MACHINE) == {
        "ended": 2, "still open": 1, "those that ended: median": 7, "those that ended: longest": 10,
        "those still open: median": 80, "those still open: longest": 80,
    }  # fmt: skip


def test_what_was_referred_is_decided_by_the_next_other_outcome(world: World) -> None:
    """One was decided after five days, one waits."""
    world.decide("link", item="e1.p_1", agreement="disputed", category="concern")
    world.decide("link", item="e1.p_1", minutes=5 * DAY, category="concern")
    world.decide("link", item="e2.p_1", agreement="disputed", category="concern")
    found = numbers(world, "referred", MACHINE)
    assert (found["decided"], found["still open"], found["those that ended: median"]) == (1, 1, 5)


def test_a_look_is_followed_by_action_of_its_reader_or_of_their_agency_in_time(world: World) -> None:
    """Acted on an alert; their agency published; neither; too late; and one look at many items is one look."""
    worker = KnownPractitioner(LEAD, 1, "health", "school-nurse", "team", "duty")
    world.tell(topology.PEOPLE, encode(worker), people_key(worker))
    alert = AlertRecord("a_1", 1, "open", "r", "watch", "f_1", "household", LEAD, "duty", "normal", AT, AT)
    world.tell(topology.ALERTS, encode(alert))
    world.tell(topology.ALERT_OUTCOMES, msgspec.json.encode({"alert": "a_1", "by": LEAD}))  # at its record's timestamp
    said_at = 1_790_000_000_000
    before = (said_at - AT.timestamp() * 1000) / 60_000 - DAY
    since = AT + timedelta(minutes=before)
    world.decide("look", family="f_1", minutes=before)
    world.decide("look", family="f_1", minutes=before, item="e2.p_1")
    for family, late in (("f_2", 3), ("f_3", 40)):
        world.decide("look", family=family, minutes=before)
        world.decide("link", family=family, minutes=before + late * DAY, publisher="health", category="health-contact")
    log = DecisionLog(world.queries, OFFICER)
    found = measures(log, world.queries, since, since + timedelta(days=1), since + timedelta(days=90))
    looks = {one.what: one.number for one in found if one.measure == "looks-without-later-action"}
    assert looks == {"followed by action": 2, "without later action": 1}
    young = measures(log, world.queries, since, since + timedelta(days=1), since + timedelta(days=9))
    assert not [one for one in young if one.measure == "looks-without-later-action"]


def test_no_number_tells_of_a_sealed_item_without_the_clearance(world: World) -> None:
    """The numbers are the same with it and without it."""
    world.decide("look")
    before = count(world)
    for stage in ("link", "disclose", "look"):
        world.decide(stage, tier="sealed", clearance="sealed", item="e9.p_1", minutes=1)
    assert count(world) == before
    assert count(world, CLEARED) != before


def test_what_was_said_of_a_sealed_alert_is_no_action_without_the_clearance(world: World) -> None:
    """That somebody acted would tell that there was something to act on."""
    alert = AlertRecord("a_1", 1, "open", "r", "watch", "f_1", "household", LEAD, "duty", "sealed", AT, AT)
    world.tell(topology.ALERTS, encode(alert))
    world.tell(topology.ALERT_OUTCOMES, msgspec.json.encode({"alert": "a_1", "by": LEAD}))
    since = AT + timedelta(minutes=(1_790_000_000_000 - AT.timestamp() * 1000) / 60_000 - DAY)
    world.decide("look", minutes=(since - AT).total_seconds() / 60)
    said = {}
    for officer in (OFFICER, CLEARED):
        log = DecisionLog(world.queries, officer)
        found = measures(log, world.queries, since, since + timedelta(days=1), since + timedelta(days=90))
        said[officer.clearance] = [one.what for one in found if one.measure == "looks-without-later-action"]
    assert said == {"normal": ["without later action"], "sealed": ["followed by action"]}


def test_every_measure_has_its_definition_and_source(world: World) -> None:
    """And every number is shown with it."""
    world.decide("look")
    assert all(one.definition for one in count(world))
    assert all(one.definition and one.source for one in definitions().values())
