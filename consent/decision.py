"""What was decided, and the record of it that goes into the log."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from schemas.ids import EventKey, FamilyId, ItemId, PersonId


class Outcome(StrEnum):
    """The four answers, least strict first."""

    SHARE = "share"
    HOLD = "hold"
    WITHHOLD = "withhold"
    REFER = "refer"


class Ruling(msgspec.Struct, frozen=True):
    """The policies' answer to one request: what is memoised.

    `rules` are the ids of the policies that made it, `removed` the fields to take out, `errors` what went wrong in
    evaluation (then the outcome is REFER). `article_6`, `condition` and `gateway` are the legal ground in words.
    """

    outcome: Outcome
    rules: tuple[str, ...]
    removed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    article_6: str = ""
    condition: str = ""
    gateway: str = ""
    rationale: str = ""


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision, as it stands in the log: pseudonyms and codes only (fields: Working Together 2023, DfE 2024).

    `id` is derived (consent/decision.py:decision_id), so a replayed decision has the id it had. `decided_by` is
    `rule`, or the pseudonym of the practitioner. `stage` is link | disclose | find | look.
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
    agreement: str = ""
    agreement_state: str = ""
    competence: str = ""
    harm_threshold: str = ""
    rationale: str = ""
    detriment_test: str = ""
    public_interest: str = ""
    family_told: str = ""
    released: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    decided_by: str = "rule"
    review_on: date | None = None
    log: str = "main"  # main | sealed: sealed decisions have a log of their own
    salt: bytes = b""
