"""What the projection holds of one person, and the steps towards their destruction: what destroying asks of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sql
from sqlalchemy.engine import Engine, Row

from agents.adapters import database as tables
from consent.decision import Decision
from consent.decision import decode as decode_decision
from schemas.ids import FamilyId, PersonId, Pseudonym
from schemas.people import KnownIdentifier, KnownPerson, decode_people


class HeldOf:
    """Reads the projection, by person. It decides nothing, and shows pseudonyms only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def persons(self) -> list[KnownPerson]:
        """Return everybody, each once: under the id that stands for them; also those whose record has ended."""
        found = [decode_people(row.body) for row in self._people("person")]
        return [one for one in found if isinstance(one, KnownPerson) and one.same_as is None]

    def identifiers(self, persons: Iterable[PersonId]) -> list[Pseudonym]:
        """Return the look-up keys that stand for these ids of one person. Every identifier is looked through."""
        wanted = set(persons)
        found = [decode_people(row.body) for row in self._people("identifier")]
        return sorted(one.pseudonym for one in found if isinstance(one, KnownIdentifier) and one.person in wanted)

    def families(self, persons: Iterable[PersonId] | None = None) -> list[FamilyId]:
        """Return every family whose record holds, or held, anything: of these ids of one person, or at all."""
        table = tables.FAMILY_RECORDS
        query = sql.select(table.c.family).distinct()
        query = query if persons is None else query.where(table.c.person.in_(list(persons)))
        return sorted(FamilyId(row.family) for row in self._rows(query))

    def steps(self, stage: str) -> list[Decision]:
        """Return every decision of one stage, in the order of its log."""
        table = tables.DECISIONS
        query = sql.select(table.c.body).where(table.c.stage == stage).order_by(table.c.log, table.c.place)
        return [decode_decision(row.body) for row in self._rows(query)]

    def _people(self, kind: str) -> Sequence[Row]:
        return self._rows(sql.select(tables.PEOPLE.c.body).where(tables.PEOPLE.c.kind == kind))

    def _rows(self, query: sql.Select) -> Sequence[Row]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()
