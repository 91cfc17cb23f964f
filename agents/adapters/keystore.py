"""Person keys in SQL, each wrapped by the key-encryption key. SQLite or PostgreSQL.

Deleting is final: SQLite overwrites what it deletes and cuts its write-ahead log; every process drops its cached keys
within a second, because each look-up of an older cache asks first whether anything was destroyed since.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from agents.adapters.sqlengine import open_engine, ready
from consent.seal import NONCE_BYTES, key_label, unwrap, wrap
from schemas.errors import KeyDestroyed, Unsealable
from schemas.ids import PersonId
from streams.outcome import NewKey

KEYS_METADATA = sql.MetaData()
PERSON_KEYS = sql.Table(
    "person_keys",
    KEYS_METADATA,
    sql.Column("person", sql.String(64), primary_key=True),
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("wrapped", sql.LargeBinary, nullable=False),
)
DESTRUCTIONS = sql.Table(
    "destructions",
    KEYS_METADATA,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("person", sql.String(64), nullable=False, unique=True),
)
_ASK_AGAIN_SECONDS = 1.0
_OF_PERSON = (
    sql.select(PERSON_KEYS.c.version, PERSON_KEYS.c.wrapped)
    .where(PERSON_KEYS.c.person == sql.bindparam("person"))
    .order_by(PERSON_KEYS.c.version)
)
_DESTROYED = sql.select(DESTRUCTIONS.c.number).where(DESTRUCTIONS.c.person == sql.bindparam("person"))
_LATEST_DESTRUCTION = sql.select(sql.func.max(DESTRUCTIONS.c.number))


class SqlKeyStore:
    """The key store port. Keys stand in the cache unwrapped, `cached` persons at most (about 350 bytes each)."""

    def __init__(
        self,
        url: str,
        key_encryption_key: bytes,
        entropy: Callable[[int], bytes] = os.urandom,
        cached: int = 1_000_000,
    ) -> None:
        self._engine = open_engine(url, erase=True)
        self._kek = key_encryption_key
        self._entropy = entropy
        self._most = cached
        # every (version, key), newest last; a plain dict finds its oldest by walking past all that was ever dropped
        self._cache: OrderedDict[PersonId, tuple[tuple[int, bytes], ...]] = OrderedDict()
        self._filling = threading.Lock()
        self._reading = threading.local()
        self._destroyed = 0
        self._asked = 0.0

    def create(self) -> None:
        """Make the tables in SQLite; a deployed store is made by its migrations. Raises Misconfigured without them."""
        ready(self._engine, KEYS_METADATA, "keys")

    def store(self, keys: Sequence[NewKey]) -> None:
        """Wrap and store; durable on return. A (person, version) that exists, or was destroyed, is left as it is."""
        if not keys:
            return
        with self._engine.begin() as connection:
            gone = self._destroyed_among(connection, [key.person for key in keys])
            rows = [self._row(key) for key in keys if key.person not in gone]
            if rows:
                connection.execute(self._insert(PERSON_KEYS), rows)

    def data_key(self, person: PersonId, version: int | None = None) -> tuple[int, bytes]:
        """Return (version, key), the newest if `version` is None.

        Raises `KeyDestroyed` when the person's keys were destroyed, `Unsealable` when there is no such key.
        """
        self._drop_what_was_destroyed()
        kept = self._cache.get(person) or self._load(person)
        newest = kept[-1]
        if version is None or newest[0] == version:
            return newest
        found = dict(kept).get(version) or dict(self._load(person)).get(version)
        if found is None:
            raise Unsealable("no key of this version was ever made")
        return version, found

    def destroy(self, person: PersonId) -> int:
        """Delete every key of `person`, for good; return how many there were."""
        with self._engine.begin() as connection:
            done = connection.execute(sql.delete(PERSON_KEYS).where(PERSON_KEYS.c.person == person))
            connection.execute(self._insert(DESTRUCTIONS), [{"person": person}])
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._drop()
        return int(done.rowcount)

    def names(self, prefix: str) -> list[PersonId]:
        """Return the names that begin so and have a key, in order."""
        named = PERSON_KEYS.c.person
        query = sql.select(named).distinct().where(named.startswith(prefix, autoescape=True))
        with self._engine.connect() as connection:
            return sorted(PersonId(row.person) for row in connection.execute(query))

    def close(self) -> None:
        self._drop()
        self._engine.dispose()

    def _load(self, person: PersonId) -> tuple[tuple[int, bytes], ...]:
        destroyed = self._destroyed
        rows = self._read(_OF_PERSON, {"person": person})
        if not rows:
            if self._read(_DESTROYED, {"person": person}):
                raise KeyDestroyed("this person's keys were destroyed")
            raise Unsealable("no key for this person was ever made")
        found = tuple([(row.version, unwrap(self._kek, row.wrapped, key_label(person, row.version))) for row in rows])
        with self._filling:  # stages share the store, each in a thread of its own
            if len(self._cache) >= self._most:
                self._cache.popitem(last=False)
            if destroyed == self._destroyed:  # else it may be among what was dropped since it was read
                self._cache[person] = found
        return found

    def _drop(self) -> None:
        with self._filling:
            self._cache.clear()

    def _read(self, query: sql.Select, values: dict[str, object]) -> Sequence[sql.Row]:
        # a connection kept open: taking one from the pool for each key costs six times the look-up
        for attempt in (1, 2):
            kept = getattr(self._reading, "connection", None)
            if kept is None:
                kept = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._reading.connection = kept
            try:
                return kept.execute(query, values).all()
            except sql.exc.DBAPIError as wrong:
                kept.close()
                self._reading.connection = None
                if attempt == 2 or not wrong.connection_invalidated:
                    raise
        return ()

    def _row(self, key: NewKey) -> dict[str, object]:
        label = key_label(key.person, key.version)
        wrapped = wrap(self._kek, self._entropy(NONCE_BYTES), key.key, label)
        return {"person": key.person, "version": key.version, "wrapped": wrapped}

    def _destroyed_among(self, connection: sql.Connection, persons: list[PersonId]) -> set[str]:
        if not connection.scalar(_LATEST_DESTRUCTION):
            return set()
        return {
            row.person
            for start in range(0, len(persons), 500)
            for row in connection.execute(
                sql.select(DESTRUCTIONS.c.person).where(DESTRUCTIONS.c.person.in_(persons[start : start + 500]))
            )
        }

    def _drop_what_was_destroyed(self) -> None:
        now = time.monotonic()
        if now - self._asked < _ASK_AGAIN_SECONDS:
            return
        latest = self._read(_LATEST_DESTRUCTION, {})[0][0] or 0
        changed, self._destroyed, self._asked = latest != self._destroyed, latest, now
        if changed:
            self._drop()

    def _insert(self, table: sql.Table) -> sql.Insert:
        if self._engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()
