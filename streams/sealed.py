"""What is sealed changes nothing for anybody who is not cleared for it: every filter that keeps it so, by name.

Two worlds that differ only in sealed events look the same, byte by byte, to every observer who is neither cleared for
them nor their publisher (tests/core/test_sealed_worlds.py, which fails when any one of these is taken away). Those of
the projection stand in agents/clearance.py; what else asks for the tier, the clearance or the log is listed in
tests/core/test_sealed_places.py. That what is sealed is shown to those cleared for it is the policies' to say.
The hub's record has two layers: the open one, which is worked out as if nothing sealed were there, and over it the
sealed one, which may rest on the open one, is decided into a log of its own, and is told to the cleared queue alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from consent.seal import Pseudonyms
from schemas.ids import EventKey
from schemas.records import Facts
from streams import topology

SEALED = "sealed"  # the highest tier, the clearance for it, the audience of its alerts and the name of its log
_OPEN = ("normal", "sensitive", "shielded")  # every other tier (schemas/codes/tiers.toml)
_BELOW = _OPEN[-1]

Held = TypeVar("Held", bound=msgspec.Struct)


class Recipient(Protocol):
    """What is asked of a recipient here (streams/gate.py)."""

    @property
    def party(self) -> str: ...
    @property
    def sealed_party(self) -> str: ...


def is_sealed(facts: Facts) -> bool:
    """Whether the existence of what these facts say is hidden (schemas/codes/tiers.toml)."""
    return facts.tier == SEALED


# ------------------------------------------------------------------ what the open layer is worked out from


def learns(facts: Facts) -> bool:
    """Whether identity, families and practitioners are learnt from this event: from open ones only."""
    return facts.tier != SEALED


def names(facts: Facts) -> bool:
    """Whether the name said in this item may become the one that the person is shown under."""
    return facts.tier != SEALED


def filed_as(names: Pseudonyms, key: EventKey, tier: str) -> EventKey:
    """Return the key that an event is filed under: a sealed one's is apart, for its publisher may use the id openly.

    So whether an open event was seen before, and all that comes of it, is a function of open events.
    """
    return names.event(SEALED, key) if tier == SEALED else key


def registers(facts: Facts) -> bool:
    """Whether the registers of agreements, grounds and involvement take this item in: they are everybody's."""
    return facts.tier != SEALED


def contests(facts: Facts) -> bool:
    """Whether this mark may open a book, or contest what stands in one."""
    return facts.tier != SEALED


def wakes(facts: Facts) -> bool:
    """Whether this item lets the hub look at the open layer anew: an earlier look would show that it came."""
    return facts.tier != SEALED


def makes_party(facts: Facts) -> bool:
    """Whether those named in this item are parties where open items are decided."""
    return facts.tier != SEALED


def raises_closest(facts: Facts) -> bool:
    """Whether this item's tier decides which queue hears of what is above the lead's clearance."""
    return facts.tier != SEALED


# ------------------------------------------------------------------ who is told, and where it is written


def blind(to: Held) -> Held:
    """Return a recipient (or practitioner) as if not cleared for what is sealed: so is the open layer told."""
    return msgspec.structs.replace(to, clearance=_BELOW) if getattr(to, "clearance", "") == SEALED else to


def in_its_layer(alert: str) -> bool:
    """Whether an alert, by its key in its family's state, is the sealed layer's: it moves no time but its own."""
    return alert.startswith(f"{SEALED}|")


def log_of(audience: str, log: str) -> str:
    """Return the log of a decision in an alert: all that a sealed alert cites is decided in the sealed log."""
    return SEALED if audience == SEALED else log


def openly(log: str) -> bool:
    """Whether a decision in this log stands in the open one: each look leaves its record there."""
    return log != SEALED


def party(to: Recipient, tier: str) -> str:
    """How a recipient is a party where an item of this tier is decided: by sealed items as well, for a sealed one."""
    return to.sealed_party if tier == SEALED else to.party


def may_know(clearance: str, audience: str) -> bool:
    """Whether somebody of this clearance may know of an alert to this audience: of a sealed one, those cleared."""
    return audience != SEALED or clearance == SEALED


def review_topic(sealed: bool) -> str:
    """Return where something waits for a person: what is sealed, with those cleared for it."""
    return topology.REVIEW_SEALED if sealed else topology.REVIEW


def quarantine_topic(tier: str) -> str:
    """Return where an event that breaks its contract is put aside, by the tier that it says it has.

    One that says none, or that cannot be read, is aside openly; a tier that is no tier may have been meant to be this.
    """
    return topology.QUARANTINE if tier in ("", *_OPEN) else topology.QUARANTINE_SEALED


def in_layer(facts: Facts, sealed: bool) -> bool:
    """Whether these facts are of the sealed layer, or of the open one: holds, reminders and timers are kept apart."""
    return (facts.tier == SEALED) is sealed


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two instants, either of which may be missing."""
    if one is None or other is None:
        return one or other
    return max(one, other)
