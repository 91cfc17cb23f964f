"""A family's state, and how one item is folded into it. The result is a function of the set of items.

A family is sections, one per person, so that a wrong merge can be undone and a person erased: each section is sealed
under its person's key wherever it is stored (streams/family_state.py). Registers are worked out from the entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from consent.register import Register
from schemas.ids import EventKey, FamilyId, ItemId, PersonId, item_id
from schemas.records import Facts, Item, Members, PersonAsKnown
from streams.attendance import (
    Block,
    Book,
    Mark,
    find_mark,
    has_slot,
    mark_at,
    month_of,
    put_mark,
    short,
    shortened,
    take_mark,
)

LONDON = ZoneInfo("Europe/London")  # school days and legal dates are London's (design §2.1)
ATTENDANCE = "hearth.school.AttendanceRecorded"


class Entry(msgspec.Struct):
    """One item in a section, with the last link decision on it. `ended`: its hold ran out, and nothing releases it."""

    item: ItemId
    event: EventKey
    facts: Facts
    received_at: datetime
    link: str = ""
    rests_on: str = ""
    ended: bool = False


class Section(msgspec.Struct):
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


class Sent(msgspec.Struct, frozen=True):
    """An alert as it was last sent, so that it is not sent again and can be changed or withdrawn."""

    id: str
    rule: str
    scope: str
    episode: int
    revision: int
    level: str
    digest: str
    recipient: str
    status: str  # open | withdrawn
    raised_at: datetime
    changed_at: datetime
    until: date = date.max  # first day on which it falls away by time alone


class Family(msgspec.Struct):
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
    restless: bool = False  # something that the rules may read has changed in this batch; not stored
    erased: set[PersonId] = set()  # whose key was destroyed: tombstones
    changed: set[PersonId] = set()  # sections touched since they were last sealed; not stored
    sealed: dict[PersonId, tuple[int, bytes]] = {}  # each section as last sealed
    register: Register = msgspec.field(default_factory=Register)  # worked out from the entries; not stored


Blocks = Callable[[PersonId, int, str], Block]
"""Where attendance blocks are kept: (person, book number, month) → the block, to be changed in place."""


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
    """Everyone who is, as far as the hub knows, of this family: nobody else is told of in its record."""
    stated = {m.person for m in family.members.members} if family.members else set()
    return frozenset(stated | family.sections.keys())


def on_day(instant: datetime) -> date:
    """The date in Europe/London."""
    return instant.astimezone(LONDON).date()


def take_item(family: Family, item: Item, facts: Facts, blocks: Blocks) -> Entry | Book | None:
    """Fold one item in. Return what now carries its link decision, or None when it was there before."""
    section = section_of(family, item.person)
    _remember_said(section, facts)
    if facts.type == ATTENDANCE:
        return _take_attendance(section, item, facts, blocks)
    if item.id in section.entries:
        return None
    entry = Entry(item.id, item.event, msgspec.structs.replace(facts, said=None), item.received_at)
    section.entries[item.id] = entry
    return entry


def _remember_said(section: Section, facts: Facts) -> None:
    if facts.said is None:
        return
    newest = section.said_at is None or (facts.recorded_at, repr(facts.said)) > (section.said_at, repr(section.said))
    if newest:
        section.said, section.said_at = facts.said, facts.recorded_at


def book_of(section: Section, establishment: str) -> Book:
    """Return the child's book at this school, made when there is none."""
    book = section.books.get(establishment)
    if book is None:
        book = section.books[establishment] = Book(number=len(section.books))
    return book


def _take_attendance(section: Section, item: Item, facts: Facts, blocks: Blocks) -> Entry | Book | None:
    on = date.fromisoformat(facts.data["session_date"])
    session, school = str(facts.data["session"]), str(facts.data["establishment"])
    book = book_of(section, school)
    place = f"{school}/{on.isoformat()}/{session}"
    if _is_plain(section, item, facts, place) and has_slot(on):
        block = blocks(section.person, book.number, month_of(on))
        there = mark_at(block, on, session)
        if there is None:
            recorded = int(facts.recorded_at.timestamp())
            put_mark(book, block, Mark(on, session, str(facts.data["code"]), recorded, item.event))
            return book
        if there.event == shortened(item.event):
            return None
    return _contest(section, book, item, facts, place, blocks)


def _is_plain(section: Section, item: Item, facts: Facts, place: str) -> bool:
    mends = facts.corrects or facts.retracts
    usual = facts.tier == "normal" and facts.ground is None and facts.purpose in ("", "early-help")
    return usual and not mends and place not in section.contested and short(item.event) not in section.targets


def _contest(section: Section, book: Book, item: Item, facts: Facts, place: str, blocks: Blocks) -> Entry | None:
    """Keep this event as an entry, and move what the slots hold of the same session, or of its target, beside it."""
    entry = _attendance_entry(section.person, shortened(item.event), facts, item.received_at)
    if entry.item in section.entries:
        return None
    section.entries[entry.item] = entry
    section.contested.add(place)
    on = date.fromisoformat(facts.data["session_date"])
    block = blocks(section.person, book.number, month_of(on))
    there = mark_at(block, on, str(facts.data["session"]))
    if there is not None:
        _move_out(section, book, str(facts.data["establishment"]), block, there, item.received_at)
    target = facts.corrects or facts.retracts
    if target is not None:
        section.targets.add(short(target))
        _move_target(section, target, blocks, item.received_at)
    return entry


def _move_target(section: Section, target: EventKey, blocks: Blocks, received_at: datetime) -> None:
    for school, book in section.books.items():
        for month in book.months:
            block = blocks(section.person, book.number, month)
            mark = find_mark(block, month, target)
            if mark is not None:
                section.contested.add(f"{school}/{mark.on.isoformat()}/{mark.session}")
                _move_out(section, book, school, block, mark, received_at)
                return


def _move_out(section: Section, book: Book, school: str, block: Block, mark: Mark, received_at: datetime) -> None:
    take_mark(book, block, mark)
    entry = entry_of_mark(section.person, school, mark, received_at)
    entry.link, entry.rests_on, entry.ended = book.link, book.rests_on, book.ended
    section.entries[entry.item] = entry


def entry_of_mark(person: PersonId, school: str, mark: Mark, received_at: datetime) -> Entry:
    """Return the entry that a slot's mark would have been."""
    recorded = datetime.fromtimestamp(mark.recorded_at, LONDON)
    facts = Facts(
        type=ATTENDANCE,
        agency="school",
        source="",
        digest="",
        happened_at=recorded,
        recorded_at=recorded,
        role="subject",
        category="attendance",
        purpose="early-help",
        data={
            "session_date": mark.on.isoformat(),
            "session": mark.session,
            "code": mark.code,
            "establishment": school,
        },
    )
    return _attendance_entry(person, mark.event, facts, received_at)


def _attendance_entry(person: PersonId, event: EventKey, facts: Facts, received_at: datetime) -> Entry:
    """An entry that looks the same whether its event went through a slot or not."""
    day = date.fromisoformat(facts.data["session_date"])
    plain = msgspec.structs.replace(
        facts,
        source="",
        digest="",
        said=None,
        purpose=facts.purpose or "early-help",
        happened_at=datetime(day.year, day.month, day.day, tzinfo=LONDON),
        recorded_at=datetime.fromtimestamp(int(facts.recorded_at.timestamp()), LONDON),
    )
    return Entry(item_id(event, person), event, plain, received_at)


def effective(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that stand: those that no standing entry corrects or takes back, without retractions.

    Of several standing corrections of one event the last recorded stands (then the greatest key). Cycles stand down.
    """
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
        menders = [m for m in by_target.get(short(entry.event), ()) if _same_person(m, entry)]
        verdict = not any(stands(mender, below) for mender in menders)
        if verdict and entry.facts.corrects:
            rivals = [r for r in by_target[short(entry.facts.corrects)] if _same_person(r, entry)]
            later = rivals[rivals.index(entry) + 1 :]
            verdict = not any(stands(rival, below) for rival in later)
        if not path:
            verdicts[entry.item] = verdict
        return verdict

    return [e for e in everything if stands(e, frozenset()) and not e.facts.retracts]


def _same_person(one: Entry, other: Entry) -> bool:
    return one.item.partition(".")[2] == other.item.partition(".")[2]
