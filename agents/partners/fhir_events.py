"""What each FHIR R4 resource says in the hub's words: Patient, Encounter, Appointment, Flag."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from agents.partners import dates, people
from agents.partners.fhir_patient import Known, holds, text
from agents.partners.taken import Options, Problem, Taken, Unused
from agents.partners.words import plain
from schemas.codes import code_list
from schemas.records import Remark

SOURCE = "hearth:file/fhir-r4"
_NS = "hearth.health."
_ADULT = 18  # years
_DEATH = "DeathNotificationStatus"


class Resource(msgspec.Struct, frozen=True):
    """A sound resource, the patient it is about, and when it was recorded."""

    where: str
    body: dict[str, Any]
    known: Known
    recorded: datetime
    options: Options
    remarks: list[Remark]

    def make(self, kind: str, happened: datetime, facts: tuple[str, ...], **data: Any) -> Taken:
        """Return the event that `facts` identify; a resource entered in error takes it back instead."""
        ids = people.event_id(self.options, "fhir", kind, *facts)
        wrong = self.body.get("status") == "entered-in-error"
        about = people.about(
            [self.known.person], happened, self.recorded, tier=self.known.tier, retracts=ids if wrong else None
        )
        event_id = people.event_id(self.options, "fhir-retracted", kind, *facts) if wrong else ids
        event = people.event(self.options, _NS + kind, SOURCE, {"about": about, **data}, id=event_id)
        return Taken(self.where, event, self.remarks)

    def key(self, *otherwise: str) -> tuple[str, ...]:
        """Return what identifies the resource: its id, or else whom and what it is about."""
        said = text(self.body.get("id"))
        return (said,) if said else ("", people.person_key(self.known.person), *otherwise)

    def no(self, path: str, code: str, problem: str, fix: str, blank: bool = False) -> Unused:
        """Return the reason for giving no event."""
        return Unused(Problem(self.where, f"{self.body['resourceType']}{path}", code, problem, fix, blank))


def of_patient(resource: Resource) -> list[Taken]:
    """A Patient is a snapshot: it does not say what changed. A death in it is an event of its own."""
    version = text((resource.body.get("meta") or {}).get("versionId")) or resource.recorded.isoformat()
    facts = (people.person_key(resource.known.person), version)
    changed = resource.make("DemographicsChanged", resource.recorded, facts, changed=[])
    return [changed, *_death(resource)]


def _death(resource: Resource) -> list[Taken]:
    status, said = _notification(resource.body), text(resource.body.get("deceasedDateTime"))
    if not said and resource.body.get("deceasedBoolean") is not True and status != "U":
        return []
    at, on = dates.instant(said), dates.said(said)
    facts = (people.person_key(resource.known.person), str(on.day) if on else "", status)
    bare = msgspec.structs.replace(resource, remarks=[], recorded=at or resource.recorded)
    return [
        bare.make("PersonDied", at or resource.recorded, facts, on=on.day if on else None, notification=status or "1")
    ]


def _notification(body: dict[str, Any]) -> str:
    for extension in body.get("extension") or []:
        if text(extension.get("url")).partition("Extension-")[2].endswith(_DEATH):
            for part in extension.get("extension") or []:
                if codes := [text(c.get("code")) for c in (part.get("valueCodeableConcept") or {}).get("coding") or []]:
                    return codes[0] if codes[0] in ("1", "2", "U") else ""
    return ""


def of_encounter(resource: Resource) -> list[Taken]:
    """An emergency Encounter that took place. Its reasons are clinical, and are not carried over."""
    body = resource.body
    if (body.get("class") or {}).get("code") != "EMER":
        raise resource.no(".class", "resource-not-used", "It is no emergency encounter", "Nothing to do", blank=True)
    if body.get("status") in ("planned", "cancelled", "unknown", None):
        raise resource.no(".status", "resource-not-used", "It has not taken place", "Nothing to do", blank=True)
    arrived = dates.instant(text((body.get("period") or {}).get("start")))
    if arrived is None:
        raise resource.no(
            ".period.start", "unreadable-time", "The arrival is missing or cannot be read", "Send period.start"
        )
    if body.get("reasonCode"):
        resource.remarks.append(
            Remark(
                "Encounter.reasonCode", "not-carried-over", "Clinical reasons stay with the publisher", "Nothing to do"
            )
        )
    return [
        resource.make(
            "EmergencyAttended",
            arrived,
            resource.key(arrived.isoformat()),
            arrived_at=arrived,
            setting="emergency-department",
            reasons=[],
        )
    ]


def of_appointment(resource: Resource) -> list[Taken]:
    """An Appointment to which the patient did not come, or was not brought."""
    body = resource.body
    if body.get("status") not in ("noshow", "entered-in-error"):
        raise resource.no(".status", "resource-not-used", "It was not missed", "Nothing to do", blank=True)
    start = dates.said(text(body.get("start")))
    if start is None:
        raise resource.no(".start", "unreadable-time", "The start is missing or cannot be read", "Send start")
    on, born = start.day, resource.known.born
    if born is None:
        resource.remarks.append(
            Remark(
                "Appointment.participant",
                "age-not-known",
                "Whether the patient is a child is not said; taken as not brought",
                "Send the Patient too",
            )
        )
    adult = born is not None and (on.year - born.year - ((on.month, on.day) < (born.month, born.day))) >= _ADULT
    happened = start.at or dates.midnight(on)
    return [
        resource.make(
            "AppointmentNotAttended",
            happened,
            resource.key(str(on)),
            service=_service(body),
            appointment_date=on,
            reason="did-not-attend" if adult else "was-not-brought",
        )
    ]


def _service(body: dict[str, Any]) -> str:
    concepts = [c for name in ("serviceType", "specialty", "serviceCategory") for c in body.get(name) or []]
    said = plain(
        " ".join(text(w) for c in concepts for w in (c.get("text"), *(k.get("display") for k in c.get("coding") or [])))
    )
    known = code_list("health-services").codes
    return next((code for code in known if code != "other" and plain(code) in said), "other")


def of_flag(resource: Resource) -> list[Taken]:
    """A safeguarding Flag put on or taken off. A Flag whose period has ended is off, whatever its status."""
    body = resource.body
    code, period = _safeguarding(body), body.get("period") or {}
    if not code:
        raise resource.no(
            ".code",
            "resource-not-used",
            "It has no safeguarding code",
            "Nothing, or send a SNOMED CT code of the list `snomed`",
        )
    if body.get("status") not in ("active", "inactive", "entered-in-error"):
        raise resource.no(".status", "missing", "Whether the flag is on or off is missing", "Send active or inactive")
    ended = not holds(body, resource.options.today or resource.recorded.date())
    off = body.get("status") == "inactive" or (ended and body.get("status") == "active")
    on = dates.said(text(period.get("end" if off else "start")))
    day: date = on.day if on else resource.recorded.astimezone(dates.LONDON).date()
    kind = "SafeguardingFlagCleared" if off else "SafeguardingFlagSet"
    return [resource.make(kind, dates.midnight(day), resource.key(code, str(day)), flag=code, on=day)]


def _safeguarding(body: dict[str, Any]) -> str:
    codings = [
        c for c in (body.get("code") or {}).get("coding") or [] if text(c.get("system")) == "http://snomed.info/sct"
    ]
    codes, known = [text(c.get("code")) for c in codings], code_list("snomed")
    marked = "safeguarding" in plain(str(body.get("category") or ""))
    return next((c for c in codes if c in known.codes), "") or (
        next(filter(known.lets_in, codes), "") if marked else ""
    )


OF = {"Patient": of_patient, "Encounter": of_encounter, "Appointment": of_appointment, "Flag": of_flag}
