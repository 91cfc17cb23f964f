"""What named people recorded about sharing: approvals, tests, balances, checks, and whether the family was told.

Each counts from its day until it ends (consent/sharing/judgements.toml says at the latest when), for the people, the
purposes, the kinds of information and the recipients that it names; an approval never for whoever gave it. Of several
the latest stands, and of two at one instant the stricter.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Literal

import msgspec

from consent.sharing import HERE
from schemas.errors import Misconfigured, Refusal
from schemas.ids import EventKey, PersonId
from schemas.records import Facts

JUDGEMENT = "hearth.sharing.JudgementRecorded"
TOLD = "family_told"
NOT_TOLD = "family-not-told"  # the judgement that says why besides
_ITSELF = "agreement"  # the category of the record of a judgement: as open as what it is about, never more


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one code of a judgement answers, and for how many days (judgements.toml). `own`: also for who said it."""

    word: Literal["approver", "override", "detriment", "public_interest", "opt_out", "problems", "family_told"]
    says: str
    days: int
    source: str
    checked: bool
    own: bool = True


class Judgement(msgspec.Struct, frozen=True, array_like=True, tag="j", gc=False):
    """What one person found. `on` is the first day on which it counts, `until` the first on which it does not.

    `whom` are the people it is about; empty `categories` and `recipients` are all; `sensitivity` is `none` or a kind.
    """

    event: EventKey
    code: str
    by: str
    whom: tuple[PersonId, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]
    sensitivity: str
    because: str
    on: date
    until: date
    recorded_at: datetime

    def moment(self) -> tuple[date, datetime, int, str]:
        """Return what they are ordered by: of two at one instant, the stricter is the later."""
        return self.on, self.recorded_at, _rank(self.code), self.event


class About(msgspec.Struct, frozen=True):
    """The disclosure that a judgement is looked for: of what, about whom (by all their ids), to whom, and why."""

    persons: tuple[PersonId, ...]
    purpose: str
    category: str
    sensitivity: str
    recipient: str
    agency: str
    role: str
    on: date


class Finding(msgspec.Struct, frozen=True, gc=False):
    """An answer that somebody recorded: to which word of the question, who, from which day, and in which event."""

    word: str
    says: str
    by: str
    on: date
    event: EventKey


@cache
def meanings() -> dict[str, Meaning]:
    """Return what each code of a judgement means, in the order of judgements.toml. Raises Misconfigured."""
    try:
        said = msgspec.toml.decode((HERE / "judgements.toml").read_bytes())
        said.pop("source")
        return msgspec.convert(said, dict[str, Meaning])
    except (msgspec.MsgspecError, KeyError) as wrong:
        raise Misconfigured(f"consent/sharing/judgements.toml: {wrong}") from wrong


_UNKNOWN = Meaning("approver", "unknown", 365, "a word that no policy knows is referred to a person", False)


def _meaning(code: str) -> Meaning:
    return meanings().get(code, _UNKNOWN)


def _rank(code: str) -> int:
    codes = list(meanings())
    return codes.index(code) if code in codes else len(codes)


def judgement(facts: Facts, event: EventKey, person: PersonId) -> Judgement:
    """Return what such an event says. Raises Refusal where its days or its author do not read.

    A code that has no meaning any more is kept: a person decides wherever it counts.
    """
    data = facts.data
    try:
        on = date.fromisoformat(data["on"])
        latest = on + timedelta(days=_meaning(data["judgement"]).days)
        return Judgement(
            event=event,
            code=data["judgement"],
            by=str(data["said_by"]),
            whom=tuple(sorted({person, *(p.person for p in facts.parties)})),
            purposes=tuple(data["purposes"]),
            categories=tuple(data.get("categories", ())),
            recipients=tuple(data.get("recipients", ())),
            sensitivity=data.get("sensitivity") or "none",
            because=data.get("not_told_because") or "",
            on=on,
            until=min(date.fromisoformat(data["until"]), latest) if data.get("until") else latest,
            recorded_at=facts.recorded_at,
        )
    except (KeyError, ValueError, TypeError):
        raise Refusal("data", "not-a-judgement", "what was found, by whom or when does not read", "Say all") from None


def findings(judgements: Iterable[Judgement], about: About) -> tuple[Finding, ...]:
    """Return the answers that count for this disclosure: one to each word, in the order of the words."""
    latest = {_meaning(j.code).word: j for j in sorted(judgements, key=Judgement.moment) if _counts(j, about)}
    return tuple(_finding(latest[word]) for word in sorted(latest))


def _counts(one: Judgement, about: About) -> bool:
    if not one.on <= about.on < one.until or about.purpose not in one.purposes:
        return False
    if not one.by or (one.by == about.recipient and not _meaning(one.code).own):
        return False
    in_scope = not one.categories or about.category in (*one.categories, _ITSELF)
    named = not one.recipients or not {about.agency, about.role}.isdisjoint(one.recipients)
    to_them = named or about.role == "hub"  # the hub itself needs no naming, as in an agreement
    return in_scope and to_them and _of_kind(one, about) and not set(one.whom).isdisjoint(about.persons)


def _of_kind(one: Judgement, about: About) -> bool:
    """Whether it is about this sensitive kind: an approval reaches no kind that it does not name."""
    return one.sensitivity == about.sensitivity or (
        one.sensitivity == "none" and _meaning(one.code).word != "approver"
    )


def _finding(one: Judgement) -> Finding:
    meaning = _meaning(one.code)
    says = f"{meaning.says}: {one.because}" if one.because and meaning.word == TOLD else meaning.says
    return Finding(meaning.word, says, one.by, one.on, one.event)
