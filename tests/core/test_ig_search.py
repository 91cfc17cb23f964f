"""Finding decisions: by all that IG staff ask by, page by page, the two classes apart, nothing of what is sealed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agents.ig.decisions import AUDIT, KINDS, LOOK, MACHINE, STEP, DecisionLog, Sought, kind_of
from tests.core.ig_kit import AT, CLEARED, OFFICER, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def ids(log: DecisionLog, **sought: object) -> set[str]:
    page = log.search(Sought(**sought))
    assert page is not None
    return {one.id for one in page.decisions}


def test_a_decision_is_found_by_each_thing_it_may_be_searched_by(world: World) -> None:
    """Family, recipient, ground (by its code and by words of its law), outcome, rule, class and time."""
    agreed = world.decide()
    harm = world.decide("look", family="f_2", to="w_2", minutes=60, ground="s47", agreement="refused")
    held = world.decide("link", agreement="none", minutes=120)
    log = DecisionLog(world.queries, OFFICER)
    every = {agreed.id, harm.id, held.id}
    assert ids(log) == every
    assert ids(log, family="f_2") == ids(log, recipient="w_2") == ids(log, ground="s47") == {harm.id}
    assert ids(log, ground="children act 1989 S47") == {harm.id}
    assert ids(log, outcome="hold") == ids(log, rule="hold-until-the-family-agrees") == {held.id}
    assert ids(log, rule="hold-until-the-family") == set()
    assert ids(log, kind=LOOK) == {harm.id}
    assert ids(log, kind=MACHINE) == {agreed.id, held.id}
    assert ids(log, since=AT + timedelta(minutes=60), until=AT + timedelta(minutes=120)) == {harm.id}


def test_machine_decisions_and_looks_are_never_counted_together(world: World) -> None:
    """A check that the hub makes by itself is no look, and a look is no check."""
    for minutes in range(3):
        world.decide("disclose", minutes=minutes)
    world.decide("look", minutes=5)
    world.decide("find", minutes=6, purpose="safeguarding")
    counts = DecisionLog(world.queries, OFFICER).counts(Sought())
    assert counts == {MACHINE: {"share": 3}, LOOK: {"share": 2}, AUDIT: {}, STEP: {}}


def test_neither_what_officers_ask_nor_steps_on_a_record_are_looks(world: World) -> None:
    """An access export, a retention step, a check for a colleague or a search shows nobody what is held."""
    kinds = {
        MACHINE: ("link", "disclose", "check"), LOOK: ("look", "find", "break-glass"),
        AUDIT: ("ig-search", "ig-explain"),
        STEP: ("access", "case-review", "break-glass-review", "retention", "what-comes-later"),
    }  # fmt: skip
    for number, stage in enumerate(stage for stages in kinds.values() for stage in stages):
        world.decide(stage, minutes=number, fields={"decided_by": "w_1"})
    log = DecisionLog(world.queries, OFFICER)
    counts = log.counts(Sought())
    for kind in KINDS:
        page = log.search(Sought(kind=kind))
        assert page is not None
        assert {one.stage for one in page.decisions} == set(kinds[kind])
        assert {kind_of(stage) for stage in kinds[kind]} == {kind}
        assert sum(counts[kind].values()) == len(kinds[kind])


def test_pages_follow_each_other_and_hold_each_decision_once(world: World) -> None:
    """The latest first, even where several were decided at one instant."""
    made = [world.decide(minutes=number // 3, item=f"e{number}.p_1").id for number in range(10)]
    log, after, seen = DecisionLog(world.queries, OFFICER), "", []
    while True:
        page = log.search(Sought(after=after, most=3))
        assert page is not None
        seen += [one.id for one in page.decisions]
        after = page.next
        if not after:
            break
    assert sorted(seen) == sorted(made)
    assert seen[0] in made[-1:]
    assert log.search(Sought(after="d_nosuch")) is None


def test_what_is_sealed_is_neither_found_nor_counted_without_the_clearance(world: World, tmp_path: Path) -> None:
    """Two worlds that differ only in decisions on sealed items answer alike to who is not cleared."""
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other")
    for one in (world, other):
        one.decide()
        one.decide("look", minutes=9)
    sealed = world.decide("look", minutes=5, tier="sealed", clearance="sealed", item="e2.p_1")
    log, without = DecisionLog(world.queries, OFFICER), DecisionLog(other.queries, OFFICER)
    for sought in (Sought(), Sought(most=1), Sought(after=sealed.id), Sought(family="f_1", kind=LOOK)):
        assert log.search(sought) == without.search(sought)
        assert log.counts(sought) == without.counts(sought)
    assert log.one(sealed.id) is None
    cleared = DecisionLog(world.queries, CLEARED)
    assert cleared.one(sealed.id) == sealed
    assert cleared.counts(Sought())[LOOK] == {"share": 2}
