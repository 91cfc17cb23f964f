"""The register of agreements: who agreed to what, for whom, from when, and how that stands on a day.

Each person who may agree has a stance of their own. An agreement is what its latest act makes it; on one day, and
recorded at one instant, the stricter act counts as the later. Where one person agrees and another does not, it is
disputed, and the hub does not choose between them; a competent young person's own act prevails over a parent's yes and
over a parent's no for what is theirs, as far as their competence reaches (consent/agreement_competence.py). An
objection of theirs beyond that is not passed over: it makes a parent's agreement disputed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

import msgspec

from consent.agreement_competence import (
    ASSESSED,
    FOR_THEMSELVES,
    NOT_COMPETENT,
    OF_YOUNG_PEOPLE,
    Competence,
    Heard,
    Voice,
    competence,
    right_of,
)
from schemas.errors import Refusal
from schemas.ids import EventKey, PersonId
from schemas.records import Facts

_TYPES = {
    "hearth.agreement.AgreementGiven": "given",
    "hearth.agreement.AgreementNarrowed": "narrowed",
    "hearth.agreement.AgreementWithdrawn": "withdrawn",
    "hearth.agreement.AgreementRefused": "refused",
}
AGREEMENT_TYPES = frozenset(_TYPES)
_STRICTNESS = {"given": 0, "narrowed": 1, "withdrawn": 2, "refused": 3}
_STRONGEST = ("in-force", "refused", "withdrawn", "expired", "out-of-scope", "none")
_OBJECTS = frozenset(("refused", "withdrawn"))
_BY = frozenset(("agreed-by",))
_BY_ELSE = frozenset(("parent", "carer"))
_NOBODY = PersonId("")
_FOR = frozenset(("for", "child", "subject", "pupil", "sibling"))


class Act(msgspec.Struct, frozen=True, array_like=True, tag="a", gc=False):
    """One act on an agreement. `on` is the first day of its effect; `until` (given only) the first day without it."""

    event: EventKey
    kind: str
    reference: str
    by: tuple[PersonId, ...]
    whom: tuple[PersonId, ...]
    on: date
    until: date | None
    recorded_at: datetime
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]
    right: Competence

    def moment(self) -> tuple[date, datetime, int, str]:
        """Return what acts are ordered by."""
        return self.on, self.recorded_at, _STRICTNESS[self.kind], self.event


class Question(msgspec.Struct, frozen=True):
    """What is asked of the agreements: `person` empty asks for anybody in the family."""

    purpose: str
    category: str
    agency: str
    role: str
    person: PersonId
    on: date


def act(facts: Facts, event: EventKey, person: PersonId) -> Act:
    """Return the act that an agreement event is. Raises Refusal when a date or the reference is missing or no date."""
    kind, data = _TYPES[facts.type], facts.data
    persons = [(person, facts.role), *((p.person, p.role) for p in facts.parties)]
    by = {p for p, role in persons if role in _BY} or {p for p, role in persons if role in _BY_ELSE}
    try:
        return Act(
            event=event,
            kind=kind,
            reference=f"{facts.agency}|{data['agreement']}",
            by=tuple(sorted(by)),
            whom=tuple(sorted({p for p, role in persons if role in _FOR} | by)),
            on=date.fromisoformat(data["since" if kind == "given" else "on"]),
            until=date.fromisoformat(data["until"]) if data.get("until") else None,
            recorded_at=facts.recorded_at,
            purposes=tuple(data.get("purposes", ())),
            categories=tuple(data.get("categories", ())),
            recipients=tuple(data.get("recipients", ())),
            right=competence(data),
        )
    except (KeyError, ValueError, TypeError):
        raise Refusal("data", "not-an-agreement", "an agreement's reference or dates do not read", "Say both") from None


def agreement_state(acts: Iterable[Act], asked: Question) -> tuple[str, str]:
    """Return how agreement stands for what is asked, and the event key of the act that makes it so (or empty).

    The state is one of in-force, none, refused, withdrawn, out-of-scope, expired, disputed.
    """
    stances = _stances(acts, asked)
    own = stances.get(asked.person, _NO_STANCE) if asked.person else _NO_STANCE
    return _stated(own) if _prevails(own, asked) else _together(stances)


def voice(acts: Iterable[Act], asked: Question) -> Voice:
    """Return whose word makes the answer of `agreement_state` to what is asked, and by what right."""
    stances = _stances(acts, asked)
    own = stances.get(asked.person, _NO_STANCE)
    if own[1] is not None and own[0] != "none":
        whose = "own" if _prevails(own, asked) else "unsettled"
        return Voice(whose, right_of(own[1].right, asked.on) if whose == "own" else "not-established", asked.person)
    giver, best = min(stances.items(), key=lambda stance: _strength(stance[1]), default=(asked.person, _NO_STANCE))
    if best[1] is None or best[0] == "none":
        return Voice("none")
    return Voice("others", right_of(best[1].right, asked.on), giver)


def heard(acts: Iterable[Act], asked: Question, ids: Collection[PersonId] = ()) -> Heard:
    """Return how agreement stands for what is asked, and whose it is. `ids` are all of the person's, if several.

    Where no word counts, but the person has agreed and was not found competent to, that is told as their agreement,
    with what is known of their competence: whoever decides must not take it for one, nor for silence.
    """
    every = [a for a in acts if a.on <= asked.on]
    state, event = agreement_state(every, asked)
    if state == "none" and asked.person:
        return _unfounded(every, asked)
    if state != "in-force":
        return Heard(state, event)
    made_by = next(a for a in with_rights(every) if a.event == event)
    if made_by.right.capacity in OF_YOUNG_PEOPLE:
        return Heard(state, event, "competent")
    own = {asked.person, *ids} - {_NOBODY}
    another = own.isdisjoint(made_by.by) and _decides_alone(every, asked, own)
    return Heard(state, event, "another-agreed" if another else "not-in-question")


def _unfounded(acts: list[Act], asked: Question) -> Heard:
    """Return the latest yes of the person's own that lacks nothing but that somebody found them competent."""
    own = [a for a in with_rights(acts) if asked.person in a.by]
    last = {a.reference: a for a in own if a.kind != "narrowed"}
    given = [a for a in last.values() if a.kind == "given" and not _able(a, asked)]
    lacking = [a for a in given if _of_given(a, [b for b in acts if b.reference == a.reference], asked) == "in-force"]
    if not lacking:
        return Heard("none")
    latest = max(lacking, key=Act.moment)
    found = latest.right.denied(asked.on) and latest.right.reaches(asked.purpose, asked.category)
    return Heard("in-force", latest.event, "not-competent" if found else "not-assessed")


def _decides_alone(acts: list[Act], asked: Question, ids: Collection[PersonId]) -> bool:
    """Whether the latest that is known of the person's own competence, for what is asked, is that they have it."""
    own = [a.right for a in with_rights(acts) if not set(a.by).isdisjoint(ids)]
    known = [r for r in own if r.denied(asked.on) or (r.capacity in FOR_THEMSELVES and r.stands(asked.on))]
    reaching = [r for r in known if r.reaches(asked.purpose, asked.category)]
    return bool(reaching) and not reaching[-1].denied(asked.on)


Stance = tuple[str, Act | None]
_NO_STANCE: Stance = ("none", None)


def _stances(acts: Iterable[Act], asked: Question) -> dict[PersonId, Stance]:
    """Return the stance of each person who has spoken by then, in the order of their ids."""
    known = with_rights(a for a in acts if a.on <= asked.on)
    references: dict[str, list[Act]] = {}
    for one in known:
        references.setdefault(one.reference, []).append(one)
    givers = {giver for a in known for giver in a.by or (PersonId(""),)}
    return {giver: _stance(giver, references, asked) for giver in sorted(givers)}


def with_rights(acts: Iterable[Act]) -> list[Act]:
    """Return the acts in order. One that does not say by what right has the right by which the person last acted."""
    ordered = sorted(acts, key=Act.moment)
    last = {giver: a.right for a in ordered if a.right.capacity for giver in a.by}
    return [a if a.right.capacity else msgspec.structs.replace(a, right=_shared(a.by, last)) for a in ordered]


def _shared(by: tuple[PersonId, ...], last: dict[PersonId, Competence]) -> Competence:
    rights = {last.get(giver, Competence()) for giver in by}
    return rights.pop() if len(rights) == 1 else Competence()


def _established(act: Act, asked: Question) -> bool:
    return act.right.stands(asked.on) and act.right.reaches(asked.purpose, asked.category)


def _prevails(own: Stance, asked: Question) -> bool:
    """A person's own word on what is theirs, given by a right that is known and reaches so far."""
    return own[0] != "none" and own[1] is not None and _established(own[1], asked)


def _together(stances: dict[PersonId, Stance]) -> tuple[str, str]:
    best = min(stances.values(), key=_strength, default=_NO_STANCE)
    if best[0] == "in-force" and any(state in _OBJECTS for state, _ in stances.values()):
        return "disputed", _stated(best)[1]
    return _stated(best)


def _stated(stance: Stance) -> tuple[str, str]:
    state, made_by = stance
    return state, made_by.event if made_by is not None and state != "none" else ""


def _strength(stance: Stance) -> tuple[int, str]:
    return _STRONGEST.index(stance[0]), stance[1].event if stance[1] else ""


def _stance(giver: PersonId, references: dict[str, list[Act]], asked: Question) -> Stance:
    """Return one person's stance over all the agreements they had a part in; a later refusal outweighs."""
    found = [_of_one(giver, acts, asked) for acts in references.values()]
    best = min(found, key=_strength, default=_NO_STANCE)
    refusals = [act for state, act in found if state == "refused" and act is not None]
    if best[0] == "in-force" and best[1] is not None and refusals:
        last = max(refusals, key=Act.moment)
        return ("refused", last) if last.moment() > best[1].moment() else best
    return best


def _of_one(giver: PersonId, acts: list[Act], asked: Question) -> Stance:
    """Return one person's stance on one agreement: what their latest act on it makes of it."""
    if asked.person and not any(asked.person in a.whom for a in acts):
        return "none", None
    theirs = [a for a in acts if a.kind != "narrowed" and (giver in a.by or not a.by)]
    last = theirs[-1] if theirs else None
    if last is None or (last.right.capacity in FOR_THEMSELVES and asked.person not in ("", giver)):
        return _NO_STANCE
    if last.kind == "given":
        # a yes counts only by a right: where competence was to be assessed, it was, and reaches to what is asked
        return (_of_given(last, acts, asked), last) if _able(last, asked) else _NO_STANCE
    given = [a for a in acts if a.kind == "given"]
    about = last.purposes if last.kind == "refused" else [p for a in given for p in a.purposes]
    return (last.kind if not about or asked.purpose in about else "none"), last


def _able(given: Act, asked: Question) -> bool:
    return given.right.capacity not in (ASSESSED, NOT_COMPETENT) or _established(given, asked)


def _of_given(given: Act, acts: list[Act], asked: Question) -> str:
    if asked.person and asked.person not in given.whom:
        return "none"
    if given.until is not None and given.until <= asked.on:
        return "expired" if _in_scope(given, asked) else "none"
    narrowed = [a for a in acts if a.kind == "narrowed" and a.moment() > given.moment()]
    return "in-force" if _in_scope(given, asked) and all(_still(n, asked) for n in narrowed) else "out-of-scope"


def _in_scope(act: Act, asked: Question) -> bool:
    """An agreement is specific: what it does not name, it does not cover. The hub itself needs no naming."""
    named = asked.agency in act.recipients or asked.role in act.recipients
    named = named or (asked.role == "hub" and bool(act.recipients))
    return asked.purpose in act.purposes and asked.category in act.categories and named


def _still(narrowed: Act, asked: Question) -> bool:
    """A narrowing takes away from what it names anew; what it leaves empty stays as it was."""
    if narrowed.purposes and asked.purpose not in narrowed.purposes:
        return False
    if narrowed.categories and asked.category not in narrowed.categories:
        return False
    named = asked.agency in narrowed.recipients or asked.role in narrowed.recipients
    return not narrowed.recipients or named or asked.role == "hub"
