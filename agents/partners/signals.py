"""NHS Multicast Notification Service signals: CloudEvents style, the older form, and the FHIR R4 history bundle.

A signal says that something changed and where to look, not what; it is taken as what its type says and no more.
Different types come under one id and source, so the type is part of the event's id. The subject is the NHS number:
it stands among the person's identifiers and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from agents.partners import dates, people
from agents.partners.documents import Document, documents
from agents.partners.signal_forms import VERSIONED, Signal, signal_in
from agents.partners.source import Source
from agents.partners.taken import Options, Problem, Read, Taken, Unused
from agents.partners.words import clean, or_none
from schemas.records import Remark

_SERVICE = re.compile(r"uk\.nhs(\.[a-z][a-z-]{1,60}){1,3}")
_ASID = re.compile(r"https://fhir\.nhs\.uk/Id/nhsSpineASID/(\d{12})")
_NS = "hearth.health."


def read(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield an event for each signal of a type that the hub has a word for."""
    for part in documents(source):
        if isinstance(part, Problem):
            yield part
            continue
        try:
            yield taken(part, options)
        except Unused as unused:
            yield unused.problem


def taken(part: Document, options: Options) -> Taken:
    """Return the event of one signal. Raises Unused where it gives none."""
    signal = signal_in(part.value)
    if signal is None:
        raise Unused(_no(part, "", "not-a-signal", "This is no signal", "Send signals as the service delivers them"))
    named = VERSIONED.fullmatch(signal.type)
    make = _TYPES.get(named["stem"]) if named else None
    if make is None:
        raise Unused(
            _no(part, "type", "signal-not-used", "The hub has no use for this type of signal", "Nothing to do")
        )
    at = dates.instant(signal.time)
    if at is None:
        raise Unused(
            _no(part, "time", "unreadable-time", "The signal's time is missing or cannot be read", "Send RFC 3339")
        )
    if not signal.id:
        raise Unused(_no(part, "id", "missing", "The signal has no id", "Send the id that the service gave it"))
    remarks: list[Remark] = []
    who = _person(signal, remarks)
    if not who["identifiers"]:
        raise Unused(_no(part, "subject", "no-person", "Nothing says whom the signal is about", "Send the subject"))
    kind, fields = make(signal, remarks)
    about = people.about([who], at, at, source_reference=or_none(signal.dataref))
    event_id = f"{people.record_id(options, signal.id)}/{signal.type}"
    return Taken(
        part.where,
        people.event(options, _NS + kind, _origin(signal.source, options), {"about": about, **fields}, id=event_id),
        remarks,
    )


Made = tuple[str, dict[str, Any]]


def _gp(signal: Signal, remarks: list[Remark]) -> Made:  # noqa: ARG001 (each type has this form)
    return "GpChanged", {"practice": None, "on": None}


def _record(signal: Signal, remarks: list[Remark]) -> Made:  # noqa: ARG001 (each type has this form)
    return "DemographicsChanged", {"changed": []}


def _number(signal: Signal, remarks: list[Remark]) -> Made:
    status = clean(signal.data.get("nhsNumberStatus")).upper()
    if status not in ("R", "I"):
        remarks.append(_unsaid("status", "The signal does not say what became of the number; taken as replaced"))
    return "IdentifierSuperseded", {"status": status if status in ("R", "I") else "R", "superseded_by": None}


def _death(signal: Signal, remarks: list[Remark]) -> Made:
    status = clean(signal.data.get("deathNotificationStatus")).upper()
    if status not in ("1", "2", "U"):
        remarks.append(_unsaid("notification", "The signal does not say how formal the notice is; taken as informal"))
    return "PersonDied", {"on": None, "notification": status if status in ("1", "2", "U") else "1"}


_TYPES: dict[str, Callable[[Signal, list[Remark]], Made]] = {
    "pds-change-of-gp": _gp,
    "pds-record-change": _record,
    "pds-change-of-address": lambda _signal, _remarks: ("DemographicsChanged", {"changed": ["address"]}),
    "nhs-number-change": _number,
    "pds-death-notification": _death,
}


def _person(signal: Signal, remarks: list[Remark]) -> dict[str, Any]:
    said = people.identifiers(remarks, nhs_number=signal.subject.get("nhsNumber"))
    born = dates.said(signal.subject.get("dob"))  # YYYY and YYYY-MM are allowed, and say no day
    return people.person(
        "patient", said, family_name=signal.subject.get("familyName"), birth_date=born.day if born else None
    )


def _origin(said: str, options: Options) -> str:
    """Return the event's source: a service's name or its 12-digit system number; anything else could hold a number."""
    asid = _ASID.fullmatch(said)
    name = (
        f"asid-{asid[1]}"
        if asid
        else said
        if _SERVICE.fullmatch(said)
        else people.event_id(options, "signal-source", said)
    )
    return f"hearth:file/nhs-mns/{name}"


def _unsaid(path: str, problem: str) -> Remark:
    return Remark(path, "not-said-by-signal", problem, "Send the hydrated record when it is known")


def _no(part: Document, path: str, code: str, problem: str, fix: str) -> Problem:
    return Problem(part.where, path, code, problem, fix)
