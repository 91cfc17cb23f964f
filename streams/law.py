"""Under which law a family was last settled: when that changes, every family is asked again, though nothing came.

Law is the policy set (policies, what is switched on, the agreements between agencies) and which of those agreements are
in date. It changes on a day that a file names, or when a hub starts on other files. Each tick takes up some of the
families that were settled under another law, until none is left; one that is touched in the meantime is settled anew by
that. What is decided for anybody is decided under the law of its day in any case: this is for what was told before.
"""

from __future__ import annotations

from datetime import date
from heapq import nsmallest

import msgspec

from consent.sharing import agreements_changed_on
from schemas.ids import FamilyId
from streams.family_state import Reached, Value
from streams.gate import Gate
from streams.outcome import State
from streams.timeline import Family

MOST = 500  # families looked at in one tick: a partition's must not all be in memory at once
_BETWEEN = "|"


def settled_under(family: Family, gate: Gate, on: date) -> str:
    """Return what a family is settled under on a day: its registers' version, and the law."""
    return f"{family.register.version()}{_BETWEEN}{law(gate, on)}"


def law(gate: Gate, on: date) -> str:
    """Return what stands for the law of a day."""
    return f"{gate.engine.on(on).policy_set}.{agreements_changed_on(on)}"


def overtaken(state: State[Value], partition: int, now: str, most: int = MOST) -> list[FamilyId]:
    """Return the next of a partition's families that were settled under another law than `now`, and go on from there.

    Empty once there are no more, until the law changes again.
    """
    place = f"law{_BETWEEN}{partition}"
    found = state.get(place)
    reached = found if isinstance(found, Reached) and found.law == now else Reached(now)
    if reached.done:
        return []
    names = nsmallest(most, (key for key in state.keys() if key > reached.family and _is_family(key)))  # noqa: SIM118
    last = names[-1] if names else reached.family
    state.put(place, msgspec.structs.replace(reached, family=last, done=len(names) < most))
    return [FamilyId(name) for name in names if _under_another(state.get(name), now)]


def _is_family(key: str) -> bool:
    return "/" not in key and _BETWEEN not in key


def _under_another(value: Value | None, now: str) -> bool:
    return isinstance(value, Family) and value.register_version.partition(_BETWEEN)[2] != now
