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
_LOOKS = 6  # times that a resource is looked at again
_FILLERS: dict[str, Any] = {
    "status": "unknown",
    "class": {"code": "?"},
    "code": {"text": "?"},
    "subject": {"display": "?"},
    "participant": [{"status": "accepted"}],
}


def sound(body: dict[str, Any], remarks: list[Remark]) -> dict[str, Any]:
    """Return `body` without the parts that are not FHIR, with a remark for each: its path, never what stands there.

    What is required and missing stays missing: whether the hub needs it, the hub decides. The models stop at the
    first kind of fault, so what is left is looked at again. A resource whose security
    cannot be read counts as restricted.
    """
    kept, filled, hidden = copy.deepcopy(body), dict[str, Any](), False
    for _ in range(_LOOKS):
        faults = _faults({**copy.deepcopy(kept), **filled})  # the models consume what they are given
        if not faults:
            return {**kept, "meta": {**kept.get("meta", {}), "security": [{"code": "R"}]}} if hidden else kept
        hidden |= any(place == ["meta"] or place[:2] == ["meta", "security"] for _, place in faults)
        for kind, place in faults:
            remarks.append(_remark(body, place, kind))
            if len(place) == 1 and kind == "missing":
                filled[place[0]] = _FILLERS[place[0]]
            else:
                _cut(kept, place[:-1] if kind.endswith("missing") else place)
    return {"resourceType": body["resourceType"]}


def _faults(body: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    try:
        MODELS[body["resourceType"]].model_validate(body)
    except ValidationError as error:
        found = error.errors(include_input=False, include_context=False, include_url=False)
        return [(fault["type"], [step for step in fault["loc"] if step != "root"]) for fault in found]
    except (KeyError, RecursionError):  # a contained resource of a kind that there is not
        return [("value_error", ["contained"])]
    return []


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
