"""Tells a family's history as partner events: people, agencies and days, in the words of the field.

    story = Story("three agencies", today=date(2026, 11, 23))
    mia = story.child("Mia", born="2014-05-02")
    story.marks(mia, "/", weeks=6)
    story.missing(mia, days_ago=20, risk="high")

The stories of the demo and of tests/stories are written with it; numbers come from the ranges that are never issued.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from agents.demo.history import History
from agents.demo.people import Professional, Somebody, nhs_number, upn

__all__ = ["Professional", "Somebody", "Story", "nhs_number", "upn"]


@dataclass
class Story(History):
    """A history, and what each agency says in the course of it."""

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

    # ------------------------------------------------------------------ information governance

    def restrict(
        self,
        person: Somebody,
        by: str,
        *,
        agency: str = "social-care",
        case: str = "c_restriction",
        on_ground: str = "accuracy-contested",
        days_ago: int = 1,
    ) -> str:
        """An officer, `by` their pseudonym at the hub, restricts the processing of a person's information."""
        said = {"case": case, "on_ground": on_ground, "said_by": by, "because": "As she asked"}
        return self.tell(
            agency, "sharing.ProcessingRestricted", [(person, "subject")], days_ago, on=self.day(days_ago), **said
        )

    def lift(
        self, person: Somebody, by: str, *, agency: str = "social-care", case: str = "c_restriction", days_ago: int = 0
    ) -> str:
        """The officer lifts it, after the person was told."""
        said = {"case": case, "said_by": by, "because": "It was verified", "told_on": self.day(days_ago)}
        return self.tell(
            agency, "sharing.RestrictionLifted", [(person, "subject")], days_ago, on=self.day(days_ago), **said
        )
