"""The command `hearth`: one module in agents/commands/ for each of its words."""

from __future__ import annotations

import sys

import typer

from agents.commands import (
    agreement,
    alerts,
    audit,
    ig,
    policy,
    practitioner,
    quarantine,
    retention,
    review,
    schemas,
    subscriber,
    token,
    witness,
)
from agents.commands.break_glass import break_glass
from agents.commands.find import find
from agents.commands.held import held
from agents.commands.judging import record
from agents.commands.processing import record_of_processing
from agents.commands.publish import publish
from agents.commands.shell import Exit, Stop, say
from agents.commands.timeline import timeline, who
from agents.commands.up import up

HELP = """Lawful information sharing about families.

Reading commands need your reader token in HEARTH_TOKEN, or in a file that HEARTH_TOKEN_FILE names; otherwise it is
asked for. Data goes to stdout, messages to stderr; --json prints JSON; NO_COLOR is honoured.

Exit codes: 0 done, 1 refused or withheld, 2 wrong usage, 3 hub not reachable, 4 some rows refused.
"""
ONE_WORD = (up, publish, find, timeline, who, break_glass, held, record, record_of_processing)
WITH_SUBCOMMANDS = {
    "alerts": alerts, "agreement": agreement, "quarantine": quarantine, "audit": audit, "schemas": schemas,
    "ig": ig, "token": token, "practitioner": practitioner, "subscriber": subscriber, "witness": witness,
    "policy": policy, "retention": retention, "review": review,
}  # fmt: skip

app = typer.Typer(
    name="hearth", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP,
    rich_markup_mode="markdown",
)  # fmt: skip
for command in ONE_WORD:
    app.command()(command)
for name, module in WITH_SUBCOMMANDS.items():
    app.add_typer(module.app, name=name)


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
