"""What is taken out of an item before someone sees it: by rules as data (consent/policy/minimise.toml)."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import msgspec

from consent.request import Request
from schemas.errors import Misconfigured
from schemas.ids import PersonId
from schemas.records import Facts, PersonAsKnown

_FOLDER = Path(__file__).parent / "policy"
_REQUEST_FIELDS = frozenset(Request._fields)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fields to remove when every part of `when` (field of the request → values) fits."""

    id: str
    basis: str
    remove: tuple[str, ...]
    when: dict[str, frozenset[str]]


class Referrers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coded field that would tell who referred, in these types, when it has one of these codes."""

    basis: str
    field: str
    types: tuple[str, ...]
    codes: frozenset[str]


class Parties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Roles that are never told to a recipient."""

    basis: str
    never: frozenset[str]


class Rules(msgspec.Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """minimise.toml as a whole."""

    rule: tuple[Rule, ...]
    referrers: Referrers
    parties: Parties

    def removed(self, request: Request) -> tuple[str, ...]:
        """Return the names of the fields that a recipient of `request` is not told, sorted. A function of it alone."""
        fit = -1
        for place, by_word, others in self._fitting:
            fit &= by_word.get(request[place], others)
        kept = self._kept.get(fit)
        if kept is None:
            fitting = (rule for at, rule in enumerate(self.rule) if fit >> at & 1)
            kept = self._kept[fit] = tuple(sorted({field for rule in fitting for field in rule.remove}))
        return kept

    @cached_property
    def _fitting(self) -> list[tuple[int, dict[str, int], int]]:
        """Return, for each field that rules look at (its place in a request): which fit, a bit each, by its word; and
        which do for every other word."""
        found = []
        for field in sorted({field for rule in self.rule for field in rule.when}):
            choosy = [(1 << at, rule.when[field]) for at, rule in enumerate(self.rule) if field in rule.when]
            others = (1 << len(self.rule)) - 1 - sum(bit for bit, _ in choosy)
            words = frozenset[str]().union(*(words for _, words in choosy))
            by_word = {word: others + sum(bit for bit, words in choosy if word in words) for word in words}
            found.append((Request._fields.index(field), by_word, others))
        return found

    @cached_property
    def _kept(self) -> dict[int, tuple[str, ...]]:
        return {}


class Minimised(msgspec.Struct, frozen=True):
    """What is left (`facts`), and the names of the fields that were `released` and `removed`, in order."""

    released: tuple[str, ...]
    removed: tuple[str, ...]
    facts: Facts


@cache
def rules() -> Rules:
    """Return the hub's own rules, read once. Raises Misconfigured as `read` does."""
    return read(_FOLDER)


def read(folder: Path) -> Rules:
    """Read the rules of a policy folder. Raises Misconfigured for one that could never fit or removes nothing known."""
    try:
        found = msgspec.toml.decode((folder / "minimise.toml").read_bytes(), type=Rules)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as wrong:
        raise Misconfigured(f"minimise.toml: {wrong}") from wrong
    for rule in found.rule:
        if not set(rule.when) <= _REQUEST_FIELDS or not all(_known(field) for field in rule.remove):
            raise Misconfigured(f"minimise.toml: {rule.id} names a field that does not exist")
    return found


def _known(field: str) -> bool:
    part, _, name = field.partition(".")
    if part == "said":
        return name in PersonAsKnown.__struct_fields__
    return field == "source" or (part in ("data", "ground") and bool(name))


def removed_fields(request: Request) -> tuple[str, ...]:
    """Return the same by the hub's own rules."""
    return rules().removed(request)


def covers(removed: Collection[str], field: str) -> bool:
    """Say whether a field is one of those `removed`, by its name or with all of its part (`ground.*`)."""
    return field in removed or f"{field.partition('.')[0]}.*" in removed


def minimise(facts: Facts, removed: Collection[str], members: Collection[PersonId]) -> Minimised:
    """Take out of `facts` the fields in `removed` (a ruling's), and all people who are not `members` of the family.

    Also the code that would tell who referred, where that is a private person. `removed` of the result names only
    what was there to remove. The digest goes whenever anything went: it would let what is gone be guessed.
    """
    taken = set(removed)
    if _tells_the_referrer(facts):
        taken.add(f"data.{rules().referrers.field}")
    there = _fields(facts)
    gone = {field for field in there if covers(taken, field)}
    never = rules().parties.never
    kept_parties = tuple(p for p in facts.parties if p.person in members and p.role not in never)
    if len(kept_parties) < len(facts.parties):
        gone.add("parties")
    changes: dict[str, Any] = {"parties": kept_parties}
    if gone:
        changes |= _without(facts, gone)
    released = tuple(sorted((there - gone) | ({"parties"} if kept_parties else set())))
    return Minimised(released, tuple(sorted(gone)), msgspec.structs.replace(facts, **changes))


def _tells_the_referrer(facts: Facts) -> bool:
    referrers = rules().referrers
    return facts.type in referrers.types and facts.data.get(referrers.field) in referrers.codes


def _fields(facts: Facts) -> set[str]:
    """Name every field of the facts that says something."""
    there = {f"data.{name}" for name, value in facts.data.items() if value not in (None, "", [])}
    if facts.source:
        there.add("source")
    for part, struct in (("said", facts.said), ("ground", facts.ground)):
        if struct is not None:
            there |= {f"{part}.{name}" for name, value in msgspec.structs.asdict(struct).items() if value}
    return there


def _without(facts: Facts, gone: set[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {"digest": ""}
    changes["data"] = {name: value for name, value in facts.data.items() if f"data.{name}" not in gone}
    if "source" in gone:
        changes["source"] = ""
    for part, struct in (("said", facts.said), ("ground", facts.ground)):
        names = {field.removeprefix(f"{part}.") for field in gone if field.startswith(f"{part}.")}
        if struct is not None and names:
            blank = {n: _blank(type(struct), n) for n in names}
            changes[part] = msgspec.structs.replace(struct, **blank)
    return changes


def _blank(struct: type[msgspec.Struct], name: str) -> Any:
    """Return a field's default; an empty text for a required one."""
    for field in msgspec.structs.fields(struct):
        if field.name == name and field.default is not msgspec.NODEFAULT:
            return field.default
    return ""
