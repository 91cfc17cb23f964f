"""Behaviour watch: looks that somebody should look into, as references on the IG queue (behaviours: watch.toml).

A behaviour is found from the decisions alone, but for two, which compare the reader with the family: by pseudonyms of
surname and address that are made for the comparison and kept nowhere. What is found out is never told: the case holds
the behaviour's name and the decisions' ids. It is found for those cleared for sealed items and for the rest apart.
What officers search and read of decisions is watched as looks are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Literal

import msgspec

from agents.adapters.database import DECISIONS
from agents.ig.cases import Case, Cases
from agents.ig.decisions import AUDIT, LOOK, DecisionLog, Sought
from agents.ig.period import begins, ends
from schemas.ids import FamilyId, PractitionerId
from streams.timeline import LONDON

_COLUMNS = ("id", "recipient", "family", "rules", "decided_at", "stage")
Alike = Callable[[PractitionerId, FamilyId], frozenset[str]]
"""Which of `surname` and `address` a reader and a family have in common."""


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of looks to look into (watch.toml)."""

    label: str
    per: Literal["day", "week"]
    least: int
    source: str
    checked: bool
    rules: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    families: bool = False
    hours: tuple[int, int] | None = None
    times_median: int = 0
    over_days: int = 0
    alike: str = ""


class Look(msgspec.Struct, frozen=True):
    """One look: one reader, one family, one moment, with the decisions that it made."""

    reader: PractitionerId
    family: FamilyId
    at: datetime
    decisions: tuple[str, ...]
    rules: frozenset[str]
    stages: frozenset[str]

    @property
    def day(self) -> date:
        return self.at.date()


class Suspicion(msgspec.Struct, frozen=True):
    """Looks of one reader in one day or week that make a behaviour. `bucket` is its first day.

    `family`: at this one, where a behaviour is what reader and family have in common.
    """

    behaviour: str
    reader: PractitionerId
    bucket: date
    looks: tuple[Look, ...]
    family: str = ""

    @property
    def series(self) -> tuple[str, ...]:
        """What its cases are named by: with the family only where it has one, as cases have long been named."""
        own = (self.family,) if self.family else ()
        return (self.behaviour, self.reader, self.bucket.isoformat(), *own)


@cache
def behaviours() -> dict[str, Behaviour]:
    """Return every behaviour by its name."""
    said = msgspec.toml.decode((Path(__file__).parent / "watch.toml").read_bytes())
    return msgspec.convert(said["behaviour"], dict[str, Behaviour])


def looks_of(rows: Iterable[Any]) -> list[Look]:
    """Put the decisions of each look together, in order of time."""
    found: dict[tuple[str, str, int], list[Any]] = {}
    for row in rows:
        found.setdefault((row.recipient, row.family, row.decided_at), []).append(row)
    return [
        Look(
            PractitionerId(reader), FamilyId(family), datetime.fromtimestamp(at / 1000, LONDON),
            tuple(row.id for row in every), frozenset(rule for row in every for rule in row.rules.split()),
            frozenset(row.stage for row in every),
        )
        for (reader, family, at), every in sorted(found.items(), key=lambda one: (one[0][2], one[0]))
    ]  # fmt: skip


def suspicions(looks: list[Look], since: date, alike: Alike) -> Iterator[Suspicion]:
    """Find every behaviour from the day, and the week, of `since` on; earlier looks tell what is usual."""
    for name, behaviour in behaviours().items():
        buckets: dict[tuple[PractitionerId, date, str], list[Look]] = {}
        first = _bucket(behaviour, since)
        for look in looks:
            bucket = _bucket(behaviour, look.day)
            if bucket >= first and _counts(behaviour, look, alike):
                buckets.setdefault((look.reader, bucket, look.family if behaviour.alike else ""), []).append(look)
        for (reader, bucket, family), every in sorted(buckets.items()):
            number = len({look.family for look in every}) if behaviour.families else len(every)
            if number >= behaviour.least and _unusual(behaviour, reader, bucket, number, looks):
                yield Suspicion(name, reader, bucket, tuple(every), family)


def _bucket(behaviour: Behaviour, day: date) -> date:
    return day if behaviour.per == "day" else day - timedelta(days=day.weekday())


def _counts(behaviour: Behaviour, look: Look, alike: Alike) -> bool:
    if behaviour.rules:
        return not behaviour.rules.isdisjoint(look.rules)
    if behaviour.stages:
        return not behaviour.stages.isdisjoint(look.stages)
    if behaviour.hours:
        return look.at.hour >= behaviour.hours[0] or look.at.hour < behaviour.hours[1]
    return behaviour.alike in alike(look.reader, look.family) if behaviour.alike else True


def _unusual(behaviour: Behaviour, reader: PractitionerId, day: date, number: int, looks: list[Look]) -> bool:
    """Whether so many are many for this reader: as against the middle of their own days with looks, before that day."""
    if not behaviour.times_median:
        return True
    before: dict[date, int] = {}
    for look in looks:
        if look.reader == reader and day - timedelta(days=behaviour.over_days) <= look.day < day:
            before[look.day] = before.get(look.day, 0) + 1
    return number >= behaviour.times_median * median(before.values()) if before else True


@dataclass(frozen=True)
class Watch:
    """The tools of a watch: the decisions an officer may know of, their queue, and the comparison."""

    log: DecisionLog
    cases: Cases
    alike: Alike

    def run(self, since: date, until: date, now: datetime) -> list[str]:
        """Put what is found in these days on the queue; return the cases that are new, or grew.

        Run again, it adds nothing twice. What follows a case that is open is added to it; what follows one that is
        closed is a new case.
        """
        known = {case.id: case for case in self.cases.whole(now.date())}
        touched: list[str] = []
        for log, found in self._by_log(since, until).items():
            for one in found:
                if one.reader != self.cases.officer.practitioner:
                    touched += self._put(one, log, known, now)
        return touched

    def _put(self, one: Suspicion, log: str, known: Mapping[str, Case], now: datetime) -> list[str]:
        """Refer to the looks that no case of this series refers to; return the case that does now."""
        series: list[Case] = []
        while (case := known.get(name := self._name(one, log, len(series)))) is not None:
            series.append(case)
        named = {decision for case in series for decision in case.refers_to}
        new = [look.decisions[0] for look in one.looks if named.isdisjoint(look.decisions)]
        if not new:
            return []
        if series and series[-1].status == "open":
            self.cases.more(series[-1], new, log, now)
            return [series[-1].id]
        self.cases.refer(name, one.behaviour, new, log, now)
        return [name]

    def _by_log(self, since: date, until: date) -> Mapping[str, list[Suspicion]]:
        """What is found without the sealed looks; and for those cleared, what is found with them and not without."""
        open_log = self.log.opened()
        plain = list(suspicions(self._looks(open_log, since, until), since, self.alike))
        if not self.log.cleared:
            return {"main": plain}
        known = {one.series: set(_moments(one)) for one in plain}
        every = suspicions(self._looks(self.log, since, until), since, self.alike)
        return {"main": plain, "sealed": [left for one in every for left in _beyond(one, known.get(one.series, set()))]}

    def _looks(self, log: DecisionLog, since: date, until: date) -> list[Look]:
        over = max(one.over_days for one in behaviours().values())
        first, columns = begins(since - timedelta(days=max(over, 7))), [DECISIONS.c[name] for name in _COLUMNS]
        kinds = (Sought(kind=kind, since=first, until=ends(until)) for kind in (LOOK, AUDIT))
        return looks_of(row for sought in kinds for row in log.rows(sought, *columns))

    def _name(self, one: Suspicion, log: str, number: int) -> str:
        """Return the id of the case of this number in its series: the first has none, as before there were series."""
        return self.cases.names.mint("c", *one.series, log, *([str(number)] if number else []))


def _moments(one: Suspicion) -> Iterator[tuple[str, datetime]]:
    return ((look.family, look.at) for look in one.looks)


def _beyond(one: Suspicion, known: set[tuple[str, datetime]]) -> Iterator[Suspicion]:
    """Yield what is left of it beyond the looks that are known without what is sealed, if anything is."""
    left = tuple(look for look in one.looks if (look.family, look.at) not in known)
    if left:
        yield msgspec.structs.replace(one, looks=left)
