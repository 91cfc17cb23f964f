"""An officer's own families: of nobody's decisions on them do they hear who is a party to them (design §9).

Worked out once, from what the hub knows of people and from decisions alone: a party is a member, or is named in an
event that joined the family's record, and an event's decisions carry its key. So nothing sealed is opened, and it takes
a few questions however many decisions there are (tests/core/test_ig_own.py holds it to streams/recipients.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import sqlalchemy as sql

from agents.adapters.database import DECISIONS
from agents.queries import Queries
from schemas.ids import PersonId
from schemas.people import KnownPractitioner
from streams import sealed
from streams.intake_names import every_id

_AT_ONCE = 500  # names in one question: SQLite takes at least 999


class Own(msgspec.Struct, frozen=True):
    """Families to which an officer, or their manager, is a party: by what is open, and by sealed items alone.

    By a sealed item alone they are a party to what is sealed, and to nothing else: to be shut out would tell them.
    """

    open: frozenset[str] = frozenset()
    sealed: frozenset[str] = frozenset()

    def hides(self, family: str, log: str) -> bool:
        """Whether the officer hears nothing of a decision on this family, in this log."""
        return family in self.open or (log == sealed.SEALED and family in self.sealed)

    def kept(self, query: sql.Select) -> sql.Select:
        """Leave these families' decisions out of a question that asks the decisions."""
        if self.open:
            query = query.where(DECISIONS.c.family.not_in(self.open))
        if self.sealed:
            main = DECISIONS.c.log != sealed.SEALED
            query = query.where(sql.or_(main, DECISIONS.c.family.not_in(self.sealed)))
        return query


def own_families(queries: Queries, officer: KnownPractitioner | None) -> Own:
    """Return the families that `officer` hears nothing of; none for nobody, or who is known in no family."""
    persons = set(_persons(queries, officer))
    if not persons:
        return Own()
    known = [queries.person(one) for one in persons]
    member = {family for one in known if one is not None for family in one.families}
    events: dict[bool, set[str]] = {False: set(), True: set()}
    for row in _links(queries, DECISIONS.c.family, member, DECISIONS.c.event, DECISIONS.c.item, DECISIONS.c.log):
        if row.event and (row.item or "").partition(".")[2] in persons:
            events[row.log == sealed.SEALED].add(row.event)
    by_open, by_sealed = (
        {row.family for row in _links(queries, DECISIONS.c.event, names, DECISIONS.c.family)}
        for names in (events[False], events[True])
    )
    return Own(frozenset(member | by_open), frozenset(by_sealed - by_open - member))


def _persons(queries: Queries, officer: KnownPractitioner | None) -> Iterator[PersonId]:
    """Yield every id of the person that the officer is, and of the one that their manager is."""
    manager = queries.practitioner(officer.manager) if officer and officer.manager else None
    for who in (officer, manager):
        if who is not None and who.person is not None:
            yield from every_id(queries, who.person)


def _links(queries: Queries, by: sql.Column, names: Iterable[str], *columns: sql.Column) -> Iterator[sql.Row]:
    """Yield these columns of the decisions to join a record, once each, for what is named in column `by`."""
    every: Sequence[str] = sorted(names)
    for start in range(0, len(every), _AT_ONCE):
        asked = sql.select(*columns).where(DECISIONS.c.stage == "link", by.in_(every[start : start + _AT_ONCE]))
        yield from queries.ask(asked.distinct())
