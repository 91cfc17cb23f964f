"""Behaviour watch: each behaviour is found at its number and not below, once, and as a reference that names nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.ig.watch import behaviours
from schemas.people import KnownPractitioner
from streams import topology
from streams.timeline import LONDON
from tests.core.ig_kit import AT, CLEARED, OFFICER
from tests.core.ig_story import NOW, Told

MONDAY = date(2026, 11, 16)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def look(told: Told, day: date, hour: float, **more: object) -> None:
    at = datetime(day.year, day.month, day.day, tzinfo=LONDON) + timedelta(hours=hour)
    told.world.decide("look", minutes=(at - AT).total_seconds() / 60, **more)


def found(told: Told, officer: KnownPractitioner = OFFICER) -> list[str]:
    told.logged()
    told.watch(officer).run(MONDAY, MONDAY + timedelta(days=6), NOW)
    told.logged()
    return sorted(case.behaviour for case in told.cases(officer).all(NOW.date()))


@pytest.mark.parametrize(("hour", "night"), [(21.9, False), (22, True), (3, True), (5.9, True), (6, False)])
def test_looks_at_night_are_found_at_their_number_in_one_week(told: Told, hour: float, night: bool) -> None:
    """By British time; two in a week are not three, nor are two before Monday and one after."""
    look(told, MONDAY - timedelta(days=1), hour)
    for day in range(2):
        look(told, MONDAY + timedelta(days=day), hour)
    assert found(told) == []
    look(told, MONDAY + timedelta(days=5), hour)
    assert found(told) == (["night"] if night else [])


def test_looks_at_families_with_whom_one_does_not_work_count_by_family(told: Told) -> None:
    """The same family tried again and again is one; the third family makes it."""
    for number in range(5):
        look(told, MONDAY, 10 + number / 10, family="f_1", involved="not-involved")
    look(told, MONDAY, 11, family="f_2", involved="not-involved")
    assert found(told) == []
    look(told, MONDAY, 12, family="f_3", involved="not-involved")
    assert found(told) == ["no-involvement"]


def test_one_look_at_a_family_of_which_one_is_a_party_is_enough(told: Told) -> None:
    """Whether it was refused or not."""
    look(told, MONDAY, 10, party="household")
    assert found(told) == ["own-family"]


def test_many_looks_are_those_beyond_this_reader_s_own_days(told: Told) -> None:
    """Thirty are many for whoever has ten on a day; for a duty worker with twenty on every day they are not."""
    for back in range(1, 8):
        for number in range(20):
            look(told, MONDAY - timedelta(days=back), 9 + number / 10, to="w_duty", family=f"f_{number}")
            if number < 10:
                look(told, MONDAY - timedelta(days=back), 9 + number / 10, to="w_other", family=f"f_{number}")
    for number in range(29):
        look(told, MONDAY, 9 + number / 10, to="w_other", family=f"f_{number}")
        look(told, MONDAY, 9 + number / 10, to="w_duty", family=f"f_{number}")
    assert found(told) == []
    look(told, MONDAY, 13, to="w_other", family="f_29")
    look(told, MONDAY, 13, to="w_duty", family="f_29")
    assert found(told) == ["volume"]


def test_many_items_of_one_look_are_one_look(told: Told) -> None:
    """A long timeline is no spike."""
    for number in range(60):
        look(told, MONDAY, 10, item=f"e{number}.p_1")
    assert found(told) == []


def test_a_reader_with_the_family_s_surname_or_address_is_found_by_pseudonyms(told: Told) -> None:
    """Surname from the register of practitioners; address where the hub knows the reader as somebody's relative."""
    story = told.story
    child = replace(story.child("Isolde", "2014-05-06", "Quillfeather"), address="1 Lower Marsh Lane")
    neighbour = replace(story.adult("Ned", "1980-02-01", "Winterbourne"), address="1 Lower Marsh  lane")
    nephew = story.child("Noll", "2015-05-06", "Winterbourne")
    namesake = story.professional("health", "school-nurse", name="Ida QUILLFEATHER")
    stranger = story.professional("health", "school-nurse", name="Lee Marchbanks")
    relative = story.professional("health", "school-nurse", name="Ned Other", is_person=neighbour)
    story.relate(child, story.adult("Maud", "1987-02-01", "Quillfeather"))
    story.relate(nephew, neighbour, "aunt-or-uncle")
    story.domestic_abuse(neighbour, story.adult("Abel", "1979-02-01", "Other"), 30)
    story.missing(child, 30)
    told.happens()
    for who, day in ((namesake, 0), (stranger, 1), (relative, 2)):
        told.looks(who, child, datetime(2026, 11, 16 + day, 10, tzinfo=LONDON))
    assert found(told) == ["same-address", "same-surname"]


def test_a_case_names_nobody_and_is_opened_once(told: Told) -> None:
    """Reference, behaviour and decisions; a second watch adds nothing, nor does more of the same in that week."""
    look(told, MONDAY, 10, party="subject", to="w_reader", family="f_family", item="e1.p_person")
    assert found(told) == found(told) == ["own-family"]
    look(told, MONDAY, 11, party="subject", to="w_reader", family="f_family")
    assert found(told) == ["own-family"]
    (record,) = told.broker.records(topology.IG_CASES)
    for never in (b"w_reader", b"f_family", b"p_person", b"e1."):
        assert never not in (record.value or b"") + (record.key or b"")
    assert msgspec.json.decode(record.value or b"")["refers_to"]


def test_sealed_looks_make_cases_for_those_cleared_alone(told: Told) -> None:
    """Two open looks and one sealed one at night: three only for who may know of the third."""
    for day in range(2):
        look(told, MONDAY + timedelta(days=day), 23)
    look(told, MONDAY + timedelta(days=2), 23, tier="sealed", clearance="sealed", item="e9.p_1")
    assert found(told) == []
    assert found(told, CLEARED) == ["night"]
    assert found(told) == []


def test_an_officer_is_not_watched_by_themself(told: Told) -> None:
    """A colleague's watch finds it."""
    look(told, MONDAY, 10, party="household", to=OFFICER.practitioner)
    assert found(told) == []
    assert found(told, msgspec.structs.replace(OFFICER, practitioner="w_colleague")) == ["own-family"]


def test_every_behaviour_has_its_number_and_source_and_says_that_nobody_confirmed_it() -> None:
    """Thresholds are data."""
    assert all(one.source and one.least >= 1 and not one.checked for one in behaviours().values())
