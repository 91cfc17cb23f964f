"""People and dates as every event says them (`hearth.common.About`, `hearth.common.Person`), and event ids."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from agents.partners.taken import Options
from agents.partners.words import clean, number, or_none, plain
from consent.seal import Pseudonyms
from schemas import checks
from schemas.records import CloudEvent, Remark

_SEXES = {
    "male": "male",
    "m": "male",
    "1": "male",
    "boy": "male",
    "man": "male",
    "female": "female",
    "f": "female",
    "2": "female",
    "girl": "female",
    "woman": "female",
    "other": "other",
    "indeterminate": "I",
    "i": "I",
    "9": "9",
    "x": "X",
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_UPN_REASON = re.compile(r"UN[1-8]", re.I)
_LISTED = re.compile(r"^[a-z0-9]\)\s*", re.I)  # "b) Female" in social-care lists


def identifiers(remarks: list[Remark], **said: object) -> list[dict[str, str]]:
    """Return identifiers as said, by system (`nhs_number=`, `upn=`, `local=`), leaving out what says nothing.

    A number that a spreadsheet has turned into a power of ten is left out too, with a remark.
    """
    kept = []
    for system, value in said.items():
        text, destroyed = number(value)
        if destroyed:
            remarks.append(spoiled(f"data.about.persons[].identifiers[{system}]"))
        if text and not (system == "upn" and _UPN_REASON.fullmatch(text)):
            kept.append({"system": system.replace("_", "-"), "value": text})
    return kept


def person(role: str, known: list[dict[str, str]], **fields: object) -> dict[str, Any]:
    """Return a person with every field of the contract, None where nothing is said."""
    names = ("family_name", "given_names", "birth_date", "sex", "address", "postcode", "uprn", "phone")
    said: dict[str, Any] = {"role": role, "identifiers": known}
    for name in names:
        value = fields.get(name)
        said[name] = value if isinstance(value, date) else or_none(value)
    return {**said, "sex": sex(said["sex"]), "uprn": _uprn(said["uprn"])}


def about(persons: list[dict[str, Any]], happened_at: datetime, recorded_at: datetime, **more: Any) -> dict[str, Any]:
    """Return the `about` of an event, every field of the contract in it."""
    return {
        "persons": persons,
        "happened_at": _milliseconds(happened_at),
        "recorded_at": _milliseconds(recorded_at),
        "corrects": None,
        "retracts": None,
        "purpose": "",
        "ground": None,
        "agreement_reference": None,
        "tier": "normal",
        "source_reference": None,
        **more,
    }


def ground(claim: str, rationale: str) -> dict[str, str]:
    """Return the ground that an event rests on by what it is (a section 47 enquiry, an Encompass notice)."""
    return {"claim": claim, "rationale": rationale, "decided_by": "", "condition_reason": ""}


def event(options: Options, kind: str, source: str, data: dict[str, Any], *facts: str, id: str = "") -> CloudEvent:  # noqa: A002
    """Return an event; its id is `id`, or else worked out from `facts`, which do not depend on the place in a file."""
    return CloudEvent(id or event_id(options, *facts), source, kind, data, data["about"]["recorded_at"])


def event_id(options: Options, *facts: str) -> str:
    """Return the id that these facts always give under `options.key`; it tells nothing of them."""
    return Pseudonyms(options.key).mint("e", *facts)


def record_id(options: Options, said: str) -> str:
    """Return a publisher's own record id where it is a UUID; any other might be a person's number: keyed."""
    return said.lower() if _UUID.fullmatch(said) else event_id(options, "record", said)


def person_key(known: dict[str, Any]) -> str:
    """Return what tells people apart in ids: own number, checked UPN or NHS number, or name and birth date."""
    by_system: dict[str, str] = {i["system"]: i["value"] for i in reversed(known["identifiers"])}
    if "local" in by_system:
        return "local:" + by_system["local"]
    for system, check in (("upn", checks.upn), ("nhs-number", checks.nhs_number)):
        if system in by_system and (value := check(by_system[system])):
            return f"{system}:{value}"
    words = (plain(known[name] or "") for name in ("family_name", "given_names"))
    text = "|".join([*words, str(known["birth_date"] or ""), *sorted(by_system.values())])
    return "said:" + text if text.strip("|") else ""


def sex(said: object) -> str | None:
    """Return the hub's word for a sex as registers, the census and FHIR write it; None where it is not stated."""
    return _SEXES.get(_LISTED.sub("", clean(said)).casefold())


def spoiled(path: str) -> Remark:
    """Return the remark for a number that a spreadsheet destroyed."""
    return Remark(
        path,
        "spoiled-number",
        "A spreadsheet turned this number into a power of ten; it is left out",
        "Format the column as text before exporting",
    )


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _uprn(said: str | None) -> str | None:
    text, _ = number(said)
    return text if text and text.isdigit() and len(text) <= 12 else None
