"""What is told of the commands holds: each that a page names is there, and what a table shows can be copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from agents.cli import app
from agents.commands import shell

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CHANGELOG.md", "deploy/runbook.md")
COMMANDS = getattr(typer.main.get_command(app), "commands", {})


def named(page: str) -> list[tuple[str, ...]]:
    """The commands that a page names: `hearth ig search | explain` are two."""
    text = " ".join((ROOT / page).read_text("utf-8").split())
    found = []
    for said in re.findall(r"`hearth ([^`]+)`", text):
        first, *rest = said.split()
        if not hasattr(COMMANDS.get(first), "commands"):
            found.append((first,))
            continue
        for part in " ".join(rest).split("|"):
            word = part.split()[:1]
            found.append((first, *(one for one in word if re.fullmatch("[a-z-]+", one) and one[0] != "-")))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_is_there(page: str) -> None:
    """A word that went, or was never there, is not told of."""
    for first, *second in named(page):
        assert first in COMMANDS, f"{page}: hearth {first}"
        for word in second:
            assert word in COMMANDS[first].commands, f"{page}: hearth {first} {word}"


def test_a_page_s_commands_are_found_at_all() -> None:
    """Of the first page there are many, some in one breath."""
    assert {("ig", "search"), ("ig", "watch"), ("audit", "verify"), ("timeline",)} <= set(named("README.md"))


@pytest.mark.parametrize("width", [60, 160])
def test_a_pseudonym_stands_on_one_line_of_a_table_however_narrow(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whichever column, so that it can be copied."""
    monkeypatch.setattr(shell, "PIPED_WIDTH", width)
    names = [f"{letter}_{'0123456789abcdef' * 2}" for letter in "dfw"]
    rules = "nobody-works-with-this-family and-another-rule-with-a-long-name"
    shell.table("Found", ("decision", "at", "family", "recipient", "rules"), [(names[0], "now", *names[1:], rules)] * 2)
    lines = capsys.readouterr().out.splitlines()
    assert [sum(name in line for line in lines) for name in names] == [2, 2, 2]
    assert len({len(line) for line in lines[1:]}) == 1
