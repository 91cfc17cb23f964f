"""The command `hearth`: one module in agents/commands/ for each of its words."""

from __future__ import annotations

import sys

import typer

from agents.commands import schemas, token
from agents.commands.shell import Exit, Stop, say

EXITS = "Exit codes: 0 done, 1 refused or withheld, 2 wrong usage, 3 hub not reachable, 4 some rows refused."
app = typer.Typer(name="hearth", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=(
    "Lawful information sharing about families. Data goes to stdout, messages to stderr. " + EXITS
))  # fmt: skip
app.add_typer(schemas.app, name="schemas")
app.add_typer(token.app, name="token")


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    try:
        typer.main.get_command(app)(arguments, prog_name="hearth")
    except Stop as stop:
        say(str(stop))
        return stop.code
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.OK
    return Exit.OK
