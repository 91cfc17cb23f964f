"""Validation of FHIR R4 resources by `fhir.resources`, leniently: what is wrong is cut out, the rest is read."""

from __future__ import annotations

import copy
from typing import Any

from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.flag import Flag
from fhir.resources.R4B.patient import Patient
from pydantic import BaseModel, ValidationError

from schemas.records import Remark

MODELS: dict[str, type[BaseModel]] = {
    "Patient": Patient,
    "Encounter": Encounter,
    "Appointment": Appointment,
    "Flag": Flag,
}


def sound(body: dict[str, Any], remarks: list[Remark]) -> dict[str, Any]:
    """Return `body` without the parts that are not FHIR, with a remark for each: its path, never what stands there."""
    model = MODELS[body["resourceType"]]
    try:
        model.model_validate(copy.deepcopy(body))  # the models consume what they are given
    except ValidationError as error:
        kept = copy.deepcopy(body)
        for fault in error.errors(include_input=False, include_context=False, include_url=False):
            place = list(fault["loc"])
            remarks.append(_remark(body, place, fault["type"]))
            if fault["type"] not in ("missing", "model_field_validation.missing"):
                _cut(kept, place)
        return kept
    return body


def _cut(body: dict[str, Any], place: list[Any]) -> None:
    """Take out the innermost part that `place` reaches; where it reaches none, its first part."""
    holder: Any = body
    for depth, step in enumerate(place):
        if not _holds(holder, step):
            break
        if depth == len(place) - 1 or not _holds(holder[step], place[depth + 1]):
            if isinstance(holder, list):
                holder[step] = {}  # the others keep their places
            elif step != "resourceType":
                del holder[step]
            return
        holder = holder[step]
    if place and place[0] in body and place[0] != "resourceType":
        del body[place[0]]


def _holds(holder: Any, step: Any) -> bool:
    if isinstance(holder, dict):
        return step in holder
    return isinstance(holder, list) and isinstance(step, int) and step < len(holder)


def _remark(body: dict[str, Any], place: list[Any], kind: str) -> Remark:
    path = body["resourceType"] + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place)
    if kind == "extra_forbidden":  # the name of an unknown field may hold anything
        path = path.rpartition(".")[0] + ".*"
        return Remark(path, "unknown-field", "FHIR R4 has no such field; it is not read", "Take it out")
    return Remark(path, "not-fhir", "It is not as FHIR R4 says; it is not read", "Mend it and send the resource again")
