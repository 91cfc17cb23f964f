"""What a recipient reads, and how its parts are put into words: made anew, from what they may see, for each of them."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from consent.decision import Decision
from schemas.ids import FamilyId, ItemId, PersonId
from schemas.records import Facts
from streams.gate import Answer, Recipient
from streams.risk.evaluate import Evidence
from streams.sight import Seen
from streams.timeline import Family


class Named(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person of the family, as far as the recipient may know them."""

    person: PersonId
    role: str
    name: str = ""
    birth_date: date | None = None


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact that an alert rests on, with the ground on which the recipient is told it."""

    what: str
    on: date
    agency: str
    person: PersonId
    ground: str
    decision: str
    item: ItemId = ItemId("")
    role: str = ""
    detail: dict[str, object] = {}
    absent: int = 0
    possible: int = 0


class Colleague(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who else works with the family, and how to reach them."""

    role: str
    agency: str
    team: str
    service: str = ""
    lead: bool = False
    name: str = ""
    phone: str = ""
    email: str = ""


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the recipient reads. A prompt to a professional: it refers nobody and scores nobody."""

    id: str
    revision: int
    status: str  # open | withdrawn
    rule: str
    rule_version: int
    level: str
    title: str
    family: FamilyId
    recipient: str
    why_you: str
    raised_at: datetime
    changed_at: datetime
    prompt: str = ""
    source: str = ""
    grade: str = ""
    about: tuple[Named, ...] = ()
    reasons: tuple[Reason, ...] = ()
    strengths: tuple[Reason, ...] = ()
    colleagues: tuple[Colleague, ...] = ()
    goes_away: str = ""
    until: date | None = None


class AlertRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hub's own record of a send: pseudonyms only; the words are made anew for each reader (topic `alerts`)."""

    id: str
    revision: int
    status: str
    rule: str
    level: str
    family: FamilyId
    scope: str
    recipient: str
    subscriber: str
    clearance: str
    raised_at: datetime
    changed_at: datetime
    decisions: tuple[str, ...] = ()
    items: tuple[ItemId, ...] = ()
    until: date | None = None


decode_alert = msgspec.json.Decoder(Alert).decode
decode_alert_record = msgspec.json.Decoder(AlertRecord).decode


def reason(evidence: Evidence, facts: Facts, answer: Answer, decision: Decision) -> Reason:
    """Put one piece of evidence into words; `facts` are what is left for this recipient."""
    ground = "; ".join(p for p in (answer.ruling.gateway, answer.ruling.article_6, answer.ruling.condition) if p)
    return Reason(
        what=evidence.what,
        on=evidence.on,
        agency=evidence.agency,
        person=evidence.person,
        ground=ground,
        decision=decision.id,
        item=evidence.item,
        role=evidence.role,
        detail=facts.data if evidence.item else {},
        absent=evidence.absent,
        possible=evidence.possible,
    )


def latest(strengths: tuple[Evidence, ...]) -> list[Evidence]:
    """One of each strength, the latest; the event's type is left out where its sign says it already."""
    by_what: dict[tuple[str, PersonId], Evidence] = {}
    for strength in sorted(strengths, key=lambda e: (e.on, e.item)):
        if strength.what != "StrengthObserved":
            by_what[(strength.what, strength.person)] = strength
    return list(by_what.values())


def about(family: Family, persons: set[PersonId], seen: Seen) -> tuple[Named, ...]:
    """Name those whom the alert is about, and the children; nobody else of the family."""
    roles = {m.person: m.role for m in family.members.members} if family.members else {}
    named: list[Named] = []
    for person in sorted(persons | seen.children):
        section = family.sections.get(person)
        said = section.said if section and person in seen.persons else None
        name = f"{said.given_names or ''} {said.family_name or ''}".strip() if said else ""
        named.append(Named(person, roles.get(person, "child"), name, said.birth_date if said else None))
    return tuple(named)


def why(to: Recipient) -> str:
    if to.role == "duty-worker":
        return "no lead professional could be told: this is for the duty queue"
    return "you are the family's lead professional"
