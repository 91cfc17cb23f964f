"""An agreement as a consent record in the layout of ISO/IEC TS 27560:2023, in terms of DPV, as JSON-LD.

One record for each person whom an agreement covers: a record has one data subject. What could not be checked against
its source is said in the record itself (`hearth:unchecked`). Which term stands for what: consent/agreement_terms.toml.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from consent.agreement_list import Agreement, Step
from consent.retention import in_words
from schemas.codes import code_list
from schemas.ids import FamilyId, PersonId

Json = dict[str, Any]
_NOT_TERMS = ("source", "checked")


@cache
def terms() -> Json:
    """Return the terms, by what they are terms of."""
    found: Json = msgspec.toml.decode((Path(__file__).parent / "agreement_terms.toml").read_bytes())
    return found


def agreement_id(family: FamilyId, one: Agreement) -> str:
    """Return the id by which one person's agreement can be asked for: the family's, and 16 characters of its own."""
    cause = "\n".join((one.agency, one.reference, one.by))
    return f"{family}.{sha256(cause.encode()).hexdigest()[:16]}"


def consent_records(family: FamilyId, one: Agreement, on: date, known_at: datetime) -> list[Json]:
    """Return the records of one agreement as it stands on `on` and was known at `known_at`, a person at a time."""
    return [_record(family, one, subject, on, known_at) for subject in one.whom]


def _record(family: FamilyId, one: Agreement, subject: PersonId, on: date, known_at: datetime) -> Json:
    said = terms()
    first, last = one.steps[0], one.steps[-1]
    return {
        "@context": dict(said["context"]),
        "@id": f"urn:hearth:{agreement_id(family, one)}:{subject}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": said["record"]["conforms_to"],
        "dpv:hasIdentifier": f"{agreement_id(family, one)}:{subject}",
        "dct:identifier": one.reference,
        "dpv:hasDataSubject": {"@id": _person(subject), "@type": ["dpv:DataSubject"], "dpv:hasIdentifier": subject},
        "dct:created": _instant(first.recorded_at),
        "dct:modified": _instant(last.recorded_at),
        "dct:creator": _agency(one.agency),
        "dct:language": "en",
        "dpv:hasProcess": [_process(one, subject, purpose, on) for purpose in one.purposes or ("",)],
        "dpv:hasEntity": _entities(one, subject),
        "hearth:state": _state(one, subject),
        "hearth:asOf": on.isoformat(),
        "hearth:knownAt": _instant(known_at),
        "hearth:steps": [_step(step) for step in one.steps],
        "hearth:competence": _competence(one),
        "hearth:removed": list(one.removed),
        "hearth:unchecked": list(said["record"]["unchecked"]),
    }


def _process(one: Agreement, subject: PersonId, purpose: str, on: date) -> Json:
    said = terms()
    found: Json = {
        "@type": "dpv:Process",
        "dpv:hasPersonalData": [_personal_data(category) for category in one.categories],
        "dpv:hasProcessing": ["dpv:Store", "dpv:Use", "dpv:Share"],
        "dpv:hasDataController": [_agency(one.agency)],
        "dpv:hasDataSource": ["dpv:DataControllerDataSource", "dpv:ThirdPartyDataSource"],
        "dpv:hasStorageCondition": [_kept(category) for category in one.categories],
        "dpv:hasRecipient": [_recipient(recipient) for recipient in one.recipients],
        "dpv:hasLegalBasis": [said["basis"]["term"]],
        "skos:note": said["basis"]["note"],
        "dpv:hasJurisdiction": said["basis"]["jurisdiction"],
        "dpv:hasApplicableLaw": list(said["basis"]["laws"]),
        "dpv:hasConsentStatus": [_status(one, subject, on)],
    }
    if purpose:
        label = code_list("purposes").codes[purpose].label
        found["dpv:hasPurpose"] = [{
            "@type": ["dpv:Purpose"], "skos:broader": said["purposes"][purpose], "skos:prefLabel": label,
        }]  # fmt: skip
    return found


def _personal_data(category: str) -> Json:
    said = terms()
    kind = "dpv:SpecialCategoryPersonalData" if category in said["special"]["categories"] else "dpv:PersonalData"
    broader = {"skos:broader": said["categories"][category]} if category in said["categories"] else {}
    return {"@type": [kind], **broader, "skos:prefLabel": code_list("categories").codes[category].label}


def _kept(category: str) -> Json:
    until = {"@type": "dpv:UntilEventDuration", "rdf:value": in_words()}
    return {"@type": ["dpv:StorageDuration"], "skos:prefLabel": category, "dpv:hasDuration": until}


def _status(one: Agreement, subject: PersonId, on: date) -> Json:
    state = _state(one, subject)
    term = "withdrawn-by-another" if state == "withdrawn" and one.by != subject else state
    ended = one.until if state == "expired" else None
    found: Json = {
        "@type": [terms()["states"][term]],
        "dpv:isIndicatedAtTime": (ended or _acts(one)[-1].on).isoformat(),
        "dpv:isIndicatedBy": _person(one.by) if one.by else _agency(one.agency),
        "dpv:isExercisedAt": _agency(one.agency),
    }
    if one.until is not None and on < one.until:
        until = {"@type": ["dpv:UntilTimeDuration"], "rdf:value": one.until.isoformat()}
        found["dpv:hasDuration"] = until
    return found


def _acts(one: Agreement) -> list[Step]:
    """The giver's own acts: what somebody else narrowed is not their word."""
    return [step for step in one.steps if step.act != "narrowed"] if one.state != "narrowed" else list(one.steps)


def _state(one: Agreement, subject: PersonId) -> str:
    """Where the person's own word counts instead, their own record says what it is, and this one is not to be used."""
    return "disputed" if subject in one.outweighed_for else one.state


def _entities(one: Agreement, subject: PersonId) -> list[Json]:
    codes = {**code_list("agencies").codes, **code_list("practitioner-roles").codes}
    bodies = {one.agency: ["dpv:DataController"]}
    for recipient in one.recipients:
        bodies.setdefault(recipient, []).append("dpv:Recipient")
    found: list[Json] = [
        {"@id": _recipient(body), "@type": kinds, "dpv:hasName": codes[body].label} for body, kinds in bodies.items()
    ]
    if one.by and one.by != subject:
        rights = terms()["rights"]
        kind = rights[one.right] if one.right in rights and one.right not in _NOT_TERMS else rights["another"]
        found.append({"@id": _person(one.by), "@type": [kind], "hearth:right": one.right})
    return found


def _competence(one: Agreement) -> Json:
    right = one.competence
    said = {
        "hearth:right": one.right,
        "hearth:capacity": right.capacity or None,
        "hearth:assessedBy": right.assessed_by or None,
        "hearth:assessedOn": right.assessed_on.isoformat() if right.assessed_on else None,
        "hearth:purposes": list(right.purposes) if right.assessed_by else None,
        "hearth:categories": list(right.categories) if right.assessed_by else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _step(step: Step) -> Json:
    return {
        "hearth:act": step.act,
        "dct:date": step.on.isoformat(),
        "hearth:recordedAt": _instant(step.recorded_at),
        "hearth:knownAt": _instant(step.known_at),
    }


def _person(person: PersonId) -> str:
    return f"urn:hearth:person:{person}"


def _agency(agency: str) -> str:
    return f"urn:hearth:body:{agency}"


_recipient = _agency


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
