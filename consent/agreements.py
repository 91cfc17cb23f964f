"""The register of agreements: who agreed to what, for whom, from when, and how that stands on a day.

Each person who may agree has a stance of their own. An agreement is what its latest act makes it; on one day, and
recorded at one instant, the stricter act counts as the later. Where one person agrees and another does not, it is
disputed, and the hub does not choose between them; a competent young person's own act prevails over a parent's yes and
over a parent's no for what is theirs, as far as their competence reaches (consent/agreement_competence.py). An
objection of theirs beyond that is not passed over: it makes a parent's agreement disputed. What is taken back under a
reference of nothing counts against all that the same person agreed to before (consent/agreement_acts.py), and age
decides who speaks for whom (consent/agreement_ages.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from consent.agreement_acts import AGREEMENT_TYPES, Act, Question, act, in_scope, still, strays, touches, with_rights
from consent.agreement_ages import PRESUMED, counting, may_be
from consent.agreement_competence import (
    ASSESSED,
    FOR_THEMSELVES,
    NOT_COMPETENT,
    OF_YOUNG_PEOPLE,
    Heard,
    Voice,
    right_of,
)
from schemas.ids import PersonId

__all__ = ["AGREEMENT_TYPES", "Act", "Question", "act", "agreement_state", "heard", "voice", "with_rights"]

_STRONGEST = ("disputed", "in-force", "refused", "withdrawn", "expired", "out-of-scope", "none")
_OBJECTS = frozenset(("refused", "withdrawn"))


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


def heard(acts: Iterable[Act], asked: Question) -> Heard:
    """Return how agreement stands for what is asked, and whose it is.

    Where no word counts, but the person has agreed and was not found competent to, that is told as their agreement,
    with what is known of their competence: whoever decides must not take it for one, nor for silence.
    """
    every = counting(acts, asked)
    state, event = agreement_state(every, asked)
    if state == "none" and asked.person:
        return _unfounded(every, asked)
    if state != "in-force":
        return Heard(state, event)
    made_by = next(a for a in every if a.event == event)
    if made_by.right.capacity in OF_YOUNG_PEOPLE:
        return Heard(state, event, "competent")
    another = asked.person not in made_by.by and _decides_alone(every, asked)
    return Heard(state, event, "another-agreed" if another else "not-in-question")


def _unfounded(acts: list[Act], asked: Question) -> Heard:
    """Return the latest yes of the person's own that lacks nothing but that somebody found them competent."""
    own = [a for a in acts if asked.person in a.by]
    last = {a.reference: a for a in own if a.kind != "narrowed"}
    given = [a for a in last.values() if a.kind == "given" and not _able(a, asked)]
    lacking = [a for a in given if _of_given(a, [b for b in acts if b.reference == a.reference], asked) == "in-force"]
    if not lacking:
        return Heard("none")
    latest = max(lacking, key=Act.moment)
    found = latest.right.denied(asked.on) and latest.right.reaches(asked.purpose, asked.category)
    return Heard("in-force", latest.event, "not-competent" if found else "not-assessed")


def _decides_alone(acts: list[Act], asked: Question) -> bool:
    """Whether the latest that is known of the person's own competence, for what is asked, is that they have it.

    Where nobody found anything of it, from 16 they are presumed to.
    """
    own = [a.right for a in acts if asked.person in a.by]
    known = [r for r in own if r.denied(asked.on) or (r.capacity in FOR_THEMSELVES and r.stands(asked.on))]
    reaching = [r for r in known if r.reaches(asked.purpose, asked.category)]
    return not reaching[-1].denied(asked.on) if reaching else may_be(asked.born, PRESUMED, asked.on)


Stance = tuple[str, Act | None]
_NO_STANCE: Stance = ("none", None)


def _stances(acts: Iterable[Act], asked: Question) -> dict[PersonId, Stance]:
    """Return the stance of each person who has spoken by then, in the order of their ids."""
    known = counting(acts, asked)
    references: dict[str, list[Act]] = {}
    for one in known:
        references.setdefault(one.reference, []).append(one)
    givers = {giver for a in known for giver in a.by or (PersonId(""),)}
    return {giver: _stance(giver, references, asked) for giver in sorted(givers)}


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
    """Return one person's stance over all the agreements they had a part in; what they said later outweighs."""
    found = [_of_one(giver, acts, asked) for acts in references.values()]
    against = [act for state, act in found if state == "refused" and act is not None]
    taken = strays(giver, (act for acts in references.values() for act in acts))
    against += [act for act in taken if touches(act, asked.person) and not _leaves(act, asked)]
    return min((_after(stance, against) for stance in found), key=_strength, default=_NO_STANCE)


def _leaves(taking: Act, asked: Question) -> bool:
    return taking.kind == "narrowed" and still(taking, asked)


def _after(stance: Stance, against: list[Act]) -> Stance:
    """Return what is left of a yes after what was said later: where nobody is named, a person decides whose it was."""
    state, given = stance
    later = [act for act in against if given is not None and act.moment() > given.moment()]
    if state != "in-force" or not later:
        return stance
    firm = [act for act in later if act.kind == "refused" or (act.kind == "withdrawn" and act.by)]
    if firm:
        last = max(firm, key=Act.moment)
        return last.kind, last
    return ("out-of-scope" if all(act.by for act in later) else "disputed"), given


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
        return "expired" if in_scope(given, asked) else "none"
    narrowed = [a for a in acts if a.kind == "narrowed" and a.moment() > given.moment()]
    return "in-force" if in_scope(given, asked) and all(still(n, asked) for n in narrowed) else "out-of-scope"
