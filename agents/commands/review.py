"""`hearth review`: what waits for a person's decision, and asking the hub again once what it lacked is known."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from agents.commands.ig_officer import officer
from agents.commands.readers import cleared, looking
from agents.commands.shell import AsJson, Exit, Sealed, Stop, give, table
from agents.commands.tools import Tools, tools
from consent.seal import unseal
from schemas.errors import Unsealable
from schemas.records import Queued, Review, decode_queued, encode
from streams.intake_answers import quarantine_label
from streams.outcome import Emit
from streams.topology import IDENTITY_QUEUE

app = typer.Typer(no_args_is_help=True, help="List what waits for a person, and have the hub look at it again.")


@app.command(name="list")
def list_(
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, the newest first.")] = 200,
    sealed: Sealed = False,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person: for information governance staff; pseudonyms and the reason only."""
    found = _kit(sealed).queries.review(most, cleared=sealed)
    if as_json:
        give([_told(one) for one in found])
        return
    rows = [
        (one.id, one.reason, one.received_at.strftime("%Y-%m-%d %H:%M"), " ".join((*one.families, *one.persons)))
        for one in found
    ]
    table("Waiting for a person", ("id", "reason", "received (UTC)", "about"), rows)


@app.command()
def again(
    reviews: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids from `hearth review list`.")],
    sealed: Sealed = False,
    as_json: AsJson = False,
) -> None:
    """Have the hub look again at events that it could not place, say of somebody who was not known then.

    What it still cannot place waits on. Nothing is learnt of anybody from a sealed event, now as before.
    """
    kit = _kit(sealed)
    queued = [_event(kit, one, sealed) for one in reviews]
    with looking():
        kit.producer.send([Emit(IDENTITY_QUEUE, one.event, encode(one)) for one in queued])
        kit.producer.flush()
    if as_json:
        give([{"id": one, "status": "sent again"} for one in reviews])
    else:
        table("Looked at again", ("id", "status"), [(one, "sent again") for one in reviews])


def _kit(sealed: bool) -> Tools:
    kit = tools()
    officer(kit)
    if sealed:
        cleared(kit)
    return kit


def _event(kit: Tools, review: str, sealed: bool) -> Queued:
    """Return the event that waits, opened."""
    found = kit.queries.reviewed(review, cleared=sealed)
    if found is None or not found.event:
        raise Stop(Exit.REFUSED, "no event waits under this id")
    try:
        key = kit.inside.quarantine_keys.open(found.key_id)
        return decode_queued(unseal(key, found.sealed, quarantine_label(found.id)))
    except (Unsealable, msgspec.MsgspecError):
        raise Stop(Exit.REFUSED, "its time is over, or it waits for a decision and not for a name") from None


def _told(one: Review) -> dict[str, Any]:
    names = ("id", "reason", "received_at", "families", "persons")
    return {name: msgspec.to_builtins(getattr(one, name)) for name in names}
