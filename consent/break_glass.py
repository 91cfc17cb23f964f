"""Break-glass as data (consent/break_glass.toml): for which reasons, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec

from consent.decision import Decision, Outcome

STAGE = "break-glass"
"""Of the one decision that each giving of a reason leaves; its `rationale` is the reason's code."""


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reason of the list."""

    label: str
    source: str


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """break_glass.toml as a whole. `hours` from the reason to the end; `purpose` is what every look is for."""

    hours: int
    most_characters: int
    purpose: str
    source: str
    checked: bool
    reasons: dict[str, Reason]


@cache
def terms() -> Terms:
    """Return break_glass.toml, read once."""
    return msgspec.toml.decode((Path(__file__).parent / "break_glass.toml").read_bytes(), type=Terms)


def ends(opening: Decision) -> datetime:
    """Return the instant at which what this decision opened is closed again."""
    return opening.decided_at + timedelta(hours=terms().hours)


def still_open(decisions: Iterable[Decision], recipient: str, family: str, now: datetime) -> Decision | None:
    """Return the latest of the logged decisions by which this recipient may still see this family, if there is one."""
    openings = [
        one
        for one in decisions
        if one.stage == STAGE and one.outcome is Outcome.SHARE and (one.recipient, one.family) == (recipient, family)
        and one.decided_at <= now < ends(one)
    ]  # fmt: skip
    return max(openings, key=lambda one: one.decided_at, default=None)
