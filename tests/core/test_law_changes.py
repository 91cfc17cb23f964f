"""A new law, or an agreement between agencies that has run out, changes what was told already, though nothing comes."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.adapters.faust_state import Coder, PartitionState
from agents.adapters.faust_store import MemoryPartition
from agents.demo.teller import Somebody, Story
from consent import policy, sharing
from consent.engine import Engine
from consent.engine_by_day import ByDay
from schemas.errors import Misconfigured
from schemas.ids import FamilyId
from streams.family_state import FamilyCodec
from streams.gate import Gate
from streams.law import overtaken
from streams.linking import Linking
from streams.timeline import Family
from tests.stories.test_families import helped_family
from tests.stories.told import InMemory, open_rules

TODAY = date(2026, 11, 23)
DUTY = ("duty-to-disclose",)


def told() -> tuple[Story, InMemory, Somebody]:
    """A child whose attendance fell under early help: an alert stands."""
    story, hub = Story("law", TODAY), InMemory()
    mia, _, _ = helped_family(story)
    story.marks(mia, "/", weeks=4, ending_days_ago=10)
    story.marks(mia, "O", weeks=1)
    hub.happens(story)
    assert open_rules(hub.alerts(story))
    return story, hub, mia


def started_again(hub: InMemory, engine: Engine) -> None:
    """The hub's family stage, with the state that it had, under other policies."""
    gate, stage = Gate(engine, os.urandom), hub.hub.family
    alerts = dataclasses.replace(stage.alerts, gate=gate)
    hub.hub.family = dataclasses.replace(stage, linking=Linking(gate), alerts=alerts)
    hub.hub.pipeline._stages["family"] = hub.hub.family  # type: ignore[index]


def without_early_help(folder: Path) -> Engine:
    """Policies under which early help shares nothing."""
    shutil.copytree(policy.HERE, folder)
    file = folder / "early-help.cedar"
    old = 'context.agreement == Agreement::"in-force" && context.sharing_agreement'
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, 'context.agreement == Agreement::"expired" && context.sharing_agreement'))
    return Engine((), folder)


@pytest.fixture
def lapsing(monkeypatch: pytest.MonkeyPatch) -> Iterator[date]:
    """The schools' agreement goes out of date in two days."""
    review_on = TODAY + timedelta(days=2)
    real = sharing.agreements()
    dates = msgspec.structs.replace(real["school"].dates, review_on=review_on)
    mine: Mapping[str, sharing.SharingAgreement] = {
        **real, "school": msgspec.structs.replace(real["school"], dates=dates),
    }  # fmt: skip
    monkeypatch.setattr(sharing, "agreements", lambda: mine)
    _forget()
    yield review_on
    _forget()


def _forget() -> None:
    sharing.sharing_agreement_state.cache_clear()
    sharing.agreements_changed_on.cache_clear()


def test_an_alert_falls_on_the_day_its_agencies_agreement_runs_out(lapsing: date) -> None:
    """Out of date shares nothing: what was pushed while it was in date is withdrawn by the clock alone."""
    story, hub, _ = told()
    hub.days_pass((lapsing - TODAY).days - 1)
    assert open_rules(hub.alerts(story))
    hub.days_pass(1)
    assert not open_rules(hub.alerts(story))


def test_an_alert_falls_after_the_hub_starts_under_policies_that_do_not_allow_it(tmp_path: Path) -> None:
    """At the first tick, for a family that nothing has touched; and comes back with the policies that do."""
    story, hub, _ = told()
    before, seen = hub.hub.engine, len(hub.hub.trace.log)
    hub.days_pass(1)
    assert len(hub.hub.trace.log) == seen, "under the same policies nothing is asked again"
    started_again(hub, without_early_help(tmp_path / "policy"))
    hub.days_pass(1)
    assert not open_rules(hub.alerts(story))
    started_again(hub, before)
    hub.days_pass(1)
    assert open_rules(hub.alerts(story))


def test_a_family_that_is_touched_under_other_policies_is_asked_again_whole(tmp_path: Path) -> None:
    """Without a tick: the first thing that comes makes the rest of its record be decided anew."""
    story, hub, mia = told()
    started_again(hub, without_early_help(tmp_path / "policy"))
    story.strength("school", mia, 0, "attendance-recovered")
    hub.happens(story)
    assert not open_rules(hub.alerts(story))


# ------------------------------------------------------------------ switch days


@pytest.fixture
def tomorrow(monkeypatch: pytest.MonkeyPatch) -> date:
    """The duty to disclose is in force from tomorrow."""
    on, real = TODAY + timedelta(days=1), policy.switches()
    mine = {**real, DUTY[0]: msgspec.structs.replace(real[DUTY[0]], on_from=on)}
    monkeypatch.setattr(policy, "switches", lambda folder=policy.HERE: mine)
    return on


def test_a_hub_that_is_not_started_again_decides_by_the_law_of_the_day(tomorrow: date) -> None:
    """From midnight in London of the day that the file names on; and each record says which policies."""
    engine, duty = ByDay(TODAY), Engine(DUTY)
    assert engine.policy_set == engine.on(TODAY).policy_set != duty.policy_set
    assert engine.on(tomorrow).policy_set == duty.policy_set
    assert ByDay(tomorrow).on(TODAY).policy_set == engine.policy_set
    _, hub, _ = told()
    started_again(hub, engine)
    hub.days_pass(1)
    assert {d.policy_set for d in hub.hub.trace.log} == {engine.policy_set}
    settled = hub.hub.families()[0].register_version
    assert duty.policy_set in settled, "it was settled anew, under the new law"


def test_law_that_does_not_hold_together_is_found_when_the_hub_starts(tomorrow: date, tmp_path: Path) -> None:
    """Not at the midnight from which it would stand."""
    folder = tmp_path / "policy"
    shutil.copytree(policy.HERE, folder)
    (folder / "switched" / "duty-to-disclose.cedar").write_text("permit (", "utf-8")
    with pytest.raises(Misconfigured):
        ByDay(TODAY, folder)
    assert tomorrow > TODAY


# ------------------------------------------------------------------ a partition's families, some at a time


def partition(families: int) -> PartitionState[object]:
    """A partition's state with so many families, settled under the old law, and what else stands there."""
    codec = FamilyCodec(lambda *_: (1, b"0" * 32), lambda n: b"0" * n)
    state: PartitionState[object] = PartitionState(MemoryPartition(), Coder(codec.encode, codec.decode))
    for number in range(families):
        family = Family(FamilyId(f"f_{number}"), register_version="v|old", as_of=datetime.combine(TODAY, time(), UTC))
        state.put(family.family, family)
    state.keep()
    state.done()
    return state


def test_each_family_that_an_older_law_settled_is_taken_up_once() -> None:
    """Some in each tick, in order, until none is left; then no tick looks for them any more."""
    state = partition(5)
    assert [overtaken(state, 0, "new", 2) for _ in range(5)] == [["f_0", "f_1"], ["f_2", "f_3"], ["f_4"], [], []]


def test_one_that_was_settled_in_the_meantime_is_left_alone() -> None:
    """What came for it has made it be asked again already."""
    state = partition(3)
    touched = Family(FamilyId("f_1"), register_version="w|new")
    state.put(touched.family, touched)
    assert overtaken(state, 0, "new", 9) == ["f_0", "f_2"]


def test_a_law_that_changes_while_they_are_taken_up_begins_again_with_the_first() -> None:
    """And how far it had got is kept with the state, so that a new start goes on from there."""
    state = partition(4)
    assert overtaken(state, 0, "new", 2) == ["f_0", "f_1"]
    state.keep()
    state.done()
    state.landed(len(state.leave()))
    again = PartitionState(state._store, state._coder)
    assert overtaken(again, 0, "new", 3) == ["f_2", "f_3"]
    assert overtaken(again, 0, "newer", 3) == ["f_0", "f_1", "f_2"]
