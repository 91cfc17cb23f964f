"""A disclosure in plain words: as the officer weighs it, and as the record tells it that a family is given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from agents.ig.decisions import LOOK, kind_of
from agents.ig.exemptions import law
from consent.decision import Decision
from consent.sharing import categories, purposes
from schemas.codes import code_list
from streams.timeline import on_day

ACCESS, CASE_REVIEW = "access", "case-review"
SHOWN = ("look", "find", "disclose", ACCESS, CASE_REVIEW)  # stages at which somebody came to see something


class Line(msgspec.Struct, frozen=True):
    """One disclosure, as the officer weighs it: `proposed` is release, choose, or the exemption that a rule applies."""

    decision: str
    decided_at: datetime
    kind: str
    who: str
    what: str
    why: str
    ground: str
    law: str
    proposed: str


class Told(msgspec.Struct, frozen=True, order=True):
    """One entry of the record that is given out: a day, by whom, what, and why, in plain words."""

    on: date
    who: str
    did: str
    what: tuple[str, ...]
    why: str
    law: str


class Given(msgspec.Struct, frozen=True):
    """The record that is given out. It says the same about what was left out, whether anything was or not."""

    title: str
    made_on: date
    entries: tuple[Told, ...]
    left_out: str
    complain: str
    nothing: str = ""


def line(decision: Decision, proposed: str) -> Line:
    return Line(
        decision=decision.id, decided_at=decision.decided_at, kind=kind_of(decision.stage), who=_who(decision),
        what=_what(decision), why=_why(decision), ground=decision.harm_threshold, law=_law(decision),
        proposed=proposed,
    )  # fmt: skip


def given(released: Iterable[Decision], made_on: date) -> Given:
    words = law().words
    days: dict[tuple[date, str, str, str, str], set[str]] = {}
    for one in released:
        key = (on_day(one.decided_at), _who(one), _did(one), _why(one), _law(one))
        days.setdefault(key, set()).add(_what(one))
    told = sorted(
        Told(on, who, did, tuple(sorted(what)), why, cited) for (on, who, did, why, cited), what in days.items()
    )
    return Given(words.title, made_on, tuple(told), words.left_out, words.complain, "" if told else words.nothing)


def shown(decision: Decision) -> bool:
    """Whether somebody came to see something by it: an officer who only weighs a request gives nothing out."""
    return decision.stage in SHOWN and (decision.stage != ACCESS or decision.role in law().requester)


def _who(decision: Decision) -> str:
    """Name the recipient by their role: who they are is theirs, and a role says who saw it."""
    if decision.stage == ACCESS:
        return law().requester[decision.role].label.capitalize()
    role = code_list("practitioner-roles").get(decision.role, on_day(decision.decided_at))
    return role.label if role is not None and role.label else decision.role.replace("-", " ").capitalize()


def _did(decision: Decision) -> str:
    if decision.stage in law().did:
        return law().did[decision.stage]
    return "looked at" if kind_of(decision.stage) == LOOK else "was told of"


def _what(decision: Decision) -> str:
    if decision.stage in law().did:
        return law().words.existence if decision.stage == "find" else law().words.record
    known = categories().get(decision.category)
    return known.description if known is not None else decision.category.replace("-", " ")


def _why(decision: Decision) -> str:
    known = purposes().get(decision.purpose)
    return known.description if known is not None else decision.purpose.replace("-", " ")


def _law(decision: Decision) -> str:
    return "; ".join(part for part in (decision.gateway, decision.article_6) if part)
