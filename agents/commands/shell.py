"""What all commands share: data on stdout, messages on stderr, exit codes, and `--json` everywhere.

Exit codes: 0 done · 1 refused or withheld · 2 wrong usage · 3 the hub is not reachable · 4 some rows were refused.
Colours go when NO_COLOR is set or the output is no terminal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of a table.")]
Sealed = Annotated[bool, typer.Option("--sealed", help="With what is sealed: show the token of one cleared for it.")]
Purpose = Annotated[str, typer.Option("--purpose", "-p", help="What you need it for; it is logged with your look.")]


PIPED_WIDTH = 160  # characters, where no terminal says how wide it is
_ANY_WIDTH = 100_000
_PSEUDONYM = re.compile(r"[a-z]_[0-9a-f]{32}")


class Exit(IntEnum):
    """What a command ends with."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    SOME_REFUSED = 4


class Stop(Exception):
    """Ends the command with a message on stderr."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


def say(message: str) -> None:
    """Write a message to stderr."""
    Console(stderr=True, highlight=False).print(Text(message))


def give(data: Any) -> None:
    """Write data to stdout as one JSON document."""
    said = msgspec.json.format(msgspec.json.encode(data), indent=2)
    sys.stdout.write(said.decode() + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table to stdout; cells are shown as they are, never read as markup.

    The first column and every pseudonym stay in one piece, so that they can be copied: the table is as wide as it must.
    """
    made = Table(title=title, title_justify="left")
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    for number, name in enumerate(columns):
        whole = [row[number] for row in cells if number == 0 or _PSEUDONYM.fullmatch(row[number])]
        widest = max(map(len, whole), default=None)
        made.add_column(name, min_width=widest, no_wrap=widest is not None, overflow="fold")
    for row in cells:
        made.add_row(*map(Text, row))
    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else PIPED_WIDTH
    wide = console.options.update(max_width=_ANY_WIDTH)
    console.width = max(console.width, Measurement.get(console, wide, made).minimum)
    console.print(made)


def line(text: str = "") -> None:
    """Write one line of text to stdout."""
    sys.stdout.write(text + "\n")
