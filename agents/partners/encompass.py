"""Operation Encompass notices, as JSON or as CSV with one row per person and incident. The layout is Hearth's own.

Fields are those of agents/partners/columns/encompass.toml, in JSON too (a notice has its people under `persons`).
A notice's id stands on force and reference; `revision` n corrects revision n-1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents.partners.columns import columns
from agents.partners.documents import Document, documents
from agents.partners.notice import Notice, flagged, taken
from agents.partners.sheet import Sheet, body, sheet
from agents.partners.source import Source
from agents.partners.table import Row
from agents.partners.taken import Options, Problem, Read, Unused, with_remarks
from agents.partners.words import clean, plain, truth
from schemas.codes import code_list

_HOLDERS = ("notices", "incidents", "notifications", "encompass")
_PERSONS = ("persons", "people", "parties", "individuals", "involved")
_FLAGS = ("child", "alleged", "victim", "witness")


def read_json(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield the event of each notice in a JSON file."""
    for part in documents(source):
        if isinstance(part, Problem):
            yield part
            continue
        for one in _notices(part):
            yield from _event(_from_json(one), options)


def read_csv(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield the event of each incident in a CSV file, whose rows need not stand together."""
    found = sheet(source, ("encompass",), options)
    if isinstance(found, Problem):
        yield found
        return
    incidents: dict[str, list[Row]] = {}
    for row in body(found):
        if isinstance(row, Problem):
            yield row
        elif reference := found.header.cell(row, "reference"):
            incidents.setdefault(reference, []).append(row)
        else:
            yield Problem(
                f"row {row.number}",
                "reference",
                "missing",
                "The incident's reference is missing",
                "Give it in every row",
            )
    notices = (_from_rows(found, rows) for rows in incidents.values())
    yield from with_remarks((part for notice in notices for part in _event(notice, options)), found.remarks)


def is_notice(value: Any) -> bool:
    """Tell whether a JSON value is a notice, or holds some."""
    if not isinstance(value, dict):
        return False
    if any(isinstance(value.get(name), list) for name in _HOLDERS):
        return True
    said = _fields(value)
    return "reference" in said and "happened_at" in said and any(name in value for name in _PERSONS)


def _event(notice: Notice, options: Options) -> Read:
    try:
        yield taken(notice, options)
    except Unused as unused:
        yield unused.problem


def _notices(part: Document) -> Iterator[Document]:
    value = part.value
    held = (
        next((value[n] for n in _HOLDERS if isinstance(value.get(n), list)), None) if isinstance(value, dict) else None
    )
    if held is None:
        yield part
        return
    for count, one in enumerate(held, start=1):
        yield Document(f"{part.where}/notice[{count}]", one)


def _from_json(part: Document) -> Notice:
    value = part.value if isinstance(part.value, dict) else {}
    persons: list[Any] = next((value[n] for n in _PERSONS if isinstance(value.get(n), list)), [])
    features = value.get("features")
    return Notice(
        part.where,
        _fields(value),
        [_person(p) for p in persons if isinstance(p, dict)],
        [clean(f) for f in features] if isinstance(features, list) else [],
    )


def _person(said: dict[str, Any]) -> dict[str, Any]:
    """A person's numbers may stand in a list, as they do in the hub's own events."""
    found = _fields(said)
    for one in said.get("identifiers") or []:
        if isinstance(one, dict):
            found.setdefault(str(one.get("system", "")).replace("-", "_"), one.get("value"))
    return found


def _fields(said: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a JSON object by field, whichever of its names each goes by."""
    by_name = {plain(name): value for name, value in said.items() if not isinstance(value, dict | list)}
    found = {}
    for field, column in columns("encompass").columns.items():
        name = next((n for n in map(plain, (field, *column.names)) if n in by_name), None)
        if name is not None and by_name[name] is not None:
            found[field] = by_name[name]
    return found


def _from_rows(known: Sheet, rows: list[Row]) -> Notice:
    cells = [{field: known.header.raw(row, field) for field in known.header.places} for row in rows]
    said = {field: next((c[field] for c in cells if clean(c[field])), "") for field in known.header.places}
    where = f"row {rows[0].number}" if len(rows) == 1 else "rows " + ", ".join(str(row.number) for row in rows[:10])
    return Notice(where, said, [_with_role(c) for c in cells], _features(known, rows))


def _with_role(cells: dict[str, Any]) -> dict[str, Any]:
    """Roles may stand as columns of their own, True or blank."""
    flags = [name for name in _FLAGS if flagged(cells.get(name))]
    return {**cells, "role": clean(cells.get("role")) or " ".join(flags)}


def _features(known: Sheet, rows: list[Row]) -> list[str]:
    """A column headed by a feature's code or label, True in any row, states that feature."""
    codes = code_list("domestic-abuse-features").codes
    named = {plain(word): code for code, entry in codes.items() for word in (code, entry.label)}
    places = {
        place: named[word] for place in known.header.others if (word := plain(known.header.cells[place])) in named
    }
    return sorted(
        {code for place, code in places.items() for row in rows if place < len(row.cells) and truth(row.cells[place])}
    )
