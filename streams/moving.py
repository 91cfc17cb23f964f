"""A person's section moves, or is copied, to another family: copy then remove, item by item, by id.

So a wrong merge can be undone: membership changes, sections move, and both timelines come back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from consent.seal import seal, unseal
from schemas import records
from schemas.errors import Unsealable
from schemas.ids import FamilyId, PersonId
from schemas.records import Erased, Item, Section, SendSection
from streams import sealed as sealed_layer
from streams import topology
from streams.attendance import Block, Mark, mark_at
from streams.family_state import Moved, Value, pack_moved, unpack_moved
from streams.fold import Blocks, book_of, entry_of_mark, remember_birth, take_item
from streams.outcome import Emit, State
from streams.timeline import Entry, Family, members_of, section_of
from streams.timeline import Section as PersonSection

DataKey = Callable[..., tuple[int, bytes]]


def send_section(
    ask: SendSection, family: Family, blocks: Blocks, data_key: DataKey, entropy: Callable[[int], bytes]
) -> list[Emit]:
    """Return the copy of a person's section for the family that asks; drop it here when the person has moved."""
    gone = family.gone.get(ask.person)
    if gone is not None and gone[1] >= ask.version:
        return []
    section = family.sections.get(ask.person)
    if ask.remove:
        family.gone[ask.person] = (ask.to, ask.version)
        family.restless, family.stirred, family.register_version = True, True, ""
    else:
        family.copies.setdefault(ask.person, {})[ask.to] = ask.version
    if section is None:
        return []
    slots = {
        f"{book.number}/{month}": dict(blocks(ask.person, book.number, month).slots)
        for book in section.books.values()
        for month in book.months
    }
    try:
        version, _ = data_key(ask.person)
    except Unsealable:
        return []
    moved = Section(family.family, ask.person, family.family, ask.version, version, b"", ask.received_at)
    if ask.remove:
        _drop(family, ask.person, blocks)
    return [_onward(moved, Moved(section, slots), ask.to, ask.version, data_key, entropy)]


def _onward(
    moved: Section, content: Moved, to: FamilyId, version: int, data_key: DataKey, entropy: Callable[[int], bytes]
) -> Emit:
    """Seal a section to the family that it goes to."""
    _, key = data_key(moved.person, moved.key_version)
    sealed = seal(key, entropy(12), pack_moved(content), _label(moved.person, to, moved.key_version))
    sent = msgspec.structs.replace(moved, family=to, came_from=moved.family, version=version, sealed=sealed)
    return Emit(topology.FAMILY_ITEMS, to, records.encode(sent))


def _drop(family: Family, person: PersonId, blocks: Blocks) -> None:
    section = family.sections.pop(person)
    family.sealed.pop(person, None)
    for book in section.books.values():
        for month in book.months:
            blocks(person, book.number, month).slots.clear()
    family.register.forget(person)


def erase_section(ask: Erased, family: Family, blocks: Blocks) -> None:
    """Drop the section of a person whose record has ended, and what was worked out from it.

    Every alert that stands is told anew: its words may name them, whatever it rests on, and the topic keeps the last
    alone (agents/adapters/topics.py). Once, though what ends a record is said twice.
    """
    if ask.person not in family.erased or ask.person in family.sections:
        _tell_anew(family, ask.person)
    if ask.person in family.sections:
        _drop(family, ask.person, blocks)
    family.sealed.pop(ask.person, None)
    family.copies.pop(ask.person, None)
    family.erased.add(ask.person)
    family.restless, family.register_version = True, ""


def _tell_anew(family: Family, gone: PersonId) -> None:
    """Have every alert that stands told in words of now; who is known by sealed items alone is in sealed words only."""
    section = family.sections.get(gone)
    openly = gone in members_of(family) or gone in family.gone
    if section is not None:
        openly |= bool(section.books) or not all(sealed_layer.is_sealed(e.facts) for e in section.entries.values())
    for key, sent in family.alerts.items():
        if sent.status == "open" and (openly or sent.clearance == sealed_layer.SEALED):
            family.alerts[key] = msgspec.structs.replace(sent, digest=f"without {gone}")


def receive_section(
    moved: Section, family: Family, blocks: Blocks, data_key: DataKey, entropy: Callable[[int], bytes]
) -> list[Emit]:
    """Fold a copied section in, item by item; what is there already stays. Return what must go on elsewhere."""
    try:
        _, key = data_key(moved.person, moved.key_version)
        content = unpack_moved(unseal(key, moved.sealed, _label(moved.person, moved.family, moved.key_version)))
    except Unsealable:
        family.erased.add(moved.person)
        return []
    gone = family.gone.get(moved.person)
    if gone is not None and gone[1] < moved.version:
        del family.gone[moved.person]
    elif gone is not None:  # it has left again in the meantime: what comes behind it goes after it
        return [_onward(moved, content, *gone, data_key, entropy)]
    section = section_of(family, moved.person)
    _adopt_said(section, content.section)
    family.register.learn(moved.person, section.born)
    new = [entry.facts for entry in content.section.entries.values() if _adopt(family, moved, entry, blocks)]
    for school, book in content.section.books.items():
        book_of(section, school)
        for month in book.months:
            for mark in _marks(moved.person, content.blocks.get(f"{book.number}/{month}", {}), month):
                entry = entry_of_mark(moved.person, school, mark, moved.received_at)
                new += [entry.facts] if _adopt(family, moved, entry, blocks) else []
    if any(sealed_layer.wakes(facts) for facts in new):
        family.restless, family.register_version = True, ""
    family.stirred = family.stirred or bool(new)
    if not new:  # nothing that was not known here: nobody else needs it either
        return []
    copies = family.copies.get(moved.person, {}).items()
    return [_onward(moved, content, to, version, data_key, entropy) for to, version in copies if to != moved.came_from]


def _adopt_said(section: PersonSection, other: PersonSection) -> None:
    if other.said is not None and (section.said_at is None or (other.said_at or section.said_at) > section.said_at):
        section.said, section.said_at = other.said, other.said_at
    remember_birth(section, other.born, other.born_at)


def _adopt(family: Family, moved: Section, entry: Entry, blocks: Blocks) -> bool:
    """Fold one entry in; say whether it was new."""
    item = Item(entry.item, entry.event, moved.person, family.family, entry.received_at, moved.key_version, b"")
    carrier = take_item(family, item, entry.facts, blocks)
    if isinstance(carrier, Entry) and sealed_layer.registers(entry.facts):
        family.register.apply(carrier.facts, carrier.item, carrier.received_at)
    return carrier is not None


def _marks(person: PersonId, slots: dict[int, bytes], month: str) -> list[Mark]:
    block = Block(person, "", slots)
    found = []
    for place in slots:
        on = date(int(month[:4]), int(month[5:]), place // 2)
        mark = mark_at(block, on, "PM" if place % 2 else "AM")
        if mark is not None:
            found.append(mark)
    return found


def _label(person: PersonId, to: str, version: int) -> bytes:
    return f"hearth.moved|{person}|{to}|{version}".encode()


def block_of(state: State[Value], family: Family, person: PersonId, number: int, month: str) -> Block:
    """Return an attendance block to be changed in place, marked to be written."""
    name = f"{family.family}/{person}/{number}/{month}"
    found = state.get(name)
    block = found if isinstance(found, Block) else Block(person, name)
    state.put(name, block)
    return block
