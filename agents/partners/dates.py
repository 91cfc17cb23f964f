"""Dates and times in the forms that partners write them. Days are days in Europe/London, instants are UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from agents.partners.words import clean

LONDON = ZoneInfo("Europe/London")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_TIME = r"(?:[T ]+(?P<clock>[\d:.,]+ ?(?:[AaPp]\.?[Mm]\.?)?)(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
_FORMS = (
    re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME, re.I),
    re.compile(r"(?P<first>\d{1,2})[-/. ](?P<second>\d{1,2})[-/. ](?P<year>\d{4}|\d\d)" + _TIME, re.I),
    re.compile(
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:T?(?P<packed>\d{4,6})(?P<pzone>Z|[+-]\d\d:?\d\d)?)?", re.I
    ),
    re.compile(
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[-/. ](?P<word>[a-z]{3,9})\.?[-/., ]+(?P<year>\d{4}|\d\d)" + _TIME, re.I
    ),
    re.compile(r"(?P<year>\d{4})[-/. ](?P<word>[a-z]{3,9})[-/. ](?P<day>\d{1,2})" + _TIME, re.I),
)
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?[ ,]+", re.I)
_SERIAL = re.compile(r"[2-6]\d{4}(\.\d+)?")  # 1954 to 2091 in a spreadsheet's own count of days
_REGION = re.compile(r"\[([A-Za-z_/+-]+)\]$")


class Said(msgspec.Struct, frozen=True):
    """A date or time as read. `note` is `date-order` or `spreadsheet-date` where it was not as it should be."""

    day: date
    at: datetime | None = None
    note: str = ""


def midnight(day: date) -> datetime:
    """Return the first instant of `day` in Europe/London, as UTC."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def said(text: object, day_first: bool = True) -> Said | None:
    """Read a date, with or without a time, in any form that partners use; None where it is none.

    `day_first` decides 03/04/2024. A date that only the other order can mean is read so, with the note `date-order`.
    A time without a zone is Europe/London.
    """
    words = _WEEKDAY.sub("", clean(text))
    if _SERIAL.fullmatch(words):
        return Said(date(1899, 12, 30) + timedelta(days=int(float(words))), note="spreadsheet-date")
    region = _REGION.search(words)
    bare = words[: region.start()].strip() if region else words
    for form in _FORMS:
        if match := form.fullmatch(bare):
            return _built(match.groupdict(), region.group(1) if region else "", day_first)
    return None


def day(text: object, day_first: bool = True) -> Said | None:
    """Read a date; a time that stands with it is dropped, except that an instant with a zone is London's day."""
    return said(text, day_first)


def instant(text: object, day_first: bool = True) -> datetime | None:
    """Read a time as UTC; a date alone is midnight in Europe/London; None where it is neither."""
    read = said(text, day_first)
    return None if read is None else read.at or midnight(read.day)


def _built(parts: dict[str, str | None], region: str, day_first: bool) -> Said | None:
    note = ""
    try:
        year, month, dom, note = _ordered(parts, day_first)
        on = date(year, month, dom)
        clock = parts.get("clock") or _unpacked(parts.get("packed"))
        if not clock:
            return Said(on, note=note)
        at = datetime.combine(on, _clock(clock), _zone(parts.get("zone") or parts.get("pzone"), region))
        return Said(at.astimezone(LONDON).date(), at.astimezone(UTC), note)
    except (ValueError, OverflowError):
        return None


def _ordered(parts: dict[str, str | None], day_first: bool) -> tuple[int, int, int, str]:
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:  # POSIX's pivot
        year += 1900 if year > 68 else 2000
    if parts.get("word"):
        return year, _MONTHS.index((parts["word"] or "")[:3].lower()) + 1, int(parts["day"] or 0), ""
    if parts.get("month"):
        return year, int(parts["month"] or 0), int(parts["day"] or 0), ""
    first, second = int(parts["first"] or 0), int(parts["second"] or 0)
    dom, month = (first, second) if day_first else (second, first)
    return (year, dom, month, "date-order") if month > 12 >= dom else (year, month, dom, "")


def _unpacked(packed: str | None) -> str:
    return ":".join(packed[i : i + 2] for i in range(0, len(packed), 2)) if packed else ""


def _clock(text: str) -> time:
    bare = re.sub(r"[ .]?[AaPp]\.?[Mm]\.?$", "", text.replace(",", ".")).strip()
    hour, minute, *rest = bare.split(":")
    second, _, part = (rest[0] if rest else "0").partition(".")
    hours = int(hour)
    if re.search(r"[ap]\.?m", text, re.I):
        hours = hours % 12 + (12 if re.search(r"p\.?m", text, re.I) else 0)
    return time(hours, int(minute), int(second), int((part + "000000")[:6]))  # seven decimals: six are kept


def _zone(offset: str | None, region: str) -> tzinfo:
    if not offset:
        try:
            return ZoneInfo(region) if region else LONDON
        except (ZoneInfoNotFoundError, ValueError):
            return LONDON
    if offset.upper() == "Z":
        return UTC
    return datetime.strptime(offset.replace(":", ""), "%z").tzinfo or UTC
