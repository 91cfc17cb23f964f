"""Register CSV: marks with DfE codes, one row per session (`sessions`) or one row per pupil (`grid`).

The layout is Hearth's own: agents/partners/columns/sessions.toml and grid.toml. A mark's id stands on school, pupil,
date and session, so a file published twice gives duplicates. Where the file has a revision column, revision n is a
correction of revision n-1; without one, a changed mark is a conflict, and the publisher is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from agents.partners import dates, people
from agents.partners.sheet import Sheet, body, sheet
from agents.partners.source import Source
from agents.partners.table import Row
from agents.partners.taken import Options, Problem, Read, Taken, Unused, with_remarks
from agents.partners.words import number, or_none
from schemas.records import Remark

TYPE = "hearth.school.AttendanceRecorded"
_HALVES = {
    "am": "AM",
    "a": "AM",
    "morning": "AM",
    "1": "AM",
    "am session": "AM",
    "m": "AM",
    "morning session": "AM",
    "pm": "PM",
    "p": "PM",
    "afternoon": "PM",
    "2": "PM",
    "pm session": "PM",
    "afternoon session": "PM",
}
_NUMBER = re.compile(r"[0-9]{5,6}|[0-9]{3}/?[0-9]{4}", re.ASCII)  # URN, or local authority and establishment number
_SLASHES = {"/": "AM", "\\": "PM"}


def read(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield one event for each mark."""
    found = sheet(source, ("sessions", "grid"), options)
    if isinstance(found, Problem):
        yield found
        return
    marks = _grid if found.columns.form == "grid" else _sessions
    yield from with_remarks(_parts(found, marks, options), found.remarks)


def _parts(known: Sheet, marks: Callable[[Sheet, Row, Options], Read], options: Options) -> Read:
    for row in body(known):
        if isinstance(row, Problem):
            yield row
        else:
            yield from marks(known, row, options)


def _sessions(known: Sheet, row: Row, options: Options) -> Read:
    where, cell = f"row {row.number}", known.header.cell(row, "code")
    try:
        if known.header.places["code"] >= len(row.cells):
            raise Unused(_no(where, "code", "short-row", "The row ends before its mark", "Check its quotes and commas"))
        if or_none(cell) is None:
            raise Unused(_no(where, "code", "no-mark", "There is no mark", "Nothing, if none was taken", blank=True))
        on = dates.said(known.header.cell(row, "date"), known.columns.day_first)
        if on is None:
            raise Unused(
                _no(where, "date", "unreadable-date", "The session's date cannot be read", "Write it as YYYY-MM-DD")
            )
        half = _half(known.header.cell(row, "session"), cell, on)
        if not half:
            raise Unused(
                _no(
                    where,
                    "session",
                    "unreadable-session",
                    "The session is neither morning nor afternoon",
                    "Write AM or PM",
                )
            )
        yield _mark(known, row, where, (on, half, cell), options)
    except Unused as unused:
        yield unused.problem


def _grid(known: Sheet, row: Row, options: Options) -> Read:
    for place, (on, half) in known.sessions.items():
        cell = or_none(row.cells[place]) if place < len(row.cells) else None
        if cell is None:
            continue  # no mark was taken for that session
        try:
            yield _mark(known, row, f"row {row.number}, {on.day} {half}", (on, half, cell), options)
        except Unused as unused:
            yield unused.problem


def _half(said: str, code: str, on: dates.Said) -> str:
    if half := _HALVES.get((number(said)[0] or "").casefold()):
        return half
    if said:
        return ""
    if on.at is not None and on.at.astimezone(dates.LONDON).time().hour:
        return "AM" if on.at.astimezone(dates.LONDON).hour < 12 else "PM"
    return _SLASHES.get(code, "")


def _mark(known: Sheet, row: Row, where: str, mark: tuple[dates.Said, str, str], options: Options) -> Taken:
    on, half, code = mark
    remarks = list(_remarks(on, half, code))
    pupil = person_of(known, row, where, "subject", remarks)
    school = establishment_of(known, row, where, options)
    recorded = dates.instant(known.header.cell(row, "recorded_at"), known.columns.day_first)
    happened = dates.midnight(on.day)
    facts = ("attendance", school, people.person_key(pupil), str(on.day), half)
    revision = int(rev) if (rev := number(known.header.cell(row, "revision"))[0] or "0").isdigit() else 0
    ids = [people.event_id(options, *facts, str(n)) for n in range(max(revision - 1, 0), revision + 1)]
    about = people.about(
        [pupil], happened, recorded or options.recorded_at or happened, corrects=ids[0] if revision else None
    )
    data = {"about": about, "session_date": on.day, "session": half, "code": code.upper(), "establishment": school}
    return Taken(where, people.event(options, TYPE, f"hearth:file/register-csv/{school}", data, id=ids[-1]), remarks)


def person_of(known: Sheet, row: Row, where: str, role: str, remarks: list[Remark]) -> dict[str, Any]:
    """Return the person of a row. Raises Unused where nothing says who they are."""
    cell = known.header.cell
    said = people.identifiers(
        remarks, nhs_number=cell(row, "nhs_number"), upn=cell(row, "upn"), local=cell(row, "local")
    )
    born = dates.said(cell(row, "birth_date"), known.columns.day_first)
    if born is None and or_none(cell(row, "birth_date")):
        remarks.append(
            Remark(
                "birth_date",
                "unreadable-date",
                "The birth date cannot be read; it is left out",
                "Write it as YYYY-MM-DD",
            )
        )
    elif born is not None and born.note:
        remarks.append(date_remark("birth_date", born))
    fields = {name: cell(row, name) for name in ("family_name", "given_names", "sex", "postcode", "uprn", "phone")}
    who = people.person(role, said, birth_date=born.day if born else None, **fields)
    if not people.person_key(who):
        raise Unused(
            _no(
                where,
                "upn",
                "no-person",
                "Nothing in the row says whom it is about",
                "Give a UPN, a pupil number, or name and date of birth",
            )
        )
    return who


def establishment_of(known: Sheet, row: Row, where: str, options: Options) -> str:
    """Return the school's URN from the row or from the publisher. Raises Unused where neither says it."""
    said, _ = number(known.header.cell(row, "establishment"))
    for school in (said, options.establishment):
        if school and _NUMBER.fullmatch(school):  # it stands in the source, so it must be a number of that shape
            return school
    raise Unused(
        _no(
            where,
            "establishment",
            "no-establishment",
            "Nothing says which school this is",
            "Add a URN column, or say --establishment",
        )
    )


def date_remark(path: str, on: dates.Said) -> Remark:
    """Return the remark for a date that was read otherwise than its column is written."""
    if on.note == "spreadsheet-date":
        return Remark(path, on.note, "The date is a spreadsheet's count of days", "Write it as YYYY-MM-DD")
    return Remark(
        path, "date-order", "The date makes sense only with day and month exchanged", "Write it as YYYY-MM-DD"
    )


def _remarks(on: dates.Said, half: str, code: str) -> Iterator[Remark]:
    if on.note:
        yield date_remark("date", on)
    if _SLASHES.get(code, half) != half:
        yield Remark(
            "code",
            "slash-in-other-session",
            "The present mark is the other session's: / is morning, \\ afternoon",
            "Mend the mark; either way the pupil is taken as present",
        )


def _no(where: str, path: str, code: str, problem: str, fix: str, blank: bool = False) -> Problem:
    return Problem(where, path, code, problem, fix, blank)
