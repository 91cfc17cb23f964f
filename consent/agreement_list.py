"""The register of agreements to be read: each agreement, person by person, as it stands on a day and how it came so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime

import msgspec

from consent.agreement_acts import Act, Question, strays, touches, with_rights
from consent.agreement_ages import counting
from consent.agreement_competence import Competence, right_of
from consent.agreements import agreement_state, heard, voice
from schemas.ids import EventKey, PersonId

_NOBODY = PersonId("")


class Step(msgspec.Struct, frozen=True):
    """One act: from which day it has effect, when the agency recorded it, and when the hub knew."""

    act: str  # given | narrowed | refused | withdrawn
    on: date
    recorded_at: datetime
    known_at: datetime
    event: EventKey


class Agreement(msgspec.Struct, frozen=True):
    """What one person agreed to or refused, under one reference of an agency, as it stands on a day.

    `state` is given, narrowed, refused, withdrawn, expired or disputed (somebody else with a right to refuses it).
    `right` is as `Voice` says it. Purposes, categories and recipients are what is left of them. `outweighed_for` are
    the persons whose own word counts instead, on some of it at least: they said so, or are of an age to. `removed`
    names what its reader is not told.
    """

    reference: str
    agency: str
    by: PersonId
    whom: tuple[PersonId, ...]
    state: str
    right: str
    competence: Competence
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]
    since: date | None
    until: date | None
    steps: tuple[Step, ...]
    outweighed_for: tuple[PersonId, ...] = ()
    removed: tuple[str, ...] = ()


def agreements(
    acts: Iterable[Act], known_at: Mapping[EventKey, datetime], on: date, born: Mapping[PersonId, date]
) -> tuple[Agreement, ...]:
    """Return every agreement that has begun by `on`, by reference and person. `known_at`: when the hub had each act."""
    known = with_rights(a for a in acts if a.on <= on)
    places = dict.fromkeys((a.reference, giver) for a in known if a.kind != "narrowed" for giver in a.by or (_NOBODY,))
    return tuple(_one(reference, giver, known, known_at, on, born) for reference, giver in sorted(places))


def _one(
    reference: str,
    giver: PersonId,
    known: list[Act],
    known_at: Mapping[EventKey, datetime],
    on: date,
    born: Mapping[PersonId, date],
) -> Agreement:
    ours = [a for a in known if a.reference == reference and (a.kind == "narrowed" or giver in a.by or not a.by)]
    last = [a for a in ours if a.kind != "narrowed"][-1]
    given = next((a for a in reversed(ours) if a.kind == "given"), None)
    taking = [a for a in strays(giver, known) if given is not None and last is given and a.moment() > given.moment()]
    ours = sorted((*ours, *(a for a in taking if a not in ours)), key=Act.moment)
    narrowed = [a for a in ours if given is not None and a.kind == "narrowed" and a.moment() > given.moment()]
    stated = given or last
    right = _own(last, giver, on, born)
    found = Agreement(
        reference=reference.partition("|")[2],
        agency=reference.partition("|")[0],
        by=giver,
        whom=tuple(sorted({person for a in ours for person in a.whom})),
        state=_state(last, narrowed, on),
        right=right_of(right, on),
        competence=last.right,
        purposes=_left(stated.purposes, [n.purposes for n in narrowed]),
        categories=_left(stated.categories, [n.categories for n in narrowed]),
        recipients=_left(stated.recipients, [n.recipients for n in narrowed]),
        since=given.on if given is not None else None,
        until=given.until if given is not None else None,
        steps=tuple(Step(a.kind, a.on, a.recorded_at, known_at[a.event], a.event) for a in ours),
    )
    left = _less(found, [a for a in taking if a.kind == "withdrawn"])
    return _among_others(left, known, on, born) if left.state in ("given", "narrowed") else left


def _own(last: Act, giver: PersonId, on: date, born: Mapping[PersonId, date]) -> Competence:
    """Return by what right the giver spoke: for themselves, as their age leaves it."""
    about = Question("", "", "", "", giver, on, _born((giver,), born))
    alone = last.whom == (giver,) and counting([last], about)
    return alone[0].right if alone else last.right


def _born(persons: Iterable[PersonId], born: Mapping[PersonId, date]) -> tuple[date, ...]:
    return tuple(born[person] for person in persons if person in born)


def _less(found: Agreement, withdrawn: list[Act]) -> Agreement:
    """Return what is left where it was taken back under another reference: for whom, and whether anything."""
    if any(not act.by for act in withdrawn):
        return msgspec.structs.replace(found, state="disputed")
    left = tuple(person for person in found.whom if not any(touches(act, person) for act in withdrawn))
    if left or not withdrawn:
        return msgspec.structs.replace(found, whom=left)
    return msgspec.structs.replace(found, state="withdrawn")


def _state(last: Act, narrowed: list[Act], on: date) -> str:
    if last.kind != "given":
        return last.kind
    if last.until is not None and last.until <= on:
        return "expired"
    return "narrowed" if narrowed else "given"


def _left(named: tuple[str, ...], narrower: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what is left: a narrowing that names nothing of a kind leaves it as it was."""
    return tuple(n for n in named if all(not less or n in less for less in narrower))


def _among_others(found: Agreement, known: list[Act], on: date, born: Mapping[PersonId, date]) -> Agreement:
    """Say what the others' words make of an agreement that its giver lets stand: the same answers as the gate gets."""
    disputed = False
    outweighed = set()
    for asked in _questions(found, on, born):
        disputed = disputed or agreement_state(known, asked)[0] == "disputed"
        if asked.person not in (_NOBODY, found.by) and _speaks_alone(known, asked):
            outweighed.add(asked.person)
    state = "disputed" if disputed else found.state
    return msgspec.structs.replace(found, state=state, outweighed_for=tuple(sorted(outweighed)))


def _speaks_alone(known: list[Act], asked: Question) -> bool:
    """Whether nobody's word but the person's own counts: they gave it, are found able or of an age to, or grown up."""
    told = heard(known, asked)
    return voice(known, asked).whose == "own" or told.competence == "another-agreed" or told.state == "none"


def _questions(found: Agreement, on: date, born: Mapping[PersonId, date]) -> Iterator[Question]:
    for purpose in found.purposes:
        for category in found.categories:
            for recipient in found.recipients:
                for person in found.whom:
                    yield Question(purpose, category, recipient, recipient, person, on, _born((person,), born))


def shown(one: Agreement, removed: Collection[str], members: Collection[PersonId]) -> Agreement:
    """Return what a reader is told of an agreement: without the fields in `removed` (a ruling's), and without people
    who are not `members` of the family."""
    right = msgspec.structs.replace(
        one.competence, **{name: _BLANK[name] for name in _BLANK if f"data.{name}" in removed or "data.*" in removed}
    )
    gone = {f"data.{name}" for name in _BLANK if getattr(right, name) != getattr(one.competence, name)}
    whom = tuple(person for person in one.whom if person in members)
    if whom != one.whom or (one.by and one.by not in members):
        gone.add("parties")
    return msgspec.structs.replace(
        one,
        by=one.by if one.by in members else _NOBODY,
        whom=whom,
        outweighed_for=tuple(person for person in one.outweighed_for if person in members),
        right="" if "data.capacity" in gone else one.right,
        competence=right,
        removed=tuple(sorted(gone)),
    )


_BLANK = {"capacity": "", "assessed_by": "", "assessed_on": None}
