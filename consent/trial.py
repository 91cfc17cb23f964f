"""The policies put to the test: a table of cases written from the law, and what a change of policies would change.

The cases (consent/policy/cases.toml) say what the sources expect, read by information governance staff; the policies
must agree. Everything here asks the one engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from consent import minimise, policy
from consent.decision import Outcome, Ruling
from consent.engine import WORDS, Engine
from consent.minimise import covers
from consent.request import Request
from schemas.errors import Misconfigured

CASES = policy.HERE / "cases.toml"
KINDS = ("allow", "deny", "edge")
Switches = tuple[str, ...]
Engines = Callable[[Switches], Engine]
"""Gives the engine with these dated switches on."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of law that the cases answer for. `none` says why a rule that decides no outcome has no case.

    `unchecked` says what in it was written down from memory or a summary, to be confirmed before anyone relies on it.
    """

    law: str
    none: str = ""
    unchecked: str = ""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request and what the source expects of it.

    `set` are the words in which the request differs from its base. `ground` are texts that the named ground of a SHARE
    (gateway, Article 6, condition) must contain; `review` says whether a person must look at it afterwards.
    `rules`, where said, are all the rules that must give the answer, for the reason told matters too. `switches` are
    the laws not yet in force that it supposes.
    """

    name: str
    row: str
    kind: Literal["allow", "deny", "edge"]
    source: str
    base: str
    expect: Outcome
    set: dict[str, str] = {}
    ground: tuple[str, ...] = ()
    review: bool | None = None
    rules: tuple[str, ...] = ()
    switches: Switches = ()


class Table(msgspec.Struct, frozen=True):
    """cases.toml, read: the rows, and each case with its request."""

    rows: dict[str, Row]
    cases: tuple[tuple[Case, Request], ...]


class Result(msgspec.Struct, frozen=True):
    """How one case went. `wrong` is empty when the policies agree with its source."""

    case: Case
    request: Request
    ruling: Ruling
    wrong: str


class Change(msgspec.Struct, frozen=True):
    """One request put to two policy sets. `name` is the case's, or the decision's id."""

    name: str
    request: Request
    old: Ruling
    new: Ruling

    @property
    def differs(self) -> bool:
        """Whether it does: in outcome, in a share's ground, its fields or its review, or in having gone wrong."""
        return _answer(self.old) != _answer(self.new) or bool(self.gained or self.lost)

    @property
    def gained(self) -> tuple[str, ...]:
        """Fields that the recipient would be told and was not."""
        return _untold(self.old, self.new)

    @property
    def lost(self) -> tuple[str, ...]:
        """Fields that the recipient was told and would not be."""
        return _untold(self.new, self.old)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    rows: dict[str, Row]
    bases: dict[str, dict[str, str]]
    case: tuple[Case, ...]


def table(file: Path = CASES) -> Table:
    """Read the cases. Raises Misconfigured for a case that names no known base, row or field, or has another's name."""
    try:
        said = msgspec.toml.decode(file.read_bytes(), type=_File)
        made = tuple((case, _request(case, said)) for case in said.case)
    except (OSError, msgspec.DecodeError, TypeError, KeyError) as wrong:
        raise Misconfigured(f"{file.name}: {wrong}") from wrong
    if len({case.name for case, _ in made}) != len(made):
        raise Misconfigured(f"{file.name}: two cases have one name")
    return Table(said.rows, made)


def _request(case: Case, said: _File) -> Request:
    if case.row not in said.rows or not case.source or (case.expect is Outcome.SHARE) != bool(case.ground):
        raise KeyError(f"case {case.name!r}: its row is not listed, its source is missing, or its ground does not fit")
    return Request(**{**_base(said, case.base), **case.set})


def _base(said: _File, name: str) -> dict[str, str]:
    """Return a base's words, after those of the base that it is like."""
    own = dict(said.bases[name])
    like = own.pop("like", None)
    return {**_base(said, like), **own} if like else own


def engines(folder: Path = policy.HERE) -> Engines:
    """Return the engines of a policy folder, each made once."""
    return lru_cache(maxsize=None)(lambda switches: Engine(switches, folder))


def run(cases: Iterable[tuple[Case, Request]], by: Engines) -> list[Result]:
    """Put every case to the engine with its switches."""
    asked = ((case, request, by(case.switches).rule(request)) for case, request in cases)
    return [Result(case, request, ruling, _wrong(case, ruling)) for case, request, ruling in asked]


def _wrong(case: Case, ruling: Ruling) -> str:
    if ruling.errors:
        return f"the policies could not be asked: {'; '.join(ruling.errors)}"
    if ruling.outcome is not case.expect:
        return f"expected {case.expect}, came {ruling.outcome}"
    ground = ground_of(ruling)
    missing = [text for text in case.ground if text not in ground]
    if missing:
        return f"expected the ground {missing}, came {ground}"
    if case.review is not None and case.review != bool(ruling.review_days):
        return f"expected {'a' if case.review else 'no'} review afterwards, came {ruling.review_days} days"
    if case.rules and set(case.rules) != set(ruling.rules):
        return f"expected the reasons {list(case.rules)}, came {list(ruling.rules)}"
    return ""


def ground_of(ruling: Ruling) -> str:
    """Return the legal ground of a SHARE in one line; empty for any other outcome."""
    return "; ".join(filter(None, (ruling.gateway, ruling.article_6, ruling.condition)))


def gaps(read: Table) -> list[str]:
    """Name what the table lacks: a row that decides outcomes without an allow, a deny or an edge case."""
    there = {(case.row, case.kind) for case, _ in read.cases}
    asked = ((name, kind) for name, row in read.rows.items() if not row.none for kind in KINDS)
    return [f"{name}: no {kind} case" for name, kind in asked if (name, kind) not in there]


def neighbours(requests: Iterable[Request], words: dict[str, frozenset[str]]) -> Iterator[Request]:
    """Yield each request, and each that differs from one of them in one word; none twice."""
    seen: set[Request] = set()
    for request in requests:
        near = (request._replace(**{field: w}) for field, name in WORDS.items() for w in sorted(words[name]))
        for one in (request, *near):
            if one not in seen:
                seen.add(one)
                yield one


def compare(asked: Iterable[tuple[str, Request]], old: Engine, new: Engine) -> list[Change]:
    """Return the requests that the two policy sets decide differently."""
    both = (Change(name, request, old.rule(request), new.rule(request)) for name, request in asked)
    return [change for change in both if change.differs]


def _answer(ruling: Ruling) -> tuple[object, ...]:
    return ruling.outcome, ground_of(ruling), bool(ruling.errors), ruling.review_days


def _untold(by: Ruling, and_not_by: Ruling) -> tuple[str, ...]:
    """Return the fields that the one takes out and the other does not, where both share."""
    if by.outcome is not Outcome.SHARE or and_not_by.outcome is not Outcome.SHARE:
        return ()
    return tuple(field for field in by.removed if not covers(and_not_by.removed, field))


def unasked(old: minimise.Rules, new: minimise.Rules) -> list[str]:
    """Name the parts of minimise.toml that differ, and that no request shows: they look at the item itself."""
    parts = {"referrers": (old.referrers, new.referrers), "parties": (old.parties, new.parties)}
    return [name for name, (one, other) in parts.items() if one != other]
