"""`hearth audit erase`: erasing one entry of a log, which takes two officers. The log says so for good, and verifies.

For information governance officers cleared for everything, on the machine that has the logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import typer

from agents.adapters.keys import LOGS
from agents.adapters.log_reader import LogReader
from agents.commands.retention import officer
from agents.commands.shell import AsJson, Exit, Stop, give, say, table
from agents.commands.tools import now
from agents.erasing import Erasing
from consent.retention.erasing import Target
from schemas.people import KnownPractitioner

app = typer.Typer(no_args_is_help=True, help="Erase an entry of the log, which takes two officers.")
DecisionId = Annotated[str, typer.Argument(metavar="DECISION", help="The decision's id.", show_default=False)]
Why = Annotated[str, typer.Option("--reason", "-r", help="A code of the list that `hearth retention classes` shows.")]


@app.command()
def propose(decision: DecisionId, reason: Why, as_json: AsJson = False) -> None:
    """Propose that an entry is erased. Another officer approves it."""
    with _erasing() as (erasing, by):
        target = erasing.propose(by, decision, reason, now())
    _say(target, "proposed", as_json)


@app.command()
def approve(decision: DecisionId, as_json: AsJson = False) -> None:
    """Approve what another officer proposed, and have the entry erased: there is no way back.

    Its place in the log stays, and an entry of its own says who erased it and why. The topic of the log keeps it.
    """
    with _erasing() as (erasing, by):
        target = erasing.approve(by, decision, now())
    _say(target, "erased", as_json)


@app.command("list")
def listed(as_json: AsJson = False) -> None:
    """List what stands proposed."""
    with _erasing() as (erasing, _):
        found = erasing.proposed()
    if as_json:
        give([{"decision": one.target, "reason": one.reason, "proposed_by": one.by} for one in found])
    else:
        table("Erasures proposed", ("decision", "reason", "by"), [(one.target, one.reason, one.by) for one in found])


@contextmanager
def _erasing() -> Iterator[tuple[Erasing, KnownPractitioner]]:
    with officer() as (destroying, by, settings):
        logs = {log: partial(LogReader, settings.log_dir / log) for log in LOGS}
        try:
            yield Erasing(destroying.reading, destroying.held, logs), by
        except FileNotFoundError:
            problem = f"no logs are in {settings.log_dir}: run this on the machine that has them"
            raise Stop(Exit.USAGE, problem) from None


def _say(target: Target, what: str, as_json: bool) -> None:
    if as_json:
        give({"log": target.log, "index": target.index, "decision": target.id, "stands": what})
    else:
        say(f"{what}: entry {target.index} of the {target.log} log")
