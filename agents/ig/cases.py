"""The IG queue: rights requests with their dates, what behaviour watch found, and every break-glass, by reference;
and the sharing agreements that are to be reviewed (agents/ig/agreements_due.py).

Kafka is the record: every word said of a case is an event of its own (topic `ig.cases`), and the case is what they come
to. A break-glass is a case by its logged decision alone, so that none can be lost on the way to the queue. No names and
no free text: a case refers to pseudonyms and to decisions, and whoever handles it reads those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
import sqlalchemy as sql

from agents.adapters.database import DECISIONS, IG_CASES
from agents.clearance import open_cases, open_decisions
from agents.ig.decisions import Sought, narrowed
from agents.ig.own import Own, own_families
from agents.ig.rights import due, months_later, rights
from agents.ports import Producer
from agents.queries import Queries
from consent import break_glass
from consent.decision import Decision, decode
from consent.seal import Pseudonyms
from schemas.errors import HearthError
from schemas.ids import PersonId, PractitionerId
from schemas.people import KnownPractitioner
from streams.intake_names import every_id
from streams.outcome import Emit
from streams.sealed import SEALED
from streams.timeline import on_day
from streams.topology import IG_CASES as TOPIC

OPENED, EXTENDED, ESCALATED, CLOSED = "opened", "extended", "escalated", "closed"
RESTRICTED, LIFTED = "restricted", "lifted"
BEHAVIOUR = "behaviour"
AGREEMENT_DUE = "sharing-agreement-due"
OWN = (BEHAVIOUR, break_glass.STAGE, AGREEMENT_DUE)  # kinds that nobody asks for
MORE = "more"  # of the same was found since
HUB = PractitionerId("hub")  # who says what nobody said
_AT_ONCE = 500  # decisions in one question: SQLite takes at least 999


class NotSo(HearthError):
    """What was said of a case does not hold: there is none, it is closed, or it may not be extended (any more)."""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing said of a case. `about` is the person's or family's pseudonym; `refers_to` are decisions."""

    case: str
    said: str
    kind: str
    at: datetime
    by: PractitionerId
    about: str = ""
    received: date | None = None
    due: date | None = None
    reason: str = ""
    outcome: str = ""
    behaviour: str = ""
    refers_to: tuple[str, ...] = ()
    log: str = "main"


class Case(msgspec.Struct, frozen=True):
    """A case as it stands. `due` is the last day to answer on; `overdue` as of the day asked.

    `opened_by` and `closed_by` are officers, or the hub; `extended_for` is the reason's code.
    """

    id: str
    kind: str
    about: str
    received: date
    due: date
    extended: bool
    status: str  # open | closed
    overdue: bool
    outcome: str = ""
    behaviour: str = ""
    refers_to: tuple[str, ...] = ()
    opened_by: str = ""
    extended_for: str = ""
    closed_on: date | None = None
    closed_by: str = ""
    escalated_to: str = ""  # open beyond its last day, where its kind says who takes it on
    escalated_on: date | None = None  # when the hub said so: the daily watch does
    restricted: bool = False  # processing is, under this case, until it is lifted: closing it lifts nothing


@dataclass(frozen=True)
class Cases:
    """The queue as one officer has it: what refers to sealed decisions is there for those cleared alone.

    Nobody has a case about a family of their own, or about their own looks: another officer does.
    What is said raises NotWritten where it is not acknowledged, and NotSo where it does not hold.
    """

    queries: Queries
    producer: Producer
    names: Pseudonyms
    officer: KnownPractitioner

    def all(self, today: date) -> list[Case]:
        """Return every case of this officer's, those that fall due first in front."""
        every, own = self.whole(today), own_families(self.queries, self.officer)
        hidden = self._hidden(own, {decision for case in every for decision in case.refers_to})
        return [
            case for case in every
            if hidden.isdisjoint(case.refers_to) and own.open.isdisjoint(self._families(case.about) if own.open else ())
        ]  # fmt: skip

    def whole(self, today: date) -> list[Case]:
        """Return the same with those about the officer's own families and looks: to know what there is, not to show."""
        found = [stands(every, today) for every in self._said().values()]
        return sorted((one for one in found if one is not None), key=lambda case: (case.due, case.id))

    def history(self, case: str, today: date) -> list[Said]:
        """Return what was said of one case, in order; nothing where there is none that this officer may know of."""
        return self._said().get(case, []) if self.one(case, today) else []

    def _said(self) -> dict[str, list[Said]]:
        cleared = self.officer.clearance == SEALED
        query = open_cases(sql.select(IG_CASES.c.body).order_by(IG_CASES.c.place), cleared)
        shown = sql.select(DECISIONS.c.body).where(DECISIONS.c.stage == break_glass.STAGE)
        shown = narrowed(open_decisions(shown, cleared), Sought(outcome="share"))
        opened = (self._opened(decode(row.body)) for row in self.queries.ask(shown.order_by(DECISIONS.c.decided_at)))
        by_case: dict[str, list[Said]] = {said.case: [said] for said in opened}
        for row in self.queries.ask(query):
            said = _decode(row.body)
            by_case.setdefault(said.case, []).append(said)
        return by_case

    def _hidden(self, own: Own, decisions: Iterable[str]) -> set[str]:
        """Return those of these decisions that are on a family of the officer's own, or on a look of theirs."""
        asked = sql.select(*(DECISIONS.c[name] for name in ("id", "family", "log", "recipient")))
        names = sorted(decisions)
        rows = [
            row for at in range(0, len(names), _AT_ONCE)
            for row in self.queries.ask(asked.where(DECISIONS.c.id.in_(names[at : at + _AT_ONCE])))
        ]  # fmt: skip
        return {row.id for row in rows if row.recipient == self._me or own.hides(row.family, row.log)}

    def _families(self, about: str) -> Iterable[str]:
        """Return the families that a request is about: one, or those of a person."""
        if not about.startswith("p_"):
            return (about,)
        known = [self.queries.person(one) for one in every_id(self.queries, PersonId(about))]
        return {family for one in known if one is not None for family in one.families}

    def one(self, case: str, today: date) -> Case | None:
        """Return one case, if there is one that this officer may know of."""
        return next((one for one in self.all(today) if one.id == case), None)

    def requested(self, today: date) -> set[str]:
        """Return the persons and families about whom a request is open, or whose processing is still restricted."""
        stands = (one for one in self.all(today) if one.status == "open" or one.restricted)
        return {one.about for one in stands if one.kind not in OWN and one.about}

    def open(self, kind: str, about: str, received: date, now: datetime) -> str:
        """Take in a request about a person or family, received on this day; return the case's id."""
        asked = rights().kind.get(kind)
        if asked is None or kind in OWN:
            raise NotSo(f"a request is one of {', '.join(k for k in rights().kind if k not in OWN)}")
        if received > on_day(now):
            raise NotSo("it was not received after today")
        name = self.names.mint("c", kind, about, received.isoformat(), now.isoformat())
        self._say(Said(name, OPENED, kind, now, self._me, about, received, due(asked, received)))
        return name

    def extend(self, case: str, reason: str, now: datetime) -> date:
        """Extend an open request once, before it falls due; return its new last day."""
        found = self._open_one(case, now)
        months = rights().kind[found.kind].extend_months
        if reason not in rights().reasons:
            raise NotSo(f"a reason is one of {', '.join(rights().reasons)}")
        if not months or found.extended or found.overdue:
            raise NotSo("it may not be extended: its kind may not, it was before, or it has fallen due")
        until = months_later(found.received, rights().kind[found.kind].months + months)
        self._say(Said(case, EXTENDED, found.kind, now, self._me, due=until, reason=reason))
        return until

    def close(self, case: str, outcome: str, now: datetime) -> None:
        """Say what came of a case; it stays in the record."""
        found = self._open_one(case, now)
        if outcome not in rights().outcomes:
            raise NotSo(f"an outcome is one of {', '.join(rights().outcomes)}")
        self._say(Said(case, CLOSED, found.kind, now, self._me, outcome=outcome))

    def restrictable(self, case: str, on_ground: str, now: datetime) -> Case:
        """Return the open case under which processing may be restricted on this ground of Art 18(1)."""
        found = self._open_one(case, now)
        grounds = rights().kind[found.kind].restricts
        if on_ground not in grounds:
            raise NotSo(f"under this case the ground is one of {', '.join(grounds)}" if grounds else _NO_RESTRICTION)
        return found

    def liftable(self, case: str, now: datetime) -> Case:
        """Return the case, closed or not, under which processing is restricted."""
        found = self.one(case, on_day(now))
        if found is None or not found.restricted:
            raise NotSo("nothing is restricted under this case")
        return found

    def note(self, case: Case, said: str, now: datetime) -> None:
        """Say that processing was restricted, or that this was lifted, under a case. The register has it by then."""
        self._say(Said(case.id, said, case.kind, now, self._me))

    def escalate(self, now: datetime) -> list[str]:
        """Say of each case that nobody closed in time that it has passed to whoever takes it on; return those cases.

        Once for each: a case that escalated stays so until it is closed.
        """
        late = {one.id for one in self.whole(on_day(now)) if one.escalated_to and one.escalated_on is None}
        for opened, *_ in self._said().values():
            if opened.case in late:
                self._say(Said(opened.case, ESCALATED, opened.kind, now, self._me, log=opened.log))
        return sorted(late)

    def refer(self, name: str, behaviour: str, refers_to: Iterable[str], log: str, now: datetime) -> None:
        """Put what behaviour watch found on the queue: a reference, and nobody's name."""
        today = on_day(now)
        last = due(rights().kind[BEHAVIOUR], today)
        self._say(
            Said(name, OPENED, BEHAVIOUR, now, self._me, "", today, last, behaviour=behaviour,
                 refers_to=tuple(refers_to), log=log)
        )  # fmt: skip

    def more(self, case: Case, refers_to: Iterable[str], log: str, now: datetime) -> None:
        """Add to an open case what was found of the same behaviour since."""
        self._say(Said(case.id, MORE, case.kind, now, self._me, refers_to=tuple(refers_to), log=log))

    def _opened(self, opening: Decision) -> Said:
        """Return a break-glass as a case, from its decision: due when the policy says that it must be reviewed."""
        day, kind = on_day(opening.decided_at), rights().kind[break_glass.STAGE]
        return Said(
            self.names.mint("c", break_glass.STAGE, opening.id), OPENED, break_glass.STAGE, opening.decided_at,
            HUB, "", day, opening.review_on or due(kind, day), refers_to=(opening.id,),
            log=opening.log,
        )  # fmt: skip

    @property
    def _me(self) -> PractitionerId:
        return self.officer.practitioner

    def _open_one(self, case: str, now: datetime) -> Case:
        found = self.one(case, on_day(now))
        if found is None or found.status != "open":
            raise NotSo("there is no such open case")
        return found

    def _say(self, said: Said) -> None:
        self.producer.send([Emit(TOPIC, said.case, msgspec.json.encode(said))])
        self.producer.flush()


_NO_RESTRICTION = "no request for correction, restriction or objection: nothing is restricted under it"
_decode = msgspec.json.Decoder(Said).decode


def stands(every: list[Said], today: date) -> Case | None:
    """Return what was said of one case, in order, as it stands today; None where it was never opened."""
    opened = next((said for said in every if said.said == OPENED), None)
    if opened is None or opened.received is None or opened.due is None:
        return None
    closed = next((said for said in every if said.said == CLOSED), None)
    before = every[: every.index(closed)] if closed else every  # what came after nobody who closed it has seen
    more = [decision for said in before if said.said == MORE for decision in said.refers_to]
    extended = next((said for said in every if said.said == EXTENDED and said.due), None)
    last = extended.due if extended and extended.due else opened.due
    overdue = (on_day(closed.at) if closed else today) > last
    escalated = next((said for said in every if said.said == ESCALATED), None)
    return Case(
        id=opened.case, kind=opened.kind, about=opened.about, received=opened.received, due=last,
        extended=extended is not None, status="closed" if closed else "open",
        overdue=overdue, outcome=closed.outcome if closed else "",
        opened_by=opened.by, extended_for=extended.reason if extended else "",
        closed_on=on_day(closed.at) if closed else None, closed_by=closed.by if closed else "",
        behaviour=opened.behaviour, refers_to=tuple(dict.fromkeys((*opened.refers_to, *more))),
        escalated_to=rights().kind[opened.kind].escalates_to if overdue and not closed else "",
        escalated_on=on_day(escalated.at) if escalated else None,
        restricted=next((s.said for s in reversed(every) if s.said in (RESTRICTED, LIFTED)), "") == RESTRICTED,
    )  # fmt: skip
