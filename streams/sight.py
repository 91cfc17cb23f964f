"""What one recipient may see of a family on a day: the second decision, asked for everything in the record.

Combinations are worked out from this and from nothing else, so an alert can hold nothing that its recipient may not
see, and nothing can be guessed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from consent.decision import Outcome as Verdict
from schemas.ids import ItemId, PersonId
from schemas.records import Facts
from streams import sealed
from streams.attendance import Tally
from streams.gate import Answer, Gate, Recipient
from streams.risk.evaluate import Evidence, Sight, weeks_of
from streams.timeline import ATTENDANCE, LONDON, Entry, Family, effective, names_of, on_day, same_people


class Seen(msgspec.Struct):
    """A recipient's view: the answers by item, and by (child, school) for attendance, and the sight for the rules."""

    recipient: Recipient
    on: date
    sight: Sight
    entries: dict[ItemId, Entry]
    answers: dict[ItemId, Answer]
    books: dict[tuple[PersonId, str], Answer]
    persons: set[PersonId]  # in whose section something may be seen
    children: frozenset[PersonId]
    workers: set[str]  # practitioners whose involvement may be known
    shown: list[Entry]  # for a timeline: the open items that stand openly, and the sealed ones that stand
    weeks: dict[tuple[PersonId, str], dict[int, Tally]]  # for a timeline: of open marks alone

    def answer_about(self, person: PersonId) -> Answer:
        """Return an answer that let something about a person be seen, the openest first; one of `persons` has one."""
        items = sorted(i for i in self.entries if self.sight.same.get(person_of(i), person_of(i)) == person)
        books = [self.books[place] for place in sorted(self.books) if place[0] == person]
        return min((*(self.answers[i] for i in items), *books), key=lambda a: len(a.ruling.removed))

    def answer_for(self, evidence: Evidence) -> tuple[Answer, Facts]:
        """Return the answer that let this evidence be seen, and its facts."""
        if evidence.item and evidence.item in self.answers:
            return self.answers[evidence.item], self.entries[evidence.item].facts
        return self.books[(evidence.person, evidence.school)], book_facts(evidence.on)


def book_facts(on: date) -> Facts:
    """The facts that attendance marks share: what the policies are asked about for a whole book."""
    at = _midnight(on)
    return Facts(
        type=ATTENDANCE,
        agency="school",
        source="",
        digest="",
        happened_at=at,
        recorded_at=at,
        role="subject",
        category="attendance",
        purpose="early-help",
    )


def _midnight(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=LONDON)


def children_of(family: Family) -> frozenset[PersonId]:
    """The family's children: as stated; everyone with a school or child's record where nothing is stated yet."""
    if family.members and family.members.members:
        members = [m for m in family.members.members if m.role in ("child", "sibling")]
        return frozenset(m.same_as or m.person for m in members)
    return frozenset(p for p, s in family.sections.items() if s.books)


def see(family: Family, gate: Gate, to: Recipient, on: date, purpose: str = "") -> Seen:
    """Ask the second decision for everything in the record, and return what `to` may see."""
    left = {m.person: m.until for m in family.members.members if m.until} if family.members else {}
    entries: dict[ItemId, Entry] = {}
    answers: dict[ItemId, Answer] = {}
    books: dict[tuple[PersonId, str], Answer] = {}
    weeks: dict[tuple[PersonId, str], dict[int, Tally]] = {}
    same = same_people(family)
    for own, section in sorted(family.sections.items()):
        person, names = same.get(own, own), names_of(family, own)
        for entry in section.entries.values():
            if own in left and on_day(entry.facts.happened_at) >= left[own]:
                continue
            answer = gate.disclose(entry.facts, names, family.register, on, to, purpose)
            if entry.link == Verdict.SHARE and answer.ruling.outcome is Verdict.SHARE:
                entries[entry.item], answers[entry.item] = entry, answer
        for school, book in section.books.items():
            answer = gate.disclose(book_facts(on), names, family.register, on, to, purpose)
            if book.link == Verdict.SHARE and answer.ruling.outcome is Verdict.SHARE:
                books[(person, school)] = answer
                _add(weeks.setdefault((person, school), {}), book.weeks)
    standing = effective(entries.values(), same)
    marks = [e for e in standing if e.facts.type == ATTENDANCE]
    openly = effective((e for e in entries.values() if sealed.in_layer(e.facts, False)), same)
    open_weeks = {place: dict(tallies) for place, tallies in weeks.items()}
    _add_marks(open_weeks, openly, same)
    _add_marks(weeks, standing, same)
    for place in weeks_of(marks, same):
        books.setdefault(place, answers[_mark_of(place, marks, same)])
    children = children_of(family)
    others = [e for e in standing if e.facts.type != ATTENDANCE]
    return Seen(
        recipient=to,
        on=on,
        sight=Sight(family.family, on, others, weeks, children, same),
        entries=entries,
        answers=answers,
        books=books,
        persons={same.get(p, p) for p in map(person_of, entries)} | {p for p, _ in books},
        children=children,
        shown=_shown(openly, standing),
        weeks=open_weeks,
        workers=_workers(standing, answers),
    )


def _shown(openly: list[Entry], standing: list[Entry]) -> list[Entry]:
    """A sealed correction takes nothing from the open record: whoever is cleared sees both.

    Else the record of what they were shown would tell. Open marks are shown by the book, sealed ones each.
    """
    layer = [e for e in standing if sealed.in_layer(e.facts, True)]
    return [e for e in openly if e.facts.type != ATTENDANCE] + layer


def _workers(standing: list[Entry], answers: dict[ItemId, Answer]) -> set[str]:
    """Who may be known to work with the family: a shielded worker's team and telephone would tell a place."""
    field = "practitioner_id"
    involved = (e for e in standing if e.facts.category == "involvement")
    told = (e for e in involved if f"data.{field}" not in answers[e.item].ruling.removed)
    return {str(e.facts.data.get(field, "")) for e in told}


def _mark_of(place: tuple[PersonId, str], marks: list[Entry], same: Mapping[PersonId, PersonId]) -> ItemId:
    """The mark whose answer serves for a book that has none of its own."""
    of_place = (e for e in marks if next(iter(weeks_of([e], same))) == place)
    return min(of_place, key=lambda e: (sealed.in_layer(e.facts, True), e.item)).item


def person_of(item: ItemId) -> PersonId:
    """The person that an item is about, by the id that it came under."""
    return PersonId(item.partition(".")[2])


def _add_marks(
    into: dict[tuple[PersonId, str], dict[int, Tally]], entries: list[Entry], same: Mapping[PersonId, PersonId]
) -> None:
    for place, tallies in weeks_of((e for e in entries if e.facts.type == ATTENDANCE), same).items():
        _add(into.setdefault(place, {}), tallies)


def _add(into: dict[int, Tally], tallies: dict[int, Tally]) -> None:
    for week, (p, a, u) in tallies.items():
        was = into.get(week, (0, 0, 0))
        into[week] = (was[0] + p, was[1] + a, was[2] + u)
