"""What a recipient reads, and how its parts are put into words: made anew, from what they may see, for each of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from consent.decision import Decision
from schemas.ids import FamilyId, ItemId, PersonId
from schemas.records import Facts, PersonAsKnown
from streams.gate import Answer, Recipient
from streams.risk.evaluate import Evidence
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


def with_name(facts: Facts, family: Family, person: PersonId) -> Facts:
    """Return facts with the name and birth date that a person is shown under: told, or taken out, like any field."""
    known = _known(family, person)
    return msgspec.structs.replace(facts, said=known) if known is not None else facts


def named(family: Family, person: PersonId, role: str, decisions: Iterable[Decision]) -> Named:
    """Return a person as far as these decisions let them be known: no name that none of them released."""
    known = _known(family, person)
    if known is None:
        return Named(person, role)
    told = {field for one in decisions if person in one.subjects for field in one.released}
    parts = (("said.given_names", known.given_names), ("said.family_name", known.family_name))
    name = " ".join(part for field, part in parts if part and field in told)
    return Named(person, role, name, known.birth_date if "said.birth_date" in told else None)


def _known(family: Family, person: PersonId) -> PersonAsKnown | None:
    section = family.sections.get(person)
    said = section.said if section is not None else None
    if said is None:
        return None
    return PersonAsKnown("", (), said.family_name, said.given_names, said.birth_date)


def why(to: Recipient) -> str:
    if to.role == "duty-worker":
        return "no lead professional could be told: this is for the duty queue"
    return "you are the family's lead professional"
