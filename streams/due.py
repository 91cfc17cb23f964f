"""Which families are woken on which day, because something changes by time alone: one list for each partition."""

from __future__ import annotations

from datetime import date

from schemas.ids import FamilyId
from streams.family_state import Due, Value
from streams.outcome import State


def _due(state: State[Value], name: str) -> Due:
    found = state.get(name)
    return found if isinstance(found, Due) else Due()


def take_due(state: State[Value], name: str, until: date) -> list[FamilyId]:
    """Take out, and return in order of their days, the families that are due up to the day `until`."""
    found: list[FamilyId] = []
    days = _due(state, name)
    for day in sorted(d for d in days.names if d <= until.isoformat()):
        due = _due(state, f"{name}|{day}")
        found += map(FamilyId, sorted(due.names))
        due.names.clear()
        state.put(f"{name}|{day}", due)
        days.names.discard(day)
        state.put(name, days)
    return found


def move_due(state: State[Value], name: str, family: FamilyId, before: date | None, after: date | None) -> None:
    """Wake a family on the day `after`, and no more on the day `before`."""
    if before is not None:
        _change(state, name, before, family, add=False)
    if after is not None:
        _change(state, name, after, family, add=True)


def _change(state: State[Value], days_of: str, on: date, family: FamilyId, *, add: bool) -> None:
    name = f"{days_of}|{on.isoformat()}"
    due = _due(state, name)
    (due.names.add if add else due.names.discard)(family)
    state.put(name, due)
    days = _due(state, days_of)
    if add and on.isoformat() not in days.names:
        days.names.add(on.isoformat())
        state.put(days_of, days)
