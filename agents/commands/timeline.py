"""`hearth timeline` and `hearth who`: what the hub holds of a family, and who works with it."""

from __future__ import annotations

from typing import Annotated

import typer

from agents.commands import readers
from agents.commands.shell import AsJson, Purpose, give, line, table
from agents.commands.tools import now, tools
from streams.disclose import Line, View
from streams.notice import Colleague

Family = Annotated[str, typer.Argument(metavar="FAMILY", help="The family's id, as `hearth find` gives it.")]


def timeline(family: Family, purpose: Purpose, as_json: AsJson = False) -> None:
    """Show a family's timeline, as far as you may see it for this purpose. Every item shown is logged first."""
    view = _look(family, purpose)
    give(view) if as_json else show(view)


def show(view: View) -> None:
    """Print a view as tables."""
    names = {one.person: one.name or one.person for one in view.persons}
    people = [(one.name or one.person, one.role, one.birth_date) for one in view.persons]
    table(f"Family {view.family}", ("person", "role", "born"), people)
    rows = [(one.on, names.get(one.person, one.person), said(one), one.agency, one.ground) for one in view.lines]
    table(f"Timeline, for {view.purpose}", ("on", "about", "what", "from", "ground"), rows)
    if view.standing:
        standing = [(one.title, one.level, one.prompt, one.goes_away) for one in view.standing]
        table("What stands out", ("combination", "level", "prompt", "goes away when"), standing)
    _show_colleagues(view.colleagues)


def who(family: Family, purpose: Purpose = "early-help", as_json: AsJson = False) -> None:
    """Show who works with a family and how to reach them. The look is logged as any other."""
    view = _look(family, purpose)
    if as_json:
        give(view.colleagues)
    elif view.colleagues:
        _show_colleagues(view.colleagues)
    else:
        line("Nobody else is known to work with this family.")


def said(one: Line) -> str:
    """Return what a line says, in a few words."""
    if one.possible:
        return f"absent {one.absent} of {one.possible} sessions since {one.detail.get('since', '')}"
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in one.what).strip()
    plain = {name: value for name, value in one.detail.items() if isinstance(value, str | int) and value != ""}
    more = [f"{name.replace('_', ' ')}: {value}" for name, value in plain.items() if not name.endswith("_id")]
    return "; ".join([f"{words} ({one.role})", *more])


def _look(family: str, purpose: str) -> View:
    kit, name, wanted = tools(), readers.family_named(family), readers.purpose_named(purpose)
    reader = readers.reader(kit)
    with readers.looking():
        found: View = readers.shown(kit.reading.look(reader, name, wanted, now()))
    return found


def _show_colleagues(colleagues: tuple[Colleague, ...]) -> None:
    rows = [
        (one.name or "-", one.role + (" (lead)" if one.lead else ""), one.agency, one.team, one.phone, one.email)
        for one in colleagues
    ]
    table("Who works with the family", ("name", "role", "agency", "team", "phone", "email"), rows)
