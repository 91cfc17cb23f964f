"""What stands after corrections and retractions, whatever the order in which they arrived.

An entry stands unless one that itself stands corrects or retracts it. Where several correct one event, the latest
recorded stands. A circle of corrections is cut at its earliest recorded member.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from schemas.ids import EventKey


class Mending(Protocol):
    """An entry that may mend another event's: `mends` is that event's key."""

    @property
    def event(self) -> EventKey: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def mends(self) -> EventKey | None: ...
    @property
    def retracts(self) -> bool: ...


def standing(entries: Iterable[Mending]) -> frozenset[EventKey]:
    """Return the events that stand. A retraction says nothing of its own, so it is never among them."""
    events = {entry.event: entry for entry in entries}
    if not any(entry.mends for entry in events.values()):  # as of nearly every family
        return frozenset(events)
    target = {event: _target(events, event) for event in events}
    menders: dict[EventKey, list[EventKey]] = {}
    for event, mended in target.items():
        if mended is not None:
            menders.setdefault(mended, []).append(event)
    alive: dict[EventKey, bool] = {}
    for event in events:
        _settle(event, menders, alive)
    return frozenset(
        e for e, entry in events.items() if alive[e] and not entry.retracts and _last(e, events, target, menders, alive)
    )


def _target(events: dict[EventKey, Mending], event: EventKey) -> EventKey | None:
    """Return the event that `event` mends; none for the earliest member of a circle."""
    circle, at = [event], events[event].mends
    while at is not None and at in events and at not in circle:
        circle.append(at)
        at = events[at].mends
    earliest = min(circle, key=lambda e: (events[e].recorded_at, e))
    return None if at == event and event == earliest else events[event].mends


def _settle(event: EventKey, menders: dict[EventKey, list[EventKey]], alive: dict[EventKey, bool]) -> None:
    """Work out whether `event` and all that mends it, and all that mends those, are alive: mended by nothing alive."""
    stack = [event]
    while stack:
        at = stack[-1]
        open_ones = [m for m in menders.get(at, ()) if m not in alive]
        if open_ones:
            stack += open_ones
        else:
            alive[at] = not any(alive[m] for m in menders.get(at, ()))
            stack.pop()


def _last(
    event: EventKey,
    events: dict[EventKey, Mending],
    target: dict[EventKey, EventKey | None],
    menders: dict[EventKey, list[EventKey]],
    alive: dict[EventKey, bool],
) -> bool:
    mended = target[event]
    rivals = [m for m in menders.get(mended, ()) if alive[m]] if mended is not None else [event]
    return max(rivals, key=lambda e: (events[e].recorded_at, e)) == event
