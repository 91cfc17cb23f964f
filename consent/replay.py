"""Recorded requests decided again under other policies, or other sharing agreements: what a change would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from consent.days import london_day
from consent.decision import Decision, Outcome, Ruling, request_of
from consent.engine import Engine
from consent.minimise import covers
from consent.request import Request
from consent.sharing import SharingAgreement, state_of
from consent.trial import Change

Agency = Callable[[Decision], str | None]
"""The recipient's agency, or `hub`; None where it is not known any more."""
_FOUND_BY_RULE = "find"  # the engine's, though older records name the reader as who decided


class Replay(msgspec.Struct, frozen=True):
    """What other policies would have decided: `asked` decisions were decided again, and these would change.

    Left alone are those that a person took, those made without the policies, those whose record does not say the
    request, and those that were erased. `as_recorded`: asked with the sharing agreement as it stood, for how it stands
    for their recipient now cannot be told.
    """

    asked: int
    changes: tuple[Change, ...]
    by_a_person: int
    without_policies: int
    not_said: int
    erased: int = 0
    as_recorded: int = 0


def replay(
    decisions: Iterable[Decision | None],
    new: Engine,
    without_policies: Collection[str] = (),
    agreements: Mapping[str, SharingAgreement] | None = None,
    agency: Agency = lambda _: None,
) -> Replay:
    """Decide recorded requests again; None stands for an entry that was erased.

    `without_policies` are the rules, as records name them, that no policy holds. `agreements` are those by which it is
    worked out anew how the publisher's stood, on the day of the decision.
    """
    counts: Counter[str] = Counter()
    changes = []
    for decision in decisions:
        request = request_of(decision) if decision else None
        counts[kind := _kind(decision, request, without_policies)] += 1
        if decision is None or request is None or kind != "asked":
            continue
        if agreements is not None and request.action != "find":  # a find rests on no publisher's agreement
            anew = _under(agreements, decision, request, agency(decision))
            counts["as_recorded"] += anew is None
            request = anew or request
        change = _change(decision, request, new)
        changes += [change] if change.differs else []
    left = counts["by_a_person"], counts["without_policies"], counts["not_said"], counts["erased"]
    return Replay(counts["asked"], tuple(changes), *left, counts["as_recorded"])


def _kind(decision: Decision | None, request: Request | None, without_policies: Collection[str]) -> str:
    if decision is None:
        return "erased"
    if decision.decided_by != "rule" and decision.stage != _FOUND_BY_RULE:
        return "by_a_person"
    if not set(decision.rules).isdisjoint(without_policies) or _showed_nothing(decision):
        return "without_policies"
    return "asked" if request is not None else "not_said"


def _showed_nothing(decision: Decision) -> bool:
    """Whether this records that a look showed nothing: withheld by what there was, and not by the policies."""
    return decision.stage == "look" and decision.outcome is Outcome.WITHHOLD and not decision.subjects


def _under(
    agreements: Mapping[str, SharingAgreement], decision: Decision, request: Request, agency: str | None
) -> Request | None:
    """Return the request with the publisher's agreement as these have it on the day of the decision."""
    to = "voluntary" if request.sector == "voluntary" else agency
    if to is None:
        return None
    on = london_day(decision.decided_at)
    return request._replace(
        sharing_agreement=state_of(agreements.get(request.publisher), to, request.purpose, request.category, on)
    )


def _change(decision: Decision, request: Request, new: Engine) -> Change:
    """Return both rulings, with the fields that there were to take out: a record says no others."""
    ruling, referrer = new.rule(request), f"data.{new.policies.minimising.referrers.field}"
    old = tuple(field for field in decision.removed if field not in ("parties", referrer))  # by the item, not the rules
    taken = tuple(field for field in (*old, *decision.released) if covers(ruling.removed, field))
    days = (decision.review_on - london_day(decision.decided_at)).days if decision.review_on else 0
    recorded = Ruling(
        decision.outcome, decision.rules, old, decision.errors, decision.article_6, decision.condition,
        decision.gateway, review_days=days,
    )  # fmt: skip
    return Change(decision.id, request, recorded, msgspec.structs.replace(ruling, removed=taken))
