"""The commands without a running hub: usage, tokens, contracts, dry runs, and how each ends."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agents.adapters.sqlengine import open_engine
from agents.adapters.tokens import Tokens
from agents.commands.tools import now
from schemas.contract import contracts
from tests.edges.cli_kit import Shell
from tests.edges.cli_story import tell
from tests.edges.door_kit import attendance


@pytest.fixture
def hearth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(monkeypatch, capsys)
    shell.environ(HEARTH_HOME=str(tmp_path / "home"))
    return shell


def test_every_command_has_help_that_says_what_it_does(hearth: Shell) -> None:
    """The exit codes are in the first page; census returns' purpose is in the help of publish."""
    first = hearth("--help")
    assert first.code == 0
    assert "Exit codes: 0 done" in first.out
    for word in ("up", "publish", "find", "timeline", "who", "held", "alerts", "agreement", "quarantine", "audit",
                 "schemas", "token", "practitioner", "subscriber"):  # fmt: skip
        assert hearth(word, "--help").code == 0, word
    said = " ".join(hearth("publish", "--help").out.split())
    assert "CIN census returns are collected for statistics" in said
    assert "information-sharing agreement covers this use too" in said


def test_reading_does_not_load_the_engine() -> None:
    """It takes as long to load as all the rest: whoever looks at a timeline would wait for it at each look."""
    loaded = "{'faust', 'aiokafka', 'kafka'} & {*sys.modules}"
    asked = f"import sys; from agents import bootstrap, cli, reading; print({loaded})"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"


@pytest.mark.parametrize(
    "wrong",
    [
        ("nosuch",),
        ("token", "issue", "school"),
        ("token", "issue", "council", "-s", "urn:x"),
        ("publish", "nosuch.csv", "--from", "school"),
        ("schemas", "show", "hearth.school.Nothing"),
        ("timeline", "Ashdown", "-p", "early-help"),
        ("timeline", "f_1", "-p", "curiosity"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_message_on_stderr(hearth: Shell, wrong: tuple[str, ...]) -> None:
    """Nothing goes to stdout, where a script would take it for data."""
    said = hearth(*wrong)
    assert (said.code, said.out) == (2, "")
    assert said.err


def test_without_a_hub_whatever_needs_one_ends_with_3(hearth: Shell, tmp_path: Path) -> None:
    """And says how to start one."""
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(attendance()))
    for command in (("publish", file, "--from", "school"), ("quarantine", "list"), ("practitioner", "list")):
        said = hearth(*command)
        assert said.code == 3
        assert "hearth up" in said.err


def test_a_broker_that_does_not_answer_is_3_too(hearth: Shell, tmp_path: Path) -> None:
    """A hub that was named is asked, and its silence is not taken for success."""
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(attendance()))
    hearth.environ(HEARTH_KAFKA="127.0.0.1:1")
    assert hearth("publish", file, "--from", "school").code == 3


def test_reading_without_a_token_that_holds_is_refused(hearth: Shell, tmp_path: Path) -> None:
    """An agency's token is no reader's; a name is no token; a file with the token does as well as the variable."""
    hearth.environ(HEARTH_KAFKA="127.0.0.1:1")
    assert hearth("timeline", "f_1", "-p", "early-help").code == 1
    token = hearth("token", "issue", "school", "-s", "urn:school:1").out.strip()
    for shown in (token, "Sam Carter"):
        hearth.environ(HEARTH_TOKEN=shown)
        said = hearth("timeline", "f_1", "-p", "early-help")
        assert said.code == 1
        assert "does not hold" in said.err
    hearth.environ(HEARTH_TOKEN="", HEARTH_TOKEN_FILE=str(tmp_path / "nosuch"))
    assert hearth("who", "f_1").code == 2


def test_a_token_is_shown_once_and_works_at_the_door_s_store(hearth: Shell, tmp_path: Path) -> None:
    """stdout has the token alone; the list shows no secret; rotation keeps the sources; revoking ends it."""
    first = hearth("token", "issue", "school", "-s", "urn:school:1", "-s", "urn:school:2")
    token = first.out.strip()
    assert first.out == token + "\n"
    store = Tokens(open_engine(f"sqlite:///{tmp_path / 'home' / 'tokens.db'}"), now, os.urandom)
    found = store.grant(token)
    assert found is not None
    assert found.sources == ("urn:school:1", "urn:school:2")
    listed = hearth("token", "list", "--json")
    assert [one["bearer"] for one in listed.data] == ["school"]
    assert token.split("_", 2)[2] not in listed.out + hearth("token", "list").out
    rotated = hearth("token", "rotate", "school", "--overlap", "0", "--json").data
    assert store.grant(token) is None
    assert store.grant(rotated["token"]) is not None
    assert hearth("token", "revoke", rotated["id"]).code == 0
    assert hearth("token", "revoke", rotated["id"]).code == 1
    assert store.grant(rotated["token"]) is None
    assert hearth("token", "rotate", "school").code == 1


def test_the_contracts_are_listed_and_hold_together(hearth: Shell) -> None:
    """`schemas check` is what a partner's build may run; `schemas show` is what it may send."""
    assert hearth("schemas", "check", "--json").data["problems"] == []
    assert hearth("schemas", "check").code == 0
    assert {one["type"] for one in hearth("schemas", "list", "--json").data} == set(contracts())
    table = hearth("schemas", "list").out
    assert all(name in table for name in contracts())
    line = hearth("schemas", "show", "hearth.police.ChildFound").out
    assert msgspec.json.decode(line)["type"] == "hearth.police.ChildFound"


def test_a_dry_run_needs_no_hub_and_tells_what_would_become_of_each_row(hearth: Shell, tmp_path: Path) -> None:
    """Valid ones counted, refused ones with the field and the fix, and 4 when there are any."""
    files = tell(tmp_path).files
    said = hearth("publish", files["school"], "--from", "school", "--dry-run", "--json")
    assert said.code == 0
    assert said.data["valid"] == said.data["events"] == 60
    assert said.data["sent"] == 0
    bad = attendance("bad-1")
    bad["data"]["code"] = "QQ"
    mixed = tmp_path / "mixed.jsonl"
    lines = (attendance("good-1"), bad, attendance("good-2"))
    mixed.write_text("\n".join([*map(json.dumps, lines), "{"]))
    said = hearth("publish", mixed, "--from", "school", "--dry-run", "--json")
    assert said.code == 4
    assert said.data["valid"] == 2
    assert len(said.data["refused"]) == 2
    assert {one["path"] for one in said.data["refused"]} >= {"data.code"}
    assert all(one["fix"] for one in said.data["refused"])
    table = hearth("publish", mixed, "--from", "school", "--dry-run")
    assert "Quillfeather" not in table.out + table.err + said.out


def test_another_agency_s_events_are_refused_row_by_row(hearth: Shell, tmp_path: Path) -> None:
    """Health does not publish attendance."""
    files = tell(tmp_path).files
    said = hearth("publish", files["school"], "--from", "health", "--dry-run", "--json")
    assert said.code == 4
    assert said.data["refused_by"] == {"not-your-type": 60}


def test_a_subscriber_is_added_with_its_public_key(hearth: Shell, tmp_path: Path) -> None:
    """Only a raw 32-byte key is one, and a clearance is one of the tiers."""
    key = tmp_path / "system.pub"
    key.write_text(base64.b64encode(bytes(range(32))).decode())
    assert hearth("subscriber", "add", "case-system", "--public-key", key, "--clearance", "sensitive").code == 0
    listed = {one["name"]: one["clearance"] for one in hearth("subscriber", "list", "--json").data}
    assert listed["case-system"] == "sensitive"
    key.write_text("short")
    assert hearth("subscriber", "add", "other", "--public-key", key).code == 2
    assert hearth("subscriber", "add", "other", "--public-key", tmp_path / "nosuch").code == 2
    assert hearth("subscriber", "add", "other", "--public-key", key, "--clearance", "all").code == 2
    assert "other" not in hearth("subscriber", "list").out
