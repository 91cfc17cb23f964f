"""A CSV file as a header and rows: which row is the header, which map fits it, which rows say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import msgspec

from agents.partners import dates
from agents.partners.columns import Columns, Header, columns, match, missing
from agents.partners.source import Source
from agents.partners.table import Row, rows
from agents.partners.taken import Options, Problem
from agents.partners.words import plain
from schemas.records import Remark

_SEARCHED = 5  # rows in which the header may stand
_MAPS = ("sessions", "grid", "class-list", "encompass")
_DATED = ("date", "birth_date", "happened_at", "joined_on")
_INSTRUCTIVE = (
    "required",
    "optional",
    "mandatory",
    "example",
    "format",
    "ddmmyyyy",
    "yyyymmdd",
    "please",
    "enter",
    "must",
    "leaveblank",
)


class Sheet(msgspec.Struct):
    """A CSV file under a column map: its header, its rows after that, and remarks about the whole file."""

    columns: Columns
    header: Header
    rows: Iterator[Row]
    sessions: dict[int, tuple[dates.Said, str]] = {}  # of a grid: the date and half day that head a column, by place
    remarks: list[Remark] = []


def sheet(source: Source, forms: tuple[str, ...], options: Options) -> Sheet | Problem:
    """Return the file under the map that fits it best among `forms` (or `options.columns`), or why none does."""
    stream = rows(source)
    first = list(islice(stream, _SEARCHED))
    if all(row.empty for row in first):
        return Problem("file", "", "empty-file", "The file holds nothing", "Export it again", blank=True)
    known = [columns(options.columns)] if options.columns else [columns(name) for name in _MAPS]
    fits = [
        (score(k, h), k, h) for k in known if k.form in forms for h in (match(k, row) for row in first) if fit(k, h)
    ]
    if not fits:
        return _unfit([k for k in known if k.form in forms])
    _, best, header = max(fits, key=lambda f: (f[0], -f[2].number))
    after = (row for row in chain(first, stream) if row.number > header.number)
    halves = sessions(best, header)
    return Sheet(best, header, after, halves, _unknown(header, halves))


def form_of(source: Source, options_columns: str | None = None) -> str:
    """Return the form (`sessions`, `grid`, `class-list`, `encompass`) of a CSV file, empty where none fits."""
    head = Source(source.head, source.name)
    found = sheet(head, _MAPS, Options(key=b"", columns=options_columns))
    return found.columns.form if isinstance(found, Sheet) else ""


def body(known: Sheet) -> Iterator[Row | Problem]:
    """Yield the rows that say something; an empty row, and an instruction under the header, as a blank problem."""
    any_row = False
    for row in known.rows:
        if row.empty:
            yield Problem(f"row {row.number}", "", "blank-row", "The row is empty", "Nothing to do", blank=True)
        elif row.number == known.header.number + 1 and _instructs(known, row):
            yield Problem(
                f"row {row.number}",
                "",
                "instruction-row",
                "The row is an instruction to people",
                "Nothing to do",
                blank=True,
            )
        else:
            any_row = True
            yield row
    if not any_row:
        yield Problem("file", "", "no-rows", "There is no row after the header", "Export it again", blank=True)


def fit(known: Columns, header: Header) -> bool:
    """Tell whether `header` has what a row needs under this map."""
    if missing(known, header):
        return False
    if known.form == "grid":
        return bool(sessions(known, header)) and bool(
            {"upn", "local", "nhs_number", "family_name"} & set(header.places)
        )
    if known.form == "encompass":
        return bool({"role", "victim", "alleged", "child"} & set(header.places))
    return True


def score(known: Columns, header: Header) -> int:
    """Return how many of the file's columns the map explains."""
    return len(header.places) + len(sessions(known, header))


def sessions(known: Columns, header: Header) -> dict[int, tuple[dates.Said, str]]:
    """Return a grid's columns headed by a date and AM or PM: their place, the date and the session."""
    found: dict[int, tuple[dates.Said, str]] = {}
    if known.form != "grid":
        return found
    for place in header.others:
        words = header.cells[place].replace("(", " ").replace(")", " ").strip()
        half = words[-2:].upper()
        if half in ("AM", "PM") and (on := dates.said(words[:-2].strip(" -_/,.:"), known.day_first)):
            found[place] = (on, half)
    return found


def _instructs(known: Sheet, row: Row) -> bool:
    if any(dates.said(known.header.cell(row, field)) for field in _DATED):
        return False
    text = [plain(cell) for cell in row.cells]
    return any(word in cell for cell in text for word in _INSTRUCTIVE)


def _unknown(header: Header, halves: dict[int, tuple[dates.Said, str]]) -> list[Remark]:
    unread = [place for place in header.others if place not in halves]
    if not unread:
        return []
    places = ", ".join(str(place + 1) for place in unread[:20]) + (" and more" if len(unread) > 20 else "")
    return [
        Remark(
            "header",
            "unknown-columns",
            f"Columns not read: {places} (counted from 1)",
            "Nothing, unless they matter: then name them in a column map",
        )
    ]


def _unfit(known: list[Columns]) -> Problem:
    needs = "; or ".join(f"{k.form}: " + ", ".join(f for f, c in k.columns.items() if c.required) for k in known)
    return Problem(
        "row 1",
        "header",
        "missing-columns",
        "No row at the top of the file names the columns that are needed",
        f"Name them as a column map does, or give a map of your own. Needed for {needs}",
    )
