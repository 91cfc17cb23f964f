"""`hearth find`: is this one person known to the hub, and in which family. Never a list, never a search by name."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated

import msgspec
import typer

from agents.commands import readers
from agents.commands.shell import AsJson, Exit, Purpose, Stop, give, line
from agents.commands.tools import now, tools
from consent.enquiries import enquiries
from schemas.records import Identifier, PersonAsKnown

SYSTEMS = ("nhs-number", "upn", "local")
FIX = "give one JSON object on stdin: system (nhs-number, upn or local), value, birth_date (YYYY-MM-DD)"


class Sought(msgspec.Struct, forbid_unknown_fields=True):
    """One person, by an identifier and the birth date: both are needed."""

    system: str
    value: str
    birth_date: date


REASONS = ", ".join(f"{code} ({reason.label})" for code, reason in enquiries().reasons.items())
Why = Annotated[
    str,
    typer.Option(
        metavar="REASON",
        help="Go on before the threshold, without the family's agreement, because of this: logged in your name, and "
        f"reviewed. One of: {REASONS}.",
    ),
]


def find(purpose: Purpose, without_agreement: Why = "", as_json: AsJson = False) -> None:
    """Look one person up by an identifier and their birth date; prints the id of their family.

    Both are asked for, or read from stdin as one JSON object, never from the command line: that is seen by others and
    kept. The look-up is decided and logged, and tells the same when nobody is found and when nothing may be told.
    """
    if without_agreement and without_agreement not in enquiries().reasons:
        raise Stop(Exit.USAGE, f"no such reason: one of {', '.join(enquiries().reasons)}")
    kit, wanted = tools(), readers.purpose_named(purpose)
    reader = readers.reader(kit)
    sought = _asked() if sys.stdin.isatty() else _read(sys.stdin.read(4096))
    person = PersonAsKnown("subject", (Identifier(sought.system, sought.value),), birth_date=sought.birth_date)
    with readers.looking():
        families = readers.shown(kit.reading.find(reader, person, wanted, now(), without_agreement))
    if as_json:
        give({"families": families})
    else:
        line("\n".join(families))


def _asked() -> Sought:
    from rich.prompt import Prompt

    system = Prompt.ask("Kind of identifier", choices=list(SYSTEMS), default="nhs-number")
    value = Prompt.ask("Identifier")
    return _checked({"system": system, "value": value, "birth_date": Prompt.ask("Birth date (YYYY-MM-DD)")})


def _read(said: str) -> Sought:
    try:
        return _checked(msgspec.json.decode(said))
    except msgspec.DecodeError:
        raise Stop(Exit.USAGE, FIX) from None


def _checked(said: object) -> Sought:
    try:
        sought = msgspec.convert(said, Sought)
    except msgspec.ValidationError:
        raise Stop(Exit.USAGE, FIX) from None
    if sought.system not in SYSTEMS:
        raise Stop(Exit.USAGE, FIX)
    return sought
