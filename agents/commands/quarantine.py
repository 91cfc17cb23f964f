"""`hearth quarantine`: what could not be read or breaks the contract, and trying it again once that is mended."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from agents.commands.readers import cleared, looking
from agents.commands.shell import AsJson, Exit, Sealed, Stop, give, line, table
from agents.commands.tools import Tools, agency_named, tools
from consent.seal import unseal
from schemas import codec
from schemas.errors import Refusal, Unsealable
from schemas.records import Quarantined, Record
from streams.intake import forward
from streams.intake_answers import Origin, decode_record, quarantine_label
from streams.intake_names import event_key
from streams.outcome import Emit
from streams.topology import inbound

app = typer.Typer(no_args_is_help=True, help="List what is in quarantine, show why, and try it again.")
Id = Annotated[str, typer.Argument(metavar="ID", help="The record's id in quarantine.")]


@app.command(name="list")
def list_(
    agency: Annotated[str, typer.Option("--agency", "-a", help="Of this agency only.")] = "",
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, the newest first.")] = 200,
    sealed: Sealed = False,
    as_json: AsJson = False,
) -> None:
    """List what is in quarantine: where it came from, which field is wrong, and how to mend it."""
    kit = _kit(sealed)
    found = kit.queries.quarantine(agency_named(agency) if agency else None, most, cleared=sealed)
    if as_json:
        give([_told(one) for one in found])
        return
    rows = [(one.id, one.agency, one.received_at.strftime("%Y-%m-%d %H:%M"), one.path, one.code) for one in found]
    table("Quarantine", ("id", "from", "received (UTC)", "field", "problem"), rows)


@app.command()
def show(record: Id, sealed: Sealed = False, as_json: AsJson = False) -> None:
    """Show why a record is in quarantine. Its content stays sealed: the publisher has it."""
    found = _found(_kit(sealed), record, sealed)
    if as_json:
        give(_told(found))
    else:
        line("\n".join(f"{name}: {value}" for name, value in _told(found).items()))


@app.command()
def retry(
    records: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids in quarantine.")],
    sealed: Sealed = False,
    as_json: AsJson = False,
) -> None:
    """Send records through intake again, say after a code list was brought up to date. Each gets a new receipt."""
    kit = _kit(sealed)
    found = [_found(kit, one, sealed) for one in records]
    results = [_tried(kit, one) for one in found]
    emits = [emit for _, emit in results if emit is not None]
    with looking():
        kit.producer.send(emits)
        kit.producer.flush()
    told = [{"id": one.id, "status": status} for one, (status, _) in zip(found, results, strict=True)]
    if as_json:
        give(told)
    else:
        table("Retried", ("id", "status"), [(one["id"], one["status"]) for one in told])
    if len(emits) < len(found):
        raise Stop(Exit.SOME_REFUSED, f"{len(found) - len(emits)} of {len(found)} stay in quarantine")


def _kit(sealed: bool) -> Tools:
    """Return the tools; where what is sealed is asked for, to those who are cleared for it alone."""
    kit = tools()
    if sealed:
        cleared(kit)
    return kit


def _found(kit: Tools, record: str, sealed: bool) -> Quarantined:
    found = kit.queries.quarantined(record, cleared=sealed)
    if found is None:
        raise Stop(Exit.REFUSED, "nothing in quarantine has this id")
    return found


def _told(one: Quarantined) -> dict[str, Any]:
    names = ("id", "agency", "received_at", "topic", "path", "code", "problem", "fix")
    return {name: msgspec.to_builtins(getattr(one, name)) for name in names}


def _tried(kit: Tools, aside: Quarantined) -> tuple[str, Emit | None]:
    """Return what became of one try, and the record to write: to where intake reads what it is given back."""
    if aside.topic != inbound(aside.agency):
        return "it was not refused by intake: see its reason", None
    try:
        key = kit.inside.quarantine_keys.open(aside.key_id)
        record: Record = decode_record(unseal(key, aside.sealed, quarantine_label(aside.id)))
        event = codec.decode(record)
        codec.check(event, aside.agency)
    except Unsealable:
        return "its time is over: the key was destroyed", None
    except Refusal as refusal:
        return f"still refused at {refusal.path}: {refusal.code}", None
    typed = kit.framing.typed_sources
    names = event_key(kit.pseudonyms, typed, aside.agency, event.source, event.id, event.type)
    place = (record.topic, record.partition, record.offset)
    return "sent again", forward(record, Origin(aside.agency, place, aside.received_at), names)

