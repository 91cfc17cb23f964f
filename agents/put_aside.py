"""What stands in quarantine and in review of somebody whose record ends: found by opening it, and sealed for good.

Nobody knows whose a record is that could not be read, or that was not joined to anybody. So everything put aside that
still opens is opened once, by the machine, and sought for what the person was known by (streams/naming.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from agents.adapters import database as tables
from agents.adapters.quarantine_keys import PREFIX
from agents.ports import KeyStore
from consent.seal import item_label, unseal
from schemas import codec
from schemas.errors import Refusal, Unsealable
from schemas.ids import PersonId
from schemas.records import (
    Item,
    PersonAsKnown,
    Quarantined,
    Record,
    Review,
    decode_facts,
    decode_family,
    decode_quarantined,
    decode_review,
)
from streams.intake_answers import decode_record, quarantine_label
from streams.naming import named, names_of


@dataclass(frozen=True)
class PutAside:
    """Reads the projection, on `engine`; opens, and destroys keys, in the key store."""

    engine: Engine
    keystore: KeyStore

    def destroy(self, persons: Iterable[PersonId]) -> int:
        """Destroy the key of each record put aside that names one of these ids of a person; return how many.

        To be called while the persons' own keys stand: what they were known by is sealed under them.
        """
        ours = frozenset(persons)
        names = names_of(self._said(ours))
        keys = {key for key, about, text in self._aside() if ours & set(about) or named(text, names)}
        return sum(self.keystore.destroy(PersonId(key)) for key in sorted(keys))

    def _said(self, persons: frozenset[PersonId]) -> Iterator[PersonAsKnown]:
        """Yield how agencies knew them: of every item about them that still opens."""
        table = tables.FAMILY_RECORDS
        query = sql.select(table.c.body).where(table.c.kind == "item", table.c.person.in_(sorted(persons)))
        for body in self._bodies(query):
            said = self._said_in(decode_family(body))
            if said is not None:
                yield said

    def _said_in(self, item: object) -> PersonAsKnown | None:
        if not isinstance(item, Item):
            return None
        try:
            _, key = self.keystore.data_key(item.person, item.key_version)
            return decode_facts(unseal(key, item.sealed, item_label(item.id, item.key_version))).said
        except Unsealable:
            return None

    def _aside(self) -> Iterator[tuple[str, tuple[PersonId, ...], str]]:
        """Yield (key id, the persons it is about as far as known, its text) of everything that still opens."""
        for body in self._bodies(sql.select(tables.QUARANTINE.c.body)):
            quarantined = decode_quarantined(body)
            opened = self._open(quarantined)
            if opened is not None:
                yield quarantined.key_id, (), text_of(decode_record(opened))
        for body in self._bodies(sql.select(tables.REVIEW.c.body)):
            review = decode_review(body)
            opened = self._open(review)
            if opened is not None:
                yield review.key_id, review.persons, opened.decode("utf-8", "replace")

    def _open(self, aside: Quarantined | Review) -> bytes | None:
        """Return what was sealed under a key of its own; None where that has gone, or another's key seals it."""
        if not aside.key_id.startswith(PREFIX):
            return None
        try:
            key = self.keystore.data_key(PersonId(aside.key_id))[1]
            return unseal(key, aside.sealed, quarantine_label(aside.id))
        except Unsealable:
            return None

    def _bodies(self, query: sql.Select[tuple[bytes]]) -> list[bytes]:
        with self.engine.connect() as connection:
            return [row.body for row in connection.execute(query).all()]


def text_of(record: Record) -> str:
    """Return what a record says as text: decoded where it can be, else its bytes, what is no text in them left out."""
    raw = b"\n".join([record.value or b"", *(value for _, value in record.headers)])
    said = raw.decode("utf-8", "replace")
    try:
        return f"{msgspec.json.encode(codec.decode(record)).decode()}\n{said}"
    except Refusal:
        return said
