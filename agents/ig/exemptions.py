"""The law of subject access as data (access.toml), and what it says of one decision and one choice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from consent.decision import Decision
from schemas.errors import HearthError

RELEASE, CHOOSE = "release", "choose"
THIRD_PARTY = "third-party"


class Unchosen(HearthError):
    """The choices do not hold: one is missing, too many, or not open to this requester. Nothing was shown."""


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ground of leaving something out. `opinion`: another's is needed; `requesters`: of whom alone it holds."""

    by: str
    law: str
    source: str
    checked: bool
    opinion: bool = False
    requesters: tuple[str, ...] = ()


class Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told without a choice."""

    categories: frozenset[str]
    source: str
    checked: bool


class Requester(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may ask."""

    label: str


class Basis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The law that an officer's own step rests on."""

    article_6: str
    gateway: str
    source: str
    checked: bool


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every record says."""

    title: str
    left_out: str
    complain: str
    nothing: str
    existence: str
    record: str
    source: str
    checked: bool


class Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """access.toml as a whole."""

    plain: Plain
    exemption: dict[str, Exemption]
    basis: dict[str, Basis]
    requester: dict[str, Requester]
    did: dict[str, str]
    words: Words


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer's choice on one line: `release`, or the name of an exemption; `opinion`: the practitioner's id."""

    choice: str
    opinion: str = ""


@cache
def law() -> Law:
    """Return access.toml, read once."""
    return msgspec.toml.decode((Path(__file__).parent / "access.toml").read_bytes(), type=Law)


def law_words() -> dict[str, str]:
    """Return what is said of each exemption where a decision on it is explained: its law."""
    return {name: one.law for name, one in law().exemption.items()}


def proposed(decision: Decision, own: bool | None, theirs: bool = False) -> str:
    """Return what becomes of one line: `release`, `choose`, or the exemption that a rule applies.

    `own`: it is about the person who is asked about, and about nobody else; None: a family is asked about as a whole.
    `theirs`: somebody else asks, and the person is of an age or competence to ask for themself.
    """
    asked = decision.asked
    if own is None or (own and theirs):
        return CHOOSE
    if not own:
        return THIRD_PARTY
    plain = asked is not None and (asked.tier, asked.sensitivity, asked.ground) == ("normal", "none", "none")
    return RELEASE if plain and decision.category in law().plain.categories else CHOOSE


def check(
    choices: Mapping[str, Choice], open_ones: set[str], ruled: set[str], requester: str, health: frozenset[str]
) -> None:
    """Raise Unchosen unless there is one choice that holds on each of `open_ones`, and else on `ruled` alone.

    `ruled` are the lines that a rule leaves out: about somebody else, which an officer may weigh otherwise. `health`
    are the registered practitioners whose opinion may be asked for. No message names a decision.
    """
    if requester not in law().requester:
        raise Unchosen(f"who asks is one of {', '.join(law().requester)}")
    if missing := len(open_ones - choices.keys()):
        raise Unchosen(f"{missing} lines wait for a choice")
    if set(choices) - open_ones - ruled:
        raise Unchosen("a choice is on a line that needs none, or that is not there")
    for one in choices.values():
        if one.choice != RELEASE:
            _check_exemption(one, requester, health)


def _check_exemption(one: Choice, requester: str, health: frozenset[str]) -> None:
    exemption = law().exemption.get(one.choice)
    if exemption is None or exemption.by != "officer":
        officers = [name for name, e in law().exemption.items() if e.by == "officer"]
        raise Unchosen(f"a choice is {RELEASE}, or one of {', '.join(officers)}")
    if exemption.requesters and requester not in exemption.requesters:
        raise Unchosen(f"{one.choice} holds only where the one who asks is {' or '.join(exemption.requesters)}")
    if exemption.opinion and one.opinion not in health:
        raise Unchosen(f"{one.choice} needs the opinion of a registered practitioner of the health agency")
