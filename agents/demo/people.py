"""Made-up people and practitioners, with numbers from the ranges that are never issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # DfE UPN guide: the check letter's alphabet


@dataclass(frozen=True)
class Somebody:
    """A made-up person, as every agency knows them."""

    given: str
    family: str
    born: date
    nhs: str = ""
    upn: str = ""
    local: str = ""
    address: str = ""

    def said(self, agency: str, role: str) -> dict[str, Any]:
        """The person as `agency` would say it: schools by UPN, health by NHS number, everybody by their own number."""
        identifiers = []
        if self.nhs and agency != "school":
            identifiers.append({"system": "nhs-number", "value": self.nhs})
        if self.upn and agency in ("school", "social-care"):
            identifiers.append({"system": "upn", "value": self.upn})
        if self.local:
            identifiers.append({"system": "local", "value": f"{agency}-{self.local}"})
        return {
            "role": role,
            "identifiers": identifiers,
            "family_name": self.family,
            "given_names": self.given,
            "birth_date": self.born,
            "sex": None,
            "address": self.address or None,
            "postcode": None,
            "uprn": None,
            "phone": None,
        }


@dataclass(frozen=True)
class Professional:
    """A practitioner, by their agency's staff number; `person` where they are in a family that the hub knows."""

    agency: str
    id: str

    def reference(self) -> dict[str, str]:
        """The practitioner as events name them."""
        return {"agency": self.agency, "id": self.id}


def nhs_number(number: int) -> str:
    """A number in the 999 range, which is never issued, with its check digit (NHS Data Dictionary)."""
    digits = f"999{number % 10**6:06d}"
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits)) % 11
    return nhs_number(number + 1) if check == 10 else f"{digits}{0 if check == 11 else check}"


def upn(number: int) -> str:
    """A unique pupil number with its check letter (DfE UPN guide), of local authority 873."""
    digits = f"873{number:07d}".ljust(12, "0")[:12]
    return _UPN_LETTERS[sum(int(d) * (i + 2) for i, d in enumerate(digits)) % 23] + digits
