"""Finding decisions in the projection: by family, recipient, ground, outcome, rule, class and time, page by page.

Machine decisions (may the hub keep this, may it send this), looks (a person asked to see what is held), what officers
searched and read of decisions, and steps on a record (retention, access, a case review) are four classes and are never
counted together. Decisions on sealed items are found, paged and counted for those cleared for them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import msgspec
import sqlalchemy as sql

from agents.adapters.database import DECISIONS
from agents.clearance import open_decisions
from agents.ig.own import Own, own_families
from agents.queries import Queries
from consent import break_glass
from consent.decision import CHECK, Decision, decode
from schemas.people import KnownPractitioner
from streams import sealed
from streams.sealed import SEALED

IG_ROLE = "ig-officer"
Kind = Literal["machine", "look", "audit", "step"]
MACHINE: Kind = "machine"
LOOK: Kind = "look"
AUDIT: Kind = "audit"
STEP: Kind = "step"
KINDS = (MACHINE, LOOK, AUDIT, STEP)
SEARCH, EXPLAIN = "ig-search", "ig-explain"
_STAGES: dict[str, tuple[str, ...]] = {
    MACHINE: ("link", "disclose", CHECK),  # the rules decide by themselves, and nobody is shown anything by it
    LOOK: ("look", "find", break_glass.STAGE),  # somebody asked to see what is held, and was shown it or refused
    AUDIT: (SEARCH, EXPLAIN),  # an officer asked what was decided
}
_STAGED = {stage: kind for kind, stages in _STAGES.items() for stage in stages}
"""The class of each stage; every other is a step that the hub's own staff take on a record."""
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
    return _STAGED.get(stage, STEP)  # type: ignore[return-value]


class DecisionLog:
    """The decisions that `officer` may know of: none on families of their own, nor of the sealed log without the
    clearance. Those of the main log alone for None."""

    def __init__(self, queries: Queries, officer: KnownPractitioner | None) -> None:
        self._queries, self._officer = queries, officer
        self.cleared = officer is not None and officer.clearance == SEALED

    @cached_property
    def own(self) -> Own:
        """The families of the officer's own."""
        return own_families(self._queries, self._officer)

    def opened(self) -> DecisionLog:
        """Return the same without what is sealed, whatever the officer is cleared for."""
        return DecisionLog(self._queries, sealed.blind(self._officer) if self._officer else None)

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
        counts: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
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
        return open_decisions(self.own.kept(sql.select(*columns)), self.cleared)


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
        of = _STAGES.get(sought.kind)
        query = query.where(table.stage.in_(of) if of else table.stage.not_in(_STAGED))
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
