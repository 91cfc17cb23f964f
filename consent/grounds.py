"""The register of grounds: what opens one, what closes it, and which is open for whom on a day.

What opens and closes, and for how long, is data: consent/sharing/grounds.toml.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import msgspec

from consent.days import london_day
from consent.ground_rules import Opens, ground_rules
from schemas.ids import ItemId, PersonId
from schemas.records import Facts, Ground

_STATED = "As stated by the publisher"  # never their own words: the log holds no free text
_CHILDREN = frozenset(("child", "subject", "pupil", "patient", "sibling", "for"))
_NEVER = frozenset(("alleged", "suspect", "offender", "informant", "witness", "linked", "self", "other"))


class Opening(msgspec.Struct, frozen=True, array_like=True, tag="o", gc=False):
    """A ground opened by one item. `until` is exclusive; none: until it is closed. `person` empty: the whole family."""

    claim: str
    since: date
    until: date | None
    key: str
    person: PersonId
    rationale: str
    condition_reason: str
    item: ItemId


class Closing(msgspec.Struct, frozen=True, array_like=True, tag="c", gc=False):
    """The end of what was opened under `key`: `day` is the first on which it is closed; `on` when that was said of."""

    key: str
    on: date
    day: date


class OpenGround(msgspec.Struct, frozen=True):
    """A ground that is open, with the items that opened it. `rationale` is a rule's, never anybody's free text."""

    claim: str
    condition_reason: str
    rationale: str
    items: tuple[ItemId, ...]
    since: date
    until: date | None
    person: PersonId


class Claimed(msgspec.Struct, frozen=True):
    """The ground that one decision rests on, and what opened it: items, since when, until when (exclusive).

    No items: the item that is decided on says so itself.
    """

    claim: str
    condition_reason: str = ""
    rationale: str = ""
    items: tuple[ItemId, ...] = ()
    since: date | None = None
    until: date | None = None


NO_GROUND = Claimed("none")
_MOST_CITED = 5  # items that one record names as what opened its ground


def openings(facts: Facts, person: PersonId, item: ItemId) -> list[Opening | Closing]:
    """Return what one item opens and closes. An adult's part opens nothing where the event names a child itself."""
    found: list[Opening | Closing] = []
    may_open = facts.role not in _NEVER and (
        facts.role in _CHILDREN or not any(p.role in _CHILDREN for p in facts.parties)
    )
    if may_open:
        found += _claimed(facts, person, item)
        found += [_opened(o, facts, person, item) for o in ground_rules().opens if _holds(o, facts)]
    for closes in ground_rules().closes:
        if closes.type == facts.type and _said(closes.when, facts.data):
            on = _day(closes.on, facts)
            keys = [_key(name, closes.key_is or facts.data.get(closes.key), facts, person) for name in closes.opened]
            found += [Closing(key, on, on + timedelta(days=closes.days_after)) for key in keys]
    return found


def _claimed(facts: Facts, person: PersonId, item: ItemId) -> list[Opening]:
    claim = facts.ground
    if claim is None:
        return []
    since = london_day(facts.recorded_at)
    # An unknown claim is not dropped: the policies refer it to a person.
    until = since + timedelta(days=ground_rules().claim_days.get(claim.claim, 1))
    reason = claim.condition_reason
    return [Opening(claim.claim, since, until, "", person, _STATED, reason, item)]


def _holds(opens: Opens, facts: Facts) -> bool:
    data = facts.data
    if opens.type != facts.type or not _said(opens.when, data):
        return False
    if opens.child and facts.role not in _CHILDREN and data.get("children_present") is not True:
        return False
    enough = all(isinstance(n := data.get(field), int) and n >= least for field, least in opens.at_least.items())
    return enough and all(data.get(field) is True for field in opens.is_true)


def _said(when: dict[str, frozenset[str]], data: dict[str, Any]) -> bool:
    for field, values in when.items():
        said = data.get(field)
        if values.isdisjoint(said if isinstance(said, list) else (said,)):
            return False
    return True


def _opened(opens: Opens, facts: Facts, person: PersonId, item: ItemId) -> Opening:
    since = _day(opens.since, facts)
    until = None if opens.days is None else since + timedelta(days=opens.days)
    key = _key(opens.id, facts.data.get(opens.key), facts, person) if opens.key else ""
    whom = PersonId("") if opens.covers == "family" or facts.role not in _CHILDREN else person
    return Opening(opens.claim, since, until, key, whom, opens.rationale, opens.condition_reason, item)


def _key(opener: str, said: object, facts: Facts, person: PersonId) -> str:
    return f"{opener}|{facts.agency}|{person}|{said}"


def _day(field: str, facts: Facts) -> date:
    return date.fromisoformat(facts.data[field]) if field else london_day(facts.happened_at)


def open_grounds(openings: Iterable[Opening], closings: Iterable[Closing], on: date) -> list[OpenGround]:
    """Return every ground open on `on`, one for each claim and person, strongest first."""
    ends: dict[str, list[Closing]] = {}
    for closing in closings:
        ends.setdefault(closing.key, []).append(closing)
    found: dict[tuple[str, PersonId], list[Opening]] = {}
    for opening in openings:
        stands = msgspec.structs.replace(opening, until=_end(opening, ends.get(opening.key, [])))
        if stands.since <= on and (stands.until is None or on < stands.until):
            found.setdefault((stands.claim, stands.person), []).append(stands)
    order = ground_rules().order
    rank = {claim: place for place, claim in enumerate(order)}
    return sorted(map(_together, found.values()), key=lambda g: (rank.get(g.claim, -1), g.person, g.claim))


def _end(opening: Opening, closings: Iterable[Closing]) -> date | None:
    days = [c.day for c in closings if opening.key and c.on >= opening.since]
    return min([*days, *([opening.until] if opening.until else [])], default=None)


def _together(openings: list[Opening]) -> OpenGround:
    latest = max(openings, key=lambda o: (o.since, o.item, o.rationale))
    untils = [o.until for o in openings]
    return OpenGround(
        claim=latest.claim,
        condition_reason=latest.condition_reason,
        rationale=latest.rationale,
        items=tuple(sorted({o.item for o in openings})),
        since=min(o.since for o in openings),
        until=None if None in untils else max(u for u in untils if u),
        person=latest.person,
    )


def stronger(own: Ground | None, open_one: OpenGround | None) -> Claimed:
    """Return the stronger of an item's own claim and the open ground.

    The claim is `none` without either. An unknown claim counts as the strongest: the policies refer it to a person.
    """
    order = ground_rules().order
    rank = {claim: place for place, claim in enumerate(order)}
    if own is not None and (open_one is None or rank.get(own.claim, -1) <= rank.get(open_one.claim, -1)):
        return Claimed(own.claim, own.condition_reason, _STATED)
    if open_one is None:
        return NO_GROUND
    return Claimed(
        open_one.claim, open_one.condition_reason, open_one.rationale, open_one.items[-_MOST_CITED:], open_one.since,
        open_one.until,
    )  # fmt: skip
