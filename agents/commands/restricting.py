"""`hearth ig restrict` and `hearth ig lift`: restriction of processing, under a case of the IG queue."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from agents import restricting
from agents.commands import readers
from agents.commands.agreement import DAY, people_in, published
from agents.commands.ig_answers import CaseId, cases_of, holding
from agents.commands.ig_officer import day, officer
from agents.commands.judging import reason
from agents.commands.shell import AsJson, Exit, Stop, line
from agents.commands.tools import Tools, agency_named, now, tools
from agents.ig.access import Access
from agents.ig.cases import LIFTED, RESTRICTED, Case
from agents.restricting import Word
from consent.days import london_day
from schemas.codes import code_list
from schemas.records import PersonAsKnown

Persons = Annotated[
    str, typer.Option(metavar="FILE", help="JSON list of the people whose it is (role subject); - is stdin.")
]
Because = Annotated[
    str, typer.Option(metavar="TEXT", help="Why, in your own words; - reads it from stdin, where nobody sees it.")
]
GROUNDS = ", ".join(code_list("restriction-grounds").codes)


def restrict(
    case: CaseId,
    persons: Persons,
    because: Because,
    ground: Annotated[str, typer.Option(help=f"Of Article 18(1), one of: {GROUNDS}.")],
    on: Annotated[datetime | None, typer.Option(formats=DAY, help="First day; today if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Restrict the processing of everything about these people: it is kept, and told to nobody until you lift it.

    Under an open request for correction, restriction or objection. A child in danger comes before it, and so does what
    an Act requires to be told. Logged in your name first. Prints the record's id.
    """
    word = Word(reason(because, persons), on_ground=ground, on=day(on))
    kit, at = tools(), now()
    desk = cases_of(kit)
    with holding():
        found = desk.restrictable(case, ground, at)
    record = _say(kit, found, persons, word, at, as_json)
    with holding():
        desk.note(found, RESTRICTED, at)
    if not as_json:
        line(record)


def lift(
    case: CaseId,
    persons: Persons,
    because: Because,
    told: Annotated[datetime, typer.Option(formats=DAY, help="The day on which they were told of it.")],
    on: Annotated[datetime | None, typer.Option(formats=DAY, help="First day without it; today if left out.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Lift the restriction under this case, after the people were told (Article 18(3)). Prints the record's id."""
    word = Word(reason(because, persons), told_on=told.date(), on=day(on))
    kit, at = tools(), now()
    if word.told_on and word.told_on > min(word.on or london_day(at), london_day(at)):
        raise Stop(Exit.USAGE, "--told is after it would be lifted, or has not come: tell them first")
    desk = cases_of(kit)
    with holding():
        found = desk.liftable(case, at)
    record = _say(kit, found, persons, word, at, as_json)
    with holding():
        desk.note(found, LIFTED, at)
    if not as_json:
        line(record)


def _say(kit: Tools, case: Case, persons: str, word: Word, at: datetime, as_json: bool) -> str:
    """Log the step, publish its event, print the receipt; ends the command where any of it is refused."""
    author, said = officer(kit), people_in(persons)
    with holding():
        desk = Access(kit.reading, kit.queries, author)
        readers.shown(restricting.handles(desk, case, _people(said), at))
    event = restricting.as_event(kit.pseudonyms, author, said, case.id, word, at)
    published(kit, agency_named(author.agency), event, as_json, record=event["id"], case=case.id)
    return str(event["id"])


def _people(said: Any) -> list[PersonAsKnown]:
    try:
        return msgspec.convert(said, list[PersonAsKnown])
    except msgspec.ValidationError:
        raise Stop(Exit.USAGE, "--persons is a JSON list of people, each with a role and their identifiers") from None
