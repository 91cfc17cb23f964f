"""A child's attendance at one school, kept small: ten sessions a week in fixed slots, and a tally per week.

A session that only one event speaks of takes a slot of 14 bytes. As soon as a second event speaks of it, or one
corrects or takes back another, the session is *contested*: everything said about it moves out of the slots into
ordinary entries (streams/timeline.py), where corrections are worked out. So the result never depends on order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.codes import code_list
from schemas.ids import EventKey, PersonId

_SLOT = struct.Struct(">2sI8s")  # code, recorded at (seconds since 1970), short event key
_EMPTY = bytes(_SLOT.size)
_DAYS_BEFORE = 5 * 2  # a school week: Monday to Friday, morning and afternoon

Tally = tuple[int, int, int]  # possible, absent, unauthorised sessions


def short(event: EventKey) -> bytes:
    """Eight bytes that stand for an event inside one family: enough to tell its few thousand events apart."""
    if event.startswith("~"):
        return bytes.fromhex(event[1:])
    return blake2b(event.encode(), digest_size=8).digest()


def shortened(event: EventKey) -> EventKey:
    """The short form as a key: what an attendance entry is known by, whether it came through a slot or not."""
    return EventKey("~" + short(event).hex())


class Mark(msgspec.Struct, frozen=True, gc=False):
    """What one slot holds."""

    on: date
    session: str
    code: str
    recorded_at: int
    event: EventKey


class Block(msgspec.Struct, gc=False):
    """One child's marks at one school in one month: 2 × 31 slots at most, as packed bytes by day and session."""

    person: PersonId
    name: str  # its key in the state
    slots: dict[int, bytes] = {}


class Book(msgspec.Struct, gc=False):
    """One child's attendance at one school. `weeks`: Monday's ordinal → tally of the sessions in slots; `number` names
    its blocks in the state, so that no school stands in a key.

    `link` is the last link decision on the whole book (it rests on the same facts for every session in it).
    """

    number: int = 0
    weeks: dict[int, Tally] = {}
    months: list[str] = []
    link: str = ""
    rests_on: str = ""
    held_since: date | None = None
    ended: bool = False


def month_of(on: date) -> str:
    """Name of the block that holds this day."""
    return f"{on.year}-{on.month:02d}"


def monday(on: date) -> int:
    """Ordinal of the Monday of this day's week."""
    return on.toordinal() - on.weekday()


def has_slot(on: date) -> bool:
    """Whether the day is one that slots are kept for; a weekend's sessions are ordinary entries."""
    return on.weekday() < _DAYS_BEFORE // 2


def _slot(on: date, session: str) -> int:
    return on.day * 2 + (session == "PM")


def mark_at(block: Block, on: date, session: str) -> Mark | None:
    """Return what the slot holds, or None when it is empty."""
    raw = block.slots.get(_slot(on, session))
    if raw is None:
        return None
    code, recorded, key = _SLOT.unpack(raw)
    return Mark(on, session, code.decode().strip(), recorded, EventKey("~" + key.hex()))


def put_mark(book: Book, block: Block, mark: Mark) -> None:
    """Fill an empty slot and count it."""
    raw = _SLOT.pack(mark.code.ljust(2).encode(), mark.recorded_at, short(mark.event))
    block.slots[_slot(mark.on, mark.session)] = raw
    _count(book, mark, 1)
    month = month_of(mark.on)
    if month not in book.months:
        book.months.append(month)
        book.months.sort()


def take_mark(book: Book, block: Block, mark: Mark) -> None:
    """Empty the slot again: the session became contested."""
    del block.slots[_slot(mark.on, mark.session)]
    _count(book, mark, -1)


def find_mark(block: Block, month: str, event: EventKey) -> Mark | None:
    """Return the mark in this block that `event` made, wherever it stands."""
    wanted = short(event)
    for place, raw in block.slots.items():
        if raw.endswith(wanted):
            on = date(int(month[:4]), int(month[5:]), place // 2)
            return mark_at(block, on, "PM" if place % 2 else "AM")
    return None


@lru_cache(maxsize=16384)
def classify(code: str, on: date) -> Tally:
    """Return what one session with this code adds to a tally (DfE attendance codes, schemas/codes/attendance.toml)."""
    entry = code_list("attendance").get(code, on)
    return _TALLIES.get(str(entry.extra.get("class", "")), (0, 0, 0)) if entry else (0, 0, 0)


def counts_as_absence(data: Mapping[str, Any]) -> bool:
    """Whether the session of an attendance event was missed."""
    return classify(str(data["code"]), date.fromisoformat(str(data["session_date"])))[1] > 0


_TALLIES: dict[str, Tally] = {"present": (1, 0, 0), "authorised": (1, 1, 0), "unauthorised": (1, 1, 1)}


def _count(book: Book, mark: Mark, sign: int) -> None:
    added = classify(mark.code, mark.on)
    if added == (0, 0, 0):
        return
    week = monday(mark.on)
    p, a, u = book.weeks.get(week, (0, 0, 0))
    book.weeks[week] = (p + sign * added[0], a + sign * added[1], u + sign * added[2])


def total(weeks: Iterable[Tally]) -> Tally:
    """Sum tallies."""
    possible = absent = unauthorised = 0
    for p, a, u in weeks:
        possible += p
        absent += a
        unauthorised += u
    return possible, absent, unauthorised


def school_year_start(on: date) -> date:
    """1 September on or before `on`: absence rates are worked out per school year (DfE absence methodology)."""
    return date(on.year if on.month >= 9 else on.year - 1, 9, 1)


def first_week(on: date) -> int:
    """Ordinal of the earliest Monday whose week may have a session of this school year: 1 September may be a Sunday."""
    return school_year_start(on).toordinal() - 6


def possible_since(book: Book, week: int, enough: int) -> int:
    """How many sessions in slots were possible in the weeks from that Monday's ordinal on; more than `enough` are not
    counted to the end."""
    possible = 0
    for begun, tally in book.weeks.items():
        possible += tally[0] if begun >= week else 0
        if possible > enough:
            break
    return possible


def months_between(first: date, last: date) -> list[str]:
    """Names of the blocks from `first` to `last`."""
    names: list[str] = []
    on = first.replace(day=1)
    while on <= last:
        names.append(month_of(on))
        on = (on + timedelta(days=32)).replace(day=1)
    return names
