"""The key store port, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql

from agents.adapters import keystore as module
from agents.adapters.keystore import PERSON_KEYS, SqlKeyStore
from agents.adapters.quarantine_keys import KEPT_DAYS, QuarantineKeys, key_id
from agents.bootstrap import now
from schemas.errors import KeyDestroyed, Unsealable
from schemas.ids import PersonId
from streams.outcome import NewKey

KEK = bytes(range(32))
MIA, LEO = PersonId("p_mia"), PersonId("p_leo")


@pytest.fixture
def url(migrated_url: str) -> str:
    return migrated_url


@pytest.fixture
def store(url: str) -> SqlKeyStore:
    return SqlKeyStore(url, KEK)


def key(person: PersonId, version: int = 1) -> NewKey:
    return NewKey(person, version, os.urandom(32))


def test_a_stored_key_comes_back_newest_first_unless_a_version_is_asked(store: SqlKeyStore) -> None:
    """Sealing takes the newest version; opening takes the one that an item names."""
    first, second = key(MIA, 1), key(MIA, 2)
    store.store([first, second, key(LEO)])
    assert store.data_key(MIA) == (2, second.key)
    assert store.data_key(MIA, 1) == (1, first.key)


def test_a_person_is_looked_up_once_for_every_version(store: SqlKeyStore) -> None:
    """A family of three is opened and sealed again at every event: the database must not be asked each time."""
    store.store([key(MIA, 1), key(MIA, 2)])
    asked: list[str] = []
    sql.event.listen(store._engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    assert [store.data_key(MIA)[0], store.data_key(MIA, 1)[0], store.data_key(MIA, 2)[0]] == [2, 1, 2]
    assert sum("person_keys" in statement for statement in asked) == 1


def test_a_version_made_since_is_found(store: SqlKeyStore, url: str) -> None:
    """Another process gave the person a new key: what it sealed opens here too; a version nobody made does not."""
    store.store([key(MIA, 1)])
    assert store.data_key(MIA)[0] == 1
    SqlKeyStore(url, KEK).store([second := key(MIA, 2)])
    assert store.data_key(MIA, 2) == (2, second.key)
    with pytest.raises(Unsealable):
        store.data_key(MIA, 3)


def test_storing_again_leaves_the_first_key(store: SqlKeyStore, url: str) -> None:
    """A replayed batch must not put another key where items were already sealed."""
    first = key(MIA)
    store.store([first])
    store.store([key(MIA)])
    assert SqlKeyStore(url, KEK).data_key(MIA) == (1, first.key)


def test_an_unknown_person_has_no_key(store: SqlKeyStore) -> None:
    """Unsealable, as for a destroyed one: nobody can tell which."""
    with pytest.raises(Unsealable):
        store.data_key(MIA)


def test_a_destroyed_key_is_gone_for_good_and_for_every_process(
    store: SqlKeyStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All versions go, caches of other processes too, and a late batch cannot bring one back."""
    monkeypatch.setattr(module, "_ASK_AGAIN_SECONDS", 0.0)
    other = SqlKeyStore(url, KEK)
    store.store([key(MIA, 1), key(MIA, 2), key(LEO)])
    assert other.data_key(MIA)[0] == 2
    assert store.destroy(MIA) == 2
    with pytest.raises(Unsealable):
        other.data_key(MIA)
    store.store([key(MIA, 1)])
    with pytest.raises(Unsealable):
        store.data_key(MIA)
    assert store.data_key(LEO)[0] == 1
    assert store.destroy(MIA) == 0


def test_a_destroyed_key_is_told_from_one_that_never_was(store: SqlKeyStore) -> None:
    """What comes of someone whose record ended leaves a tombstone; a key store that lost its rows must not."""
    store.store([key(MIA)])
    store.destroy(MIA)
    with pytest.raises(KeyDestroyed):
        store.data_key(MIA)
    with pytest.raises(Unsealable) as unknown:
        store.data_key(LEO)
    assert not isinstance(unknown.value, KeyDestroyed)


def test_keys_stand_wrapped_and_another_key_encryption_key_opens_none(store: SqlKeyStore, url: str) -> None:
    """A copy of the database alone is worth nothing."""
    store.store([key(MIA)])
    with pytest.raises(Unsealable):
        SqlKeyStore(url, bytes(32)).data_key(MIA)


def test_a_destroyed_key_is_overwritten_on_disk(tmp_path: Path) -> None:
    """SQLite: neither the file nor its write-ahead log holds the wrapped key any more."""
    path = tmp_path / "keys.db"
    store = SqlKeyStore(f"sqlite:///{path}", KEK, entropy=lambda size: b"\xa5\x5a\xc3" * (size // 3))
    store.create()
    store.store([key(MIA)])
    mark = b"\xa5\x5a\xc3" * 4

    def on_disk() -> bool:
        return any(mark in file.read_bytes() for file in tmp_path.iterdir())

    assert on_disk()
    store.destroy(MIA)
    assert not on_disk()


def test_each_record_put_aside_has_a_key_of_its_own_that_ends_with_its_time(store: SqlKeyStore) -> None:
    """One record, one key, whoever asks; what is older than its time has the shortest there is left."""
    keys = QuarantineKeys(store, os.urandom, now)
    name, first = keys(now(), "q_1")
    assert QuarantineKeys(store, os.urandom, now)(now(), "q_1") == (name, first)
    assert keys(now(), "q_2")[1] != first
    assert keys(now() - timedelta(days=400), "q_1")[0] > key_id(now().date() - timedelta(days=KEPT_DAYS), "q_1")
    assert len(name) <= PERSON_KEYS.c.person.type.length


def test_a_sweep_ends_every_key_whose_time_is_over_however_long_ago_and_no_other(store: SqlKeyStore) -> None:
    """Also one of a year ago, after which the hub stood still for months: nothing looks back a set number of days."""
    keys = QuarantineKeys(store, os.urandom, now)
    over = [key_id(now().date() - timedelta(days=days), "q_1") for days in (KEPT_DAYS + 1, 120, 121, 400)]
    kept = [key_id(now().date() - timedelta(days=days), "q_1") for days in (KEPT_DAYS, 1, 0)]
    store.store([key(name) for name in (*over, *kept, MIA)])
    assert keys.sweep() == len(over)
    assert keys.sweep() == 0
    for name in over:
        with pytest.raises(Unsealable):
            keys.open(name)
    assert all(keys.open(name) for name in kept)
    assert store.data_key(MIA)


def test_a_record_that_comes_again_after_its_key_was_destroyed_stays_closed(store: SqlKeyStore) -> None:
    """A replay must not seal anew what was ended."""
    keys = QuarantineKeys(store, os.urandom, now)
    store.destroy(PersonId(keys(now(), "q_1")[0]))
    with pytest.raises(KeyDestroyed):
        keys(now(), "q_1")
