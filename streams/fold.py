"""How one item is folded into a family's state. The result is a function of the set of items, whatever their order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import msgspec

from schemas.ids import EventKey, PersonId, item_id
from schemas.records import Facts, Item
from streams import sealed
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
)  # fmt: skip
from streams.timeline import ATTENDANCE, LONDON, Entry, Family, Section, section_of

Blocks = Callable[[PersonId, int, str], Block]
"""Where attendance blocks are kept: (person, book number, month) → the block, to be changed in place."""


def take_item(family: Family, item: Item, facts: Facts, blocks: Blocks) -> Entry | Book | None:
    """Fold one item in. Return what now carries its link decision, or None when it was there before."""
    section = section_of(family, item.person)
    _remember_said(section, facts)
    family.register.learn(item.person, section.born)
    if facts.type == ATTENDANCE and sealed.contests(facts):
        return _take_attendance(section, item, facts, blocks)
    if item.id in section.entries:
        return None
    entry = Entry(item.id, item.event, msgspec.structs.replace(facts, said=None), item.received_at)
    section.entries[item.id] = entry
    return entry


def _remember_said(section: Section, facts: Facts) -> None:
    if facts.said is None or not sealed.names(facts):
        return
    at = section.said_at
    # of two that were recorded at one instant the greater text stands, whichever came first
    tied = facts.recorded_at == at and repr(facts.said) > repr(section.said)
    if at is None or facts.recorded_at > at or tied:
        section.said, section.said_at = facts.said, facts.recorded_at
    remember_birth(section, facts.said.birth_date, facts.recorded_at)


def remember_birth(section: Section, born: date | None, said_at: datetime | None) -> None:
    """Keep the birth date that was said last, by the day and then by what it is; saying none takes none away."""
    if born is None or said_at is None:
        return
    if section.born is None or section.born_at is None or (said_at, born) > (section.born_at, section.born):
        section.born, section.born_at = born, said_at


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
