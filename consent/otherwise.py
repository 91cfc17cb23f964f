"""What would have changed a ruling: the same question with one attribute different, put to the same engine.

The smallest changes come first: those of one attribute, what circumstances may change before what a thing is. Where no
one change would have let it be shared, the pairs of circumstances that would.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import msgspec

from consent.decision import Outcome
from consent.engine import WORDS, Engine
from consent.request import Request

CIRCUMSTANCES = (
    "agreement", "ground", "involved", "purpose", "sharing_agreement", "approver", "clearance", "detriment",
)  # fmt: skip
_OF_RECIPIENT = frozenset(("role", "sector", "clearance", "involved", "party", "approver"))  # a link has none: the hub
_HUB = "hub"  # the recipient of a link, and of nothing else


class Change(msgspec.Struct, frozen=True):
    """One attribute that `was` so: with any of `words` in its place the answer is `outcome`."""

    attribute: str
    was: str
    words: tuple[str, ...]
    outcome: Outcome


class Otherwise(msgspec.Struct, frozen=True):
    """The answer to the question as it was asked, what would change it, and pairs of changes that would share it."""

    outcome: Outcome
    changes: tuple[Change, ...]
    pairs: tuple[tuple[Change, Change], ...] = ()


def otherwise(engine: Engine, request: Request) -> Otherwise:
    """Ask again with each attribute changed to each of its words. What cannot be evaluated is left out."""
    outcome = engine.rule(request).outcome
    changes = [change for attribute in _attributes(request) for change in _changes(engine, request, attribute, outcome)]
    if outcome is Outcome.SHARE or any(change.outcome is Outcome.SHARE for change in changes):
        return Otherwise(outcome, tuple(changes))
    return Otherwise(outcome, tuple(changes), tuple(_pairs(engine, request)))


def _attributes(request: Request) -> list[str]:
    may = [name for name in WORDS if request.action != "link" or name not in _OF_RECIPIENT]
    return sorted(may, key=lambda name: (name not in CIRCUMSTANCES, _place(name)))


def _place(name: str) -> int:
    return CIRCUMSTANCES.index(name) if name in CIRCUMSTANCES else list(WORDS).index(name)


def _words(engine: Engine, request: Request, attribute: str) -> list[str]:
    hidden = {getattr(request, attribute)} | ({_HUB} if request.action != "link" else set())
    return sorted(engine.policies.words[WORDS[attribute]] - hidden)


def _changes(engine: Engine, request: Request, attribute: str, outcome: Outcome) -> Iterator[Change]:
    found: dict[Outcome, list[str]] = {}
    for word in _words(engine, request, attribute):
        ruling = engine.rule(request._replace(**{attribute: word}))
        if ruling.outcome is not outcome and not ruling.errors:
            found.setdefault(ruling.outcome, []).append(word)
    for other in sorted(found, key=list(Outcome).index):
        yield Change(attribute, getattr(request, attribute), tuple(found[other]), other)


def _pairs(engine: Engine, request: Request) -> Iterator[tuple[Change, Change]]:
    for first, second in combinations([name for name in _attributes(request) if name in CIRCUMSTANCES], 2):
        shared: dict[tuple[str, ...], list[str]] = {}  # words of the second → words of the first that do with them
        for word in _words(engine, request, first):
            changed = request._replace(**{first: word})
            others = [c for c in _changes(engine, changed, second, Outcome.WITHHOLD) if c.outcome is Outcome.SHARE]
            for other in others:
                shared.setdefault(other.words, []).append(word)
        for words, firsts in shared.items():
            one = Change(first, getattr(request, first), tuple(firsts), Outcome.SHARE)
            yield one, Change(second, getattr(request, second), words, Outcome.SHARE)
