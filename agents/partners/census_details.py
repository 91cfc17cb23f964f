"""One CINdetails of the census: a referral, its assessments, and the episodes that followed."""

from __future__ import annotations

from datetime import date
from xml.etree.ElementTree import Element

from agents.partners import dates
from agents.partners.census_case import Case, Make, coded, undated
from agents.partners.census_episodes import episodes_of
from agents.partners.markup import child, children, text
from agents.partners.taken import Options, Problem, Read
from agents.partners.words import truth
from schemas.codes import code_list
from schemas.records import Remark


def events_of(case: Case, options: Options) -> Read:
    """Yield the referral, the assessments and the episodes, each with what is wrong in it."""
    make = Make(case, options)
    yield from _referral(case, make)
    for number, element in enumerate(children(case.element, "Assessments"), 1):
        yield from _assessment(case, element, f"{case.where}/Assessments[{number}]", make)
    yield from episodes_of(case, make)


def _referral(case: Case, make: Make) -> Read:
    on = dates.said(case.referred)
    if on is None:
        yield undated(case.where, "CINreferralDate")
        return
    remarks: list[Remark] = []
    source = coded(text(case.element, "ReferralSource"), "referral-sources", on.day, "ReferralSource", remarks)
    need = coded(text(case.element, "PrimaryNeedCode"), "primary-needs", on.day, "PrimaryNeedCode", remarks)
    nfa = text(case.element, "ReferralNFA")
    if nfa and truth(nfa) is None:
        remarks.append(
            Remark("ReferralNFA", "unknown-code", "It is neither true nor false; it is left out", "Send 0 or 1")
        )
    if not source:
        yield Problem(
            case.where,
            "ReferralSource",
            "unknown-code",
            "The referral's source is missing or no census code",
            "Send a code of the list `referral-sources`; 10 is unknown",
        )
        return
    yield make(
        case.where,
        "ReferralReceived",
        on.day,
        (str(on.day), source),
        remarks,
        source=source,
        need=need,
        no_further_action=truth(nfa),
    )


def _assessment(case: Case, element: Element, where: str, make: Make) -> Read:
    started, authorised = (
        dates.said(text(element, f"Assessment{name}Date")) for name in ("ActualStart", "Authorisation")
    )
    if authorised is None:
        said = text(element, "AssessmentAuthorisationDate")
        yield (
            undated(where, "AssessmentAuthorisationDate")
            if said
            else Problem(
                where,
                "AssessmentAuthorisationDate",
                "not-authorised",
                "The assessment is not finished yet",
                "Nothing: it is taken when it is authorised",
                blank=True,
            )
        )
        return
    remarks: list[Remark] = []
    if started and started.day > authorised.day:
        remarks.append(
            Remark(
                "AssessmentActualStartDate",
                "impossible-order",
                "The assessment starts after it was authorised",
                "Check both dates",
            )
        )
    good, bad = _factors(element, authorised.day)
    for place in bad:
        yield Problem(
            where,
            f"FactorsIdentifiedAtAssessment/AssessmentFactors[{place}]",
            "unknown-code",
            "The factor is none of the census codes on that day",
            "Send a code of the list `assessment-factors`",
        )
    if bad:
        remarks.append(
            Remark(
                "FactorsIdentifiedAtAssessment",
                "factors-left-out",
                "Factors that are no census code are left out",
                "Mend them and send the assessment again",
            )
        )
    if "21" in good and len(good) > 1:
        remarks.append(
            Remark(
                "FactorsIdentifiedAtAssessment",
                "none-with-others",
                "21 (no factors) stands beside factors",
                "Take 21 out",
            )
        )
    facts = (case.referred, str(started.day if started else ""), str(authorised.day))
    yield make(
        where,
        "AssessmentCompleted",
        authorised.day,
        facts,
        remarks,
        factors=good,
        started=started.day if started else None,
        authorised=authorised.day,
    )


def _factors(element: Element, on: date) -> tuple[list[str], list[int]]:
    """Return the factors that are codes on that day, each once, and the places (from 1) of those that are not."""
    known, good, bad = code_list("assessment-factors"), list[str](), list[int]()
    for place, one in enumerate(children(child(element, "FactorsIdentifiedAtAssessment"), "AssessmentFactors"), 1):
        code = (one.text or "").strip().upper()
        if not code or code in good:
            continue
        if known.get(code, on) is None:
            bad.append(place)
        else:
            good.append(code)
    return good, bad
