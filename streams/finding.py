"""May this professional be told that a person is known, and in which family: the question of `find`, and its record."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from consent.decision import Decision, Outcome, Ruling
from consent.ground_rules import ground_rules
from consent.grounds import OpenGround, stronger
from consent.register import Register
from consent.request import Request
from consent.sharing import sharing_agreement_state
from schemas.ids import FamilyId, PersonId
from schemas.people import KnownPractitioner
from streams.family import FamilyStage
from streams.gate import Answer, Recipient, body_of
from streams.recipients import as_recipient, sector_of
from streams.timeline import Family, known_openly, on_day

NOBODY = FamilyId("none")
"""What a find is logged under that led to no family: looks in vain are worth seeing too."""
_KEEPER, _CATEGORY = "social-care", "relationships"  # who keeps it who is of which family, and what that is


def may_find(
    stage: FamilyStage, family: Family, ids: tuple[PersonId, ...], reader: KnownPractitioner, purpose: str,
    reason: str, at: datetime,
) -> Decision:  # fmt: skip
    """Decide whether `reader` may be told that the person (`ids`: all that they have) is of this family.

    `reason`: the code of why they go on before the threshold and without agreement (consent/enquiries.toml), or empty.
    """
    on = on_day(at)
    to = as_recipient(reader, family, stage.directory, on)
    openly = any(known_openly(family.sections[one]) for one in ids if one in family.sections)
    ground = stronger(None, _ground(family.register, ids, on))
    heard = family.register.heard(purpose, _CATEGORY, to.agency, to.role, ids, on)
    request = _request(to, purpose, on)._replace(
        involved="involved" if to.involved else "not-involved",
        party=to.party if openly else to.sealed_party,
        tier="normal" if openly else "sealed",  # what is sealed must not even be findable
        agreement=heard.state,
        competence=heard.competence,
        ground=ground.claim,
        override="recorded" if reason else "none",
        restricted="restricted" if family.register.restricted(ids, on) else "none",
    )
    ruling = stage.linking.gate.engine.on(on).rule(request)
    if reason:
        ground = msgspec.structs.replace(ground, rationale=reason)
    answer = Answer(ruling, request, heard.event, ground)
    made = _record(stage, family, to, answer, ids[:1], at)
    return msgspec.structs.replace(made, decided_by=to.id) if reason else made


def in_vain(stage: FamilyStage, reader: KnownPractitioner, purpose: str, at: datetime) -> Decision:
    """Return the record of a find that led to nobody."""
    on = on_day(at)
    to = Recipient(
        reader.practitioner, reader.role, sector_of(reader.role, on), reader.agency, reader.clearance, involved=False
    )
    ruling = Ruling(Outcome.WITHHOLD, ("nobody-named",), rationale="no one was named by what was said")
    return _record(stage, Family(NOBODY), to, Answer(ruling, _request(to, purpose, on)), (), at)


def _record(
    stage: FamilyStage, family: Family, to: Recipient, answer: Answer, subjects: tuple[PersonId, ...], at: datetime
) -> Decision:
    return stage.linking.gate.record(
        answer, stage="find", family=family.family, to=to, items=(), event=None, subjects=subjects,
        register=family.register, place=family.place, at=at, cause=at.isoformat(),
    )  # fmt: skip


def _request(to: Recipient, purpose: str, on: date) -> Request:
    """Return the question where nothing about the family is known yet."""
    body = "voluntary" if to.sector == "voluntary" else to.agency
    return Request(
        action="find", role=to.role, sector=to.sector, clearance=to.clearance, involved="not-involved", party="none",
        category=_CATEGORY, sensitivity="none", tier="normal", publisher=_KEEPER, purpose=purpose,
        sharing_agreement=sharing_agreement_state(_KEEPER, body, purpose, _CATEGORY, on),
        agreement="none", ground="none", approver="none", body=body_of(to),
    )  # fmt: skip


def _ground(register: Register, ids: tuple[PersonId, ...], on: date) -> OpenGround | None:
    found = [ground for one in ids if (ground := register.ground_for(one, on)) is not None]
    return min(found, key=lambda ground: ground_rules().order.index(ground.claim), default=None)
