"""`hearth alerts`: the alerts that stand with you, what each says, and what became of it."""

from __future__ import annotations

from contextlib import suppress
from time import sleep
from typing import Annotated

import msgspec
import typer

from agents.alerting import ACKNOWLEDGED, HANDED_OVER, OUTCOME, Alerting, AlertSaid
from agents.commands import readers
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.commands.tools import Tools, agency_named, now, tools
from schemas.people import KnownPractitioner
from streams.notice import Alert, AlertRecord, Reason

LOOK_EVERY = 2.0  # seconds
DID = ("spoke-with-family", "spoke-with-colleagues", "assessment", "support-offered", "referral", "nothing-needed")
AlertId = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")]
app = typer.Typer(invoke_without_command=True, help="Show the alerts that stand with you; say what became of one.")


@app.callback()
def alerts(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Stay, and show alerts as they come or change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the open alerts that stand with you: sent to you, to your duty queue, or handed over to you."""
    if context.invoked_subcommand is not None:
        return
    with suppress(KeyboardInterrupt):
        _follow(tools(), watch, as_json)


def _follow(kit: Tools, watch: bool, as_json: bool) -> None:
    desk, reader = alerting(kit), readers.reader(kit)
    known: set[tuple[str, int]] = set()
    while True:
        found = [one for one in desk.mine(reader) if (one.id, one.revision) not in known]
        known |= {(one.id, one.revision) for one in found}
        _show(desk, reader, found, as_json, watch)
        if not watch:
            return
        sleep(LOOK_EVERY)
        reader = readers.reader(kit)


@app.command()
def ack(alert: AlertId, as_json: AsJson = False) -> None:
    """Say that you have read an alert and take it on."""
    _said(alert, as_json, ACKNOWLEDGED)


@app.command()
def handover(
    alert: AlertId,
    to: Annotated[str, typer.Option(metavar="AGENCY:NUMBER", help="The colleague: agency and staff number.")],
    as_json: AsJson = False,
) -> None:
    """Hand an alert over to a colleague whom the same subscriber reaches, and who may see what it says."""
    agency, _, number = to.partition(":")
    kit = tools()
    name = kit.pseudonyms.practitioner(agency_named(agency), number)
    colleague = kit.inside.directory.practitioner(name)
    desk, record = alerting(kit), _mine(kit, alert)
    eligible = colleague is not None and colleague.active and colleague.subscriber == record.subscriber
    with readers.looking():
        if colleague is None or not eligible or not desk.may_open(colleague, record, now()):
            raise Stop(Exit.REFUSED, "this colleague may not be told: not registered, another team, or not eligible")
    _said(alert, as_json, HANDED_OVER, to=name)


@app.command()
def outcome(
    alert: AlertId,
    did: Annotated[str, typer.Option(help=f"What you did: {', '.join(DID)}.")],
    useful: Annotated[bool, typer.Option("--useful/--not-useful", help="Whether the alert was of use.")] = True,
    as_json: AsJson = False,
) -> None:
    """Say what became of an alert: whether it was useful, and what was done."""
    if did not in DID:
        raise Stop(Exit.USAGE, f"--did is one of {', '.join(DID)}")
    _said(alert, as_json, OUTCOME, did=did, useful=useful)


def alerting(kit: Tools) -> Alerting:
    """Return the tools of alerts over a command's tools."""
    from agents import bootstrap  # it takes a while to load

    return Alerting(kit.queries, kit.reading, bootstrap.QUEUES)


def _mine(kit: Tools, alert: str) -> AlertRecord:
    record = alerting(kit).of(readers.reader(kit), alert)
    if record is None:
        raise Stop(Exit.REFUSED, "no such alert stands with you")
    return record


def _said(alert: str, as_json: bool, kind: str, **more: object) -> None:
    kit = tools()
    record, reader = _mine(kit, alert), readers.reader(kit)
    said = AlertSaid(record.id, record.revision, kind, reader.practitioner, now(), **more)  # type: ignore[arg-type]
    with readers.looking():
        alerting(kit).say(said)
    if as_json:
        give(said)
    else:
        say(f"{kind.replace('-', ' ')}: {record.id}")


def _show(
    desk: Alerting, reader: KnownPractitioner, found: list[AlertRecord], as_json: bool, watch: bool
) -> None:
    opened = []
    with readers.looking():
        for record in found:
            alert = desk.open(reader, record, now())
            if alert is not None:
                opened.append((alert, _state(desk, record)))
    if as_json and watch:
        for alert, state in opened:
            line(msgspec.json.encode(_told(alert, state)).decode())
    elif as_json:
        give([_told(alert, state) for alert, state in opened])
    else:
        for alert, state in opened:
            _print(alert, state)
        if not opened and not watch:
            say("no open alert stands with you")


def _state(desk: Alerting, record: AlertRecord) -> str:
    said = desk.said(record.id)
    return said[-1].kind if said else "new"


def _told(alert: Alert, state: str) -> dict[str, object]:
    return {"state": state} | msgspec.to_builtins(alert)


def _print(alert: Alert, state: str) -> None:
    names = {one.person: one.name or one.person for one in alert.about}
    line(f"\n{alert.title}  [{alert.level}, {state}]")
    line(f"alert {alert.id}, revision {alert.revision}, {alert.changed_at:%Y-%m-%d %H:%M} UTC; family {alert.family}")
    line(f"{alert.prompt}\nYou see this because {alert.why_you}. What would make it go away: {alert.goes_away}")
    rows = [(one.on, names.get(one.person, one.person), _what(one), one.agency, one.ground) for one in alert.reasons]
    table("Why", ("on", "about", "what", "from", "ground"), rows)
    if alert.strengths:
        strengths = [(one.on, names.get(one.person, ""), one.what) for one in alert.strengths]
        table("Strengths", ("on", "about", "what"), strengths)
    rows = [(one.name, one.role, one.team, one.phone, one.email) for one in alert.colleagues]
    if rows:
        table("Who else works with the family", ("name", "role", "team", "phone", "email"), rows)


def _what(reason: Reason) -> str:
    counted = f": absent {reason.absent} of {reason.possible} sessions" if reason.possible else ""
    return reason.what.replace("-", " ") + counted
