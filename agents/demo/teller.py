"""Tells a family's history as partner events: people, agencies and days, in the words of the field.

    story = Story("three agencies", today=date(2026, 11, 23))
    mia = story.child("Mia", born="2014-05-02")
    story.school.marks(mia, "/", weeks=6)
    story.police.missing(mia, days_ago=20, risk="high")

The stories of the demo and of tests/stories are written with it; numbers come from the ranges that are never issued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.records import CloudEvent

LONDON = ZoneInfo("Europe/London")
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # DfE UPN guide: the check letter's alphabet


@dataclass(frozen=True)
class Somebody:
    """A made-up person, as every agency knows them."""

    given: str
    family: str
    born: date
    nhs: str = ""
    upn: str = ""
    local: str = ""
    address: str = ""

    def said(self, agency: str, role: str) -> dict[str, Any]:
        """The person as `agency` would say it: schools by UPN, health by NHS number, everybody by their own number."""
        identifiers = []
        if self.nhs and agency != "school":
            identifiers.append({"system": "nhs-number", "value": self.nhs})
        if self.upn and agency in ("school", "social-care"):
            identifiers.append({"system": "upn", "value": self.upn})
        if self.local:
            identifiers.append({"system": "local", "value": f"{agency}-{self.local}"})
        return {
            "role": role,
            "identifiers": identifiers,
            "family_name": self.family,
            "given_names": self.given,
            "birth_date": self.born,
            "sex": None,
            "address": self.address or None,
            "postcode": None,
            "uprn": None,
            "phone": None,
        }


@dataclass(frozen=True)
class Professional:
    """A practitioner, by their agency's staff number; `person` where they are in a family that the hub knows."""

    agency: str
    id: str

    def reference(self) -> dict[str, str]:
        """The practitioner as events name them."""
        return {"agency": self.agency, "id": self.id}


@dataclass
class Story:
    """One family's history. `events` are (agency, event) in the order in which they were told."""

    name: str
    today: date
    events: list[tuple[str, CloudEvent]] = field(default_factory=list)
    people: int = 0
    title: str = ""

    def child(self, given: str, born: str, family: str = "Ashdown") -> Somebody:
        """A child with an NHS number and a UPN."""
        number = self._number()
        return Somebody(given, family, date.fromisoformat(born), nhs_number(number), upn(number), f"{number:07d}")

    def adult(self, given: str, born: str = "1988-03-14", family: str = "Ashdown") -> Somebody:
        """An adult with an NHS number."""
        number = self._number()
        return Somebody(given, family, date.fromisoformat(born), nhs_number(number), "", f"{number:07d}")

    def _number(self) -> int:
        self.people += 1
        digest = hashlib.sha256(f"{self.name}/{self.people}".encode()).digest()
        return int.from_bytes(digest[:8]) % 10**7

    def day(self, days_ago: int) -> date:
        return self.today - timedelta(days=days_ago)

    def noon(self, days_ago: int) -> datetime:
        """Noon in London, as UTC: so stand instants in typed data, and a digest of it is the same once it was sent."""
        return self._at(days_ago, 12)

    def _at(self, days_ago: int, hour: int) -> datetime:
        return datetime.combine(self.day(days_ago), time(hour), LONDON).astimezone(UTC)

    def tell(
        self,
        agency: str,
        type: str,  # noqa: A002 (CloudEvents' name)
        persons: Iterable[tuple[Somebody, str]],
        days_ago: int,
        *,
        recorded_days_ago: int | None = None,
        corrects: str | None = None,
        retracts: str | None = None,
        purpose: str = "",
        ground: dict[str, str] | None = None,
        tier: str = "normal",
        agreement_reference: str | None = None,
        **data: Any,
    ) -> str:
        """Add one event and return its id. `days_ago` is when it happened; noon, recorded an hour later."""
        happened = self.noon(days_ago)
        recorded = self._at(days_ago if recorded_days_ago is None else recorded_days_ago, 13)
        number = hashlib.sha256(f"{self.name}/{len(self.events)}".encode()).hexdigest()[:20]
        about = {
            "persons": [person.said(agency, role) for person, role in persons],
            "happened_at": happened,
            "recorded_at": recorded,
            "corrects": corrects,
            "retracts": retracts,
            "purpose": purpose,
            "ground": ground,
            "agreement_reference": agreement_reference,
            "tier": tier,
            "source_reference": None,
        }
        event = CloudEvent(number, f"hearth:demo/{agency}", f"hearth.{type}", {"about": about, **data}, time=recorded)
        self.events.append((agency, event))
        return number

    # ------------------------------------------------------------------ what every agency can say

    def professional(
        self,
        agency: str,
        job_role: str,
        *,
        name: str = "Sam Carter",
        subscriber: str = "early-help",
        clearance: str = "normal",
        manager: Professional | None = None,
        is_person: Somebody | None = None,
    ) -> Professional:
        """Register a practitioner."""
        worker = Professional(agency, f"staff-{self._number():07d}")
        self.tell(
            agency,
            "social_care.PractitionerRegistered",
            [(is_person, "self")] if is_person else [],
            400,
            practitioner=worker.reference(),
            name=name,
            job_role=job_role,
            team=f"{job_role} team",
            subscriber=subscriber,
            manager=manager.reference() if manager else None,
            clearance=clearance,
            phone="01134960999",
            email="duty@hearth.example",
        )
        return worker

    def lead(self, worker: Professional, child: Somebody, days_ago: int = 60) -> str:
        """Make the practitioner the family's lead professional."""
        return self.tell(
            "social-care",
            "social_care.LeadProfessionalAssigned",
            [(child, "child")],
            days_ago,
            practitioner=worker.reference(),
            on=self.day(days_ago),
        )

    def involve(self, worker: Professional, child: Somebody, service: str, days_ago: int = 60) -> str:
        """A practitioner begins to work with the child."""
        return self.tell(
            worker.agency,
            "social_care.InvolvementStarted",
            [(child, "child")],
            days_ago,
            practitioner=worker.reference(),
            service=service,
            since=self.day(days_ago),
        )

    def relate(
        self,
        child: Somebody,
        other: Somebody,
        relationship: str = "mother",
        *,
        together: bool = True,
        days_ago: int = 300,
        until_days_ago: int | None = None,
        **mends: Any,
    ) -> str:
        """State what `other` is to `child`, and whether they live together."""
        return self.tell(
            "social-care",
            "social_care.RelationshipStated",
            [(child, "child"), (other, "sibling" if "sibling" in relationship else "adult")],
            days_ago,
            relationship=relationship,
            same_household=together,
            since=None,
            until=None if until_days_ago is None else self.day(until_days_ago),
            **mends,
        )

    def agree(
        self,
        by: Somebody,
        child: Somebody,
        *,
        reference: str = "agreement-1",
        days_ago: int = 120,
        categories: Iterable[str] = ("attendance", "exclusion", "school-roll", "health-contact", "emergency",
                                     "assessment", "concern", "strength", "involvement", "social-care-status"),
        recipients: Iterable[str] = ("social-care", "school", "health"),
        capacity: str = "parental-responsibility",
        until_days_ahead: int | None = None,
    ) -> str:
        """A parent, or a competent young person, agrees to early help and to what may be shared."""
        persons = [(by, "agreed-by")] if by == child else [(by, "agreed-by"), (child, "for")]
        return self.tell(
            "social-care",
            "agreement.AgreementGiven",
            persons,
            days_ago,
            agreement=reference,
            capacity=capacity,
            purposes=["early-help"],
            categories=list(categories),
            recipients=list(recipients),
            since=self.day(days_ago),
            until=None if until_days_ahead is None else self.today + timedelta(days=until_days_ahead),
            assessed_by=None,
        )

    def withdraw(self, by: Somebody, child: Somebody, *, reference: str = "agreement-1", days_ago: int = 0) -> str:
        """The agreement is withdrawn."""
        persons = [(by, "agreed-by")] if by == child else [(by, "agreed-by"), (child, "for")]
        return self.tell(
            "social-care", "agreement.AgreementWithdrawn", persons, days_ago, agreement=reference, on=self.day(days_ago)
        )

    # ------------------------------------------------------------------ schools

    def marks(
        self, child: Somebody, code: str = "/", *, weeks: int = 8, ending_days_ago: int = 3, **mends: Any
    ) -> list[str]:
        """The same mark for every session of so many school weeks; `/` is written `\\` in the afternoon."""
        ids = []
        for back in range(weeks * 7, 0, -1):
            on = self.day(ending_days_ago + back - 1)
            if on.weekday() < 5:
                ids += [self.mark(child, on, session, code, **mends) for session in ("AM", "PM")]
        return ids

    def mark(self, child: Somebody, on: date, session: str, code: str, **mends: Any) -> str:
        """One session's mark."""
        written = "\\" if code == "/" and session == "PM" else code
        return self.tell(
            "school",
            "school.AttendanceRecorded",
            [(child, "subject")],
            (self.today - on).days,
            session_date=on,
            session=session,
            code=written,
            establishment="900001",
            **mends,
        )

    def excluded(self, child: Somebody, days_ago: int, *, kind: str = "SUSP", reason: str = "DB", **more: Any) -> str:
        """A suspension or permanent exclusion."""
        return self.tell(
            "school",
            "school.ExclusionRecorded",
            [(child, "subject")],
            days_ago,
            exclusion_type=kind,
            reasons=[reason],
            start_date=self.day(days_ago),
            sessions=4,
            establishment="900001",
            **more,
        )

    # ------------------------------------------------------------------ health

    def not_brought(self, child: Somebody, days_ago: int, service: str = "health-visiting", **more: Any) -> str:
        """A child was not brought to an appointment."""
        return self.tell(
            "health",
            "health.AppointmentNotAttended",
            [(child, "subject")],
            days_ago,
            service=service,
            appointment_date=self.day(days_ago),
            reason="was-not-brought",
            **more,
        )

    # ------------------------------------------------------------------ police

    def domestic_abuse(
        self,
        victim: Somebody,
        alleged: Somebody,
        days_ago: int,
        *,
        children: Iterable[Somebody] = (),
        dash: int | None = None,
        features: Iterable[str] = (),
        **more: Any,
    ) -> str:
        """Officers attended a domestic abuse incident."""
        persons = [(victim, "victim"), (alleged, "alleged"), *((child, "child") for child in children)]
        return self.tell(
            "police",
            "police.DomesticAbuseIncidentAttended",
            persons,
            days_ago,
            reference=f"PR-{len(self.events):05d}",
            dash_yes=dash,
            children_present=bool(children),
            voice_of_child=None,
            circumstances=None,
            features=list(features),
            crime=None,
            **more,
        )

    def missing(self, child: Somebody, days_ago: int, *, risk: str = "medium", **more: Any) -> str:
        """A child was reported missing."""
        return self.tell(
            "police",
            "police.ChildReportedMissing",
            [(child, "subject")],
            days_ago,
            reference=f"MP-{len(self.events):05d}",
            missing_kind="M",
            risk=risk,
            **more,
        )

    def marac(self, victim: Somebody, alleged: Somebody, days_ago: int) -> str:
        """A case was referred to the MARAC."""
        return self.tell(
            "police",
            "police.MaracReferralMade",
            [(victim, "victim"), (alleged, "alleged")],
            days_ago,
            on=self.day(days_ago),
            reason="professional-judgement",
        )

    # ------------------------------------------------------------------ social care, and anybody

    def assessed(self, child: Somebody, factors: Iterable[str], days_ago: int, **more: Any) -> str:
        """An assessment was completed, with its factors."""
        return self.tell(
            "social-care",
            "social_care.AssessmentCompleted",
            [(child, "subject")],
            days_ago,
            factors=list(factors),
            started=self.day(days_ago + 30),
            authorised=self.day(days_ago),
            **more,
        )

    def worried(self, worker: Professional, child: Somebody, days_ago: int, level: str = "worried", **more: Any) -> str:
        """A professional signals a concern."""
        return self.tell(
            worker.agency,
            "any_agency.ConcernSignalled",
            [(child, "subject")],
            days_ago,
            practitioner=worker.reference(),
            level=level,
            note=None,
            **more,
        )

    def strength(self, agency: str, child: Somebody, days_ago: int, strength: str, **more: Any) -> str:
        """A professional observed a strength."""
        return self.tell(
            agency,
            "any_agency.StrengthObserved",
            [(child, "subject")],
            days_ago,
            strength=strength,
            practitioner=None,
            **more,
        )


def nhs_number(number: int) -> str:
    """A number in the 999 range, which is never issued, with its check digit (NHS Data Dictionary)."""
    digits = f"999{number % 10**6:06d}"
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits)) % 11
    return nhs_number(number + 1) if check == 10 else f"{digits}{0 if check == 11 else check}"


def upn(number: int) -> str:
    """A unique pupil number with its check letter (DfE UPN guide), of local authority 873."""
    digits = f"873{number:07d}".ljust(12, "0")[:12]
    return _UPN_LETTERS[sum(int(d) * (i + 2) for i, d in enumerate(digits)) % 23] + digits
