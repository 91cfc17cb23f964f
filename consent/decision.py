"""What was decided, and the record of it that goes into the log."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec

from consent.days import london_day
from consent.judgements import Finding
from consent.log.entry import Erases
from consent.request import Request
from schemas.ids import EventKey, FamilyId, ItemId, PersonId


class Outcome(StrEnum):
    """The four answers, least strict first."""

    SHARE = "share"
    HOLD = "hold"
    WITHHOLD = "withhold"
    REFER = "refer"


CHECK = "check"
"""The stage at which it is decided whether somebody may be told, for another who asks; nothing is shown to them."""


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """The policies' answer to one request: what is memoised.

    `rules` are the ids of the policies that made it, `removed` the fields to take out, `errors` what went wrong in
    evaluation (then the outcome is REFER). `article_6`, `condition` and `gateway` are the legal ground in words.
    `review_days`: within how many days a person must look at it afterwards; 0 where none need.
    """

    outcome: Outcome
    rules: tuple[str, ...]
    removed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    article_6: str = ""
    condition: str = ""
    gateway: str = ""
    rationale: str = ""
    review_days: int = 0


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One decision, as it stands in the log: pseudonyms and codes only (fields: Working Together 2023, DfE 2024).

    `id` is derived (consent/decision.py:decision_id), so a replayed decision has the id it had. `decided_by` is
    `rule`, or the pseudonym of the practitioner. `stage` is link | disclose | check | find | look, or one of the hub's
    own steps (consent/explain_words.py). `competence` is the right of
    a young person whose own agreement it rests on, or why an agreement does not count; `family_told` is agreed | told |
    not-said, or why they were not.
    """

    id: str
    stage: str
    outcome: Outcome
    family: FamilyId
    recipient: str  # `hub`, a practitioner's pseudonym, or a duty queue
    role: str
    purpose: str
    publisher: str
    category: str
    decided_at: datetime
    policy_set: str  # hash of policies, schema and sharing agreements in force
    register_version: str
    rules: tuple[str, ...]
    event: EventKey | None = None
    items: tuple[ItemId, ...] = ()
    subjects: tuple[PersonId, ...] = ()
    article_6: str = ""
    condition: str = ""
    condition_reason: str = ""
    gateway: str = ""
    under: str = ""  # the sharing agreement between agencies, by its id (consent/sharing), where there is one
    agreement: str = ""
    agreement_state: str = ""
    competence: str = ""
    harm_threshold: str = ""
    harm_from: tuple[ItemId, ...] = ()  # what opened the ground: up to five items, the latest; none: the item itself
    harm_since: date | None = None
    rationale: str = ""
    detriment_test: str = ""
    public_interest: str = ""
    family_told: str = ""
    released: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    decided_by: str = "rule"
    review_on: date | None = None  # within the days that the policy sets
    ends_on: date | None = None  # when what it rests on ends by itself: a ground, or a hold
    asked: Request | None = None  # the question as the policies were put it, so that it can be put again
    said_by: tuple[Finding, ...] = ()  # what named people had recorded that counted
    erases: Erases | None = None  # of an erasure: which entry of this log it takes away
    log: str = "main"  # main | sealed: sealed decisions have a log of their own
    salt: bytes = b""
    place: int = -1  # of the family's record, up to where it was read: goes beside the record, never into it


_ENCODER = msgspec.json.Encoder()


def encode(decision: Decision) -> bytes:
    """Return the record as it goes into the log.

    Without its place: that counts sealed items too, and would tell of them.
    """
    return _ENCODER.encode(decision if decision.place < 0 else msgspec.structs.replace(decision, place=-1))


decode = msgspec.json.Decoder(Decision).decode


def decision_id(
    *,
    stage: str,
    family: FamilyId,
    recipient: str,
    register_version: str,
    policy_set: str,
    event: EventKey | None = None,
    items: tuple[ItemId, ...] = (),
    occasion: str = "",
) -> str:
    """Return `d_` and 32 characters that follow from the decision's cause, so that a replay gives the same id.

    `occasion` tells apart decisions with one cause that each count: the instant of a look, the revision of an alert.
    """
    cause = (stage, family, recipient, register_version, policy_set, event or "", occasion, *sorted(items))
    digest = sha256("".join([f"{len(part)}:{part}" for part in cause]).encode()).digest()
    return "d_" + digest[:16].hex()


def record(
    ruling: Ruling,
    request: Request,
    *,
    family: FamilyId,
    recipient: str,
    policy_set: str,
    register_version: str,
    decided_at: datetime,
    salt: bytes,
    stage: str = "",
    event: EventKey | None = None,
    items: tuple[ItemId, ...] = (),
    occasion: str = "",
    **more: Any,
) -> Decision:
    """Return the record of a ruling. `stage` is the request's action unless said.

    `more` are further fields of Decision. What concerns a sealed item is for the sealed log.
    """
    stage = stage or request.action
    return Decision(
        id=decision_id(
            stage=stage,
            family=family,
            recipient=recipient,
            register_version=register_version,
            policy_set=policy_set,
            event=event,
            items=items,
            occasion=occasion,
        ),
        stage=stage,
        outcome=ruling.outcome,
        family=family,
        recipient=recipient,
        role=request.role,
        purpose=request.purpose,
        publisher=request.publisher,
        category=request.category,
        decided_at=decided_at,
        policy_set=policy_set,
        register_version=register_version,
        rules=ruling.rules,
        event=event,
        items=items,
        article_6=ruling.article_6,
        condition=ruling.condition,
        gateway=ruling.gateway,
        agreement_state=request.agreement,
        harm_threshold=request.ground,
        detriment_test=request.detriment,
        errors=ruling.errors,
        asked=request,
        log="sealed" if request.tier == "sealed" else "main",
        salt=salt,
        **{
            "removed": ruling.removed,
            "rationale": ruling.rationale,
            "review_on": london_day(decided_at) + timedelta(days=ruling.review_days) if ruling.review_days else None,
            "public_interest": "" if request.public_interest == "not-weighed" else request.public_interest,
            **more,
        },
    )


def request_of(decision: Decision) -> Request | None:
    """Return the question that was asked, whole; None where an older record does not say it."""
    return decision.asked
