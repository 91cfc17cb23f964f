"""A FHIR R4 Patient as a person: what holds now, without what a restriction hides."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from agents.partners import dates, people
from agents.partners.words import clean, or_none
from schemas import checks
from schemas.records import Remark

NHS = "nhs-number"
_RESTRICTED = ("R", "V")  # v3-Confidentiality: restricted, very restricted
_NAMES = ("official", "usual", "", "temp", "nickname")  # old and maiden names are not the name
_HOMES = ("home", "", "temp")


class Known(msgspec.Struct, frozen=True):
    """A patient: the person, how closely to keep it, and the birth date if it is known to the day."""

    person: dict[str, Any]
    tier: str = "normal"

    @property
    def born(self) -> date | None:
        born = self.person["birth_date"]
        return born if isinstance(born, date) else None


def patient(body: dict[str, Any], on: date | None, remarks: list[Remark], role: str = "patient") -> Known:
    """Return the person of a Patient as of `on`. Location and phone of a restricted patient are left out."""
    restricted = is_restricted(body)
    born = dates.said(text(body.get("birthDate")))
    if born is None and body.get("birthDate"):
        remarks.append(
            Remark(
                "Patient.birthDate",
                "date-not-full",
                "The birth date is not known to the day; it is left out",
                "Send YYYY-MM-DD when it is known",
            )
        )
    name = _best(body.get("name"), _NAMES, on)
    fields: dict[str, Any] = {
        "family_name": name.get("family"),
        "given_names": " ".join(map(text, name.get("given") or [])),
        "birth_date": born.day if born else None,
        "sex": body.get("gender"),
    }
    if not fields["family_name"] and not fields["given_names"]:
        fields["given_names"], _, fields["family_name"] = text(name.get("text")).rpartition(" ")
    if restricted:
        remarks.append(
            Remark(
                "Patient.meta.security",
                "restricted",
                "The patient is restricted: address, phone and practice are left out",
                "Nothing to do",
            )
        )
    else:
        fields |= _location(body, on)
    return Known(people.person(role, _identifiers(body, on, remarks), **fields), "shielded" if restricted else "normal")


def is_restricted(body: dict[str, Any]) -> bool:
    """Tell whether the resource's security label restricts it."""
    labels = (body.get("meta") or {}).get("security") or []
    return any(label.get("code") in _RESTRICTED for label in labels)


def text(value: Any) -> str:
    """Return a FHIR string, cleaned; a value that is only extensions (`dataAbsentReason`) says nothing."""
    return clean(value) if isinstance(value, str | int | float) else ""


def holds(part: dict[str, Any], on: date | None) -> bool:
    """Tell whether a part's period had not ended by `on` (its last day counts)."""
    end = dates.said(text((part.get("period") or {}).get("end")))
    return end is None or on is None or end.day >= on


def referred(reference: dict[str, Any], remarks: list[Remark]) -> Known | None:
    """Return the patient of a reference that no resource in the file answers: an NHS number, or the publisher's id."""
    said = reference.get("identifier") or {}
    if text(said.get("system")).endswith(NHS) and (value := text(said.get("value"))):
        return Known(people.person("patient", people.identifiers(remarks, nhs_number=value)))
    last = text(reference.get("reference")).split("/_history")[0].rpartition("/")[2].removeprefix("urn:uuid:")
    if not last or last.startswith("#"):
        return None
    system = {"nhs_number": last} if checks.nhs_number(last) else {"local": last}
    return Known(people.person("patient", people.identifiers(remarks, **system)))


def _identifiers(body: dict[str, Any], on: date | None, remarks: list[Remark]) -> list[dict[str, str]]:
    """The server's own id of a patient is used only where there is no NHS number: it may hold for one message only."""
    found: list[dict[str, str]] = []
    for one in body.get("identifier") or []:
        if text(one.get("system")).endswith(NHS) and one.get("use") != "old" and holds(one, on):
            found += people.identifiers(remarks, nhs_number=one.get("value"))
    return found or people.identifiers(remarks, local=body.get("id"))


def _location(body: dict[str, Any], on: date | None) -> dict[str, Any]:
    home = _best(body.get("address"), _HOMES, on)
    parts = [*(home.get("line") or []), home.get("city"), home.get("district")]
    phones = [t for t in body.get("telecom") or [] if t.get("system") in ("phone", "sms") and holds(t, on)]
    seen = list(dict.fromkeys(text(p) for p in parts if text(p)))
    return {
        "address": ", ".join(seen) or or_none(text(home.get("text"))),
        "postcode": home.get("postalCode"),
        "uprn": _uprn(home),
        "phone": text(phones[0].get("value")) if phones else None,
    }


def _uprn(home: dict[str, Any]) -> str | None:
    for key in home.get("extension") or []:
        parts = {part.get("url"): part for part in key.get("extension") or []}
        if ((parts.get("type") or {}).get("valueCoding") or {}).get("code") == "UPRN":
            return or_none(text((parts.get("value") or {}).get("valueString")))
    return None


def _best(parts: list[dict[str, Any]] | None, uses: tuple[str, ...], on: date | None) -> dict[str, Any]:
    fit = [p for p in parts or [] if text(p.get("use")) in uses and holds(p, on)]
    return min(fit, key=lambda p: uses.index(text(p.get("use"))), default={})
