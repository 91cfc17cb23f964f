"""A family's history as partner events: who they are, who works with them, and what they agreed to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agents.demo.people import Professional, Somebody, nhs_number, upn
from schemas.records import CloudEvent

LONDON = ZoneInfo("Europe/London")
_NO_DECISION: dict[str, Any] = {
    "assessed_by": None, "assessed_on": None, "competent_purposes": [], "competent_categories": [],
}  # fmt: skip


@dataclass
class History:
    """One family's history: its people, who works with them, and what they agreed to.

    `events` are (agency, event) in the order in which they were told.
    """

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
        **competence: Any,
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
            **{**_NO_DECISION, **competence},
        )

    def refuse(
        self, by: Somebody, child: Somebody, *, reference: str = "agreement-2", days_ago: int = 0, **competence: Any
    ) -> str:
        """Somebody was asked, and did not agree: `competence` says by what right, where it is a young person's own."""
        persons = [(by, "agreed-by")] if by == child else [(by, "agreed-by"), (child, "for")]
        return self.tell(
            "social-care", "agreement.AgreementRefused", persons, days_ago, agreement=reference,
            purposes=["early-help"], on=self.day(days_ago), **{"capacity": None, **_NO_DECISION, **competence},
        )  # fmt: skip

    def narrow(
        self,
        by: Somebody,
        child: Somebody,
        categories: Iterable[str],
        *,
        reference: str = "agreement-1",
        days_ago: int = 0,
    ) -> str:
        """The agreement now covers these kinds of information only."""
        return self.tell(
            "social-care", "agreement.AgreementNarrowed", [(by, "agreed-by"), (child, "for")], days_ago,
            agreement=reference, categories=list(categories), purposes=[], recipients=[], on=self.day(days_ago),
        )  # fmt: skip

    def withdraw(
        self,
        by: Somebody,
        child: Somebody,
        *,
        agency: str = "social-care",
        reference: str = "agreement-1",
        days_ago: int = 0,
    ) -> str:
        """The agreement is withdrawn: whichever agency is told, under whatever reference."""
        persons = [(by, "agreed-by")] if by == child else [(by, "agreed-by"), (child, "for")]
        return self.tell(
            agency, "agreement.AgreementWithdrawn", persons, days_ago, agreement=reference,
            on=self.day(days_ago), capacity=None, **_NO_DECISION,
        )  # fmt: skip
