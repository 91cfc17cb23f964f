"""The kinds of case that the IG queue knows, with their law, their days and whose they become (rights.toml)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of case (rights.toml): so many months or days, and so many months more where it may be extended.

    `escalates_to`: whose it is when nobody closed it in time. `restricts`: the grounds on which processing may be.
    """

    label: str
    law: str
    source: str
    checked: bool
    months: int = 0
    days: int = 0
    extend_months: int = 0
    escalates_to: str = ""
    restricts: tuple[str, ...] = ()


class Rights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """rights.toml as a whole."""

    kind: dict[str, Kind]
    reasons: dict[str, str]
    outcomes: dict[str, str]


@cache
def rights() -> Rights:
    """Return rights.toml, read once."""
    return msgspec.toml.decode((Path(__file__).parent / "rights.toml").read_bytes(), type=Rights)


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def due(kind: Kind, received: date) -> date:
    """Return the last day on which a case received on this day may be answered."""
    return months_later(received, kind.months) + timedelta(days=kind.days)
