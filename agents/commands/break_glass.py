"""`hearth break-glass`: in an emergency, the minimum about a family that one does not work with."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from agents.breaking import BreakGlass, Opened
from agents.commands import readers
from agents.commands.shell import AsJson, Exit, Stop, give, say
from agents.commands.timeline import Family, show
from agents.commands.tools import Tools, now, tools
from consent.break_glass import terms
from streams.identity.reviews import Reviews

REASONS = ", ".join(f"{code} ({reason.label})" for code, reason in terms().reasons.items())


def break_glass(
    family: Family,
    reason: Annotated[str, typer.Option(metavar="CODE", help=f"One of: {REASONS}.")] = "",
    because: Annotated[
        str, typer.Option(metavar="TEXT", help="Why, in your own words; - reads it from stdin, where nobody sees it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """In an emergency, show the minimum about a family that you do not work with.

    It is logged in your name before anything is shown, ends by itself, and is reviewed by information governance. Until
    it ends, FAMILY alone shows it again. If you work with the family, `hearth timeline` is yours.
    """
    kit, name = tools(), readers.family_named(family)
    said = _said(reason, because)
    reader = readers.reader(kit)
    glass = BreakGlass(kit.reading, kit.queries, _reviews(kit))
    with readers.looking():
        found = glass.open(reader, name, reason, said, now()) if reason else glass.again(reader, name, now())
        opened: Opened = readers.shown(found)
    if as_json:
        give(opened)
        return
    show(opened.view)
    say(f"Break-glass {opened.decision}: logged, and to be reviewed. It ends at {opened.until:%H:%M on %d %B} (UTC).")


def _said(reason: str, because: str) -> str:
    """Return the free text; ends the command where one of the two is missing, too long, or no reason of the list."""
    if reason and reason not in terms().reasons:
        raise Stop(Exit.USAGE, f"no such reason: one of {', '.join(terms().reasons)}")
    said = (sys.stdin.read(terms().most_characters + 1) if because == "-" else because).strip()
    if bool(reason) != bool(said):
        raise Stop(Exit.USAGE, "a reason needs both: --reason from the list, and --because in your own words")
    if len(said) > terms().most_characters:
        raise Stop(Exit.USAGE, f"--because is at most {terms().most_characters} characters")
    return said


def _reviews(kit: Tools) -> Reviews:
    return Reviews(kit.pseudonyms, kit.inside.quarantine_keys, os.urandom)
