"""A family's state, and how one item is folded into it. The result is a function of the set of items.

A family is sections, one per person, so that a wrong merge can be undone and a person erased: each section is sealed
under its person's key wherever it is stored (streams/family_state.py). Registers are worked out from the entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from consent.register import Register
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.records import Facts, Members, PersonAsKnown
from streams import sealed
from streams.attendance import (
    Book,
    short,
)

LONDON = ZoneInfo("Europe/London")  # school days and legal dates are London's (design §2.1)
ATTENDANCE = "hearth.school.AttendanceRecorded"


class Entry(msgspec.Struct, gc=False):
    """One item in a section, with the last link decision on it. `ended`: its hold ran out, and nothing releases it."""

    item: ItemId
    event: EventKey
    facts: Facts
    received_at: datetime
    link: str = ""
    rests_on: str = ""
    ended: bool = False


class Section(msgspec.Struct, gc=False):
    """What a family's record holds about one person.

    `said` is how the agencies know them, latest first. `targets` are short keys of events that another corrects or
    takes back; `contested` the sessions (`school/date/AM`) that more than one event speaks of.
    """

    person: PersonId
    said: PersonAsKnown | None = None
    said_at: datetime | None = None
    entries: dict[ItemId, Entry] = {}
    books: dict[str, Book] = {}
    targets: set[bytes] = set()
    contested: set[str] = set()
    born: date | None = None  # the latest that was said, even where what was said later gives none
    born_at: datetime | None = None


class Sent(msgspec.Struct, frozen=True, gc=False):
    """An alert as it was last sent, so that it is not sent again and can be changed or withdrawn.

    `digest` is empty while it waits to leave and is decided again (streams/again.py).
    """

    id: str
    rule: str
    scope: str
    episode: int
    revision: int
    level: str
    digest: str
    recipient: str
    subscriber: str
    clearance: str
    status: str  # open | withdrawn
    raised_at: datetime
    changed_at: datetime
    until: date = date.max  # first day on which it falls away by time alone


class Family(msgspec.Struct, gc=False):
    """One family's whole state.

    `gone`: persons whose section moved to another family, and at which version. `copies`: the families that have a
    copy of a person's section, so that a part of it that comes here late goes on to them.
    """

    family: FamilyId
    members: Members | None = None
    sections: dict[PersonId, Section] = {}
    alerts: dict[str, Sent] = {}
    gone: dict[PersonId, tuple[FamilyId, int]] = {}
    copies: dict[PersonId, dict[FamilyId, int]] = {}
    register_version: str = ""
    as_of: datetime | None = None
    next_on: date | None = None
    sealed_as_of: datetime | None = None  # up to when the sealed layer is worked out, where that is later
    sealed_next_on: date | None = None
    place: int = -1  # offset of its last record; not of one that tells only those cleared for it
    restless: bool = False  # something that the rules may read has changed in this batch; not stored
    stirred: bool = False  # the same of the sealed layer; not stored
    erased: set[PersonId] = set()  # whose key was destroyed: tombstones
    changed: set[PersonId] = set()  # sections touched since they were last sealed; not stored
    sealed: dict[PersonId, tuple[int, bytes]] = {}  # each section as last sealed
    register: Register = msgspec.field(default_factory=Register)  # worked out from the entries; not stored


def section_of(family: Family, person: PersonId) -> Section:
    """Return the person's section, made when there is none."""
    section = family.sections.get(person)
    if section is None:
        section = family.sections[person] = Section(person)
    family.changed.add(person)
    return section


def same_people(family: Family) -> dict[PersonId, PersonId]:
    """Who was minted twice: every member's id → the id that they are shown under."""
    members = family.members.members if family.members else ()
    return {m.person: m.same_as or m.person for m in members}


def names_of(family: Family, person: PersonId) -> tuple[PersonId, ...]:
    """Every id of the one person that `person` is."""
    same = same_people(family)
    one = same.get(person, person)
    return (one, *(p for p, shown in same.items() if shown == one and p != one))


def members_of(family: Family) -> frozenset[PersonId]:
    """Everyone who is, as far as the hub openly knows, of this family: nobody else is told of in its record."""
    stated = {m.person for m in family.members.members} if family.members else set()
    return frozenset(stated | {person for person, section in family.sections.items() if known_openly(section)})


def known_openly(section: Section) -> bool:
    """Whether anything but sealed items makes the person known here."""
    return bool(section.books) or any(sealed.in_layer(entry.facts, False) for entry in section.entries.values())


def on_day(instant: datetime) -> date:
    """The date in Europe/London."""
    return instant.astimezone(LONDON).date()


def effective(entries: Iterable[Entry], same: Mapping[PersonId, PersonId] | None = None) -> list[Entry]:
    """Return the entries that stand: those that no standing entry corrects or takes back, without retractions.

    Of several standing corrections of one event the last recorded stands (then the greatest key). Cycles stand down.
    `same` tells who was minted twice: an event and its correction may name one person by two ids.
    """
    shown = same or {}
    everything = sorted(entries, key=lambda e: (e.facts.recorded_at, e.event))
    by_target: dict[bytes, list[Entry]] = {}
    for entry in everything:
        target = entry.facts.corrects or entry.facts.retracts
        if target is not None:
            by_target.setdefault(short(target), []).append(entry)
    if not by_target:
        return everything
    verdicts: dict[ItemId, bool] = {}

    def stands(entry: Entry, path: frozenset[ItemId]) -> bool:
        if entry.item in verdicts:
            return verdicts[entry.item]
        if entry.item in path:
            return False
        below = path | {entry.item}
        named = short(entry.facts.known_as or entry.event)
        menders = [m for m in by_target.get(named, ()) if _same_person(m, entry, shown)]
        verdict = not any(stands(mender, below) for mender in menders)
        if verdict and entry.facts.corrects:
            rivals = [r for r in by_target[short(entry.facts.corrects)] if _same_person(r, entry, shown)]
            later = rivals[rivals.index(entry) + 1 :]
            verdict = not any(stands(rival, below) for rival in later)
        if not path:
            verdicts[entry.item] = verdict
        return verdict

    return [e for e in everything if stands(e, frozenset()) and not e.facts.retracts]


def _same_person(one: Entry, other: Entry, same: Mapping[PersonId, PersonId]) -> bool:
    first, second = (PersonId(entry.item.partition(".")[2]) for entry in (one, other))
    return same.get(first, first) == same.get(second, second)
