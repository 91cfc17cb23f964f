"""Puts each sharing agreement that is to be reviewed on the IG queue, once, from sixty days before it runs out.

The case is named by the agreement and its review day, so whoever looks again, or starts again, adds nothing: an
agreement that was renewed has another day, and another case when that comes near.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

import msgspec
import sqlalchemy as sql
import structlog

from agents.adapters.database import IG_CASES
from agents.ig.cases import AGREEMENT_DUE, OPENED, Said
from agents.ports import Clock, NotWritten, Producer
from agents.queries import Queries
from consent import sharing
from consent.days import london_day
from consent.seal import Pseudonyms
from schemas.ids import PractitionerId
from streams.outcome import Emit
from streams.topology import IG_CASES as TOPIC

HUB = PractitionerId("hub")  # nobody in particular says so
_EVERY_SECONDS = 1.0
_log = structlog.get_logger("hearth.agreements")


class AgreementsDue:
    """Whoever runs it calls `step` again and again, in one thread; it looks once on each day."""

    def __init__(
        self, queries: Queries, producer: Producer, names: Pseudonyms, clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._queries, self._producer, self._names = queries, producer, names
        self._clock, self._pause, self._looked = clock, pause, date.min

    def step(self) -> int:
        """Look, if this was not done today; wait a second; return how many were put on the queue."""
        put = 0
        try:
            if (now := self._clock()) and london_day(now) > self._looked:
                put, self._looked = self._look(now), london_day(now)
        except (NotWritten, sql.exc.OperationalError, sql.exc.InterfaceError) as wrong:  # the next step takes it up
            _log.warning("sharing agreements not looked at", error=type(wrong).__name__)
        self._pause(_EVERY_SECONDS)
        return put

    def _look(self, now: datetime) -> int:
        cases = [self._case(one, now) for one in sharing.reviews_due(london_day(now))]
        new = [said for said in cases if not self._known(said.case)]
        for said in new:
            _log.warning("sharing agreement to be reviewed", agreement=said.refers_to[0], last_day=str(said.due))
        self._producer.send([Emit(TOPIC, said.case, msgspec.json.encode(said)) for said in new])
        self._producer.flush()
        return len(new)

    def _case(self, due: sharing.SharingAgreement, now: datetime) -> Said:
        until, since = due.dates.review_on, due.dates.review_on - timedelta(days=due.dates.warn_days)
        name = self._names.mint("c", AGREEMENT_DUE, due.id, until.isoformat())
        last = until - timedelta(days=1)
        return Said(name, OPENED, AGREEMENT_DUE, now, HUB, "", since, last, refers_to=(due.id,))

    def _known(self, case: str) -> bool:
        return bool(self._queries.ask(sql.select(IG_CASES.c.place).where(IG_CASES.c.case == case).limit(1)))
