"""How long what the hub holds of a person is kept: classes and reasons as data, and which class governs.

`classes.toml` and `reasons.toml` are read once, when first asked for; a file that does not hold together raises
Misconfigured. Nothing here destroys anything: a day that has come makes it possible to propose it
(consent/retention/steps.py), and two people decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec

from schemas.errors import Misconfigured

HERE = Path(__file__).parent
ADULT_AT = 18
SCHOOL_ONLY = "school-only"
_FILES = ("classes.toml", "reasons.toml")

Trigger = Literal["birth", "last-contact", "death"]


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many years, counted from the day of the trigger."""

    trigger: Trigger
    years: int


class RetentionClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class of records (classes.toml). `hub` is this hub's copy, `master` the source's record, where one is known."""

    id: str
    title: str
    of: Literal["child", "adult", "anyone"]
    statuses: tuple[str, ...]
    hub: tuple[Period, ...]
    source: str
    checked: bool
    master: tuple[Period, ...] = ()


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a step is taken (reasons.toml). `early`: destruction may be proposed for it before its day."""

    label: str
    early: bool = False


class Reasons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reasons for each step, by code."""

    source: str
    checked: bool
    propose: Mapping[str, Reason]
    hold: Mapping[str, Reason]
    lift: Mapping[str, Reason]
    erase: Mapping[str, Reason]


class Life(msgspec.Struct, frozen=True):
    """What decides how long a person's record is kept.

    `first_contact` and `last_contact` are the first and last day that anything held of them speaks of; no last one:
    nothing is held. `statuses` are what they were to the services (classes.toml says which there are).
    """

    born: date | None = None
    last_contact: date | None = None
    died: date | None = None
    statuses: frozenset[str] = frozenset()
    first_contact: date | None = None


class Keeping(msgspec.Struct, frozen=True):
    """Which class governs and on which day its period has run out.

    `due` is None where that cannot be told: a day that the class counts from is not known (`unknown` names it), or
    nothing is held. Then it does not fall due by itself, whatever the calendar says.
    """

    governs: str
    due: date | None
    unknown: tuple[str, ...] = ()

    def has_run_out(self, on: date) -> bool:
        """Whether destruction may be proposed on the day `on` (Europe/London) because the period has run out."""
        return self.due is not None and self.due <= on


@cache
def classes() -> tuple[RetentionClass, ...]:
    """Return every class. Raises Misconfigured."""
    said: dict[str, tuple[RetentionClass, ...]] = _read("classes.toml", dict[str, tuple[RetentionClass, ...]])
    found = said.get("class", ())
    if len({one.id for one in found}) < len(found) or not {"child", "adult"} <= {one.id for one in found}:
        raise Misconfigured("consent/retention/classes.toml: ids are unique, and `child` and `adult` are among them")
    if any(not one.hub or not one.source or p.years < 1 for one in found for p in (*one.hub, *one.master)):
        raise Misconfigured("consent/retention/classes.toml: every class has a source and a period of its own")
    return found


@cache
def reasons() -> Reasons:
    """Return the reasons for which steps are taken. Raises Misconfigured."""
    found: Reasons = _read("reasons.toml", Reasons)
    return found


@cache
def in_words() -> str:
    """Return how long anything held of a person is kept, as people are told it: the classes that the hub applies."""
    told = [f"{one.title}: {' and '.join(map(_period, one.hub))}" for one in classes()]
    return f"The end of the person's record, by the class that ends last of those that hold: {'; '.join(told)}"


def _period(one: Period) -> str:
    return f"{one.years} years from {one.trigger.replace('-', ' ')}"


@cache
def edition() -> str:
    """Return 32 characters that differ whenever a class or a reason does: what a step's record cites as its rules."""
    return sha256(b"\0".join((HERE / name).read_bytes() for name in _FILES)).hexdigest()[:32]


def keeping(life: Life) -> Keeping:
    """Return which class governs and when its period has run out. Of those that hold, the one that ends last governs.

    Where a class that holds counts from a day that is not known, it governs, and nothing falls due.
    """
    if life.last_contact is None:
        return Keeping("", None, ("last-contact",))
    ends = [(_end(life, one.hub), one.id) for one in classes() if _holds(life, one)]
    unknown = [(end, name) for end, name in ends if isinstance(end, str)]
    if unknown:
        return Keeping(unknown[0][1], None, tuple(sorted({str(end) for end, _ in unknown})))
    due, governs = max((end, name) for end, name in ends if isinstance(end, date))
    return Keeping(governs, due)


def together(lives: Iterable[Life]) -> Life:
    """Return the life of one person of whom several sections tell, each its part; in doubt what keeps them longer."""
    parts = [one for one in lives if one.last_contact is not None]
    statuses = frozenset[str]().union(*(one.statuses for one in parts))
    if not all(SCHOOL_ONLY in one.statuses for one in parts):
        statuses -= {SCHOOL_ONLY}
    born, contact, died = (
        max((day for one in parts if (day := getattr(one, name)) is not None), default=None)
        for name in ("born", "last_contact", "died")
    )
    return Life(born, contact, died, statuses, min((_first(one) for one in parts), default=None))


def master_ends(life: Life, name: str) -> date | None:
    """Return when the source's own record of class `name` ends; None where that is not known."""
    found = next((one for one in classes() if one.id == name), None)
    end = _end(life, found.master) if found is not None and found.master else None
    return end if isinstance(end, date) else None


def years_after(day: date, years: int) -> date:
    """Return the same day so many years on; the 29th of February runs out with the day after it."""
    leap_day = day.month == 2 and day.day == 29
    return date(day.year + years, 3, 1) if leap_day else day.replace(year=day.year + years)


def _holds(life: Life, one: RetentionClass) -> bool:
    if one.statuses and life.statuses.isdisjoint(one.statuses):
        return False
    return one.of == "anyone" or (one.of == "child") == _is_child(life)


def _is_child(life: Life) -> bool:
    """Whether anything held is from before they were 18: not known counts as a child, who is kept longer."""
    return life.born is None or min(_first(life), life.died or date.max) < years_after(life.born, ADULT_AT)


def _first(life: Life) -> date:
    return life.first_contact or life.last_contact or date.max


def _end(life: Life, periods: Iterable[Period]) -> date | str:
    """Return the day on which the last of these periods has run out, or the first trigger that is not known."""
    days: Mapping[str, date | None] = {"birth": life.born, "last-contact": life.last_contact, "death": life.died}
    ends = []
    for period in periods:
        day = days[period.trigger]
        if day is None:
            return period.trigger
        ends.append(years_after(day, period.years))
    return max(ends)


def _read(name: str, kind: Any) -> Any:
    try:
        return msgspec.toml.decode((HERE / name).read_bytes(), type=kind)
    except msgspec.MsgspecError as wrong:
        raise Misconfigured(f"consent/retention/{name}: {wrong}") from None
