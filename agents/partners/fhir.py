"""FHIR R4 resources: one, a Bundle, or one on each line. One bad resource never stops the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec

from agents.partners import dates, signals
from agents.partners.documents import Document, documents
from agents.partners.fhir_events import OF, Resource
from agents.partners.fhir_models import sound
from agents.partners.fhir_patient import Known, patient, referred, text
from agents.partners.signal_forms import is_signal
from agents.partners.source import Source
from agents.partners.taken import Options, Problem, Read, Unused
from schemas.records import Remark

_NESTED = 4  # Bundles in Bundles


class Found(msgspec.Struct, frozen=True):
    """A resource as it stands in the file, under which address, and when its Bundle was made."""

    where: str
    body: dict[str, Any]
    address: str = ""
    at: datetime | None = None


def read(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield the events of each resource; a Patient answers the references of what stands in its Bundle or after it."""
    patients: dict[str, Known] = {}
    for part in documents(source):
        if isinstance(part, Problem):
            yield part
            continue
        if is_signal(part.value):
            yield from _signal(part, options)
            continue
        found = list(_resources(part, _NESTED))
        for one in found:
            if isinstance(one, Found) and one.body.get("resourceType") == "Patient":
                _remember(one, patients, source, options)
        for one in found:
            yield from [one] if isinstance(one, Problem) else _events(one, patients, source, options)


def _signal(part: Document, options: Options) -> Read:
    try:
        yield signals.taken(part, options)
    except Unused as unused:
        yield unused.problem


def _resources(part: Document, left: int, address: str = "", at: datetime | None = None) -> Iterator[Found | Problem]:
    body = part.value
    if not isinstance(body, dict) or not isinstance(body.get("resourceType"), str):
        empty = body in ({}, None)
        yield Problem(
            part.where,
            "resourceType",
            "not-a-resource",
            "There is no resource here",
            "Send whole resources, not patches",
            blank=empty,
        )
    elif body["resourceType"] != "Bundle" or not left:
        yield Found(part.where, body, address, at)
    else:
        said = body.get("entry")
        entries: list[Any] = said if isinstance(said, list) else []
        if not entries:
            yield Problem(part.where, "Bundle.entry", "no-entries", "The Bundle is empty", "Nothing to do", blank=True)
        made = dates.instant(text(body.get("timestamp"))) or at
        for count, entry in enumerate(entries, start=1):
            inner = entry if isinstance(entry, dict) else {}
            where = f"{part.where}/entry[{count}]"
            yield from _resources(Document(where, inner.get("resource")), left - 1, text(inner.get("fullUrl")), made)


def _recorded(found: Found, source: Source, options: Options) -> datetime | None:
    """The resource's own date, or its Bundle's, or what the publisher says, or the newest in it, or the file's."""
    return _said(found) or options.recorded_at or _newest(found.body) or source.modified


def _said(found: Found) -> datetime | None:
    meta = found.body.get("meta")
    said = dates.instant(text(meta.get("lastUpdated"))) if isinstance(meta, dict) else None
    return said or found.at


def _newest(value: Any) -> datetime | None:
    """Return the newest start of a period, or start, in a resource."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    starts = [dates.instant(text(v)) if k == "start" else _newest(v) for k, v in inner]
    return max((start for start in starts if start), default=None)


def _as_of(recorded: datetime | None, options: Options) -> date | None:
    days = [d for d in (recorded.date() if recorded else None, options.today) if d]
    return max(days, default=None)


def _remember(one: Found, patients: dict[str, Known], source: Source, options: Options) -> None:
    known = patient(sound(one.body, []), _as_of(_recorded(one, source, options), options), [])
    for address in (one.address, f"Patient/{text(one.body.get('id'))}"):
        if address.rpartition("/")[2]:
            patients[address] = known


def _events(found: Found, patients: dict[str, Known], source: Source, options: Options) -> Read:
    kind = found.body["resourceType"]
    if kind not in OF:
        yield Problem(
            found.where,
            "resourceType",
            "resource-not-used",
            "The hub has no use for this kind of resource",
            "Nothing to do",
            blank=True,
        )
        return
    remarks: list[Remark] = []
    body = sound(found.body, remarks)
    recorded = _recorded(found, source, options)
    known = _about(body, patients, _as_of(recorded, options), remarks)
    if known is None or not (known.person["identifiers"] or known.person["family_name"]):
        yield Problem(
            found.where, f"{kind}.subject", "no-person", "Nothing says whom it is about", "Send an NHS number"
        )
    elif recorded is None:
        yield Problem(
            found.where,
            f"{kind}.meta.lastUpdated",
            "no-time",
            "Nothing says when this was recorded",
            "Send meta.lastUpdated",
        )
    else:
        if recorded != _said(found) and recorded != options.recorded_at:
            remarks.append(
                Remark(
                    f"{kind}.meta.lastUpdated",
                    "time-not-said",
                    "When it was recorded is not said; the newest date in it, or the file's, is used",
                    "Send meta.lastUpdated",
                )
            )
        try:
            yield from OF[kind](Resource(found.where, body, known, recorded, options, remarks))
        except Unused as unused:
            yield unused.problem


def _about(body: dict[str, Any], patients: dict[str, Known], on: date | None, remarks: list[Remark]) -> Known | None:
    if body["resourceType"] == "Patient":
        return patient(body, on, remarks)
    inside = {f"#{text(c.get('id'))}": c for c in body.get("contained") or [] if c.get("resourceType") == "Patient"}
    actors = [p.get("actor") for p in body.get("participant") or []] if body["resourceType"] == "Appointment" else []
    for reference in [body.get("subject"), *actors]:
        address = text((reference or {}).get("reference"))
        if address in inside:
            return patient(inside[address], on, remarks)
        if known := patients.get(address) or patients.get("/".join(address.split("/")[-2:])):
            return known
        to_patient = "Patient/" in address or (reference or {}).get("type") == "Patient"
        if reference and (to_patient or (reference.get("identifier") or {}).get("system", "").endswith("nhs-number")):
            return referred(reference, remarks)
    return None
