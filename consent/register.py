"""The registers of one family: agreements, grounds, judgements, restrictions, who works with it. A fold, in any order.

What an item says is kept by item id, so that a second arrival changes nothing and a person's part can be taken out
again. Everything asked is worked out from what stands (consent/mends.py) and kept until the register changes. It
holds register events, and what may open, close or mend a ground; ordinary items leave no trace in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec

from consent import agreement_list, agreements, grounds, involvement, judgements, restrictions
from consent.agreement_acts import as_one
from consent.agreement_ages import birthdays
from consent.agreement_competence import Heard, Voice
from consent.agreement_list import Agreement
from consent.agreements import AGREEMENT_TYPES, Act, Question
from consent.ground_rules import ground_types
from consent.grounds import Closing, OpenGround, Opening
from consent.involvement import INVOLVEMENT_TYPES, Involved, Work
from consent.judgements import JUDGEMENT, About, Finding, Judgement
from consent.mends import standing
from consent.restrictions import RESTRICTION_TYPES, Restriction
from schemas.ids import EventKey, ItemId, PersonId, PractitionerId
from schemas.records import Facts

_KEPT_ANSWERS = 256
_NOBODY = PersonId("")
Said = Act | Work | Opening | Closing | Judgement | Restriction


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one item says to the registers: nothing, where it only mends another."""

    item: ItemId
    event: EventKey
    recorded_at: datetime
    known_at: datetime  # when the hub first had it; no part of what stands
    mends: EventKey | None
    retracts: bool
    said: tuple[Said, ...]


class Register(msgspec.Struct, dict=True):
    """The registers of one family. `entries` and `born` are all there is; whatever else it has is worked out from them.

    `born` are the birth dates of the people whose section the family has, as the agencies openly say them.
    """

    entries: dict[ItemId, Entry] = {}
    born: dict[PersonId, date] = {}

    def __post_init__(self) -> None:
        self._changed()

    def apply(self, facts: Facts, item: ItemId, received_at: datetime | None = None) -> bool:
        """Take in one item's facts, and say whether it has a place here. A second time changes nothing.

        `received_at` has no part in what stands, which depends on what was said, never on when it arrived: it tells
        what was known when (`as_known`). Without it, the hub had the item when it was recorded.
        Raises Refusal for a register event whose dates or practitioner do not read.
        """
        mends = facts.retracts or facts.corrects
        if mends is None and facts.ground is None and facts.type not in _types():
            return False
        event, _, person = item.partition(".")
        said = () if facts.retracts else _said(facts, EventKey(event), PersonId(person), item)
        if not said and mends is None:
            return False
        known_at, before = received_at or facts.recorded_at, self.entries.get(item)
        known_at = min(known_at, before.known_at) if before is not None else known_at
        entry = Entry(item, EventKey(event), facts.recorded_at, known_at, mends, facts.retracts is not None, said)
        if before == entry:
            return True
        self.entries[item] = entry
        if said or any(e.event == mends for e in self.entries.values()):
            self._changed()
        return True

    def learn(self, person: PersonId, born: date | None) -> None:
        """Take in when `person` was born, as it is said now: from it follows who speaks for whom."""
        if born is not None and self.born.get(person) != born:
            self.born[person] = born
            self._changed()

    def forget(self, person: PersonId) -> None:
        """Take out every item about `person`, and when they were born: they are no longer of this family."""
        self.born.pop(person, None)
        gone = [item for item in self.entries if item.partition(".")[2] == person]
        for item in gone:
            del self.entries[item]
        self._changed()

    def as_known(self, at: datetime) -> Register:
        """Return the registers as the hub knew them at the instant `at`: what reached it later is not in them.

        Birth dates are as they are known now.
        """
        return Register({item: entry for item, entry in self.entries.items() if entry.known_at <= at}, self.born)

    def agreement_state(
        self, purpose: str, category: str, agency: str, role: str, person: PersonId | None, on: date
    ) -> tuple[str, str]:
        """Return how agreement stands on the day `on` (Europe/London) for what is about `person` (none: anybody).

        The recipient is of `agency` and has `role`; an agreement may name either. The state is in-force, none,
        refused, withdrawn, out-of-scope, expired or disputed; with it the event key of the act it rests on, or empty.
        """
        asked = (purpose, category, agency, role, person, on)
        kept: tuple[str, str] | None = self._answers.get(asked)
        if kept is None:
            question = self._question(purpose, category, agency, role, (person or _NOBODY,), on)
            kept = self._keep(asked, agreements.agreement_state(self._standing(Act), question))
        return kept

    def ground_for(self, person: PersonId | None, on: date) -> OpenGround | None:
        """Return the strongest ground open on `on` for `person`: theirs, or the whole family's (none: anybody's)."""
        every: list[OpenGround] | None = self._answers.get(on)
        if every is None:
            every = self._keep(on, grounds.open_grounds(self._standing(Opening), self._standing(Closing), on))
        return next((g for g in every if not person or g.person in (person, _NOBODY)), None)

    def lead(self, on: date) -> PractitionerId | None:
        """Return the lead professional on `on`, if there is one."""
        return involvement.lead(self._standing(Work), on)

    def involved(self, on: date) -> tuple[Involved, ...]:
        """Return who works with the family on `on`, the lead among them."""
        return involvement.involved(self._standing(Work), on)

    def capacity(self, agreement: str) -> str:
        """Return by what right the person agreed whose act `agreement` (an event key) is; empty when not known."""
        kept: dict[str, str] | None = self._answers.get("capacity")
        if kept is None:
            acts = agreements.with_rights(self._standing(Act))
            kept = self._keep("capacity", {a.event: a.right.capacity for a in acts})
        return kept.get(agreement, "")

    def voice(
        self, purpose: str, category: str, agency: str, role: str, person: PersonId | None, on: date
    ) -> Voice:
        """Return whose word makes the answer of `agreement_state` to the same question, and by what right."""
        asked = ("voice", purpose, category, agency, role, person, on)
        kept: Voice | None = self._answers.get(asked)
        if kept is None:
            question = self._question(purpose, category, agency, role, (person or _NOBODY,), on)
            kept = self._keep(asked, agreements.voice(self._standing(Act), question))
        return kept

    def heard(
        self, purpose: str, category: str, agency: str, role: str, ids: tuple[PersonId, ...], on: date
    ) -> Heard:
        """Return how agreement stands, to the same question, and whose it is: what a decision rests on.

        `ids` are all of the one person's, the one that stands for the others first.
        """
        asked = ("heard", purpose, category, agency, role, ids, on)
        kept: Heard | None = self._answers.get(asked)
        if kept is None:
            question, acts = self._question(purpose, category, agency, role, ids, on), self._standing(Act)
            if len(ids) > 1:
                acts = as_one(acts, dict.fromkeys(ids, ids[0]))
            kept = self._keep(asked, agreements.heard(acts, question))
        return kept

    def agreements(self, on: date, same: Mapping[PersonId, PersonId] | None = None) -> tuple[Agreement, ...]:
        """Return every agreement as it stands on `on`, person by person, withdrawn and refused ones too.

        `same`: the id of somebody who was minted twice → the one that stands for it.
        """
        known_at: dict[EventKey, datetime] = {}
        for entry in self.entries.values():
            known_at[entry.event] = min(entry.known_at, known_at.get(entry.event, entry.known_at))
        born = {(same or {}).get(person, person): day for person, day in self.born.items()} | self.born
        return agreement_list.agreements(as_one(self._standing(Act), same or {}), known_at, on, born)

    def findings(self, about: About) -> tuple[Finding, ...]:
        """Return what named people recorded that counts for this disclosure."""
        judged = self._standing(Judgement)
        return judgements.findings(judged, about) if judged else ()

    def restricted(self, persons: tuple[PersonId, ...], on: date) -> bool:
        """Return whether the processing of what is about the person of these ids is restricted on `on`."""
        said = self._standing(Restriction)
        return bool(said) and restrictions.restricted(said, persons, on)

    def next_change(self, after: date) -> date | None:
        """Return the first day after `after` on which time alone may change an answer."""
        days: set[date | None] = {a.on for a in self._standing(Act)} | {a.until for a in self._standing(Act)}
        days |= {a.right.assessed_on for a in self._standing(Act)}
        days |= birthdays(born for _, born in self._born_of_acts())
        days |= {w.on for w in self._standing(Work)}
        days |= {day for j in self._standing(Judgement) for day in (j.on, j.until)}
        days |= {r.on for r in self._standing(Restriction)}
        openings, closings = self._standing(Opening), self._standing(Closing)
        days |= {o.since for o in openings} | {o.until for o in openings} | {c.day for c in closings}
        return min((day for day in days if day is not None and day > after), default=None)

    def version(self) -> str:
        """Return 32 characters that differ when what stands differs, and never with the order it arrived in."""
        kept: str | None = self._answers.get("version")
        if kept is None:
            digest = sha256()
            for entry in self._standing_entries():
                digest.update(_encode((entry.item, entry.said)))
            if born := self._born_of_acts():
                digest.update(_encode(born))
            kept = self._keep("version", digest.hexdigest()[:32])
        return kept

    def _question(
        self, purpose: str, category: str, agency: str, role: str, ids: tuple[PersonId, ...], on: date
    ) -> Question:
        born = tuple(sorted({self.born[one] for one in ids if one in self.born}))
        return Question(purpose, category, agency, role, ids[0], on, born)

    def _born_of_acts(self) -> list[tuple[PersonId, date]]:
        """Return the birth dates of whom the agreements speak: those alone have a part in what stands."""
        people = {person for act in self._standing(Act) for person in (*act.whom, *act.by)}
        return [(person, self.born[person]) for person in sorted(people & self.born.keys())]

    def _standing(self, kind: type[Any]) -> list[Any]:
        """Return what stands of one kind. An event with parts about several people says it once."""
        kept: list[Any] | None = self._answers.get(kind)
        if kept is None:
            said = (s for e in self._standing_entries() for s in e.said if isinstance(s, kind))
            once = {getattr(s, "event", s): s for s in said}
            kept = self._keep(kind, list(once.values()))
        return kept

    def _standing_entries(self) -> list[Entry]:
        """Return what stands and says something, in the order of its items. A restriction stands whatever mends it."""
        kept: list[Entry] | None = self._answers.get(Entry)
        if kept is None:
            events = standing(self.entries.values())
            says = [e for e in self.entries.values() if e.said]
            stands = [e for e in says if e.event in events or isinstance(e.said[0], Restriction)]
            kept = self._keep(Entry, sorted(stands, key=lambda e: e.item))
        return kept

    def _keep(self, asked: object, answer: Any) -> Any:
        if len(self._answers) >= _KEPT_ANSWERS:
            self._answers.clear()
        self._answers[asked] = answer
        return answer

    def _changed(self) -> None:
        self._answers: dict[object, Any] = {}


_encode = msgspec.msgpack.Encoder().encode


@cache
def _types() -> frozenset[str]:
    return AGREEMENT_TYPES | INVOLVEMENT_TYPES | ground_types() | RESTRICTION_TYPES | {JUDGEMENT}


def _said(facts: Facts, event: EventKey, person: PersonId, item: ItemId) -> tuple[Said, ...]:
    if facts.type in AGREEMENT_TYPES:
        return (agreements.act(facts, event, person),)
    if facts.type == JUDGEMENT:
        return (judgements.judgement(facts, event, person),)
    if facts.type in RESTRICTION_TYPES:
        return (restrictions.restriction(facts, event, person),)
    if facts.type in INVOLVEMENT_TYPES:
        return (involvement.work(facts, event),)
    return tuple(grounds.openings(facts, person, item))
