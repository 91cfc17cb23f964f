"""Behaviour watch: each behaviour is found at its number and not below, once, and as a reference that names nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.ig.cases import Case
from agents.ig.decisions import EXPLAIN
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


def look(told: Told, day: date, hour: float, stage: str = "look", **more: object) -> str:
    at = datetime(day.year, day.month, day.day, tzinfo=LONDON) + timedelta(hours=hour)
    return told.world.decide(stage, minutes=(at - AT).total_seconds() / 60, **more).id


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
    """Reference, behaviour and decisions; a second watch adds nothing, and more of the same day is the same case."""
    look(told, MONDAY, 10, party="subject", to="w_reader", family="f_family", item="e1.p_person")
    assert found(told) == found(told) == ["own-family"]
    look(told, MONDAY, 11, party="subject", to="w_reader", family="f_family")
    assert found(told) == ["own-family"]
    for record in told.broker.records(topology.IG_CASES):
        for never in (b"w_reader", b"f_family", b"p_person", b"e1."):
            assert never not in (record.value or b"") + (record.key or b"")
        assert msgspec.json.decode(record.value or b"")["refers_to"]


def cases(told: Told, officer: KnownPractitioner = OFFICER) -> list[Case]:
    found(told, officer)
    return told.cases(officer).all(NOW.date())


def test_what_follows_is_added_to_the_case_while_it_is_open_and_makes_a_new_one_once_it_is_closed(told: Told) -> None:
    """No look is ever without a case because an earlier one of its week had one; none is in two."""
    for number in range(3):
        look(told, MONDAY, 10 + number, family=f"f_{number}", involved="not-involved")
    (first,) = cases(told)
    assert len(first.refers_to) == 3
    look(told, MONDAY, 14, family="f_4", involved="not-involved")
    (grown,) = cases(told)
    assert (grown.id, len(grown.refers_to)) == (first.id, 4)
    told.cases(OFFICER).close(first.id, "explained", NOW)
    assert [one.status for one in cases(told)] == ["closed"]
    look(told, MONDAY, 15, family="f_5", involved="not-involved")
    late = look(told, MONDAY, 16, family="f_6", involved="not-involved")
    closed, opened = sorted(cases(told), key=lambda one: one.status)
    assert (closed.status, len(closed.refers_to), opened.status, len(opened.refers_to)) == ("closed", 4, "open", 2)
    assert late in opened.refers_to
    assert set(closed.refers_to).isdisjoint(opened.refers_to)
    assert cases(told) == [closed, opened] or cases(told) == [opened, closed]


def test_what_was_added_after_a_case_was_closed_is_in_none_until_it_is_in_another(told: Told) -> None:
    """Closed and added to at once: nobody who closed it has seen what was added."""
    looks = [look(told, MONDAY, 10 + n, family=f"f_{n}", involved="not-involved") for n in range(3)]
    (first,) = cases(told)
    desk = told.cases(OFFICER)
    desk.close(first.id, "explained", NOW)
    late = look(told, MONDAY, 14, family="f_4", involved="not-involved")
    desk.more(first, (late,), "main", NOW)
    every = cases(told)
    assert {one.status: sorted(one.refers_to) for one in every} == {"closed": sorted(looks), "open": [late]}


def test_every_look_of_a_spike_is_referred_to_by_one_decision_each(told: Told) -> None:
    """However many there were."""
    for number in range(70):
        look(told, MONDAY, 9 + number / 10, to="w_other", family=f"f_{number}")
    (case,) = cases(told)
    assert (case.behaviour, len(case.refers_to)) == ("volume", 70)


def test_what_officers_read_of_decisions_is_watched_as_looks_are_and_other_steps_of_theirs_are_not(told: Told) -> None:
    """At night, or of a family of their own; an export that answers a request is no look."""
    for day in range(3):
        for stage in ("access", "case-review", "break-glass-review", "retention"):
            look(told, MONDAY + timedelta(days=day), 23, stage=stage, to="w_colleague")
    assert found(told) == []
    for day in range(3):
        look(told, MONDAY + timedelta(days=day), 23, stage=EXPLAIN, to="w_colleague")
    look(told, MONDAY, 10, stage=EXPLAIN, to="w_other", fields={"decided_by": "rule"}, party="household")
    assert found(told) == ["night", "own-family"]
    assert found(told, msgspec.structs.replace(OFFICER, practitioner="w_colleague")) == ["own-family"]


def test_two_families_of_one_surname_are_two_cases(told: Told) -> None:
    """Whoever looks into one of them looks at one family, and hands the other on."""
    story = told.story
    children = [story.child("Isolde", "2014-05-06", "Quillfeather"), story.child("Noll", "2015-05-06", "Quillfeather")]
    namesake = story.professional("health", "school-nurse", name="Ida Quillfeather")
    for number, child in enumerate(children):
        story.relate(child, story.adult(f"Parent{number}", "1987-02-01", "Other"))
        story.missing(child, 30)
    told.happens()
    for hour, child in enumerate(children):
        told.looks(namesake, child, datetime(2026, 11, 16, 10 + hour, tzinfo=LONDON))
    assert found(told) == ["same-surname", "same-surname"]


def test_sealed_looks_make_cases_for_those_cleared_alone(told: Told) -> None:
    """Two open looks and one sealed one at night: three only for who may know of the third."""
    for day in range(2):
        look(told, MONDAY + timedelta(days=day), 23)
    look(told, MONDAY + timedelta(days=2), 23, tier="sealed", clearance="sealed", item="e9.p_1")
    assert found(told) == []
    assert found(told, CLEARED) == ["night"]
    assert found(told) == []


def test_a_sealed_look_beside_open_ones_has_a_case_of_its_own_for_those_cleared(told: Told) -> None:
    """What is found without it stays as it was; what it adds is not lost."""
    for day in range(3):
        look(told, MONDAY + timedelta(days=day), 23)
    sealed = look(told, MONDAY + timedelta(days=3), 23, tier="sealed", clearance="sealed", item="e9.p_1")
    (plain,) = cases(told)
    both = cases(told, CLEARED)
    assert plain in both
    assert [one.refers_to for one in both if one != plain] == [(sealed,)]
    assert cases(told) == [plain]


def test_an_officer_is_not_watched_by_themself(told: Told) -> None:
    """A colleague's watch finds it."""
    look(told, MONDAY, 10, party="household", to=OFFICER.practitioner)
    assert found(told) == []
    assert found(told, msgspec.structs.replace(OFFICER, practitioner="w_colleague")) == ["own-family"]


def test_every_behaviour_has_its_number_and_source_and_says_that_nobody_confirmed_it() -> None:
    """Thresholds are data."""
    assert all(one.source and one.least >= 1 and not one.checked for one in behaviours().values())
