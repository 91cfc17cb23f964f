"""Finding decisions in the projection: by family, recipient, ground, outcome, rule, class and time, page by page.

Machine decisions (the hub's own: may it keep this, may it send this) and looks (a person asked to see) are two classes
and are never counted together. Decisions on sealed items are found, paged and counted for those cleared for them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sql

from agents.adapters.database import DECISIONS
from agents.clearance import open_decisions
from agents.queries import Queries
from consent.decision import Decision, decode
from schemas.people import KnownPractitioner
from streams.sealed import SEALED

IG_ROLE = "ig-officer"
Kind = Literal["look", "machine"]
LOOK: Kind = "look"
MACHINE: Kind = "machine"
MACHINE_STAGES = ("link", "disclose")
"""Stages at which the rules decide by themselves; at every other a person asked, and was shown something or refused."""
MOST = 500  # decisions on a page


class Sought(msgspec.Struct, frozen=True):
    """What is searched by; what is empty is not. `until` is exclusive; `after` is the id of a page's last decision.

    `ground` is a safeguarding ground as a whole (`s47`), or words of the law that was cited (`Children Act 1989`).
    """

    family: str = ""
    recipient: str = ""
    ground: str = ""
    outcome: str = ""
    rule: str = ""
    kind: str = ""
    stage: str = ""
    since: datetime | None = None
    until: datetime | None = None
    after: str = ""
    most: int = 50


class Found(msgspec.Struct, frozen=True):
    """One decision of a page: pseudonyms, codes and law, never what was decided upon."""

    id: str
    kind: Kind
    stage: str
    outcome: str
    decided_at: datetime
    family: str
    recipient: str
    role: str
    publisher: str
    category: str
    purpose: str
    ground: str
    law: str
    rules: tuple[str, ...]
    agreement_state: str
    decided_by: str


class Page(msgspec.Struct, frozen=True):
    """Decisions, the latest first. `next` is what to search `after` for the following page; empty on the last."""

    decisions: tuple[Found, ...]
    next: str = ""


def kind_of(stage: str) -> Kind:
    """Return the class of a decision of this stage."""
    return MACHINE if stage in MACHINE_STAGES else LOOK


class DecisionLog:
    """The decisions that `officer` may know of; those of the main log alone for None."""

    def __init__(self, queries: Queries, officer: KnownPractitioner | None) -> None:
        self._queries = queries
        self.cleared = officer is not None and officer.clearance == SEALED

    def opened(self) -> DecisionLog:
        """Return the same without what is sealed, whatever the officer is cleared for."""
        return DecisionLog(self._queries, None)

    def one(self, decision: str) -> Decision | None:
        """Return a decision's record; one on a sealed item is as if it were not there, without the clearance."""
        found = self._queries.ask(self.select(DECISIONS.c.body).where(DECISIONS.c.id == decision))
        return decode(found[0].body) if found else None

    def search(self, sought: Sought) -> Page | None:
        """Return one page; None where no such decision is there to go on `after`."""
        most = min(max(sought.most, 1), MOST)
        query = narrowed(self.select(DECISIONS), sought)
        if sought.after:
            last = self.one(sought.after)
            if last is None:
                return None
            query = query.where(sql.tuple_(DECISIONS.c.decided_at, DECISIONS.c.id) < (millis(last.decided_at), last.id))
        query = query.order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.id.desc())
        rows = self._queries.ask(query.limit(most + 1))
        page = tuple(_found(row) for row in rows[:most])
        return Page(page, page[-1].id if len(rows) > most else "")

    def counts(self, sought: Sought) -> dict[str, dict[str, int]]:
        """Return how many there are by class and outcome, of all pages together."""
        columns = (DECISIONS.c.stage, DECISIONS.c.outcome, sql.func.count().label("number"))
        counts: dict[str, dict[str, int]] = {MACHINE: {}, LOOK: {}}
        query = narrowed(self.select(*columns), sought).group_by(DECISIONS.c.stage, DECISIONS.c.outcome)
        for row in self._queries.ask(query):
            of = counts[kind_of(row.stage)]
            of[row.outcome] = of.get(row.outcome, 0) + row.number
        return counts

    def bodies(self, sought: Sought) -> list[Decision]:
        """Return whole records in the order they were decided, all of them: for one family, or one period."""
        query = narrowed(self.select(DECISIONS.c.body), sought).order_by(DECISIONS.c.decided_at, DECISIONS.c.id)
        return [decode(row.body) for row in self._queries.ask(query)]

    def rows(self, sought: Sought, *columns: Any) -> Sequence[Any]:
        """Return the given columns of all that is sought, in the order they were decided."""
        query = narrowed(self.select(*columns), sought).order_by(DECISIONS.c.decided_at, DECISIONS.c.id)
        return self._queries.ask(query)

    def select(self, *columns: Any) -> sql.Select[Any]:
        """Select from the decisions that this officer may know of: every question goes through here."""
        return open_decisions(sql.select(*columns), self.cleared)


def narrowed(query: sql.Select[Any], sought: Sought) -> sql.Select[Any]:
    """Return `query` with everything that is sought by."""
    table = DECISIONS.c
    for column in ("family", "recipient", "outcome", "stage"):
        if said := getattr(sought, column):
            query = query.where(table[column] == said)
    if sought.recipient and sought.recipient != "hub":
        query = query.where(table.recipient != sql.literal_column("'hub'"))  # so that the index of the few is used
    if sought.ground:
        query = query.where(sql.or_(table.ground == sought.ground, table.law.icontains(sought.ground, autoescape=True)))
    if sought.rule:
        query = query.where(table.rules.contains(f" {sought.rule} ", autoescape=True))
    if sought.kind:
        machine = table.stage.in_(MACHINE_STAGES)
        query = query.where(machine if sought.kind == MACHINE else ~machine)
    if sought.since:
        query = query.where(table.decided_at >= millis(sought.since))
    if sought.until:
        query = query.where(table.decided_at < millis(sought.until))
    return query


def millis(at: datetime) -> int:
    """Return an instant as the projection keeps it."""
    return round(at.timestamp() * 1000)


def _found(row: Any) -> Found:
    said = decode(row.body)
    return Found(
        id=said.id, kind=kind_of(said.stage), stage=said.stage, outcome=said.outcome.value, decided_at=said.decided_at,
        family=said.family, recipient=said.recipient, role=said.role, publisher=said.publisher, category=said.category,
        purpose=said.purpose, ground=row.ground, law=row.law, rules=said.rules, agreement_state=row.agreement_state,
        decided_by=said.decided_by,
    )  # fmt: skip
