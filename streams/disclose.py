"""A professional's look at a family: replayed from the record, decided item by item, and logged before it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from consent.decision import Decision
from consent.minimise import minimise
from schemas.ids import FamilyId, ItemId, PersonId
from schemas.people import KnownPractitioner
from schemas.records import Record
from streams import sealed
from streams.attendance import total
from streams.family import FamilyStage
from streams.family_state import Value
from streams.gate import Recipient
from streams.notice import Colleague, Named, named, with_name
from streams.recipients import as_recipient
from streams.risk.evaluate import evaluate
from streams.sight import Seen, book_facts, person_of, see
from streams.timeline import Entry, Family, members_of, on_day


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing on a timeline, with the ground on which this reader is shown it."""

    on: date
    what: str
    agency: str
    person: PersonId
    role: str
    ground: str
    decision: str
    item: ItemId = ItemId("")
    detail: dict[str, object] = {}
    signs: tuple[str, ...] = ()
    possible: int = 0
    absent: int = 0


class Standing(msgspec.Struct, frozen=True):
    """A combination that stands, for this reader."""

    rule: str
    title: str
    level: str
    scope: str
    prompt: str
    goes_away: str


class View(msgspec.Struct, frozen=True):
    """What one reader is shown of one family, on one day, for one purpose."""

    family: FamilyId
    purpose: str
    shown_at: datetime
    persons: tuple[Named, ...]
    lines: tuple[Line, ...]
    standing: tuple[Standing, ...]
    colleagues: tuple[Colleague, ...]


class InMemory:
    """A stage's state in a dictionary: for the pipeline in memory, and to replay one family for a look."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}

    def get(self, key: str) -> Value | None:
        return self.values.get(key)

    def put(self, key: str, value: Value) -> None:
        self.values[key] = value

    def keys(self) -> Iterable[str]:
        return self.values.keys()


def replay(stage: FamilyStage, family: FamilyId, records: list[Record], now: datetime) -> Family:
    """Return the family's state as of `now`, worked out anew from its records; what that would send is dropped."""
    state = InMemory()
    if records:
        stage.at_once(records, state)
    found = state.get(family)
    replayed = found if isinstance(found, Family) else Family(family)
    replayed.as_of = now
    for layer in (False, True):
        for _ in stage.linking.again(replayed, now, layer):
            pass
    return replayed


def look(
    stage: FamilyStage, family: Family, reader: KnownPractitioner, purpose: str, now: datetime
) -> tuple[list[Decision], View | None]:
    """Decide everything that `reader` may see, for the purpose they declare.

    Return the decisions, to be logged before the view is shown, and the view; None when nothing may be shown.
    """
    return show(stage, family, as_recipient(reader, family, stage.directory, on_day(now)), purpose, now)


def show(
    stage: FamilyStage, family: Family, to: Recipient, purpose: str, now: datetime
) -> tuple[list[Decision], View | None]:
    """Return the same as `look`, for a recipient who is resolved already."""
    on = on_day(now)
    seen = see(family, stage.linking.gate, to, on, purpose)
    decisions: list[Decision] = []
    lines = [_line(stage, family, seen, e, now, decisions) for e in seen.shown]
    lines += _attendance(stage, family, seen, now, decisions)
    if not any(sealed.openly(one.log) for one in decisions):
        decisions.append(stage.linking.nothing_shown(family, seen.recipient, purpose, now))
    if not lines:
        return decisions, None
    standing = [
        Standing(f.rule.id, f.rule.title, f.level, f.scope, f.rule.prompt, f.rule.goes_away)
        for f in evaluate(stage.rules, seen.sight)
    ]
    view = View(
        family=family.family,
        purpose=purpose,
        shown_at=now,
        persons=_persons(family, seen, decisions),
        lines=tuple(sorted(lines, key=lambda line: (line.on, line.what, line.item))),
        standing=tuple(standing),
        colleagues=stage.alerts.colleagues(family, seen),
    )
    return decisions, view


def _line(
    stage: FamilyStage, family: Family, seen: Seen, entry: Entry, now: datetime, decisions: list[Decision]
) -> Line:
    person = seen.sight.same.get(person_of(entry.item), person_of(entry.item))
    answer = seen.answers[entry.item]
    minimal = minimise(with_name(entry.facts, family, person), answer.ruling.removed, members_of(family))
    decision = stage.linking.gate.record(
        answer,
        stage="look",
        family=family.family,
        to=seen.recipient,
        items=(entry.item,),
        event=entry.event,
        subjects=(person,),
        register=family.register,
        place=family.place,
        at=now,
        cause=now.isoformat(),
        minimal=minimal,
    )
    decisions.append(decision)
    return Line(
        on=on_day(entry.facts.happened_at),
        what=entry.facts.type.rpartition(".")[2],
        agency=entry.facts.agency,
        person=person,
        role=entry.facts.role,
        ground="; ".join(p for p in (answer.ruling.gateway, answer.ruling.article_6, answer.ruling.condition) if p),
        decision=decision.id,
        item=entry.item,
        detail=minimal.facts.data,
        signs=minimal.facts.signs,
    )


def _attendance(
    stage: FamilyStage, family: Family, seen: Seen, now: datetime, decisions: list[Decision]
) -> list[Line]:
    lines = []
    for (person, school), weeks in sorted(seen.weeks.items()):
        answer = seen.books[(person, school)]
        known = [w for w, tally in weeks.items() if tally != (0, 0, 0)]
        if not known:
            continue
        possible, absent, _ = total(weeks.values())
        since = date.fromordinal(min(known)).isoformat()
        told = {"since": since, "possible": possible, "absent": absent}
        facts = with_name(msgspec.structs.replace(book_facts(seen.on), data=told), family, person)
        decision = stage.linking.gate.record(
            answer,
            stage="look",
            family=family.family,
            to=seen.recipient,
            items=(),
            event=None,
            subjects=(person,),
            register=family.register,
            place=family.place,
            at=now,
            cause=f"book.{person}.{school}.{now.isoformat()}",
            minimal=minimise(facts, answer.ruling.removed, members_of(family)),
        )
        decisions.append(decision)
        ground = "; ".join(p for p in (answer.ruling.gateway, answer.ruling.article_6) if p)
        lines.append(
            Line(
                on=min(date.fromordinal(max(known) + 4), seen.on),
                what="AttendanceRecorded",
                agency="school",
                person=person,
                role="subject",
                ground=ground,
                decision=decision.id,
                detail={"since": since},
                possible=possible,
                absent=absent,
            )
        )
    return lines


def _persons(family: Family, seen: Seen, decisions: list[Decision]) -> tuple[Named, ...]:
    roles = {m.person: m.role for m in family.members.members} if family.members else {}

    def role(person: PersonId) -> str:
        return roles.get(person, "child" if person in seen.children else "other-adult")

    return tuple(named(family, person, role(person), decisions) for person in sorted(seen.persons))
