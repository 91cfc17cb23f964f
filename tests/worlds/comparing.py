"""Two worlds side by side: what differs for anybody, and what would, were nothing sealed."""

from __future__ import annotations

from typing import Any

import msgspec

from streams import topology
from tests.worlds.desk import Desk, played
from tests.worlds.history import Script
from tests.worlds.officers import officers
from tests.worlds.shown import shown


def everything(desk: Desk) -> dict[str, Any]:
    """Return all that is shown to anybody who is not cleared for what is sealed and did not publish it."""
    return {**dict(shown(desk)), **dict(officers(desk))}


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of what differs, byte by byte."""
    encoded = msgspec.json.encode
    names = one.keys() | other.keys()
    return sorted(n for n in names if n not in one or n not in other or encoded(one[n]) != encoded(other[n]))


def pair(script: Script) -> list[str]:
    """Return what differs, for any observer, between the world with its sealed events and the one without."""
    one, other = played(script, "sealed", "without")
    return differing(everything(one), everything(other))


def compared(script: Script) -> tuple[list[str], set[str]]:
    """Return the same, and what the seal hides: which of alert, membership and count would differ."""
    one, other, openly = played(script, "sealed", "without", "unsealed")
    hidden = _hides(other, openly)
    return differing(everything(one), everything(other)), hidden


def _hides(without: Desk, unsealed: Desk) -> set[str]:
    ways = {"alert": _alerts, "membership": _members, "count": lambda desk: desk.queries.standing()}
    return {name for name, of in ways.items() if of(without) != of(unsealed)}


def _alerts(desk: Desk) -> list[Any]:
    return sorted((a.rule, a.level, a.status, a.recipient, len(a.items)) for a in desk.queries.alerts_for())


def _members(desk: Desk) -> list[Any]:
    return sorted((r.key, r.value) for r in desk.hub.trace.topics[topology.PEOPLE] if (r.key or b"").startswith(b"f:"))
