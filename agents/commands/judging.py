"""`hearth record`: what a named practitioner approves, tests, weighs or checks about sharing."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from agents.commands import readers
from agents.commands.agreement import DAY, people_in, published
from agents.commands.ig_officer import day
from agents.commands.shell import AsJson, Exit, Stop, line
from agents.commands.tools import agency_named, now, tools
from agents.judging import Judged, as_event
from consent.judgements import NOT_TOLD, meanings

MOST = 2000  # characters of the reason
Many = list[str] | None
Persons = Annotated[
    str, typer.Option(metavar="FILE", help="JSON list of the people it is about (role subject); - is stdin.")
]
CODES = ", ".join(meanings())


def record(
    judgement: Annotated[str, typer.Argument(metavar="JUDGEMENT", help=f"One of: {CODES}.")],
    persons: Persons,
    because: Annotated[
        str, typer.Option(metavar="TEXT", help="Why, in your own words; - reads it from stdin, where nobody sees it.")
    ],
    purpose: Annotated[list[str], typer.Option("--purpose", "-p", help="What sharing it is about; repeat it.")],
    category: Annotated[Many, typer.Option(help="Which information; all if left out.")] = None,
    recipient: Annotated[Many, typer.Option(help="Telling which agencies or roles; anybody if left out.")] = None,
    sensitivity: Annotated[str, typer.Option(help="The sensitive kind it is about (sensitive-kinds).")] = "",
    not_told_because: Annotated[str, typer.Option(help="Why the family was not told (condition-reasons).")] = "",
    on: Annotated[datetime | None, typer.Option(formats=DAY, help="First day; today if left out.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=DAY, help="First day without it; when its period ends, if left out.")
    ] = None,
    takes_back: Annotated[
        str, typer.Option(metavar="RECORD", help="Take back this record of your agency: say again what it said.")
    ] = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Record in your name what you approved, tested, weighed or checked; decisions that it counts for carry your name.

    Show your reader token. It counts for the people in --persons, in every family they are of, until it ends. An
    approval never counts for you yourself. Prints the record's id: --takes-back RECORD ends it.
    """
    said = Judged(
        judgement, tuple(purpose), reason(because, persons), tuple(category or ()), tuple(recipient or ()),
        sensitivity, not_told_because, day(on), day(until),
    )  # fmt: skip
    _check(said)
    kit = tools()
    author = readers.reader(kit)
    event = as_event(kit.pseudonyms, author, people_in(persons), said, now(), takes_back)
    published(kit, agency_named(author.agency), event, as_json, record=event["id"])
    if not as_json:
        line(event["id"])


def _check(said: Judged) -> None:
    """End the command where a code is none, or what belongs together is not there."""
    if said.judgement not in meanings():
        raise Stop(Exit.USAGE, f"no such judgement: one of {CODES}")
    if (said.judgement == NOT_TOLD) != bool(said.not_told_because):
        raise Stop(Exit.USAGE, f"--not-told-because goes with {NOT_TOLD}, and {NOT_TOLD} with it")
    if said.until and said.on and said.until <= said.on:
        raise Stop(Exit.USAGE, "--until is no day after --on")


def reason(because: str, persons: str) -> str:
    """Return what --because says, from stdin where it is -; ends the command where it says nothing, or too much."""
    if because == persons == "-":
        raise Stop(Exit.USAGE, "only one of --because and --persons can be read from stdin")
    said = (sys.stdin.read(MOST + 1) if because == "-" else because).strip()
    if not said or len(said) > MOST:
        raise Stop(Exit.USAGE, f"--because says why, in 1 to {MOST} characters")
    return said
