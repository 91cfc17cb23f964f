"""The days that a question is about: from the first moment of one to the last of another, in Britain."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from streams.timeline import LONDON


def begins(day: date | None) -> datetime | None:
    """Return the first instant of `day`."""
    return None if day is None else datetime.combine(day, time(), LONDON)


def ends(day: date | None) -> datetime | None:
    """Return the first instant after `day`: a period holds its last day too."""
    return None if day is None else begins(day + timedelta(days=1))
