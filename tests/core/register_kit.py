"""A family's register, told in a line each: who agreed, refused, withdrew, restricted; and what stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from consent.register import Register
from schemas.ids import ItemId, PersonId
from schemas.records import Facts, Party

CHILD, MOTHER, FATHER, SIBLING = (PersonId(p) for p in ("p_child", "p_mother", "p_father", "p_sibling"))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCOPE = {"purposes": ["early-help"], "categories": ["attendance", "strength"], "recipients": ["social-care"]}
FOUND_COMPETENT = {"capacity": "competent-young-person", "assessed_by": "staff 12", "assessed_on": "2026-01-10"}
Said = tuple[Facts, ItemId]


def said(
    event: str,
    type_: str,
    about: PersonId = CHILD,
    role: str = "for",
    others: dict[PersonId, str] | None = None,
    hours: int = 0,
    **more: Any,
) -> Said:
    """One item: `hours` after noon on 1 March 2026 is when it happened and was recorded."""
    at = NOON + timedelta(hours=hours)
    data = {k: v for k, v in more.items() if k not in ("ground", "corrects", "retracts", "agency")}
    facts = Facts(
        type=f"hearth.{type_}",
        agency=more.get("agency", "social-care"),
        source="urn:county:early-help",
        digest=event,
        happened_at=at,
        recorded_at=at,
        role=role,
        category="agreement",
        purpose="early-help",
        parties=tuple(Party(person, part) for person, part in (others or {}).items()),
        corrects=more.get("corrects"),
        retracts=more.get("retracts"),
        ground=more.get("ground"),
        data=data,
    )
    return facts, ItemId(f"{event}.{about}")


def gave(event: str = "g", by: PersonId = MOTHER, ref: str = "A1", since: str = "2026-01-01", **more: Any) -> Said:
    capacity = more.pop("capacity", "parental-responsibility")
    fields = {**SCOPE, "agreement": ref, "capacity": capacity, "since": since, **more}
    if by == more.get("about", CHILD):
        return said(
            event, "agreement.AgreementGiven", by, "agreed-by", **{k: v for k, v in fields.items() if k != "about"}
        )
    return said(event, "agreement.AgreementGiven", others={by: "agreed-by"}, **fields)


def withdrew(event: str = "w", by: PersonId = MOTHER, ref: str = "A1", on: str = "2026-02-01", **more: Any) -> Said:
    return said(event, "agreement.AgreementWithdrawn", others={by: "agreed-by"}, agreement=ref, on=on, **more)


def refused(event: str = "r", by: PersonId = MOTHER, ref: str = "A2", on: str = "2026-02-01", **more: Any) -> Said:
    return said(event, "agreement.AgreementRefused", others={by: "agreed-by"}, agreement=ref, on=on, **more)


def restricted(event: str, case: str, on: str, about: PersonId = MOTHER, **more: Any) -> Said:
    fields = {"case": case, "on_ground": "accuracy-contested", "said_by": "w_officer", "on": on, **more}
    return said(event, "sharing.ProcessingRestricted", about, "subject", **fields)


def lifted(event: str, case: str, on: str, about: PersonId = MOTHER, **more: Any) -> Said:
    fields = {"case": case, "said_by": "w_officer", "told_on": on, "on": on, **more}
    return said(event, "sharing.RestrictionLifted", about, "subject", **fields)


def register(*items: Said) -> Register:
    found = Register()
    for facts, item in items:
        found.apply(facts, item, facts.recorded_at)
    return found


def state(
    found: Register,
    on: str = "2026-03-01",
    category: str = "attendance",
    person: PersonId | None = CHILD,
    agency: str = "social-care",
    role: str = "social-worker",
    purpose: str = "early-help",
) -> str:
    return found.agreement_state(purpose, category, agency, role, person, date.fromisoformat(on))[0]
