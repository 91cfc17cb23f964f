"""The rules of the register of grounds, as data (consent/sharing/grounds.toml): what opens and closes one."""

from __future__ import annotations

from functools import cache
from typing import Literal

import msgspec

from consent.sharing import HERE
from schemas.codes import code_list
from schemas.errors import Misconfigured


class Opens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event type that opens a ground when all its conditions hold (see grounds.toml)."""

    id: str
    type: str
    claim: str
    covers: Literal["child", "family"]
    rationale: str
    condition_reason: str
    source: str
    days: int | None = None
    since: str = ""
    key: str = ""
    child: bool = False
    when: dict[str, frozenset[str]] = {}
    at_least: dict[str, int] = {}
    is_true: tuple[str, ...] = ()


class Closes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event type that closes what `opened`, for the same person and key, `days_after` its day."""

    opened: tuple[str, ...]
    type: str
    days_after: int
    on: str = ""
    key: str = ""
    key_is: str = ""
    when: dict[str, frozenset[str]] = {}


class GroundRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """grounds.toml as a whole."""

    source: str
    order: tuple[str, ...]
    claim_days: dict[str, int]
    opens: tuple[Opens, ...]
    closes: tuple[Closes, ...]


@cache
def ground_rules() -> GroundRules:
    """Return the rules, read once. Raises Misconfigured when they do not hold together."""
    try:
        rules = msgspec.toml.decode((HERE / "grounds.toml").read_bytes(), type=GroundRules)
    except msgspec.DecodeError as wrong:
        raise Misconfigured(f"consent/sharing/grounds.toml: {wrong}") from wrong
    claims = {o.claim for o in rules.opens} | set(rules.claim_days)
    opened = {name for c in rules.closes for name in c.opened} - {o.id for o in rules.opens}
    if claims != set(rules.order) or opened:
        raise Misconfigured("consent/sharing/grounds.toml: a claim without a place in the order, or an unknown opener")
    if not {o.condition_reason for o in rules.opens} <= code_list("condition-reasons").codes.keys():
        raise Misconfigured("consent/sharing/grounds.toml: a condition_reason is a code of condition-reasons.toml")
    return rules


@cache
def ground_types() -> frozenset[str]:
    """Return the event types that may open or close a ground without a claim."""
    rules = ground_rules()
    return frozenset(o.type for o in rules.opens) | frozenset(c.type for c in rules.closes)
