"""The combination rules, as data: streams/risk/rules/*.toml, one file per rule.

A rule names what counts, in groups; how many groups, events, agencies or practitioners make a level; the window; and
where it comes from. `harm = true`: a strength never softens it.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache, cached_property
from importlib.resources import files

import msgspec

from schemas.errors import Misconfigured


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as one thing: signs (schemas/codes/signs.toml), derived signs, or event types' last names."""

    name: str
    signs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()  # empty: whatever the person's role in the event
    field: str = ""  # a number in the event, which must be at least `minimum`
    minimum: int = 0


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A level reached at `at_least` groups (kind groups), events (count, repeat) or practitioners (match)."""

    level: str  # watch | offer-early-help | alert | mash
    at_least: int


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One combination. `window_days` counts back from the as-of date; `prompt` is what the alert asks of its reader.

    kinds: `groups` distinct groups present; `count` distinct events of the one group about one victim or person;
    `repeat` an event of the second group after one of the first within the window, same victim and same alleged;
    `match` signals by distinct practitioners.
    """

    id: str
    version: int
    kind: str
    title: str
    source: str
    grade: str  # evidence grade, in a word or two
    scope: str  # child | household
    window_days: int
    groups: tuple[Group, ...]
    levels: tuple[Level, ...]
    prompt: str
    goes_away: str
    effective: date
    until: date | None = None
    agencies: int = 1  # from at least so many different agencies
    cool_down_days: int = 28
    harm: bool = False
    softened_by: tuple[str, ...] = ()
    per: str = ""  # count: `victim` counts per victim, `` per scope
    needs_child: bool = False
    checked: bool = True  # false: the threshold is local or not confirmed; see source

    @cached_property
    def counts(self) -> frozenset[str]:
        """Every sign, derived sign and type that some group of this rule counts."""
        return frozenset(name for group in self.groups for name in (*group.signs, *group.types))


class Derived(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sign worked out from attendance, per child and school (DfE absence methodology: per enrolment)."""

    sign: str
    title: str
    source: str
    of: str  # absent | unauthorised
    over: str  # school-year | school-weeks
    weeks: int = 0
    rate: float = 0.0  # of possible sessions
    count: int = 0
    minimum_sessions: int = 0
    checked: bool = True


class RuleBook(msgspec.Struct, frozen=True):
    """All rules in force on some day, and the derived signs."""

    rules: tuple[Rule, ...]
    derived: tuple[Derived, ...]

    def least_sessions(self) -> frozenset[int]:
        """From how many possible sessions on the rates that are derived count."""
        return frozenset(one.minimum_sessions for one in self.derived if one.minimum_sessions)

    def counted(self) -> frozenset[str]:
        """Every sign, derived sign and type that some rule counts or is softened by."""
        return frozenset(name for rule in self.rules for name in (*rule.counts, *rule.softened_by))


@cache
def rule_book() -> RuleBook:
    """Load and check every rule. Raises Misconfigured, naming the file and what is wrong with it."""
    rules: list[Rule] = []
    derived: list[Derived] = []
    for file in sorted(files("streams.risk").joinpath("rules").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        content = tomllib.loads(file.read_text("utf-8"))
        try:
            derived += msgspec.convert(content.get("derived", []), list[Derived])
            rules += msgspec.convert(content.get("rule", []), list[Rule])
        except msgspec.ValidationError as error:
            raise Misconfigured(f"streams/risk/rules/{file.name}: {error}") from error
    if len({r.id for r in rules}) != len(rules):
        raise Misconfigured("streams/risk/rules: two rules have the same id")
    return RuleBook(tuple(rules), tuple(derived))
