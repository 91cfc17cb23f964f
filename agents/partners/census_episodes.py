"""The episodes of a case: child in need (its plans, or else the case itself), section 47 enquiry, protection plan.

A section 47 enquiry and a protection plan are, by what they are, a finding that the threshold of harm is met.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import msgspec

from agents.partners import dates, people
from agents.partners.census_case import Case, Make, coded, undated
from agents.partners.markup import children, text
from agents.partners.taken import Read
from agents.partners.words import truth
from schemas.records import Remark


class Kind(msgspec.Struct, frozen=True):
    """A kind of episode: its code, its elements, and the ground that it states by being open."""

    episode: str
    name: str
    start: str
    end: str
    abuse: str = ""
    claim: str = ""
    rationale: str = ""


_KINDS = (
    # DateOfInitialCPC stands in CINdetails too: only the Section47's own child ends the enquiry
    Kind(
        "section-47",
        "Section47",
        "S47ActualStartDate",
        "DateOfInitialCPC",
        "",
        "s47",
        "A section 47 enquiry was started",
    ),
    Kind(
        "child-protection-plan",
        "ChildProtectionPlans",
        "CPPstartDate",
        "CPPendDate",
        "InitialCategoryOfAbuse",
        "significant-harm",
        "A child protection conference made a plan",
    ),
)
_PLAN = Kind("child-in-need", "CINPlanDates", "CINPlanStartDate", "CINPlanEndDate")
_CASE = Kind("child-in-need", "CINdetails", "CINreferralDate", "CINclosureDate")


def episodes_of(case: Case, make: Make) -> Read:
    """Yield the opening and the closing of each episode."""
    yield from _in_need(case, make)
    for kind in _KINDS:
        for number, element in enumerate(children(case.element, kind.name), 1):
            yield from _episode(element, f"{case.where}/{kind.name}[{number}]", kind, make)


def _in_need(case: Case, make: Make) -> Read:
    """A case without a plan is itself the episode, unless nothing followed it; the last plan closes with its case."""
    plans = children(case.element, _PLAN.name)
    closed, reason = text(case.element, _CASE.end), text(case.element, "ReasonForClosure")
    if not plans and dates.said(case.referred) and not truth(text(case.element, "ReferralNFA")):
        yield from _episode(case.element, case.where, _CASE, make, reason=reason)
    for number, element in enumerate(plans, 1):
        last = number == len(plans)
        yield from _episode(
            element,
            f"{case.where}/{_PLAN.name}[{number}]",
            _PLAN,
            make,
            closed if last else "",
            reason if last and closed else "",
        )


def _episode(element: Element, where: str, kind: Kind, make: Make, closed: str = "", reason: str = "") -> Read:
    start, end_said = dates.said(text(element, kind.start)), text(element, kind.end) or closed
    end = dates.said(end_said)
    if start is None:
        yield undated(where, kind.start)
        return
    facts, remarks = (kind.name, str(start.day)), list(_order(start, end, kind.end))
    same = {"episode": kind.episode, "reference": make.reference(*facts)}
    ground = people.ground(kind.claim, kind.rationale) if kind.claim else None
    abuse = coded(text(element, kind.abuse), "abuse-categories", start.day, kind.abuse, remarks) if kind.abuse else None
    yield make(
        where,
        "EpisodeOpened",
        start.day,
        facts,
        remarks,
        ground,
        **same,
        on=start.day,
        category_of_abuse=abuse,
        organisation=None,
    )
    if end is not None:
        why: list[Remark] = []
        code = coded(reason, "closure-reasons", end.day, "ReasonForClosure", why)
        yield make(where, "EpisodeClosed", end.day, facts, why, **same, on=end.day, reason=code)
    elif end_said:
        yield undated(where, kind.end)


def _order(start: dates.Said, end: dates.Said | None, path: str) -> Iterator[Remark]:
    if end is not None and end.day < start.day:
        yield Remark(path, "impossible-order", "It ends before it starts", "Check both dates")
