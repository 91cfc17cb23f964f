"""Breaking the glass: logged, and information governance told, before anything is shown; it ends by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sql

from agents.adapters.database import REVIEW
from agents.ig.decisions import DecisionLog, Sought
from agents.queries import Queries
from agents.reading import Behind, Reading
from consent import break_glass as terms
from consent.decision import Decision, Outcome
from schemas.ids import FamilyId
from schemas.people import KnownPractitioner
from streams.break_glass import look_again, open_and_look
from streams.disclose import View
from streams.identity.reviews import Reviews, break_glass_review
from streams.timeline import Family


class Opened(msgspec.Struct, frozen=True):
    """What is shown, until when it can be looked at again, and the decision that information governance reviews."""

    decision: str
    until: datetime
    view: View


@dataclass(frozen=True)
class BreakGlass:
    """The tools of it. Both methods raise Behind or NotWritten: then nothing is shown."""

    reading: Reading
    queries: Queries
    reviews: Reviews

    def open(
        self, reader: KnownPractitioner, family: FamilyId, reason: str, because: str, now: datetime
    ) -> Opened | None:
        """Return the minimum, for this reason (a code) and what was said (`because`, kept sealed).

        None where it is refused; that is logged too.
        """
        opened: list[Decision] = []

        def decide(state: Family, at: datetime) -> tuple[list[Decision], View | None]:
            decisions, view = open_and_look(self.reading.stage, state, reader, reason, at)
            opened.append(decisions[0])
            return decisions, view

        try:
            view = self.reading.decided(family, now, decide, reader)
        except Behind:  # logged, and not shown: what was said must be there for whoever reviews it all the same
            self._tell(opened, because)
            raise
        self._tell(opened, because)
        return Opened(opened[-1].id, terms.ends(opened[-1]), view) if view else None

    def again(self, reader: KnownPractitioner, family: FamilyId, now: datetime) -> Opened | None:
        """Return the minimum again while it has not ended; None afterwards, or where nothing may be shown any more.

        Nothing is shown on an opening whose notice never reached the queue: a reason has to be given anew.
        """
        sought = Sought(family=family, recipient=reader.practitioner, stage=terms.STAGE)
        logged = DecisionLog(self.queries, None).bodies(sought)
        opened = terms.still_open(logged, reader.practitioner, family, now)
        if opened is None or not self._told_of(opened):
            return None
        reason, ends = opened.rationale, terms.ends(opened)

        def decide(state: Family, at: datetime) -> tuple[list[Decision], View | None]:
            return look_again(self.reading.stage, state, reader, reason, at) if at < ends else ([], None)

        view = self.reading.decided(family, now, decide, reader)
        return Opened(opened.id, ends, view) if view else None

    def _told_of(self, opening: Decision) -> bool:
        notice = break_glass_review(self.reviews.names, opening.id)
        return bool(self.queries.ask(sql.select(REVIEW.c.id).where(REVIEW.c.id == notice)))

    def _tell(self, opened: list[Decision], because: str) -> None:
        """Put it on the queue, also where an opening was decided again: each stands in the log."""
        granted = [one for one in opened if one.outcome is Outcome.SHARE]
        self.reading.producer.send([self.reviews.break_glass(one, because) for one in granted])
        self.reading.producer.flush()
