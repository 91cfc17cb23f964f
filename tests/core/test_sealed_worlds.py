"""Non-interference: nobody who is not cleared for a sealed item, and did not publish it, can tell that it is there.

`HEARTH_WORLDS` is how many generated pairs of worlds are compared, from the seed `HEARTH_WORLDS_FROM` on; without it, a
few. `make worlds` compares 2,000.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from agents import queries
from agents.ig import access, cases, decisions, measures, watch
from agents.ig.decisions import DecisionLog
from consent.engine import Engine
from schemas import records
from schemas.ids import PractitionerId
from schemas.people import KnownPractitioner
from schemas.records import Members, Tick
from streams import finding, sealed, sight, timeline, topology
from streams.disclose import InMemory
from streams.timeline import ATTENDANCE, Family, members_of
from tests.worlds import shown
from tests.worlds.comparing import compared, pair
from tests.worlds.desk import played
from tests.worlds.scenes import scene
from tests.worlds.telling import Teller

PAIRS = int(os.environ.get("HEARTH_WORLDS", "60"))
FIRST = int(os.environ.get("HEARTH_WORLDS_FROM", "0"))
AT_ONCE = 10  # pairs in one test, so that none takes long
HIDDEN: Counter[str] = Counter()


@pytest.mark.parametrize("first", range(FIRST, FIRST + PAIRS, AT_ONCE))
def test_two_worlds_that_differ_only_in_sealed_events_look_the_same_to_everybody_else(first: int) -> None:
    """Views, finds, alerts, receipts, counts, memberships, reviews, the open log, its head, what IG staff see."""
    leaks: dict[int, list[str]] = {}
    for seed in range(first, min(first + AT_ONCE, FIRST + PAIRS)):
        found, hidden = compared(Teller(seed).script())
        HIDDEN.update(["pairs", *hidden, *(["alert or membership"] if hidden - {"count"} else ())])
        HIDDEN["alert, membership or count"] += bool(hidden)
        if found:
            leaks[seed] = found
            HIDDEN["differ"] += 1
    assert not leaks


def test_at_least_half_of_them_would_look_otherwise_were_nothing_sealed() -> None:
    """Else the seal would have nothing to hide: told openly, the same events change an alert or who is in a family."""
    pairs, would = HIDDEN["pairs"], {name: HIDDEN[name] for name in sorted(HIDDEN) if name not in ("pairs", "differ")}
    print(f"{pairs} pairs of worlds, {HIDDEN['differ']} differ; unsealed, the same events would change: {would}")
    assert HIDDEN["alert, membership or count"] * 2 >= pairs
    assert HIDDEN["alert or membership"] * 2 >= pairs


# ------------------------------------------------------------------ each filter


def _everything(*_: Any) -> bool:
    return True


def _as_it_is(query: Any, *_: Any) -> Any:
    return query


_rule = Engine.rule
_CLEARED = KnownPractitioner(PractitionerId("w_1"), 1, "social-care", "ig-officer", "ig", "duty", "sealed")


def _without_the_policy(engine: Engine, request: Any) -> Any:
    known = request.action != "link" and request.tier == "sealed"
    return _rule(engine, request._replace(tier="shielded") if known else request)


def _what_stands(_: Any, standing: list[Any]) -> list[Any]:
    return [e for e in standing if e.facts.type != ATTENDANCE or sealed.is_sealed(e.facts)]


def _all_looks(one: watch.Watch, since: Any, until: Any) -> Any:
    return {"main": list(watch.suspicions(one._looks(one.log, since, until), since, one.alike))}


FILTERS: list[tuple[object, str, Callable[..., Any]]] = [
    (sealed, "is_sealed", lambda _: False),
    (sealed, "learns", _everything),
    (sealed, "names", _everything),
    (sealed, "filed_as", lambda _, key, __: key),
    (sealed, "registers", _everything),
    (sealed, "contests", _everything),
    (sealed, "wakes", _everything),
    (sealed, "makes_party", _everything),
    (sealed, "raises_closest", _everything),
    (sealed, "blind", _as_it_is),
    (sealed, "openly", _everything),
    (sealed, "party", lambda to, _: to.sealed_party),
    (sealed, "may_know", _everything),
    (sealed, "log_of", lambda _, log: log),
    (sealed, "review_topic", lambda _: topology.REVIEW),
    (sealed, "in_layer", _everything),
    (sealed, "in_its_layer", lambda _: False),
    (sealed, "quarantine_topic", lambda _: topology.QUARANTINE),
    (sight, "_shown", _what_stands),
    (finding, "known_openly", _everything),
    (queries, "open_quarantine", _as_it_is),
    (queries, "open_decisions", _as_it_is),
    (queries, "open_alerts", _as_it_is),
    (queries, "open_reviews", _as_it_is),
    (shown, "told_to", _as_it_is),
    (decisions, "open_decisions", _as_it_is),
    (cases, "open_cases", _as_it_is),
    (measures, "open_alerts", _as_it_is),
    (watch.Watch, "_by_log", _all_looks),
    (access, "DecisionLog", lambda queries, _: DecisionLog(queries, _CLEARED)),
    (Engine, "rule", _without_the_policy),
]
NAMES = [f"{getattr(where, '__name__', '').rpartition('.')[2]}.{name}" for where, name, _ in FILTERS]
# a generated history in which each filter is what keeps the two worlds alike, found by trying; of the rest a scene
SEEDS = {"sealed.contests": 1}


@pytest.mark.parametrize(("filter", "name"), zip(FILTERS, NAMES, strict=True), ids=NAMES)
def test_taking_any_one_filter_away_lets_somebody_tell(
    filter: tuple[object, str, Callable[..., Any]],  # noqa: A002 (no other word for it)
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the filter gone, the same two worlds look different to somebody."""
    script = Teller(SEEDS[name]).script() if name in SEEDS else scene(name)
    monkeypatch.setattr(*filter)
    assert pair(script)


@pytest.mark.parametrize("name", sorted(set(NAMES) - SEEDS.keys()))
def test_with_every_filter_in_place_the_scenes_look_the_same(name: str) -> None:
    """The same scenes, of which each shows what one filter keeps from showing, show nothing."""
    assert pair(scene(name)) == []


def _before_it_is_stated() -> list[frozenset[Any]]:
    """Whom the hub takes for the family while what the resolver says of it has not come: intake may be ahead of it."""
    found = []
    for desk in played(scene("timeline.known_openly"), "sealed", "without"):
        every = desk.hub.trace.topics[topology.FAMILY_ITEMS]
        said = [(r, records.decode_family(r.value or b"")) for r in every]
        early = [record for record, what in said if not isinstance(what, Members | Tick)]
        state = InMemory()
        desk.hub.family(early, state)
        found.append(frozenset(p for f in state.values.values() if isinstance(f, Family) for p in members_of(f)))
    return found


def test_a_sealed_item_makes_nobody_a_member_before_they_are_stated_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of others leaves out who is not of the family; with the filter gone, they would be in it."""
    one, other = _before_it_is_stated()
    assert one == other
    monkeypatch.setattr(timeline, "known_openly", _everything)
    one, other = _before_it_is_stated()
    assert one != other
