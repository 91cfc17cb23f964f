"""The IG queue: rights requests with their dates, what behaviour watch found, and every break-glass, by reference.

Kafka is the record: every word said of a case is an event of its own (topic `ig.cases`), and the case is what they come
to. A break-glass is a case by its logged decision alone, so that none can be lost on the way to the queue. No names and
no free text: a case refers to pseudonyms and to decisions, and whoever handles it reads those.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
import sqlalchemy as sql

from agents.adapters.database import IG_CASES
from agents.clearance import open_cases
from agents.ig.decisions import DecisionLog, Sought
from agents.ports import Producer
from agents.queries import Queries
from consent import break_glass
from consent.decision import Decision
from consent.seal import Pseudonyms
from schemas.errors import HearthError
from schemas.ids import PractitionerId
from schemas.people import KnownPractitioner
from streams.outcome import Emit
from streams.timeline import on_day
from streams.topology import IG_CASES as TOPIC

OPENED, EXTENDED, CLOSED = "opened", "extended", "closed"
BEHAVIOUR = "behaviour"
OWN = (BEHAVIOUR, break_glass.STAGE)  # kinds that nobody asks for


class NotSo(HearthError):
    """What was said of a case does not hold: there is none, it is closed, or it may not be extended (any more)."""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of case (rights.toml): so many months or days, and so many months more where it may be extended.

    `escalates_to`: whose it is when nobody closed it in time.
    """

    label: str
    law: str
    source: str
    checked: bool
    months: int = 0
    days: int = 0
    extend_months: int = 0
    escalates_to: str = ""


class Rights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """rights.toml as a whole."""

    kind: dict[str, Kind]
    reasons: dict[str, str]
    outcomes: dict[str, str]


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
    """A case as it stands. `due` is the last day to answer on; `overdue` as of the day asked."""

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
    escalated_to: str = ""  # open beyond its last day, where its kind says who takes it on


@cache
def rights() -> Rights:
    """Return rights.toml, read once."""
    return msgspec.toml.decode((Path(__file__).parent / "rights.toml").read_bytes(), type=Rights)


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def due(kind: Kind, received: date) -> date:
    """Return the last day on which a case received on this day may be answered."""
    return months_later(received, kind.months) + timedelta(days=kind.days)


@dataclass(frozen=True)
class Cases:
    """The queue as one officer has it: what refers to sealed decisions is there for those cleared alone.

    What is said raises NotWritten where it is not acknowledged, and NotSo where it does not hold.
    """

    queries: Queries
    producer: Producer
    names: Pseudonyms
    officer: KnownPractitioner

    def all(self, today: date) -> list[Case]:
        """Return every case, those that fall due first in front."""
        log = DecisionLog(self.queries, self.officer)
        query = open_cases(sql.select(IG_CASES.c.body).order_by(IG_CASES.c.place), log.cleared)
        opened = (self._opened(one) for one in log.bodies(Sought(stage=break_glass.STAGE, outcome="share")))
        by_case: dict[str, list[Said]] = {said.case: [said] for said in opened}
        for row in self.queries.ask(query):
            said = _decode(row.body)
            by_case.setdefault(said.case, []).append(said)
        found = [stands(every, today) for every in by_case.values()]
        return sorted((one for one in found if one is not None), key=lambda case: (case.due, case.id))

    def one(self, case: str, today: date) -> Case | None:
        """Return one case, if there is one that this officer may know of."""
        return next((one for one in self.all(today) if one.id == case), None)

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

    def refer(self, name: str, behaviour: str, refers_to: Iterable[str], log: str, now: datetime) -> None:
        """Put what behaviour watch found on the queue: a reference, and nobody's name."""
        today = on_day(now)
        last = due(rights().kind[BEHAVIOUR], today)
        self._say(
            Said(name, OPENED, BEHAVIOUR, now, self._me, "", today, last, behaviour=behaviour,
                 refers_to=tuple(refers_to), log=log)
        )  # fmt: skip

    def _opened(self, opening: Decision) -> Said:
        """Return a break-glass as a case, from its decision: due when the policy says that it must be reviewed."""
        day, kind = on_day(opening.decided_at), rights().kind[break_glass.STAGE]
        return Said(
            self.names.mint("c", break_glass.STAGE, opening.id), OPENED, break_glass.STAGE, opening.decided_at,
            PractitionerId(opening.recipient), "", day, opening.review_on or due(kind, day), refers_to=(opening.id,),
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


_decode = msgspec.json.Decoder(Said).decode


def stands(every: list[Said], today: date) -> Case | None:
    """Return what was said of one case, in order, as it stands today; None where it was never opened."""
    opened = next((said for said in every if said.said == OPENED), None)
    if opened is None or opened.received is None or opened.due is None:
        return None
    closed = next((said for said in every if said.said == CLOSED), None)
    extended = next((said for said in every if said.said == EXTENDED and said.due), None)
    last = extended.due if extended and extended.due else opened.due
    overdue = (on_day(closed.at) if closed else today) > last
    return Case(
        id=opened.case, kind=opened.kind, about=opened.about, received=opened.received, due=last,
        extended=extended is not None, status="closed" if closed else "open",
        overdue=overdue, outcome=closed.outcome if closed else "",
        behaviour=opened.behaviour, refers_to=opened.refers_to,
        escalated_to=rights().kind[opened.kind].escalates_to if overdue and not closed else "",
    )  # fmt: skip
