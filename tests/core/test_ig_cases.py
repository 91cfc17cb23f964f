"""Rights requests as cases: their dates by the law, one extension in time, an outcome, and nothing but pseudonyms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.ig.cases import BEHAVIOUR, LIFTED, RESTRICTED, Cases, NotSo
from agents.ig.rights import due, months_later, rights
from agents.ports import NotWritten
from schemas.codes import code_list
from schemas.people import KnownPractitioner
from streams import topology
from tests.core.ig_kit import CLEARED, OFFICER
from tests.core.ig_story import Told

RECEIVED = date(2027, 1, 31)
NOW = datetime(2027, 2, 1, 9, tzinfo=UTC)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def desk(told: Told, officer: KnownPractitioner = OFFICER) -> Cases:
    told.logged()
    return told.cases(officer)


def test_a_month_ends_on_the_same_day_of_the_next_or_on_its_last() -> None:
    """ICO: the corresponding calendar date; the last day of a month that has none."""
    assert months_later(date(2027, 9, 3), 1) == date(2027, 10, 3)
    assert months_later(date(2027, 8, 31), 1) == date(2027, 9, 30)
    assert months_later(date(2027, 1, 31), 1) == date(2027, 2, 28)
    assert months_later(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert months_later(date(2027, 11, 30), 3) == date(2028, 2, 29)
    assert due(rights().kind["access"], RECEIVED) == date(2027, 2, 28)


def test_a_request_stands_with_its_dates_until_it_is_answered(told: Told) -> None:
    """Opened, due in a month; extended once by two; closed with an outcome, and still there."""
    case = desk(told).open("access", "p_1", RECEIVED, NOW)
    (found,) = desk(told).all(NOW.date())
    assert (found.id, found.about, found.due) == (case, "p_1", date(2027, 2, 28))
    assert (found.status, found.overdue) == ("open", False)
    assert desk(told).extend(case, "complex", NOW) == date(2027, 4, 30)
    assert desk(told).one(case, NOW.date()).due == date(2027, 4, 30)
    desk(told).close(case, "partly-granted", NOW)
    closed = desk(told).one(case, date(2028, 1, 1))
    assert (closed.status, closed.outcome, closed.extended, closed.overdue) == ("closed", "partly-granted", True, False)


def test_a_case_says_who_opened_extended_and_closed_it_when_and_why(told: Told) -> None:
    """Its dates, its reason, and everything that was said of it in order."""
    case = desk(told).open("access", "p_1", RECEIVED, NOW)
    other = msgspec.structs.replace(OFFICER, practitioner="w_other")
    desk(told, other).extend(case, "numerous", NOW + timedelta(days=2))
    desk(told, other).close(case, "granted", NOW + timedelta(days=9))
    found = desk(told).one(case, date(2028, 1, 1))
    assert found is not None
    assert (found.opened_by, found.extended_for) == ("w_ig", "numerous")
    assert (found.closed_on, found.closed_by) == (date(2027, 2, 10), "w_other")
    history = desk(told).history(case, date(2028, 1, 1))
    assert [(one.said, one.by) for one in history] == [
        ("opened", "w_ig"), ("extended", "w_other"), ("closed", "w_other"),
    ]  # fmt: skip


def test_what_falls_due_first_stands_first_and_what_is_late_is_said_to_be(told: Told) -> None:
    """A case that nobody answered in time."""
    late = desk(told).open("objection", "p_1", date(2026, 12, 1), NOW)
    desk(told).open("correction", "p_2", RECEIVED, NOW)
    every = desk(told).all(NOW.date())
    assert [one.id == late for one in every] == [True, False]
    assert [one.overdue for one in every] == [True, False]


def test_what_does_not_hold_is_refused_and_not_said(told: Told) -> None:
    """No such kind, received tomorrow, an extension for no reason, twice or too late, a closed case, no outcome."""
    case = desk(told).open("access", "p_1", RECEIVED, NOW)
    late = desk(told).open("access", "p_1", date(2026, 12, 1), NOW)
    desk(told).extend(case, "numerous", NOW)
    desk(told)
    said = len(told.broker.records(topology.IG_CASES))
    for wrong in (
        lambda: desk(told).open("curiosity", "p_1", RECEIVED, NOW),
        lambda: desk(told).open(BEHAVIOUR, "p_1", RECEIVED, NOW),
        lambda: desk(told).open("access", "p_1", NOW.date() + timedelta(days=1), NOW),
        lambda: desk(told).extend(case, "complex", NOW),
        lambda: desk(told).extend(late, "complex", NOW),
        lambda: desk(told).close(case, "shrugged", NOW),
        lambda: desk(told).close("c_nosuch", "granted", NOW),
    ):
        with pytest.raises(NotSo):
            wrong()
    assert len(told.broker.records(topology.IG_CASES)) == said
    desk(told).close(case, "granted", NOW)
    with pytest.raises(NotSo):
        desk(told).close(case, "granted", NOW)


def test_processing_is_restricted_under_a_case_that_asks_for_it_until_it_is_lifted(told: Told) -> None:
    """On a ground of its kind; while the case is open; closing it lifts nothing, and it may be lifted after."""
    case = desk(told).open("objection", "p_1", RECEIVED, NOW)
    other = desk(told).open("access", "p_1", RECEIVED, NOW)
    for wrong in ((case, "accuracy-contested"), (other, "objection-pending"), ("c_nosuch", "objection-pending")):
        with pytest.raises(NotSo):
            desk(told).restrictable(*wrong, NOW)
    with pytest.raises(NotSo):
        desk(told).liftable(case, NOW)
    desk(told).note(desk(told).restrictable(case, "objection-pending", NOW), RESTRICTED, NOW)
    desk(told).close(case, "refused", NOW)
    stands = desk(told).liftable(case, NOW)
    assert (stands.restricted, stands.status) == (True, "closed")
    with pytest.raises(NotSo):
        desk(told).restrictable(case, "objection-pending", NOW)
    desk(told).note(stands, LIFTED, NOW)
    assert not desk(told).one(case, NOW.date()).restricted


def test_what_is_asked_for_or_restricted_is_kept(told: Told) -> None:
    """Nobody's record ends while a request about them is open, or a restriction stands, its case closed or not."""
    today = NOW.date()
    case = desk(told).open("objection", "p_1", RECEIVED, NOW)
    assert desk(told).requested(today) == {"p_1"}
    desk(told).note(desk(told).restrictable(case, "objection-pending", NOW), RESTRICTED, NOW)
    desk(told).close(case, "refused", NOW)
    assert desk(told).requested(today) == {"p_1"}
    desk(told).note(desk(told).liftable(case, NOW), LIFTED, NOW)
    assert desk(told).requested(today) == set()


def test_every_ground_of_restriction_can_be_asked_for() -> None:
    """By a request to restrict; contested accuracy by one to correct as well, a pending objection by an objection."""
    kinds = rights().kind
    assert set(kinds["restriction"].restricts) == set(code_list("restriction-grounds").codes)
    assert (kinds["correction"].restricts, kinds["objection"].restricts) == (
        ("accuracy-contested",), ("objection-pending",),
    )  # fmt: skip
    assert not kinds["access"].restricts


def test_a_case_that_is_not_acknowledged_was_not_opened(told: Told) -> None:
    """The record is Kafka's."""
    told.broker.up = False
    with pytest.raises(NotWritten):
        desk(told).open("access", "p_1", RECEIVED, NOW)
    told.broker.up = True
    assert desk(told).all(NOW.date()) == []


def test_a_case_about_sealed_decisions_is_there_for_those_cleared_alone(told: Told) -> None:
    """Not in the list, not by its id, not to be closed."""
    desk(told, CLEARED).refer("c_sealed", "night", ("d_1",), "sealed", NOW)
    assert desk(told).all(NOW.date()) == []
    with pytest.raises(NotSo):
        desk(told).close("c_sealed", "explained", NOW)
    assert [one.id for one in desk(told, CLEARED).all(NOW.date())] == ["c_sealed"]


def test_every_period_names_its_law_and_source() -> None:
    """And says whether anybody has confirmed it."""
    assert all(kind.law and kind.source and (kind.months or kind.days) for kind in rights().kind.values())
    assert not rights().kind[BEHAVIOUR].checked
