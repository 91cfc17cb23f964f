"""`hearth schemas`: the contracts of what agencies publish."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
import typer

from agents.commands.shell import AsJson, Exit, Stop, give, line, table
from schemas.codec import check as check_event
from schemas.codec import from_json
from schemas.contract import Contract, contracts
from schemas.errors import Misconfigured, Refusal
from schemas.records import CloudEvent
from schemas.registry import reads_all
from schemas.samples import sample

app = typer.Typer(no_args_is_help=True, help="List the event types; check contracts, versions and samples.")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List every event type: who may publish it, what it holds, where it goes, its schema's pinned id."""
    found = [contract for _, contract in sorted(loaded().items())]
    if as_json:
        give([_told(contract) for contract in found])
    else:
        _show(found)


def _show(found: list[Contract]) -> None:
    everyone = max(len(one.agencies) for one in found)
    who = ["any" if len(one.agencies) == everyone else ", ".join(one.agencies) for one in found]
    rows = [(c.type, by, c.category, c.goes, c.schema_id, c.version) for c, by in zip(found, who, strict=True)]
    table("Event types", ("type", "agencies", "category", "goes to", "schema id", "version"), rows)


@app.command()
def show(
    event_type: Annotated[str, typer.Argument(metavar="TYPE", help="As `hearth schemas list` names it.")],
    as_json: AsJson = False,
) -> None:
    """Print one valid event of a type, about made-up people: what to send by HTTP or in a JSON lines file."""
    if event_type not in loaded():
        raise Stop(Exit.USAGE, "no such event type: see `hearth schemas list`")
    event = sample(event_type)
    if as_json:
        give(event)
    else:
        line(msgspec.json.encode(event).decode())


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check that pins fit, that every version reads all earlier ones (BACKWARD_TRANSITIVE), that samples are valid."""
    found = loaded()
    problems = [f"{name}: {problem}" for name, contract in sorted(found.items()) for problem in _problems(contract)]
    if as_json:
        give({"types": sorted(found), "problems": problems})
    else:
        _show([contract for _, contract in sorted(found.items())])
        line(f"{len(found)} event types, {len(problems)} problems")
    if problems:
        raise Stop(Exit.REFUSED, "\n".join(problems))


def loaded() -> dict[str, Contract]:
    """Return the contracts; a file that does not hold together ends the command."""
    try:
        return contracts()
    except Misconfigured as wrong:
        raise Stop(Exit.REFUSED, str(wrong)) from None


def _told(contract: Contract) -> dict[str, Any]:
    told = msgspec.structs.asdict(contract)
    return {name: told[name] for name in ("type", "doc", "agencies", "category", "goes", "schema_id", "version")}


def _problems(contract: Contract) -> list[str]:
    versions = [json.dumps(one.schema) for one in (*contract.previous, contract)]
    unread = [at + 1 for at in range(1, len(versions)) if not reads_all(versions[at], versions[:at])]
    return [f"version {at} does not read every earlier one" for at in unread] + _sample_problems(contract)


def _sample_problems(contract: Contract) -> list[str]:
    """A sample is one agency's: it must be sound, without a remark, for one of those that publish its type."""
    try:
        event = from_json(sample(contract.type))
    except KeyError:
        return ["it has no sample"]
    except Refusal as refusal:
        return [f"its sample is refused: {refusal}"]
    found = [_sample_problem(event, agency) for agency in contract.agencies]
    return [] if "" in found else found[:1]


def _sample_problem(event: CloudEvent, agency: str) -> str:
    try:
        remarks = check_event(event, agency)
    except Refusal as refusal:
        return f"its sample is refused: {refusal}"
    return f"its sample is remarked on at {remarks[0].path}" if remarks else ""
