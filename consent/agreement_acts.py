"""What is said in a register of agreements: one act at a time; and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import msgspec

from consent.agreement_competence import Competence, competence
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
_BY = frozenset(("agreed-by",))
_BY_ELSE = frozenset(("parent", "carer"))
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
    """What is asked of the agreements: `person` empty asks for anybody in the family.

    `born` is when the person was born, as far as is known: more than one day where several are said.
    """

    purpose: str
    category: str
    agency: str
    role: str
    person: PersonId
    on: date
    born: tuple[date, ...] = ()


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


def with_rights(acts: Iterable[Act]) -> list[Act]:
    """Return the acts in order. One that does not say by what right has the right by which the person last acted."""
    ordered = sorted(acts, key=Act.moment)
    last = {giver: a.right for a in ordered if a.right.capacity for giver in a.by}
    return [a if a.right.capacity else msgspec.structs.replace(a, right=_shared(a.by, last)) for a in ordered]


def _shared(by: tuple[PersonId, ...], last: dict[PersonId, Competence]) -> Competence:
    rights = {last.get(giver, Competence()) for giver in by}
    return rights.pop() if len(rights) == 1 else Competence()


def as_one(acts: Iterable[Act], same: Mapping[PersonId, PersonId]) -> list[Act]:
    """Return the acts under one id for each person. `same`: an id → the one that stands for it.

    Who was minted twice is one: what was said of them under either id is said of them.
    """

    def ones(persons: tuple[PersonId, ...]) -> tuple[PersonId, ...]:
        return tuple(sorted({same.get(person, person) for person in persons}))

    return [msgspec.structs.replace(act, by=ones(act.by), whom=ones(act.whom)) for act in acts]


def in_scope(act: Act, asked: Question) -> bool:
    """An agreement is specific: what it does not name, it does not cover. The hub itself needs no naming."""
    named = asked.agency in act.recipients or asked.role in act.recipients
    named = named or (asked.role == "hub" and bool(act.recipients))
    return asked.purpose in act.purposes and asked.category in act.categories and named


def still(narrowed: Act, asked: Question) -> bool:
    """A narrowing takes away from what it names anew; what it leaves empty stays as it was."""
    if narrowed.purposes and asked.purpose not in narrowed.purposes:
        return False
    if narrowed.categories and asked.category not in narrowed.categories:
        return False
    named = asked.agency in narrowed.recipients or asked.role in narrowed.recipients
    return not narrowed.recipients or named or asked.role == "hub"


# ------------------------------------------------------------------ taken back under a reference of nothing


def strays(giver: PersonId, acts: Iterable[Act]) -> list[Act]:
    """Return what `giver`, or nobody who is named, took back under a reference of nothing that they had given.

    Who withdraws need not know where an agreement is kept or what it is called there, nor go back to the agency that
    asked: withdrawing is as easy as giving (UK GDPR Art 7(3)). It counts against whatever they had agreed to before.
    """
    every = list(acts)
    return [a for a in every if a.kind in _TAKES and (giver in a.by or not a.by) and not _matched(a, giver, every)]


_TAKES = frozenset(("withdrawn", "narrowed"))


def _matched(taking: Act, giver: PersonId, acts: list[Act]) -> bool:
    same = (a for a in acts if a.kind == "given" and a.reference == taking.reference)
    return any(a.moment() < taking.moment() and (giver in a.by or not a.by or not taking.by) for a in same)


def touches(taking: Act, person: PersonId) -> bool:
    """Whether it is about `person` (empty: anybody). Naming nobody but whoever said it, it is about everybody."""
    return not person or person in taking.whom or set(taking.whom) <= set(taking.by)
