"""`hearth audit`: what IG staff type, what they see, and the exit code."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

import consent
from agents.adapters.keys import load_keys
from agents.adapters.log_files import LogWriter
from agents.commands.audit import app
from agents.settings import Settings
from consent.explain import laws
from consent.log.checkpoint import verifier_key
from tests.contract.logs import PRIVATE, decision, entries, erasure


@pytest.fixture
def logs(tmp_path):
    """Both logs, the main one with 300 decisions, and a key file as the hub writes it."""
    for name, count in (("main", 300), ("sealed", 0)):
        log = LogWriter(tmp_path / "log" / name, f"hearth.test/{name}", PRIVATE)
        log.append(entries(0, count))
        log.close()
    (tmp_path / "key").write_text(b64encode(verifier_key("x", PRIVATE).public).decode() + "\n")
    return tmp_path


def run(logs, *args, options=("--log-dir", "--key", "--name")):
    given = {"--log-dir": logs / "log", "--key": logs / "key", "--name": "hearth.test"}
    words = [*args, *(word for option in options for word in (option, given[option]))]
    return CliRunner().invoke(app, [str(word) for word in words])


def test_verify_prints_the_counts_and_ends_with_0(logs):
    """Both logs, the empty one too."""
    result = run(logs, "verify")
    assert result.exit_code == 0
    assert "hearth.test/main: whole. 300 entries (300 kept, 0 erased)" in result.stdout
    assert "hearth.test/sealed: whole. 0 entries" in result.stdout
    assert result.stderr == ""
    assert [one["size"] for one in msgspec.json.decode(run(logs, "verify", "--json").stdout)] == [300, 0]


def test_verify_of_a_tampered_log_ends_with_1_and_says_where(logs):
    """The place goes to stderr, the verdict to stdout."""
    with sqlite3.connect(logs / "log/main/entries.sqlite") as db:
        db.execute("UPDATE entries SET body = replace(body, 'hold', 'share') WHERE idx = 5")
    result = run(logs, "verify", "--log", "main")
    assert result.exit_code == 1
    assert "TAMPERED" in result.stdout
    assert "entry 5" in result.stderr


def own(logs, monkeypatch, *args):
    """Run a command beside a hub whose own logs these are, by somebody without a token."""
    home = logs / "home"
    (home / "hub").mkdir(parents=True, exist_ok=True)
    if not (home / "hub/log").exists():
        (home / "hub/log").symlink_to(logs / "log")
    monkeypatch.setenv("HEARTH_HOME", str(home))
    monkeypatch.setenv("HEARTH_KAFKA", "127.0.0.1:1")
    monkeypatch.delenv("HEARTH_TOKEN", raising=False)
    return CliRunner().invoke(app, [*args, "--key", str(logs / "key"), "--name", "hearth.test"])


def test_the_hubs_own_sealed_log_is_shown_to_those_cleared_for_it_alone(logs, monkeypatch):
    """How many sealed decisions there are is one of the things that nobody else may know. A copy is its holder's."""
    sealed = LogWriter(logs / "log/sealed", "hearth.test/sealed", PRIVATE)
    sealed.append(entries(500, 501))
    sealed.close()
    openly = own(logs, monkeypatch, "verify")
    assert openly.exit_code == 0
    assert "sealed" not in openly.output
    for command in (["verify"], ["show", decision(500).id], ["explain", decision(500).id], ["watch", "--once"]):
        refused = own(logs, monkeypatch, *command, "--log", "sealed")
        assert "show your token" in str(refused.exception)
        assert refused.output == ""
    assert own(logs, monkeypatch, "explain", decision(500).id).exit_code == 1
    assert run(logs, "explain", decision(500).id).exit_code == 0


@pytest.mark.parametrize("command", ["show", "explain", "prove"])
def test_a_decision_that_was_changed_is_never_shown(logs, command):
    """Show, explain and prove check the proof first."""
    with sqlite3.connect(logs / "log/main/entries.sqlite") as db:
        db.execute("UPDATE entries SET body = replace(body, 'hold', 'share') WHERE idx = 5")
    result = run(logs, command, decision(5).id)
    assert (result.exit_code, result.stdout) == (1, "")
    assert run(logs, command, decision(6).id).exit_code == 0


def test_verify_remembers_heads_and_finds_a_log_rolled_back(logs):
    """With a directory of their own, auditors see what the log alone cannot tell."""
    mine = logs / "mine"
    assert run(logs, "verify", "--remember", mine).exit_code == 0
    assert run(logs, "verify", "--remember", mine).exit_code == 0
    for one in sorted((logs / "log/main").rglob("*"), reverse=True):
        one.rmdir() if one.is_dir() else one.unlink()
    log = LogWriter(logs / "log/main", "hearth.test/main", PRIVATE)
    log.append(entries(0, 200))
    log.close()
    assert run(logs, "verify").exit_code == 0
    result = run(logs, "verify", "--remember", mine)
    assert result.exit_code == 1
    assert "cut short or rolled back" in result.stderr


def test_a_proof_is_checked_offline_with_the_key_alone(logs):
    """What `prove` prints, `check` accepts, and nothing else about the log is needed."""
    proof = logs / "proof.json"
    proof.write_text(run(logs, "prove", decision(123).id).stdout)
    result = run(logs, "check", proof, options=("--key",))
    assert (result.exit_code, result.stdout) == (0, "Entry 123 of 300 in hearth.test/main: the proof holds.\n")
    (logs / "key").write_text(f"{verifier_key('hearth.test/main', PRIVATE)}\n")
    assert run(logs, "check", proof, options=("--key",)).exit_code == 0
    (logs / "key").write_text(f"{verifier_key('hearth.test/main', bytes(32))}\n")
    assert run(logs, "check", proof, options=("--key",)).exit_code == 1


@pytest.mark.parametrize("field", ["entry", "salt", "index", "inclusion", "checkpoint", "format"])
def test_a_changed_proof_does_not_hold(logs, field):
    """Every field of a proof counts."""
    good = msgspec.json.decode(run(logs, "prove", decision(7).id).stdout)
    other = msgspec.json.decode(run(logs, "prove", decision(200).id).stdout)
    other["checkpoint"] = good["checkpoint"].replace("300", "299")
    other["format"] = "another"
    (logs / "proof").write_bytes(msgspec.json.encode({**good, field: other[field]}))
    assert run(logs, "check", logs / "proof", options=("--key",)).exit_code == 1


def test_show_prints_the_record(logs):
    """Field by field, or as JSON with its place."""
    result = run(logs, "show", decision(3).id)
    assert "outcome: refer" in result.stdout
    shown = msgspec.json.decode(run(logs, "show", decision(3).id, "--json").stdout)
    assert (shown["log"], shown["index"], shown["decision"]["id"]) == ("hearth.test/main", 3, decision(3).id)


def test_explain_says_who_what_which_rules_on_which_law_and_agreement(logs):
    """Each is in a sentence, and the law behind a rule is the one its policy names."""
    said = run(logs, "explain", decision(1).id).stdout
    for part in (
        "held until an agreement covers it",
        "whether this may join the family's record",
        "for the purpose safeguarding",
        "attendance published by school",
        "Recipient: hub",
        "Rule: safeguarding-significant-harm",
        "Children Act 1989 s47",
        "There was no agreement for this.",
        "In the log: hearth.test/main, entry 1.",
    ):
        assert part in said
    assert len(msgspec.json.decode(run(logs, "explain", decision(1).id, "--json").stdout)["sentences"]) > 8


def test_every_policy_has_a_law_that_explain_can_name():
    """No rule without a basis."""
    policies = "".join(
        file.read_text("utf-8") for file in Path(consent.__file__).parent.joinpath("policy").rglob("*.cedar")
    )
    assert policies.count("@id(") == len(laws()) > 5


def test_an_erased_decision_is_said_to_be_erased(logs):
    """It is neither shown nor taken for missing, and the log stays whole."""
    writer = LogWriter(logs / "log/main", "hearth.test/main", PRIVATE)
    writer.append([erasure(9)])
    writer.close()
    result = run(logs, "show", decision(9).id)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "erased" in result.stderr
    assert "(300 kept, 1 erased)" in run(logs, "verify").stdout


def test_an_unknown_decision_ends_with_1(logs):
    """Not in the log is an answer, not an error of use."""
    assert run(logs, "show", "d_unknown").exit_code == 1


def test_wrong_use_ends_with_2(logs):
    """No such log, no log there, no key there, no proof in the file."""
    for args, options in (
        (("verify", "--log", "other"), ("--log-dir", "--key", "--name")),
        (("verify", "--log-dir", logs / "nowhere"), ("--key", "--name")),
        (("verify", "--key", logs / "nowhere"), ("--log-dir", "--name")),
        (("check", logs / "key"), ("--key",)),
        (("show",), ()),
    ):
        assert run(logs, *args, options=options).exit_code == 2, args


def test_the_hubs_own_log_and_key_are_the_default(logs, monkeypatch):
    """Inside a hub's home, no option is needed."""
    home = logs / "home"
    monkeypatch.setenv("HEARTH_HOME", str(home))
    monkeypatch.setenv("HEARTH_LOG_NAME", "hearth.test")
    monkeypatch.setenv("HEARTH_KAFKA", "127.0.0.1:1")
    (home / "keys").mkdir(parents=True)
    for key in ("log.public", "log-sealed.public"):
        (home / "keys" / key).write_text((logs / "key").read_text())
    (home / "hub").mkdir(parents=True)
    (logs / "log").rename(home / "hub/log")
    assert run(logs, "verify", options=()).exit_code == 0


def test_each_run_of_the_embedded_broker_has_logs_of_its_own_name(logs, monkeypatch):
    """Two logs under one name and key would look like one log that was rewritten; the key file names both logs."""
    monkeypatch.setenv("HEARTH_HOME", str(logs / "home"))
    monkeypatch.delenv("HEARTH_KAFKA", raising=False)
    said = []
    for _ in range(2):
        settings = Settings.load().begin_run(datetime.now(UTC))
        load_keys(settings)
        said.append(run(logs, "keys", options=()).stdout)
    names = [line.split("+")[0] for line in "".join(said).split()]
    assert len(set(names)) == 4
    assert {name.rpartition("/")[2] for name in names} == {"main", "sealed"}
    assert len({line.split("+", 2)[2] for line in "".join(said).split()}) == 2, "a key for each log"
