"""For which reasons a family may be looked up before the threshold and without its agreement (enquiries.toml)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from consent.break_glass import Reason


class Enquiries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """enquiries.toml as a whole: reasons by their code."""

    source: str
    checked: bool
    reasons: dict[str, Reason]


@cache
def enquiries() -> Enquiries:
    """Return enquiries.toml, read once."""
    return msgspec.toml.decode((Path(__file__).parent / "enquiries.toml").read_bytes(), type=Enquiries)
