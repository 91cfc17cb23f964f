"""People in FHIR STU3 XML, where a value is an attribute and an extension is found by its address."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from agents.partners import dates, people
from agents.partners.markup import child, children
from agents.partners.words import clean, or_none
from schemas.records import Remark


def value(element: Element | None, *path: str) -> str:
    """Return the `value` of the first element at `path`, cleaned."""
    found = child(element, *path)
    return clean(found.get("value")) if found is not None else ""


def find(element: Element, extension: str, name: str) -> str:
    """Return the value called `name` anywhere inside the extension whose address has `extension` in it."""
    for one in children(element, "extension"):
        if extension in (one.get("url") or ""):
            inner = (e for e in one.iter() if e.tag.rpartition("}")[2] == name and e.get("value"))
            return next((clean(e.get("value")) for e in inner), "")
    return ""


def person(patient: Element, role: str, remarks: list[Remark]) -> tuple[dict[str, Any], str]:
    """Return the person of a Patient, and the tier: a restricted one has neither address nor phone, and is shielded."""
    numbers = [value(i, "value") for i in children(patient, "identifier") if value(i, "system").endswith("nhs-number")]
    said = [one for number in numbers for one in people.identifiers(remarks, nhs_number=number)]
    born = dates.said(value(patient, "birthDate"))
    fields: dict[str, Any] = {
        **_name(_official(patient)),
        "sex": value(patient, "gender"),
        "birth_date": born.day if born else None,
    }
    restricted = any(value(s, "code") in ("R", "V") for s in children(child(patient, "meta"), "security"))
    if not restricted:
        fields |= _location(patient)
    return people.person(role, said, **fields), "shielded" if restricted else "normal"


def routed(header: Element, role: str, remarks: list[Remark]) -> dict[str, Any]:
    """Return the person of a message's routing demographics."""
    routing = next((e for e in children(header, "extension") if "RoutingDemographics" in (e.get("url") or "")), None)
    parts = {e.get("url"): e for e in children(routing, "extension")}
    said = people.identifiers(remarks, nhs_number=value(parts.get("nhsNumber"), "valueIdentifier", "value"))
    born = dates.said(value(parts.get("birthDateTime"), "valueDateTime"))
    return people.person(
        role, said, **_name(child(parts.get("name"), "valueHumanName")), birth_date=born.day if born else None
    )


def practice(patient: Element | None) -> str | None:
    """Return the ODS code of the practice that a Patient names."""
    return or_none(value(patient, "generalPractitioner", "reference").rpartition("/")[2].removeprefix("urn:uuid:"))


def _official(patient: Element) -> Element | None:
    names = [n for n in children(patient, "name") if not value(n, "period", "end")]
    return min(names, key=lambda n: value(n, "use") != "official", default=None)


def _name(name: Element | None) -> dict[str, str]:
    given = " ".join(clean(g.get("value")) for g in children(name, "given"))
    return {"family_name": value(name, "family"), "given_names": given}


def _location(patient: Element) -> dict[str, str]:
    homes = [a for a in children(patient, "address") if not value(a, "period", "end")]
    home = homes[0] if homes else None
    parts = [
        *(clean(line.get("value")) for line in children(home, "line")),
        value(home, "city"),
        value(home, "district"),
    ]
    phones = [value(t, "value") for t in children(patient, "telecom") if value(t, "system") == "phone"]
    return {
        "address": ", ".join(dict.fromkeys(p for p in parts if p)),
        "postcode": value(home, "postalCode"),
        "phone": phones[0] if phones else "",
    }
