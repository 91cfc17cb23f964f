"""`hearth agreement`: a family's agreement to early help: said as events of the agency, and read."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from agents.adapters.kafka import Ends, KafkaConsumer
from agents.commands.agreement_reading import export, listed
from agents.commands.readers import looking
from agents.commands.shell import AsJson, Exit, Stop, give, say
from agents.commands.tools import Tools, agency_named, now, tools
from agents.sending import Ready
from schemas.codec import from_json
from schemas.errors import Refusal
from schemas.records import Receipt, decode_receipt
from streams.topology import receipts

LONDON = ZoneInfo("Europe/London")
DAY = ["%Y-%m-%d"]
WAIT = 15.0  # seconds for the receipt
app = typer.Typer(no_args_is_help=True, help="A family's agreement to share for early help.")

Agency = Annotated[str, typer.Option("--from", metavar="AGENCY", help="The agency that asked the family.")]
Reference = Annotated[str, typer.Option("--reference", help="The agency's reference of the agreement.")]
Source = Annotated[
    str, typer.Option(help="Where it was given, if not by this command: reference and source together name it.")
]
Persons = Annotated[
    str,
    typer.Option(metavar="FILE", help="JSON list of people (roles agreed-by and for); - is stdin. Never typed here."),
]
Many = list[str]
Capacity = Annotated[
    str, typer.Option(help="By what right they say so (agreement-capacity); as they agreed, or unknown, if left out.")
]
AssessedBy = Annotated[str, typer.Option(help="Who assessed a young person's competence.")]
AssessedOn = Annotated[
    datetime | None, typer.Option(formats=DAY, help="The day of that assessment; the first day if left out.")
]
CompetentFor = Annotated[
    Many | None, typer.Option(help="What information the assessment was about; all of it if left out.")
]
FirstDay = Annotated[datetime | None, typer.Option(formats=DAY, help="First day of it; today if left out.")]

app.command(name="list")(listed)
app.command()(export)


@app.command(name="give")
def given(
    agency: Agency,
    reference: Reference,
    persons: Persons,
    capacity: Annotated[str, typer.Option(help="By what right they agree (agreement-capacity).")],
    purpose: Annotated[Many, typer.Option(help="What may be shared for; repeat for several.")],
    category: Annotated[Many, typer.Option(help="What may be shared; repeat for several.")],
    recipient: Annotated[Many, typer.Option(help="Agencies or roles that may be told; repeat for several.")],
    since: Annotated[datetime | None, typer.Option(formats=DAY, help="First day; today if left out.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAY, help="First day on which it no longer holds.")] = None,
    assessed_by: AssessedBy = "",
    assessed_on: AssessedOn = None,
    competent_for: CompetentFor = None,
    source: Source = "",
    as_json: AsJson = False,
) -> None:
    """Publish that an agreement was given. What waited for it is released."""
    data = {
        "agreement": reference, "capacity": capacity, "purposes": purpose, "categories": category,
        "recipients": recipient, "since": _day(since), "until": _day(until) if until else None,
    } | _assessment(assessed_by, assessed_on, competent_for)  # fmt: skip
    _publish(agency, "AgreementGiven", source, persons, data, _day(since), as_json)


@app.command()
def narrow(
    agency: Agency,
    reference: Reference,
    persons: Persons,
    purpose: Annotated[Many | None, typer.Option(help="What may still be shared for; as before if left out.")] = None,
    category: Annotated[Many | None, typer.Option(help="What may still be shared; as before if left out.")] = None,
    recipient: Annotated[Many | None, typer.Option(help="Who may still be told; as before if left out.")] = None,
    on: FirstDay = None,
    source: Source = "",
    as_json: AsJson = False,
) -> None:
    """Publish that an agreement covers less from now on. What is not named of a kind stays as it was."""
    left = {"purposes": purpose or [], "categories": category or [], "recipients": recipient or []}
    if not any(left.values()):
        raise Stop(Exit.USAGE, "say what is left: --purpose, --category or --recipient; to take all back: withdraw")
    data = {"agreement": reference, **left, "on": _day(on)}
    _publish(agency, "AgreementNarrowed", source, persons, data, _day(on), as_json)


@app.command()
def refuse(
    agency: Agency,
    reference: Reference,
    persons: Persons,
    purpose: Annotated[Many | None, typer.Option(help="What they were asked for; all of it if left out.")] = None,
    on: FirstDay = None,
    capacity: Capacity = "",
    assessed_by: AssessedBy = "",
    assessed_on: AssessedOn = None,
    competent_for: CompetentFor = None,
    source: Source = "",
    as_json: AsJson = False,
) -> None:
    """Publish that somebody was asked and did not agree. A refusal is kept: it is not silence."""
    data = {"agreement": reference, "purposes": purpose or [], "on": _day(on)}
    data |= {"capacity": capacity or None} | _assessment(assessed_by, assessed_on, competent_for)
    _publish(agency, "AgreementRefused", source, persons, data, _day(on), as_json)


@app.command()
def withdraw(
    agency: Agency,
    reference: Reference,
    persons: Persons,
    on: FirstDay = None,
    capacity: Capacity = "",
    assessed_by: AssessedBy = "",
    assessed_on: AssessedOn = None,
    competent_for: CompetentFor = None,
    source: Source = "",
    as_json: AsJson = False,
) -> None:
    """Publish that an agreement was withdrawn. From then on nothing that rested on it is shared.

    It counts whoever is told and under whatever reference: then against all that the same person agreed to before.
    """
    data = {"agreement": reference, "on": _day(on), "capacity": capacity or None}
    data |= _assessment(assessed_by, assessed_on, competent_for)
    _publish(agency, "AgreementWithdrawn", source, persons, data, _day(on), as_json)


def _assessment(by: str, on: datetime | None, about: Many | None) -> dict[str, Any]:
    """Return what an event says of who found a young person able to decide this, when, and about what."""
    return {
        "assessed_by": by or None, "assessed_on": _day(on) if on else None, "competent_categories": about or [],
    }  # fmt: skip


def _publish(
    agency: str, kind: str, source: str, persons: str, data: dict[str, Any], day: str, as_json: bool
) -> None:
    kit, name = tools(), agency_named(agency)
    happened = datetime.combine(date.fromisoformat(day), time(), LONDON).astimezone(UTC)
    people = people_in(persons)
    content = msgspec.json.encode([people, data], order="deterministic").decode()  # of two who say so, both count
    about = {"persons": people, "happened_at": _instant(happened), "recorded_at": _instant(now())}
    event = {
        "specversion": "1.0", "id": kit.pseudonyms.mint("g", name, kind, source, day, content),
        "source": source or f"/hearth/agreements/{name}", "type": f"hearth.agreement.{kind}",
        "data": {"about": about} | data,
    }  # fmt: skip
    published(kit, name, event, as_json)


def published(kit: Tools, name: str, event: dict[str, Any], as_json: bool, **beside: str) -> None:
    """Send an event of the agency `name` (structured JSON), and print its receipt, in JSON with what is `beside` it.

    Ends the command where the event is refused.
    """
    try:
        ready = kit.framing.ready(from_json(event), name)
    except Refusal as refusal:
        raise Stop(Exit.REFUSED, f"{refusal.path}: {refusal.problem}. {refusal.fix}") from None
    receipt = _sent(kit, ready, receipts(name))
    if as_json:
        known = msgspec.to_builtins(receipt) if receipt else {"id": ready.receipt, "status": "no receipt yet"}
        give(beside | known)
    else:
        say(f"{receipt.status if receipt else 'sent, no receipt yet'}: {ready.receipt}")
    if receipt and receipt.status not in ("accepted", "duplicate"):
        raise Stop(Exit.REFUSED, f"{receipt.path}: {receipt.problem}. {receipt.fix}")


def _sent(kit: Tools, ready: Ready, topic: str) -> Receipt | None:
    producer = kit.producer
    answers = KafkaConsumer(kit.joined.kafka, [topic], start=Ends(kit.joined.kafka, [topic])())
    try:
        with looking():
            producer.send([ready.emit])
            producer.flush()
        for _ in range(int(WAIT / 0.2)):
            for record in answers.poll(1000, 0.2):
                receipt = decode_receipt(record.value or b"")
                if receipt.id == ready.receipt:
                    return receipt
        return None
    finally:
        answers.close()


def people_in(file: str) -> Any:
    """Return the JSON list of people that a file, or - for stdin, holds; ends the command where it holds none."""
    try:
        said = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        return msgspec.json.decode(said)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise Stop(Exit.USAGE, "--persons names a file with a JSON list of people, or - for stdin") from None


def _day(said: datetime | None) -> str:
    return (said.date() if said else now().astimezone(LONDON).date()).isoformat()


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
