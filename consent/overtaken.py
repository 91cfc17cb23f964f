"""What a family's register overtook on its way to the log: it was decided before a change, and comes behind it.

The order is the topic's on which decisions are acknowledged, of each log by itself (between two logs there is none).
A `link` decision that tells another register version than the last one is a change of the register. Whatever was to
be shared as decided before that, at an earlier place of the family's record, goes into the log as withheld. It was not
shown either: who shows it asks first whether the family's record has gone on (agents/reading.py), and what is sent is
decided by the one owner of the family's partition, change and send in their order. A decision without a place rests on
no family's record (steps of retention; what came before places were said).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from consent.decision import Outcome
from consent.log.entry import Told

RULE = "overtaken-by-the-register"
NOWHERE = -1  # of a decision that does not say at which place of its family's record it was made
_OF_SHARING = frozenset((
    "released", "article_6", "condition", "condition_reason", "gateway", "family_told", "review_on",
))  # fmt: skip
_WHY = "the family's registers had changed before this was in the log: nothing of it was shown"


class Change(msgspec.Struct, frozen=True, gc=False):
    """A register as it changed last: its version, and at which place of the family's record."""

    family: str
    version: str
    place: int


class Judged(NamedTuple):
    """Whether a decision is overtaken, or what it changes."""

    overtaken: bool = False
    change: Change | None = None


_PLAIN = Judged()
_OVERTAKEN = Judged(overtaken=True)


def judge(told: Told, place: int, last: Change | None) -> Judged:
    """Judge the next decision of a log. `last` is the latest change of its family's register there, if there was one.

    It can be asked again about what was judged before: no place lies behind one that is taken already.
    """
    if told.stage == "link":
        known = last is not None and (place < last.place or told.register_version == last.version)
        return _PLAIN if known or place == NOWHERE else Judged(change=Change(told.family, told.register_version, place))
    shares = told.outcome == Outcome.SHARE and place != NOWHERE
    return _OVERTAKEN if shares and last is not None and place < last.place else _PLAIN


def judged(
    told: Iterable[tuple[Told, int]], last: Mapping[str, Change], known: Callable[[str], bool] = lambda _: False
) -> list[Judged]:
    """Judge decisions in the order of their topic, from the latest changes before them (by family) on.

    `known` says of a decision's id whether it is in the log already: a repeat changes nothing.
    """
    now, seen, found = dict(last), set[str](), []
    for one, place in told:
        answer = judge(one, place, now.get(one.family))
        if answer is not _PLAIN and (one.id in seen or known(one.id)):
            answer = _PLAIN
        if answer.change is not None:
            now[one.family] = answer.change
        seen.add(one.id)
        found.append(answer)
    return found


def withheld(body: bytes) -> bytes:
    """Return an overtaken decision (JSON) as it goes into the log: withheld, by this rule before those that shared it.

    Nobody was told anything, and no law was relied on; the facts stay.
    """
    said = msgspec.json.decode(body, type=dict[str, Any])
    kept = {name: value for name, value in said.items() if name not in _OF_SHARING}
    rules = [RULE, *(said.get("rules") or ())]
    return msgspec.json.encode({**kept, "outcome": Outcome.WITHHOLD, "rules": rules, "rationale": _WHY})
