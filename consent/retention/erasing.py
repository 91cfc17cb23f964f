"""The steps towards the erasure of one entry of the log: proposed by one officer, approved by another.

Both are entries of the log that the entry stands in. The approval is the erasure (consent/log/entry.py): the log's
writer erases what it names once the approval is signed. Where a person's record ends, their entries stay: what they
hold are codes and pseudonyms that lead to nobody any more, and the hub must be able to account for what it decided
(UK GDPR Art 5(2), 17(3)(e)). Erasing is for an entry that must not stand there itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from consent.decision import Decision, Outcome, decision_id
from consent.log.entry import Erases, erasure_id
from consent.retention import edition
from consent.retention.steps import STAGE as RETENTION
from consent.retention.steps import standing
from schemas.ids import FamilyId, PractitionerId

STAGE = "erasure"
STAYS = (STAGE, RETENTION)
"""Stages whose entries are never erased: what may be destroyed, and what was erased, is worked out from them."""
_NOBODY = FamilyId("none")


class Target(msgspec.Struct, frozen=True):
    """The entry to be erased: which `log` it stands in, its `index` there, and the decision's `id`."""

    log: str
    index: int
    id: str


class Proposal(msgspec.Struct, frozen=True):
    """An erasure that stands proposed: the proposal's `id`, the `target` decision's, by whom, and the reason."""

    id: str
    target: str
    by: str
    reason: str


def propose(target: Target, reason: str, by: PractitionerId, at: datetime, salt: bytes) -> Decision:
    """Return the record that an officer proposes to erase an entry."""
    occasion = f"propose|{target.id}|{at.isoformat()}"
    name = decision_id(
        stage=STAGE, family=_NOBODY, recipient="hub", register_version="", policy_set="", occasion=occasion
    )
    return _record(name, Outcome.REFER, target, ("propose", reason, target.id), by, at, salt)


def approve(target: Target, proposal: Proposal, by: PractitionerId, at: datetime, salt: bytes) -> Decision:
    """Return the erasure itself."""
    made = _record(
        erasure_id(target.index), Outcome.WITHHOLD, target, ("approve", proposal.reason, proposal.id), by, at, salt
    )
    erases = Erases(target.index, target.id, proposal.reason, proposal.by, by)
    return msgspec.structs.replace(made, erases=erases)


def _record(
    name: str, outcome: Outcome, target: Target, rules: tuple[str, ...], by: PractitionerId, at: datetime, salt: bytes
) -> Decision:
    return Decision(
        id=name, stage=STAGE, outcome=outcome, family=_NOBODY, recipient="hub", role="ig-officer", purpose=RETENTION,
        publisher="hub", category="", decided_at=at, policy_set=edition(), register_version="", rules=rules,
        decided_by=by, log=target.log, salt=salt,
    )  # fmt: skip


def proposals(steps: Iterable[Decision]) -> dict[str, Proposal]:
    """Return what stands proposed and not approved, by the target decision's id; the first proposal stands."""
    found: dict[str, Proposal] = {}
    for one in steps:
        step, reason, of = (*one.rules, "", "", "")[:3]
        if step == "propose":
            found.setdefault(of, Proposal(one.id, of, one.decided_by, reason))
        elif one.erases is not None:
            found.pop(one.erases.id, None)
    return found


def refuses(decision: Decision | None, holds: Iterable[Decision], officer: str | None) -> str:
    """Return why this entry may not be erased by an officer (their own person id, where they have one), or nothing.

    `holds` are the log's steps of retention; None is an entry that is no decision, which names nobody.
    """
    if decision is None:
        return ""
    if decision.stage in STAYS:
        return "what was erased or ended, and who decided it, stays"
    if officer in decision.subjects:
        return "nobody decides on their own record"
    subjects = set(decision.subjects)
    about = [one for one in holds if not subjects.isdisjoint(one.subjects)]
    return "a legal hold stands" if standing(about).held else ""
