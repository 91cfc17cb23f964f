"""The record that an officer's own step leaves in the log: a decision in their name, on the law that it rests on."""

from __future__ import annotations

from datetime import datetime

import msgspec

from agents.ig.exemptions import law
from consent.decision import Decision, Outcome, decision_id
from schemas.ids import FamilyId
from schemas.people import KnownPractitioner
from streams.gate import Gate


def taken(
    gate: Gate, officer: KnownPractitioner, family: FamilyId, stage: str, now: datetime, occasion: str,
    *, recipient: str = "", log: str = "main",
) -> Decision:  # fmt: skip
    """Return the record of a step of `stage` (access.toml says on what it rests) that `officer` takes on a family."""
    to, policy_set, basis = recipient or officer.practitioner, gate.engine.policy_set, law().basis[stage]
    name = decision_id(
        stage=stage, family=family, recipient=to, register_version="", policy_set=policy_set,
        occasion=f"{officer.practitioner}.{now.isoformat()}.{occasion}",
    )  # fmt: skip
    return Decision(
        id=name, stage=stage, outcome=Outcome.SHARE, family=family, recipient=to, role=officer.role,
        purpose=stage, publisher="hub", category="decisions", decided_at=now, policy_set=policy_set,
        register_version="", rules=(stage,), article_6=basis.article_6,
        gateway=basis.gateway, decided_by=officer.practitioner, log=log, salt=gate.salt(16),
    )  # fmt: skip


def refused(step: Decision, rule: str = "nobody-named") -> Decision:
    """Return the record of a step that led to nobody, or that the officer may not take."""
    return msgspec.structs.replace(
        step, outcome=Outcome.WITHHOLD, rules=(rule,), article_6="", gateway="", decided_by="rule"
    )
