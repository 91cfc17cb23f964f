"""The numbers that IG staff are asked for, each with its definition (measures.toml).

Each is worked out from the decisions that the officer may know of, so none tells of sealed items without the clearance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import sqlalchemy as sql

from agents.adapters.database import ALERT_OUTCOMES, ALERTS, DECISIONS
from agents.clearance import open_alerts
from agents.ig.decisions import KINDS, LOOK, MACHINE, DecisionLog, Sought, kind_of, millis
from agents.queries import Queries

_DAY_MS = 86_400_000
_NAMES = (
    "stage", "outcome", "family", "item", "recipient", "role", "publisher", "category", "purpose", "decided_at", "law",
    "agreement_state",
)  # fmt: skip


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a measure counts (measures.toml). `checked` is false where no source stands behind its threshold."""

    definition: str
    source: str
    days: int = 0
    checked: bool = True


class Measure(msgspec.Struct, frozen=True):
    """One number. `share` is of all that its measure counts in its class, between 0 and 1."""

    measure: str
    kind: str
    what: str
    number: float
    unit: str
    share: float | None
    definition: str


@cache
def definitions() -> dict[str, Definition]:
    """Return every measure's definition."""
    text = (Path(__file__).parent / "measures.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Definition])


def measures(log: DecisionLog, queries: Queries, since: datetime, until: datetime, now: datetime) -> list[Measure]:
    """Return every measure of the period from `since` until before `until`. What came of it is followed up to `now`."""
    later = log.rows(Sought(since=since), *(DECISIONS.c[name] for name in _NAMES))
    rows = [row for row in later if row.decided_at < millis(until)]
    return [
        *_by_kind("decisions", rows, lambda row: row.outcome),
        *_by_kind("disclosures-by-ground", filter(_disclosed, rows), lambda row: row.law or "no law is recorded"),
        *_sought(rows),
        *_spells("held", "hold", later, millis(until), millis(now)),
        *_spells("referred", "refer", later, millis(until), millis(now)),
        *_idle_looks(rows, _actions(log, queries, later), _agencies(queries), millis(now)),
    ]


def _disclosed(row: Any) -> bool:
    return row.outcome == "share" and row.stage in ("disclose", "look")


def _by_kind(measure: str, rows: Iterable[Any], what: Any) -> Iterator[Measure]:
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for row in rows:
        counts[kind_of(row.stage)][what(row)] += 1
    for kind, found in counts.items():
        yield from _shares(measure, kind, found)


def _shares(measure: str, kind: str, found: Counter[str], unit: str = "decisions") -> Iterator[Measure]:
    total = found.total()
    for what, count in found.most_common():
        yield _said(measure, kind, what, count, unit, count / total)


def _said(measure: str, kind: str, what: str, number: float, unit: str, share: float | None = None) -> Measure:
    return Measure(measure, kind, what, number, unit, share, definitions()[measure].definition)


def _sought(rows: Iterable[Any]) -> Iterator[Measure]:
    answered: dict[str, bool] = {}
    for row in rows:
        if kind_of(row.stage) == MACHINE and row.purpose == "early-help":
            answered[row.family] = answered.get(row.family, False) or row.agreement_state != "none"
    counted = Counter("sought" if one else "not sought" for one in answered.values())
    return _shares("agreements-sought", MACHINE, counted, "families")


def _spells(measure: str, outcome: str, rows: Iterable[Any], until: int, now: int) -> Iterator[Measure]:
    """Tell how many began before `until`, how many of those ended, and how long each took."""
    begun: dict[tuple[str, ...], int] = {}
    ended: list[int] = []
    for row in rows:
        if row.stage not in ("link", "disclose"):
            continue
        key = _thing(row)
        if row.outcome == outcome and row.decided_at < until:
            begun.setdefault(key, row.decided_at)
        elif row.outcome != outcome and key in begun:
            ended.append(row.decided_at - begun.pop(key))
    open_ones = [now - at for at in begun.values()]
    counts = Counter({"ended" if measure == "held" else "decided": len(ended), "still open": len(open_ones)})
    yield from _shares(measure, MACHINE, +counts, "items")
    for what, spells in (("those that ended", ended), ("those still open", open_ones)):
        if spells:
            yield _said(measure, MACHINE, f"{what}: median", round(median(spells) / _DAY_MS, 1), "days")
            yield _said(measure, MACHINE, f"{what}: longest", round(max(spells) / _DAY_MS, 1), "days")


def _thing(row: Any) -> tuple[str, ...]:
    """Return what a decision is on. A child's plain marks carry one answer together, so their sessions are one."""
    item = row.item or ""
    on = f"attendance.{item.partition('.')[2]}" if row.category == "attendance" else item
    return row.stage, row.family, on, row.recipient


Actions = dict[tuple[str, str], list[int]]
"""When (who, family) was acted on: who is a practitioner, or an agency."""


def _actions(log: DecisionLog, queries: Queries, rows: Iterable[Any]) -> Actions:
    found: Actions = {}
    for row in rows:
        if row.stage == "link" and row.outcome == "share":
            found.setdefault((row.publisher, row.family), []).append(row.decided_at)
    families = open_alerts(sql.select(ALERTS.c.id, ALERTS.c.family).distinct(), log.cleared)
    family = {row.id: row.family for row in queries.ask(families)}
    for row in queries.ask(sql.select(ALERT_OUTCOMES.c.alert, ALERT_OUTCOMES.c.at, ALERT_OUTCOMES.c.body)):
        if row.alert in family:
            by = msgspec.json.decode(row.body).get("by", "")
            found.setdefault((by, family[row.alert]), []).append(row.at)
    return found


def _agencies(queries: Queries) -> dict[str, str]:
    return {one.practitioner: one.agency for one in queries.practitioners()}


def _idle_looks(rows: Iterable[Any], actions: Actions, agencies: dict[str, str], now: int) -> Iterator[Measure]:
    within = definitions()["looks-without-later-action"].days * _DAY_MS
    looks = {(r.recipient, r.family, r.decided_at) for r in rows if r.stage == "look" and r.outcome == "share"}
    counted: Counter[str] = Counter()
    for reader, family, at in looks:
        if at + within > now:
            continue
        times = [*actions.get((reader, family), ()), *actions.get((agencies.get(reader, ""), family), ())]
        acted = any(at < time <= at + within for time in times)
        counted["followed by action" if acted else "without later action"] += 1
    return _shares("looks-without-later-action", LOOK, counted, "looks")
