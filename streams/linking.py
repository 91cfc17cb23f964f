"""The first decision, asked when an item arrives and again when a register changes: may the hub put it in the record.

What rests on an agreement is shared only while the agreement is in force, so that whatever the order in which items
and agreements arrived, the same items are linked in the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from consent.decision import Decision, Ruling
from consent.decision import Outcome as Verdict
from schemas.ids import EventKey, ItemId, PersonId
from schemas.records import Facts
from streams import sealed
from streams.attendance import Book
from streams.gate import COUNTS, HUB, Answer, Gate, Recipient
from streams.sight import book_facts
from streams.timeline import Entry, Family, names_of, on_day

BOOK = "book"  # in place of the event, in the decision on a whole book of attendance
HOLD_ENDED = Ruling(Verdict.WITHHOLD, ("hold-ended",), rationale="no agreement came within the time it is held for")


@dataclass(frozen=True)
class Linking:
    """Asks and asks again. Held items end after `hold_days`; a person is reminded `reminder_days` before."""

    gate: Gate
    hold_days: int = 90
    reminder_days: int = 14

    def arrive(
        self, family: Family, person: PersonId, facts: Facts, event: EventKey, carrier: Entry | Book, at: datetime
    ) -> Decision:
        """Decide on what has just been folded in. A book carries one answer for all its plain sessions."""
        on = on_day(at)
        answer = self.gate.link(facts, names_of(family, person), family.register, on)
        before = carrier.link
        if isinstance(carrier, Entry) or not carrier.ended:
            _settle(carrier, answer, on)
        if isinstance(carrier, Entry) or carrier.link != before:
            family.restless = family.restless or sealed.wakes(facts)
            family.stirred = True
        return self._record(family, person, event, answer, at, "", on)

    def again(self, family: Family, at: datetime, layer: bool = False) -> Iterator[Decision]:
        """Ask again for everything in the record, and return a decision for each answer that changed.

        `layer`: of the sealed items; else of everything but those.
        """
        on = on_day(at)
        for person, section in sorted(family.sections.items()):
            for entry in section.entries.values():
                if not sealed.in_layer(entry.facts, layer):
                    continue
                held_on = on_day(entry.received_at)
                if self._changed(family, person, entry, entry.facts, held_on, on):
                    family.changed.add(person)
                    answer = self._answer(family, person, entry, entry.facts, on)
                    yield self._record(family, person, entry.event, answer, at, f"again.{on}", held_on)
            for book in () if layer else section.books.values():
                facts, held_on = book_facts(on), book.held_since or on
                if self._changed(family, person, book, facts, held_on, on):
                    family.changed.add(person)
                    answer = self._answer(family, person, book, facts, on)
                    cause = f"book.{person}.{book.number}.{on}"
                    yield self._record(family, person, EventKey(""), answer, at, cause, held_on)

    def _changed(
        self, family: Family, person: PersonId, carrier: Entry | Book, facts: Facts, held_on: date, on: date
    ) -> bool:
        if carrier.ended:
            return False
        if carrier.link == Verdict.HOLD and held_on + timedelta(days=self.hold_days) <= on:
            carrier.ended, carrier.link = True, Verdict.WITHHOLD
            return True
        before = (carrier.link, carrier.rests_on)
        _settle(carrier, self.gate.link(facts, names_of(family, person), family.register, on), on)
        return (carrier.link, carrier.rests_on) != before

    def _answer(self, family: Family, person: PersonId, carrier: Entry | Book, facts: Facts, on: date) -> Answer:
        answer = self.gate.link(facts, names_of(family, person), family.register, on)
        return Answer(HOLD_ENDED, answer.request) if carrier.ended else answer

    def hold_ends(self, family: Family, layer: bool = False) -> set[date]:
        """Days on which a hold of this family ends: of the sealed items (`layer`), or of all others."""
        held: set[date] = set()
        for section in family.sections.values():
            own = (e for e in section.entries.values() if sealed.in_layer(e.facts, layer))
            held |= {on_day(e.received_at) for e in own if e.link == Verdict.HOLD}
            if layer:
                continue
            held |= {b.held_since for b in section.books.values() if b.link == Verdict.HOLD and b.held_since}
        return {since + timedelta(days=self.hold_days) for since in held}

    def timers(self, family: Family, layer: bool = False) -> set[date]:
        """Days on which a hold ends, and those on which somebody must be reminded of it."""
        ends = self.hold_ends(family, layer)
        return ends | {day - timedelta(days=self.reminder_days) for day in ends}

    def ends_soon(self, family: Family, on: date, layer: bool = False) -> date | None:
        """The next end of a hold that somebody should be reminded of by now, if there is one."""
        soon = on + timedelta(days=self.reminder_days)
        return min((day for day in self.hold_ends(family, layer) if on < day <= soon), default=None)

    def nothing_shown(self, family: Family, to: Recipient, purpose: str, at: datetime) -> Decision:
        """The record of a look that showed nothing, or nothing but what is sealed."""
        facts = book_facts(on_day(at))
        answer = self.gate.disclose(facts, (PersonId(""),), family.register, on_day(at), to, purpose)
        refused = msgspec.structs.replace(answer.ruling, outcome=Verdict.WITHHOLD)
        return self.gate.record(
            msgspec.structs.replace(answer, ruling=refused),
            stage="look",
            family=family.family,
            to=to,
            items=(),
            event=None,
            subjects=(),
            register=family.register,
            place=family.place,
            at=at,
            cause=at.isoformat(),
        )

    def _record(
        self, family: Family, person: PersonId, event: EventKey, answer: Answer, at: datetime, cause: str, held_on: date
    ) -> Decision:
        held = answer.ruling.outcome is Verdict.HOLD
        return self.gate.record(
            answer,
            stage="link",
            family=family.family,
            to=HUB,
            items=(ItemId(f"{event or BOOK}.{person}"),),
            event=event or None,
            subjects=(person,),
            register=family.register,
            place=family.place,
            at=at,
            cause=cause,
            ends_on=held_on + timedelta(days=self.hold_days) if held else None,
        )


def _settle(carrier: Entry | Book, answer: Answer, on: date) -> None:
    carrier.link = answer.ruling.outcome
    counts = answer.request.agreement == "in-force" and answer.request.competence in COUNTS
    in_force = answer.ruling.outcome is Verdict.SHARE and counts
    carrier.rests_on = answer.agreement if in_force else ""
    if isinstance(carrier, Book):
        held = answer.ruling.outcome is Verdict.HOLD
        carrier.held_since = (carrier.held_since or on) if held else None
