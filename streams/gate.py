"""May this item join this family's record, and may this person see it now: the two questions, put to the policies.

Everything that depends on time and on people is resolved here, from the family's registers, into the small tuple of
states that the policies read (consent/request.py). The answer comes back as a `Ruling`; its record goes to the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from consent.decision import Decision, Outcome, Ruling, record
from consent.engine import Engine
from consent.ground_rules import ground_rules
from consent.grounds import OpenGround, stronger
from consent.register import Register
from consent.request import Request
from consent.sharing import sensitivity, sharing_agreement_state
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.records import Facts

Persons = tuple[PersonId, ...]
"""Every id of the one person that an item is about: more than one where they were minted twice."""
_STATES = ("disputed", "refused", "withdrawn", "expired", "in-force", "out-of-scope", "none")  # what counts first


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


HUB = Recipient("hub", "hub", "hub", "hub", "sealed")


class Answer(msgspec.Struct, frozen=True):
    """A ruling, with what it rests on."""

    ruling: Ruling
    request: Request
    agreement: str = ""
    condition_reason: str = ""
    rationale: str = ""


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
        state, agreement = _agreement(facts, person, register, on, to)
        ground, reason, rationale = stronger(facts.ground, _open_ground(person, register, on))
        request = Request(
            action=action,
            role=to.role,
            sector=to.sector,
            clearance=to.clearance,
            involved="involved" if to.involved else "not-involved",
            party=to.sealed_party if facts.tier == "sealed" else to.party,
            category=facts.category,
            sensitivity=sensitivity(facts),
            tier=facts.tier,
            publisher=facts.agency,
            purpose=facts.purpose,
            sharing_agreement=sharing_agreement_state(facts.agency, body, facts.purpose, facts.category, on),
            agreement=state,
            ground=ground,
            approver="none",
        )
        return Answer(self.engine.rule(request), request, agreement, reason, rationale)

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
        cause: str = "",
    ) -> Decision:
        """Return the decision's record. `cause` tells apart decisions that are asked again for the same item."""
        shared = answer.ruling.outcome is Outcome.SHARE
        return record(
            answer.ruling,
            answer.request,
            stage=stage,
            family=family,
            recipient=to.id,
            policy_set=self.engine.policy_set,
            register_version=register.version(),
            decided_at=at,
            salt=self.salt(16),
            event=event,
            items=items,
            occasion=cause,
            subjects=subjects,
            agreement=answer.agreement,
            condition_reason=answer.condition_reason if shared else "",
            rationale=answer.rationale or answer.ruling.rationale,
        )


def _agreement(facts: Facts, person: Persons, register: Register, on: date, to: Recipient) -> tuple[str, str]:
    states = [
        register.agreement_state(facts.purpose, facts.category, to.agency, to.role, one, on) for one in person
    ]
    return states[0] if len(states) == 1 else min(states, key=lambda state: _STATES.index(state[0]))


def _open_ground(person: Persons, register: Register, on: date) -> OpenGround | None:
    found = [ground for one in person if (ground := register.ground_for(one, on)) is not None]
    order = ground_rules().order
    return min(found, key=lambda ground: order.index(ground.claim), default=None)
