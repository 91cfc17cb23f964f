"""Who may run `hearth ig`, and how its days are said."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from agents.commands import readers
from agents.commands.shell import Exit, Stop
from agents.commands.tools import Tools
from agents.ig.decisions import IG_ROLE
from agents.ig.period import begins, ends
from schemas.people import KnownPractitioner

DAY = ["%Y-%m-%d"]
FirstDay = Annotated[datetime, typer.Option("--since", formats=DAY, help="First day.")]
LastDay = Annotated[datetime, typer.Option("--until", formats=DAY, help="Last day.")]


def officer(kit: Tools) -> KnownPractitioner:
    """Return the IG officer whose token is shown; ends the command for anybody else."""
    reader = readers.reader(kit)
    if reader.role != IG_ROLE:
        raise Stop(Exit.REFUSED, "this is for information governance staff only")
    return reader


def day(said: datetime | None) -> date | None:
    """Return the day that an option names."""
    return said.date() if said else None


def period(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Return the instants from the first day to before the day after the last; ends the command where none is left."""
    first, last = begins(since.date()), ends(until.date())
    if first is None or last is None or last <= first:
        raise Stop(Exit.USAGE, "--until is no day before --since")
    return first, last
