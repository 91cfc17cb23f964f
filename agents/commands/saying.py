"""How the audit commands print: data to stdout, messages to stderr, and an exit code."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import msgspec
import typer


def write(text: str) -> None:
    """Print data."""
    sys.stdout.write(f"{text}\n")


def write_json(data: Any) -> None:
    """Print data as JSON."""
    write(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())


def say(text: str) -> None:
    """Print a message."""
    sys.stderr.write(f"{text}\n")


def fail(text: str, code: int) -> NoReturn:
    """Print a message and end the command."""
    say(text)
    raise typer.Exit(code)
