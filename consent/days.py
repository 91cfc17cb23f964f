"""Days are days in England: the register's dates begin and end at midnight there."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def london_day(at: datetime) -> date:
    """Return the day in Europe/London on which the aware instant `at` falls."""
    return at.astimezone(LONDON).date()
