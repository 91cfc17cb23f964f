"""The steps towards a person's destruction, as they stand in the log: proposed, approved, begun, done; and holds.

The log is the only record of them: what may happen next is worked out from it, in its order. So a kill between any
two leaves something that can be taken up again, or refused; and of a hold and the beginning of a destruction the one
that the log has first stands, whoever wrote last. Each step is a `Decision` of stage `retention` in the
sealed log, for it concerns all that is held, sealed items too; it holds codes and pseudonyms only.

`outcome` says what becomes of the person's record: REFER (proposed, or free again: a person decides), HOLD (kept),
WITHHOLD (never shared again: approved, being destroyed, destroyed).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

import msgspec

from consent.decision import Decision, Outcome, decision_id
from consent.retention import Keeping, edition
from schemas.ids import FamilyId, PersonId, PractitionerId

STAGE = "retention"
Step = Literal["propose", "approve", "destroying", "destroyed", "hold", "lift"]
_OUTCOMES: dict[Step, Outcome] = {
    "propose": Outcome.REFER,
    "approve": Outcome.WITHHOLD,
    "destroying": Outcome.WITHHOLD,
    "destroyed": Outcome.WITHHOLD,
    "hold": Outcome.HOLD,
    "lift": Outcome.REFER,
}
ENDED = ("person-key", "look-up-keys", "record", "put-aside")
"""What a destruction takes away, as its record names it."""
_REQUESTED = "a rights request about them is open: it is answered first"  # Data Protection Act 2018 s173


class Standing(msgspec.Struct, frozen=True):
    """Where a person's destruction stands: what of the log's steps about them is still open.

    `held` are the reasons of the legal holds that stand. `proposal` is the id of the open proposal, or empty.
    `destroying`: it has begun, and no hold stops it any more.
    """

    held: tuple[str, ...] = ()
    proposal: str = ""
    proposed_by: str = ""
    reason: str = ""
    approved_by: str = ""
    destroying: bool = False
    destroyed: bool = False

    @property
    def may_destroy(self) -> bool:
        """Whether two people decided it, nobody holds it, and it was not done yet."""
        return bool(self.approved_by) and not self.held and not self.destroyed


class Taken(msgspec.Struct, frozen=True):
    """A step to be recorded. `cause`: the proposal that is approved or was carried out, or the hold that is lifted."""

    step: Step
    persons: tuple[PersonId, ...]
    family: FamilyId
    reason: str
    by: PractitionerId
    cause: str = ""


def record(taken: Taken, keeping: Keeping, at: datetime, salt: bytes) -> Decision:
    """Return the log's record of a step. One proposal has one approval, one beginning and one end."""
    once = taken.cause if taken.step in ("approve", "destroying", "destroyed") else at.isoformat()
    occasion = f"{taken.step}|{taken.persons[0]}|{once}"
    return Decision(
        id=decision_id(
            stage=STAGE, family=taken.family, recipient="hub", register_version="", policy_set="", occasion=occasion
        ),
        stage=STAGE,
        outcome=_OUTCOMES[taken.step],
        family=taken.family,
        recipient="hub",
        role="ig-officer",
        purpose=STAGE,
        publisher="hub",
        category=keeping.governs,
        decided_at=at,
        policy_set=edition(),
        register_version="",
        rules=(taken.step, taken.reason, taken.cause),
        subjects=taken.persons,
        removed=ENDED if taken.step == "destroyed" else (),
        decided_by=taken.by,
        review_on=keeping.due,
        log="sealed",
        salt=salt,
    )


def standing(steps: Iterable[Decision]) -> Standing:
    """Fold one person's steps, in the order of the log. What was not allowed when it came counts for nothing.

    But for the end: what two people approved and has been done is done, whatever came after its approval.
    """
    now, approved = Standing(), set[str]()
    for one in steps:
        step, reason, cause = (*one.rules, "", "", "")[:3]
        if step == "destroyed" and cause in approved:
            now = msgspec.structs.replace(now, held=(), destroyed=True)
        elif not now.destroyed and not now.destroying:
            now = _after(now, one, step, reason, cause)
            approved |= {now.proposal} if now.approved_by else set()
    return now


def _after(now: Standing, one: Decision, step: str, reason: str, cause: str) -> Standing:
    if step == "hold":  # what was proposed before must be proposed again
        return Standing(held=tuple(sorted({*now.held, reason})))
    if step == "lift":
        return msgspec.structs.replace(now, held=tuple(held for held in now.held if held != cause))
    if step == "propose" and not now.held and not now.approved_by:
        return Standing(proposal=one.id, proposed_by=one.decided_by, reason=reason)
    if step == "approve" and cause == now.proposal and not now.approved_by and one.decided_by != now.proposed_by:
        return msgspec.structs.replace(now, approved_by=one.decided_by)
    if step == "destroying" and cause == now.proposal and now.may_destroy:
        return msgspec.structs.replace(now, destroying=True)
    return now


def refuses_hold(now: Standing) -> str:
    """Return why no hold can be set any more, or nothing."""
    if now.destroyed:
        return "destroyed already"
    return "too late: its destruction has begun" if now.destroying else ""


def refuses_proposal(now: Standing, keeping: Keeping, early: bool, on: date, requested: bool = False) -> str:
    """Return why destruction may not be proposed on the day `on`, or nothing.

    `requested`: a rights request about the person is open.
    """
    if now.destroyed:
        return "destroyed already"
    if now.held:
        return "a legal hold stands"
    if now.approved_by:
        return "approved already, and not done: approve again to have it done"
    if now.proposal:
        return "proposed already: another officer approves it"
    if requested:
        return _REQUESTED
    if early or keeping.has_run_out(on):
        return ""
    return "its period has not run out" if keeping.due else "when its period runs out is not known"


def refuses_approval(
    now: Standing, by: PractitionerId, keeping: Keeping, early: bool, on: date, requested: bool = False
) -> str:
    """Return why `by` may not approve on the day `on`, or nothing. The facts are asked anew: they may have changed."""
    if now.destroyed:
        return "destroyed already"
    if now.held:
        return "a legal hold stands"
    if not now.proposal:
        return "nobody has proposed it"
    if now.proposed_by == by:
        return "another officer must approve than the one who proposed it"
    if requested and not now.destroying:
        return _REQUESTED
    if now.approved_by or early or keeping.has_run_out(on):
        return ""
    return "its period has not run out any more: something came since"
