"""`hearth token`: the bearer tokens with which agencies come to the HTTP door."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
import typer

from agents.adapters.tokens import Grant
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.commands.tools import agency_named, tools

app = typer.Typer(no_args_is_help=True, help="Issue, rotate, revoke and list agencies' tokens for the HTTP door.")
YEAR = 365
Days = Annotated[int, typer.Option("--days", min=1, max=2 * YEAR, help="How long the token holds.")]


@app.command()
def issue(
    agency: Annotated[str, typer.Argument(help="Whose token it is.")],
    source: Annotated[list[str], typer.Option("--source", "-s", help="A source it may speak for, or its beginning.")],
    days: Days = YEAR,
    as_json: AsJson = False,
) -> None:
    """Issue a token to an agency, for the given sources. It is shown this once and kept only as a hash."""
    if not all(one.strip() for one in source):
        raise Stop(Exit.USAGE, "a source is not empty")
    name = agency_named(agency)
    show(*tools().tokens.issue("agency", name, name, tuple(source), timedelta(days=days)), as_json)


@app.command()
def rotate(
    agency: Annotated[str, typer.Argument(help="Whose token is renewed.")],
    overlap: Annotated[int, typer.Option(min=0, max=24 * 60, help="Hours for which earlier tokens still hold.")] = 72,
    days: Days = YEAR,
    as_json: AsJson = False,
) -> None:
    """Issue a new token with the same sources; the earlier ones end after the overlap."""
    name = agency_named(agency)
    issued = tools().tokens.rotate("agency", name, timedelta(days=days), timedelta(hours=overlap))
    if issued is None:
        raise Stop(Exit.REFUSED, "this agency has no token that holds: issue one")
    show(*issued, as_json)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="The token's id, as `hearth token list` shows it.")]) -> None:
    """End a token now."""
    if not tools().tokens.revoke(token_id):
        raise Stop(Exit.REFUSED, "no token with this id holds")
    say("revoked")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the tokens that hold, without their secrets."""
    held = tools().tokens.listed()
    if as_json:
        give(msgspec.to_builtins(held))
        return
    rows = [(one.id, one.kind, one.bearer, ", ".join(one.sources), one.ends_at.date()) for one in held]
    table("Tokens", ("id", "kind", "bearer", "sources", "ends"), rows)


def show(token: str, grant: Grant, as_json: bool) -> None:
    """Print a new token: alone on stdout, so that it can be piped to where it is kept."""
    if as_json:
        give({"token": token} | msgspec.to_builtins(grant))
        return
    say(f"token {grant.id} of {grant.bearer} holds until {grant.ends_at:%Y-%m-%d}; it is not shown again")
    line(token)
