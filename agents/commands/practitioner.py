"""`hearth practitioner`: reader tokens. Who a practitioner is comes from their agency's own events."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from agents.commands.shell import AsJson, Exit, Stop, give, say, table
from agents.commands.token import show
from agents.commands.tools import agency_named, tools
from schemas.ids import PractitionerId

app = typer.Typer(no_args_is_help=True, help="Issue and revoke practitioners' reader tokens; list practitioners.")
READER_DAYS = 90
Agency = Annotated[str, typer.Option("--agency", "-a", help="The practitioner's agency.")]
Number = Annotated[str, typer.Option("--number", prompt="Staff number", help="Staff number; asked for if left out.")]


@app.command()
def token(
    agency: Agency,
    number: Number,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it holds.")] = READER_DAYS,
    as_json: AsJson = False,
) -> None:
    """Issue a reader token to a practitioner whom their agency has registered; earlier ones end at once."""
    kit = tools()
    name = _registered(agency, number)
    kit.tokens.revoke(*[one.id for one in kit.tokens.listed() if (one.kind, one.bearer) == ("reader", name)])
    show(*kit.tokens.issue("reader", name, agency, (), timedelta(days=days)), as_json)


@app.command()
def revoke(agency: Agency, number: Number) -> None:
    """End every reader token of a practitioner, now."""
    kit = tools()
    name = kit.pseudonyms.practitioner(agency_named(agency), number)
    ended = kit.tokens.revoke(*[one.id for one in kit.tokens.listed() if (one.kind, one.bearer) == ("reader", name)])
    if not ended:
        raise Stop(Exit.REFUSED, "no reader token of this practitioner holds")
    say(f"revoked: {ended}")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the registered practitioners by their pseudonyms, with role, team and clearance."""
    found = tools().queries.practitioners()
    if as_json:
        names = ("practitioner", "agency", "role", "team", "subscriber", "clearance", "active")
        give([{name: getattr(one, name) for name in names} for one in found])
        return
    rows = [
        (p.practitioner, p.agency, p.role, p.team, p.subscriber, p.clearance, "yes" if p.active else "left")
        for p in found
    ]
    table("Practitioners", ("practitioner", "agency", "role", "team", "subscriber", "clearance", "active"), rows)


def _registered(agency: str, number: str) -> PractitionerId:
    kit = tools()
    name = kit.pseudonyms.practitioner(agency_named(agency), number)
    found = kit.queries.practitioner(name)
    if found is None or not found.active:
        raise Stop(Exit.REFUSED, "no such practitioner is registered: PractitionerRegistered comes first")
    return name
