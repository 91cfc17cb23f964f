"""`hearth agreement list` and `export`: what a family agreed to, as it stands and as it was known; logged looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from agents.commands import readers
from agents.commands.shell import AsJson, Exit, Purpose, Stop, give, line, table
from agents.commands.tools import now, tools
from consent.agreement_list import Agreement
from consent.agreement_record import agreement_id, consent_records
from streams.agreement_look import Agreements
from streams.timeline import on_day

LONDON = ZoneInfo("Europe/London")
Family = Annotated[str, typer.Argument(metavar="FAMILY", help="The family's id, as `hearth find` gives it.")]
Which = Annotated[str, typer.Argument(metavar="FAMILY|AGREEMENT", help="A family's id, or an agreement's from `list`.")]
KnownAt = Annotated[
    str, typer.Option(metavar="INSTANT", help="As the hub knew it then (2026-03-01T12:00, London); now if left out.")
]


def listed(family: Family, purpose: Purpose = "early-help", known_at: KnownAt = "", as_json: AsJson = False) -> None:
    """Show a family's agreements: who agreed, for whom, by what right, to what, how it stands. The look is logged."""
    found = _look(family, purpose, known_at)
    if as_json:
        give(found)
        return
    for one in found.agreements:
        table(f"{agreement_id(found.family, one)}: {one.state}", ("of the agreement", ""), _rows(one))


def export(which: Which, purpose: Purpose = "early-help", known_at: KnownAt = "", as_json: AsJson = False) -> None:
    """Export agreements as ISO/IEC TS 27560 consent records with DPV terms (JSON-LD). The look is logged."""
    family, _, _ = which.partition(".")
    found = _look(family, purpose, known_at)
    wanted = [one for one in found.agreements if which in (family, agreement_id(found.family, one))]
    on = on_day(found.shown_at)
    made = [record for one in wanted for record in consent_records(found.family, one, on, found.known_at)]
    records: list[dict[str, object]] = readers.shown(made)
    if as_json:
        give(records)
        return
    for record in records:
        line(f"{record['dpv:hasIdentifier']} {record['hearth:state']}")


def _look(family: str, purpose: str, known_at: str) -> Agreements:
    kit, name, wanted = tools(), readers.family_named(family), readers.purpose_named(purpose)
    reader, at = readers.reader(kit), now()
    with readers.looking():
        found: Agreements = readers.shown(kit.reading.agreements(reader, name, wanted, at, _instant(known_at, at)))
    return found


def _rows(one: Agreement) -> list[tuple[str, str]]:
    several = {
        "for": one.whom, "purposes": one.purposes, "categories": one.categories, "recipients": one.recipients,
        "does not speak for": one.outweighed_for, "not told": one.removed,
    }  # fmt: skip
    single = {"by": one.by, "by what right": one.right, "from": one.agency, "since": one.since, "until": one.until,
              "assessed by": one.competence.assessed_by, "assessed on": one.competence.assessed_on}  # fmt: skip
    steps = [(step.act, f"on {step.on}, known to the hub {step.known_at.isoformat()}") for step in one.steps]
    rows = [(name, str(value)) for name, value in single.items() if value]
    return [*rows, *((name, ", ".join(values)) for name, values in several.items() if values), *steps]


def _instant(said: str, at: datetime) -> datetime:
    if not said:
        return at
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise Stop(Exit.USAGE, "--known-at is an instant such as 2026-03-01T12:00") from None
    return (found if found.tzinfo else found.replace(tzinfo=LONDON)).astimezone(UTC)
