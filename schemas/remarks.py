"""What the hub accepts all the same, and its publisher should mend."""

from __future__ import annotations

from datetime import date, timedelta

from schemas import checks
from schemas.fields import british_day
from schemas.records import CloudEvent, Remark

Fault = tuple[str, str, str]  # code, problem, fix
_EARLIEST = date(1900, 1, 1)
# agreement-capacity: under 16, somebody assesses it (Gillick)
_ASSESSED = frozenset(("competent-young-person", "young-person-not-competent"))
_AGREEMENTS = "hearth.agreement."
_BY = frozenset(("agreed-by", "parent", "carer"))  # of nobody's withdrawal a person decides whose it was
_NO_FACTORS = "21"  # assessment-factors: "no factors identified" stands alone (DfE, CIN census validation)


def remarks(event: CloudEvent) -> list[Remark]:
    """Return identifiers that fail their check, birth dates that cannot be, and what a code asks for beside it."""
    about = event.data["about"]
    found: list[Remark] = []
    for number, person in enumerate(about["persons"]):
        for place, identifier in enumerate(person["identifiers"]):
            fault = _identifier_fault(identifier)
            if fault:
                found.append(Remark(f"data.about.persons[{number}].identifiers[{place}].value", *fault))
        born = person["birth_date"]
        if born is not None and not _EARLIEST <= born <= british_day(about["recorded_at"]) + timedelta(days=1):
            fault = ("birth-date-implausible", "no living person was born on that day", "Check the birth date")
            found.append(Remark(f"data.about.persons[{number}].birth_date", *fault))
    new = event.data.get("superseded_by")
    fault = _identifier_fault(new) if new else None
    if fault:
        found.append(Remark("data.superseded_by.value", *fault))
    factors = event.data.get("factors")
    if factors and _NO_FACTORS in factors and len(factors) > 1:
        fault = ("factors-and-none", "it says both that there are factors and that there are none", "Send one or other")
        found.append(Remark("data.factors", *fault))
    if event.data.get("capacity") in _ASSESSED and not event.data["assessed_by"]:
        fault = ("competence-not-assessed", "it does not say who assessed competence", "Name who assessed it")
        found.append(Remark("data.assessed_by", *fault))
    if event.type.startswith(_AGREEMENTS) and _BY.isdisjoint(person["role"] for person in about["persons"]):
        fault = ("nobody-named-who-says-so", "it does not say who agreed, or took it back", "Name them: role agreed-by")
        found.append(Remark("data.about.persons", *fault))
    return found


def _identifier_fault(identifier: dict[str, str]) -> Fault | None:
    system, value = identifier["system"], identifier["value"]
    kept = "It is kept as said and not used to find the person"
    if system == "nhs-number":
        bad = checks.nhs_number(value) is None
        return ("nhs-number-fails", "it is no NHS number that can be right", kept) if bad else None
    if system == "upn":
        fault = checks.upn_fault(value)
        return (f"upn-{fault}", _UPN_FAULTS[fault], kept) if fault else None
    return None if value.strip() else ("identifier-empty", "it is empty", "Leave the identifier out")


_UPN_FAULTS = {
    "shape": "it is not a letter and twelve digits",
    "check-letter": "its check letter is wrong",
    "local-authority": "its local authority is not known",
}
