"""Settings and key files: read from what is given, made once, never printed."""

from __future__ import annotations

import base64
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.adapters.keys import (
    FIRST_SUBSCRIBERS,
    Subscriber,
    add_subscriber,
    load_keys,
    load_subscribers,
    subscriber_private_key,
)
from agents.settings import Listening, Settings
from consent.seal import open_sealed, seal_to
from schemas.errors import Misconfigured

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"HEARTH_HOME": str(tmp_path)})


def test_a_child_process_loads_the_settings_of_its_parent(tmp_path: Path) -> None:
    """What `environ` gives is what `load` reads, all of it."""
    said = Settings.load({
        "HEARTH_HOME": str(tmp_path), "HEARTH_KAFKA": "k:9092", "HEARTH_DATABASE": "sqlite:///a",
        "HEARTH_KEYSTORE": "sqlite:///b", "HEARTH_KEK": "aa", "HEARTH_PARTITIONS": "12", "HEARTH_WORKERS": "3",
        "HEARTH_HTTP_PORT": "8080", "HEARTH_SESSION_TIMEOUT": "10", "HEARTH_BATCH": "500", "HEARTH_STORE": "memory",
        "HEARTH_TICK_SECONDS": "5", "HEARTH_LOG_NAME": "county", "HEARTH_MAX_EVENT_BYTES": "1000",
        "HEARTH_COMMIT_INTERVAL": "2", "HEARTH_HTTP_HOST": "0.0.0.0", "HEARTH_REPLICATION": "3",
    })  # fmt: skip
    assert Settings.load(said.environ()) == said
    assert not said.embedded
    embedded = Settings.load({"HEARTH_HOME": str(tmp_path)}).begin_run(NOW)
    assert Settings.load(embedded.environ()) == embedded


@pytest.mark.parametrize("name", ["HEARTH_PARTITIONS", "HEARTH_SESSION_TIMEOUT", "HEARTH_STORE", "HEARTH_HTTP_PORT"])
def test_a_wrong_setting_is_named_and_its_value_is_not_told(name: str) -> None:
    """A value may be a secret that was put in the wrong place."""
    with pytest.raises(Misconfigured) as told:
        Settings.load({name: "s3cret"})
    assert name in str(told.value)
    assert "s3cret" not in str(told.value)


def test_secrets_do_not_print(settings: Settings) -> None:
    """Neither addresses with passwords nor keys, in settings or keys."""
    said = Settings.load({"HEARTH_DATABASE": "postgresql+psycopg://u:s3cret@h/d", "HEARTH_KEK": "s3cret"})
    assert "s3cret" not in repr(said)
    keys = load_keys(settings)
    assert keys.encryption.hex() not in repr(keys)
    assert repr(keys.encryption) not in repr(keys)


def test_each_embedded_start_has_a_run_directory_of_its_own(settings: Settings) -> None:
    """The broker forgets, so nothing of an earlier run may be mistaken for this one's."""
    first, second = settings.begin_run(NOW), settings.begin_run(NOW)
    assert first.run_dir != second.run_dir
    assert settings.run_dir == second.run_dir  # other commands find the latest


def test_other_commands_learn_where_the_hub_listens(settings: Settings) -> None:
    """And that none runs, when the process that said so is gone."""
    import os

    run = settings.begin_run(NOW)
    with pytest.raises(Misconfigured, match="hearth up"):
        settings.joined()
    run.listen(Listening("127.0.0.1:1", "http://127.0.0.1:2", os.getpid(), True, NOW))
    assert settings.joined().kafka == "127.0.0.1:1"
    run.listen(Listening("127.0.0.1:1", "http://127.0.0.1:2", 2**22 + 1, True, NOW))
    assert settings.listening() is None


def test_keys_are_made_once_and_for_their_owner_only(settings: Settings) -> None:
    """A second start loads what the first made; nobody else may read the files."""
    assert load_keys(settings) == load_keys(settings)
    for file in settings.keys_dir.iterdir():
        mode = stat.S_IMODE(file.stat().st_mode)
        assert mode == (0o644 if file.suffix == ".public" else 0o600), file.name


def test_a_newer_pseudonym_key_is_the_one_in_use(settings: Settings) -> None:
    """Keys rotate: the highest version names, older files stay."""
    first = load_keys(settings)
    (settings.keys_dir / "pseudonym-2.key").write_text(base64.b64encode(bytes(32)).decode())
    second = load_keys(settings)
    assert (first.pseudonym_version, second.pseudonym_version) == (1, 2)
    assert second.pseudonym == bytes(32)


def test_a_file_that_holds_no_key_stops_the_hub(settings: Settings) -> None:
    """A cut file must not become a weaker key."""
    load_keys(settings)
    (settings.keys_dir / "hub.key").write_text("c2hvcnQ=")
    with pytest.raises(Misconfigured, match=r"hub\.key"):
        load_keys(settings)


def test_the_key_encryption_key_may_come_from_the_environment(tmp_path: Path) -> None:
    """Then no file of it is made."""
    said = Settings.load({"HEARTH_HOME": str(tmp_path), "HEARTH_KEK": base64.b64encode(bytes(32)).decode()})
    assert load_keys(said).encryption == bytes(32)
    assert not (said.keys_dir / "encryption.key").exists()


def test_a_subscriber_opens_what_was_sealed_to_it(settings: Settings) -> None:
    """The registry holds the public half of the pair that the hub made for its first subscribers."""
    for name in FIRST_SUBSCRIBERS:
        public = load_subscribers(settings)[name].public_key
        assert open_sealed(subscriber_private_key(settings, name), seal_to(public, b"alert", b"i"), b"i") == b"alert"


def test_a_subscriber_can_be_added_and_a_wrong_one_is_refused(settings: Settings) -> None:
    """Names become topic names, clearances are the four tiers, keys are keys."""
    add_subscriber(settings, Subscriber("north-team", bytes(range(32)), "sensitive"))
    assert load_subscribers(settings)["north-team"].clearance == "sensitive"
    for wrong in (
        Subscriber("../evil", bytes(32)), Subscriber("a", b"short"), Subscriber("a", bytes(32), "everything"),
    ):  # fmt: skip
        with pytest.raises(Misconfigured):
            add_subscriber(settings, wrong)
