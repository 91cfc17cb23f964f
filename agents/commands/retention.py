"""`hearth retention`: how long records are kept, legal holds, and ending a person's record, which takes two people.

For information governance officers cleared for everything: a record's class and its end rest on sealed items too.
Pseudonyms, codes and dates only. Every step stands in the sealed log before it has any effect.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer

from agents.adapters.kafka import Ends
from agents.commands import readers
from agents.commands.held import IG_ROLE
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.commands.tools import Tools, now, tools
from agents.destroying import Destroying, Record, Refused
from agents.held_of import HeldOf
from agents.ig.cases import Cases
from agents.put_aside import PutAside
from agents.settings import Settings
from consent import retention
from schemas.ids import PersonId
from schemas.people import KnownPractitioner
from streams import topology

app = typer.Typer(no_args_is_help=True, help="How long records are kept, legal holds, and ending a person's record.")
CLEARED = "sealed"
_READ = (
    topology.FAMILY_ITEMS, topology.PEOPLE, topology.DECISIONS, topology.DECISIONS_SEALED, topology.IG_CASES,
    topology.QUARANTINE, topology.QUARANTINE_SEALED, topology.REVIEW, topology.REVIEW_SEALED,
)  # fmt: skip
Person = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id, as `hearth retention due` gives it.")]
Why = Annotated[str, typer.Option("--reason", "-r", help="A code of the list that `hearth retention classes` shows.")]


@app.command()
def classes(as_json: AsJson = False) -> None:
    """Show the classes of records with their periods and sources, and the reasons for which steps are taken."""
    found, why = retention.classes(), retention.reasons()
    if as_json:
        told = {"classes": msgspec.to_builtins(found), "reasons": msgspec.to_builtins(why)}
        give(told | {"edition": retention.edition()})
        return
    rows = [
        (one.id, one.title, _periods(one.hub), _periods(one.master), "yes" if one.checked else "no", one.source)
        for one in found
    ]
    table("Classes of records", ("class", "of", "kept here", "source's record", "checked", "source"), rows)
    of = {"propose": why.propose, "hold": why.hold, "lift": why.lift, "erase an entry": why.erase}
    listed = [(step, code, one.label) for step, known in of.items() for code, one in known.items()]
    table("Reasons", ("step", "code", "which is"), listed)


@app.command()
def due(as_json: AsJson = False) -> None:
    """List the records whose period has run out, and those that are held, proposed, or approved and not done."""
    with _officer() as (destroying, _):
        found = destroying.due(now())
    if as_json:
        give([_told(one) for one in found])
        return
    rows = [tuple(_told(one)[name] for name in ("person", "class", "due", "stands", "held")) for one in found]
    table("Records", ("person", "class", "due", "stands", "held for"), rows)


@app.command()
def show(person: Person, as_json: AsJson = False) -> None:
    """Show one record's class, the day on which its period runs out, and where its ending stands."""
    with _officer() as (destroying, _):
        _say(destroying.record(PersonId(person), now()), as_json)


@app.command()
def propose(person: Person, reason: Why, as_json: AsJson = False) -> None:
    """Propose that a person's record ends. Another officer approves it; a legal hold forbids it."""
    _step(lambda it, by: it.propose(by, PersonId(person), reason, now()), as_json)


@app.command()
def approve(person: Person, as_json: AsJson = False) -> None:
    """Approve what another officer proposed, and end the record: there is no way back.

    Where it was begun and not done (the hub was away, the command was stopped), approving again has it done.
    """
    _step(lambda it, by: it.approve(by, PersonId(person), now()), as_json)


@app.command()
def hold(person: Person, reason: Why, as_json: AsJson = False) -> None:
    """Set a legal hold: nothing of the person is destroyed while it stands. Refused once the log has the beginning."""
    _step(lambda it, by: it.hold(by, PersonId(person), reason, now()), as_json)


@app.command()
def lift(
    person: Person,
    held: Annotated[str, typer.Argument(metavar="HOLD", help="The hold's reason, as `show` gives it.")],
    reason: Why,
    as_json: AsJson = False,
) -> None:
    """Lift a legal hold."""
    _step(lambda it, by: it.lift(by, PersonId(person), held, reason, now()), as_json)


def _step(take: Callable[[Destroying, KnownPractitioner], Record], as_json: bool) -> None:
    with _officer() as (destroying, by):
        found = take(destroying, by)
    say("logged")
    _say(found, as_json)


@contextmanager
def _officer() -> Iterator[tuple[Destroying, KnownPractitioner]]:
    with officer() as (destroying, by, _):
        yield destroying, by


@contextmanager
def officer() -> Iterator[tuple[Destroying, KnownPractitioner, Settings]]:
    """Give the tools to an officer who may use them; turn what stops a step into the command's end."""
    kit = tools()
    by = readers.reader(kit)
    if by.role != IG_ROLE or by.clearance != CLEARED:
        raise Stop(Exit.REFUSED, "for information governance officers who are cleared for everything only")
    with readers.looking():
        try:
            yield _destroying(kit, by), by, kit.joined
        except Refused as why:
            raise Stop(Exit.REFUSED, str(why)) from None


def _destroying(kit: Tools, by: KnownPractitioner) -> Destroying:
    from agents.adapters.sqlengine import open_engine

    reading = dataclasses.replace(kit.reading, ends=Ends(kit.joined.kafka, _READ))
    engine, keystore = open_engine(kit.joined.database_url), kit.inside.keystore
    cases = Cases(kit.queries, kit.producer, kit.pseudonyms, by)
    return Destroying(reading, HeldOf(engine), keystore, PutAside(engine, keystore), cases.requested)


def _say(found: Record, as_json: bool) -> None:
    told = _told(found)
    if as_json:
        give(told)
    else:
        line("\n".join(f"{name}: {value}" for name, value in told.items() if value not in ("", None, [])))


def _told(found: Record) -> dict[str, Any]:
    at = found.standing
    reached = {"destroyed": at.destroyed, "destroying": at.destroying, "approved": at.approved_by}
    stands = next((name for name, yes in {**reached, "proposed": at.proposal}.items() if yes), "")
    return {
        "person": found.persons[0],
        "class": found.keeping.governs,
        "due": found.keeping.due,
        "unknown": ", ".join(found.keeping.unknown),
        "stands": "held" if at.held else stands,
        "held": ", ".join(at.held),
        "reason": at.reason,
        "proposal": at.proposal,
        "proposed_by": at.proposed_by,
        "approved_by": at.approved_by,
    }


def _periods(periods: tuple[retention.Period, ...]) -> str:
    return ", ".join(f"{one.years} years from {one.trigger}" for one in periods)
