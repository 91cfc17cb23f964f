"""An agreement between agencies that is about to run out is on the IG queue of a running hub, once, and in time."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql

from agents.adapters.memory import MemoryProducer
from agents.cli import run
from agents.ig.agreements_due import AgreementsDue
from agents.ig.cases import AGREEMENT_DUE, Case, NotSo
from agents.ig.processing import record
from consent import sharing
from streams import topology
from tests.core.ig_kit import OFFICER
from tests.core.ig_story import Told

SCHOOL = sharing.agreements()["school"]
RUNS_OUT = SCHOOL.dates.review_on
FIRST = RUNS_OUT - timedelta(days=SCHOOL.dates.warn_days)


class Desk:
    """The desk's part that looks for them, by a clock of ours."""

    def __init__(self, folder: Path) -> None:
        self.told = Told(folder)
        self.at = FIRST
        self.waited = 0
        self.part = self.started_again()

    def started_again(self) -> AgreementsDue:
        """The part as a new process has it."""
        self.part = AgreementsDue(
            self.told.world.queries, MemoryProducer(self.told.broker), self.told.hub.names,
            lambda: datetime.combine(self.at, time(0, 30), UTC), self._wait,
        )  # fmt: skip
        return self.part

    def _wait(self, seconds: float) -> None:
        self.waited += 1

    def on(self, day: date) -> list[Case]:
        """The queue as an officer has it on that day, after the desk had looked twice."""
        self.at = day
        self.part.step()
        self.part.step()
        self.told.logged()
        return [one for one in self.told.cases(OFFICER).all(day) if one.kind == AGREEMENT_DUE]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_sixty_days_before_an_agreement_runs_out_it_is_on_the_queue(desk: Desk) -> None:
    """Not the day before; by its own name, and due on the last day on which it holds."""
    assert desk.on(FIRST - timedelta(days=1)) == []
    found = desk.on(FIRST)
    assert {one.refers_to for one in found} == {(a.id,) for a in sharing.reviews_due(FIRST)}
    (school,) = (one for one in found if one.refers_to == (SCHOOL.id,))
    assert (school.received, school.due, school.status) == (FIRST, RUNS_OUT - timedelta(days=1), "open")
    assert (school.about, school.overdue, school.escalated_to) == ("", False, "")


def test_it_is_there_once_however_often_the_hub_looks_and_starts_again(desk: Desk) -> None:
    """The case is named by the agreement and its day."""
    first = desk.on(FIRST)
    desk.started_again()
    again = desk.on(FIRST + timedelta(days=1))
    assert again == first
    assert len(desk.told.broker.records(topology.IG_CASES)) == len(first)


def test_what_nobody_reviewed_in_time_is_overdue_and_goes_to_somebody_else(desk: Desk) -> None:
    """From the day it is out of date the case is overdue, and whose it is then is said."""
    (found,) = (one for one in desk.on(RUNS_OUT) if one.refers_to == (SCHOOL.id,))
    assert found.overdue
    assert found.escalated_to


def test_an_officer_closes_it_and_it_stays_closed(desk: Desk) -> None:
    """Reviewed: nothing opens it again; nobody can ask for one."""
    case = desk.on(FIRST)[0].id
    now = datetime.combine(FIRST, time(9), UTC)
    desk.told.cases(OFFICER).close(case, "reviewed", now)
    desk.started_again()
    closed = [one for one in desk.on(FIRST + timedelta(days=2)) if one.id == case]
    assert [(one.status, one.outcome) for one in closed] == [("closed", "reviewed")]
    with pytest.raises(NotSo):
        desk.told.cases(OFFICER).open(AGREEMENT_DUE, "p_1", FIRST, now)


def test_a_broker_or_a_database_that_is_away_ends_nothing_and_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk goes on; the next step puts it on the queue."""
    desk.told.broker.up = False
    assert desk.part.step() == 0
    desk.told.broker.up = True
    with monkeypatch.context() as away:
        away.setattr(desk.told.world.queries, "ask", _away)
        assert desk.part.step() == 0
    assert desk.part.step() == len(sharing.reviews_due(FIRST))
    assert desk.waited == 3


def _away(query: object) -> None:
    raise sql.exc.OperationalError("", None, Exception())


def test_the_record_of_processing_says_that_it_is_due() -> None:
    """Between the day of the warning and the day on which it runs out."""

    def standing(on: date) -> str:
        return next(str(one["standing"]) for one in record(on)["sharing_agreements"] if one["agency"] == "school")

    days = (FIRST - timedelta(days=1), FIRST, RUNS_OUT - timedelta(days=1), RUNS_OUT)
    assert [standing(day) for day in days] == ["in date", "DUE", "DUE", "OUT OF DATE"]


def test_anybody_can_list_the_agreements_with_the_days_that_are_left(capsys: pytest.CaptureFixture[str]) -> None:
    """It needs no hub: the files that the hub runs on."""
    assert run(["policy", "agreements", "--json"]) == 0
    listed = {one["agreement"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(listed) == {one.id for one in sharing.agreements().values()}
    school = listed[SCHOOL.id]
    assert (school["review_on"], school["parties"]) == (RUNS_OUT.isoformat(), list(SCHOOL.parties))
    assert school["purposes"] == ["attendance-support", "early-help", "safeguarding"]
    assert school["state"] in ("in date", "due", "out of date")
    assert run(["policy", "agreements"]) == 0
    assert SCHOOL.id in capsys.readouterr().out
