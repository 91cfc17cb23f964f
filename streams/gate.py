"""May this item join this family's record, and may this person see it now: the two questions, put to the policies.

Everything that depends on time and on people is resolved here, from the family's registers, into the small tuple of
states that the policies read (consent/request.py). The answer comes back as a `Ruling`; its record goes to the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import msgspec

from consent.agreement_competence import Heard
from consent.days import london_day
from consent.decision import Decision, Outcome, Ruling, record
from consent.engine import Engine, refer
from consent.ground_rules import ground_rules
from consent.grounds import NO_GROUND, Claimed, OpenGround, stronger
from consent.judgements import TOLD, About, Finding
from consent.minimise import Minimised
from consent.register import Register
from consent.request import Request
from consent.sharing import sensitivity, sharing_agreement_state, under
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.records import Facts
from streams import sealed

T = TypeVar("T")
Persons = tuple[PersonId, ...]
"""Every id of the one person that an item is about: more than one where they were minted twice."""
_BODIES = {
    "hub": "hub",
    "probation-officer": "probation",
    "social-care": "local-authority",
    "police": "police",
    "health": "nhs",
    "school": "school",
}
_ASKS_A_REASON = "Sch 1 para 18"  # as the policies' @condition says it: DPA 2018 Sch 1 para 18(2)
_NOT_STATED = "not-stated"
_UNKNOWN_GROUND = Claimed("")  # no word that a policy knows: a person decides
_UNSAFE = "consent-would-prejudice-protection"  # schemas/codes/condition-reasons.toml
COUNTS = frozenset(("competent", "not-in-question"))
"""Whose agreement may be rested on, while it is in force."""


class Recipient(msgspec.Struct, frozen=True):
    """Whom a disclosure is to, as resolved for one family on one day. The hub itself is the recipient of a link."""

    id: str
    role: str
    sector: str
    agency: str
    clearance: str
    subscriber: str = ""
    involved: bool = True
    party: str = "none"
    sealed_party: str = "none"  # the same by what sealed items say as well: counts where those are decided
    emergency: str = ""  # the code of the reason given, where they break the glass (consent/break_glass.toml)


class Said(msgspec.Struct, frozen=True):
    """What a named person recorded about one disclosure, in the words of consent/request.py. Nothing, unless said.

    `family_told`: `told`, or in a code why they were not.
    """

    approver: str = "none"
    override: str = "none"
    public_interest: str = "not-weighed"
    detriment: str = "not-tested"
    opt_out: str = "not-checked"
    problems: str = "not-counted"
    family_told: str = ""


_NOTHING_SAID = Said()
HUB = Recipient("hub", "hub", "hub", "hub", "sealed")
_UNHEARD = Heard("", "", "")


class Answer(msgspec.Struct, frozen=True):
    """A ruling, with what it rests on."""

    ruling: Ruling
    request: Request
    agreement: str = ""
    ground: Claimed = NO_GROUND
    competence: str = ""
    family_told: str = ""
    findings: tuple[Finding, ...] = ()  # what named people had recorded that counted


@dataclass(frozen=True)
class Gate:
    """Puts requests together, asks the engine, and writes the decision's record. `salt` gives 16 random bytes."""

    engine: Engine
    salt: Callable[[int], bytes]

    def link(self, facts: Facts, person: Persons, register: Register, on: date) -> Answer:
        """Ask whether an item with these facts may join the record of the family whose register this is."""
        return self._ask("link", facts, person, register, on, HUB)

    def disclose(
        self, facts: Facts, person: Persons, register: Register, on: date, to: Recipient, purpose: str = ""
    ) -> Answer:
        """Ask whether `to` may see this item now, for the item's own purpose or for the one the reader declares."""
        if purpose and purpose != facts.purpose:
            facts = msgspec.structs.replace(facts, purpose=purpose)
        return self._ask("disclose", facts, person, register, on, to)

    def _ask(
        self, action: str, facts: Facts, person: Persons, register: Register, on: date, to: Recipient
    ) -> Answer:
        # agreements between agencies know voluntary bodies by their sector
        body = "voluntary" if to.sector == "voluntary" else to.agency
        wrong: list[str] = []
        covered = (facts.agency, body, facts.purpose, facts.category, on)
        agencies = _tried(wrong, "sharing_agreement", "", sharing_agreement_state, *covered)
        asked = (facts.purpose, facts.category, to.agency, to.role, person, on)
        heard = _tried(wrong, "agreement", _UNHEARD, register.heard, *asked)
        kind = _tried(wrong, "sensitivity", "", sensitivity, facts)
        about = About(person, facts.purpose, facts.category, kind, to.id, to.agency, to.role, on)
        findings: tuple[Finding, ...] = _tried(wrong, "judgements", (), register.findings, about)
        if action == "link":  # the hub keeps it: that the family was told is about telling somebody
            findings = tuple(one for one in findings if one.word != TOLD)
        said = Said(**{one.word: one.says for one in findings}) if findings else _NOTHING_SAID
        ground: Claimed = _tried(wrong, "ground", _UNKNOWN_GROUND, _ground, facts, person, register, on, to)
        request = Request(
            action=action,
            role=to.role,
            sector=to.sector,
            clearance=to.clearance,
            involved=_involved(to),
            party=sealed.party(to, facts.tier),
            category=facts.category,
            sensitivity=kind,
            tier=facts.tier,
            publisher=facts.agency,
            purpose=facts.purpose,
            sharing_agreement=agencies,
            agreement=heard.state,
            ground=ground.claim,
            approver=said.approver,
            detriment=said.detriment,
            body=body_of(to),
            override=said.override,
            competence=heard.competence,
            public_interest=said.public_interest,
            opt_out=said.opt_out,
            problems=said.problems,
            restricted="restricted" if _tried(wrong, "restricted", True, register.restricted, person, on) else "none",
        )
        right = _tried(wrong, "competence", "", _competence, register, heard)
        ruling = self.engine.on(on).rule(request)
        ruling = refer((*wrong, *ruling.errors)) if wrong else ruling
        told = said.family_told or (_told(ruling, heard, ground.condition_reason) if action == "disclose" else "")
        return Answer(ruling, request, heard.event, ground, right, told, findings)

    def record(
        self,
        answer: Answer,
        *,
        stage: str,
        family: FamilyId,
        to: Recipient,
        items: tuple[ItemId, ...],
        event: EventKey | None,
        subjects: tuple[PersonId, ...],
        register: Register,
        at: datetime,
        place: int,
        cause: str = "",
        minimal: Minimised | None = None,
        ends_on: date | None = None,
    ) -> Decision:
        """Return the decision's record. `cause` tells apart decisions that are asked again for the same item.

        `place` is the family's, up to which its record was taken in: later changes overtake what is to be shared.
        `minimal` is what was told and what was taken out, where there is something to tell; `ends_on` the day on
        which what was decided ends by itself, where that is no ground's end.
        """
        shared = answer.ruling.outcome is Outcome.SHARE
        return record(
            answer.ruling,
            answer.request,
            stage=stage,
            family=family,
            recipient=to.id,
            policy_set=self.engine.on(london_day(at)).policy_set,
            register_version=register.version(),
            decided_at=at,
            salt=self.salt(16),
            event=event,
            items=items,
            occasion=cause,
            subjects=subjects,
            agreement=answer.agreement,
            condition_reason=_condition_reason(answer) if shared else "",
            rationale=answer.ground.rationale or answer.ruling.rationale,
            harm_from=answer.ground.items,
            harm_since=answer.ground.since,
            under=under(answer.request),
            ends_on=ends_on or (answer.ground.until if shared else None),
            competence=answer.competence,
            family_told=answer.family_told,
            said_by=answer.findings,
            place=place,
            released=minimal.released if minimal and shared else (),
            removed=minimal.removed if minimal and shared else answer.ruling.removed,
        )


def _tried(wrong: list[str], field: str, failed: T, resolve: Callable[..., T], *asked: object) -> T:
    """Return what `resolve` says of a field of the question; where it fails, `failed`, and name the field in `wrong`.

    The gate's asking is part of the decision engine, which lets nothing through for having failed: whatever goes wrong
    in it, a person decides, and the record says in which field, and what kind of error; never its words.
    """
    try:
        return resolve(*asked)
    except Exception as error:  # noqa: BLE001 (as the engine's own: whatever it is, a person decides)
        wrong.append(f"{field}: {type(error).__name__}")
        return failed


def body_of(to: Recipient) -> str:
    """Return the recipient's kind of body in law, as the powers name them."""
    if to.sector == "voluntary":
        return "voluntary"
    return _BODIES.get(to.role) or _BODIES.get(to.agency, "other")


def _involved(to: Recipient) -> str:
    if to.involved:
        return "involved"
    return "break-glass" if to.emergency else "not-involved"


def _ground(facts: Facts, person: Persons, register: Register, on: date, to: Recipient) -> Claimed:
    """Return the ground that counts: a break-glass stands on the reader's own word alone."""
    if _involved(to) == "break-glass":
        return Claimed("vital-interests", rationale=to.emergency)
    return stronger(facts.ground, _open_ground(person, register, on))


def _condition_reason(answer: Answer) -> str:
    """Return the reason within the condition; where it asks for one and nobody gave it, the record says so."""
    asked = _ASKS_A_REASON in answer.ruling.condition
    return answer.ground.condition_reason or (_NOT_STATED if asked else "")


def _competence(register: Register, heard: Heard) -> str:
    """Return what the record says of it: the right of a young person who agreed, or why their yes does not count."""
    if heard.competence == "competent":
        return register.capacity(heard.event)
    return "" if heard.competence == "not-in-question" else heard.competence


def _told(ruling: Ruling, heard: Heard, reason: str) -> str:
    """Return what is known of the family's being told: they agreed, or it would be unsafe, or nobody said."""
    if ruling.outcome is not Outcome.SHARE:
        return ""
    if reason == _UNSAFE:
        return f"not-told: {_UNSAFE}"
    return "agreed" if heard.state == "in-force" and heard.competence in COUNTS else "not-said"


def _open_ground(person: Persons, register: Register, on: date) -> OpenGround | None:
    found = [ground for one in person if (ground := register.ground_for(one, on)) is not None]
    order = ground_rules().order
    return min(found, key=lambda ground: order.index(ground.claim), default=None)
