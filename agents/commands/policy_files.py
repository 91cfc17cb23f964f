"""The files that `hearth policy` reads: a folder of policies, and a table of cases."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.commands.shell import Exit, Stop
from consent import policy, trial
from consent.days import london_day
from consent.engine import Engine
from schemas.errors import Misconfigured

Folder = Annotated[Path, typer.Option("--policies", help="A folder of policies; this hub's if left out.")]
CaseFile = Annotated[Path, typer.Option("--cases", help="A table of cases; this hub's if left out.")]


def table_of(cases: Path) -> trial.Table:
    """Return the cases; ends the command where they do not hold together."""
    try:
        return trial.table(cases)
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


def engines_of(folder: Path) -> trial.Engines:
    """Return the engines of a folder; ends the command where its policies do not hold together."""
    engine_of(folder, [])
    return trial.engines(folder)


def engine_of(folder: Path, on: Collection[str]) -> Engine:
    """Return the engine of a folder with these switches on; ends the command as `engines_of` does."""
    if not (folder / "hearth.cedarschema").is_file():
        raise Stop(Exit.USAGE, f"{folder} is no folder of policies: it has no hearth.cedarschema")
    try:
        return Engine(on, folder)
    except (Misconfigured, OSError) as wrong:
        raise Stop(Exit.USAGE, f"{folder}: {wrong}") from None


def in_force(folder: Path, also: Collection[str] = ()) -> tuple[str, ...]:
    """Return the switches of a folder that stand today by its own dates, and these besides."""
    try:
        return tuple(sorted({*policy.switched_on(london_day(datetime.now(UTC)), folder), *also}))
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, f"{folder}: {wrong}") from None
