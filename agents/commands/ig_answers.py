"""`hearth ig`, the part that answers people: rights requests and their dates, a person's record, a case review."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agents.commands import readers
from agents.commands.ig_officer import DAY, day, officer
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.commands.tools import Tools, now, tools
from agents.ig import breaking
from agents.ig.access import SUBJECT, Access
from agents.ig.cases import OWN, Case, Cases, NotSo
from agents.ig.decisions import kind_of
from agents.ig.exemptions import Choice, Unchosen, law
from agents.ig.plain import Given, Line
from agents.ig.rights import due, rights
from consent.break_glass import STAGE
from consent.decision import Decision
from schemas.errors import Unsealable
from streams.timeline import on_day

KINDS = [name for name in rights().kind if name not in OWN]
Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="A person (p_…) or a family (f_…), by pseudonym.")]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")]


@contextmanager
def holding() -> Iterator[None]:
    """Turn what does not hold into the command's end, and what stops a look too."""
    try:
        with readers.looking():
            yield
    except (NotSo, Unchosen) as wrong:
        raise Stop(Exit.REFUSED, str(wrong)) from None


def cases_of(kit: Tools) -> Cases:
    """Return the queue as the officer whose token is shown has it."""
    reader = officer(kit)
    return Cases(kit.queries, kit.producer, kit.pseudonyms, reader)


def request(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.")],
    subject: Subject,
    received: Annotated[datetime | None, typer.Option(formats=DAY, help="Day of receipt; today if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take in a rights request; prints its case and the last day to answer on."""
    _subject(subject)
    desk, at = cases_of(tools()), now()
    with holding():
        case = desk.open(kind, subject, day(received) or on_day(at), at)
    last = due(rights().kind[kind], day(received) or on_day(at))
    give({"case": case, "due": last}) if as_json else line(f"{case}\nthe last day to answer on: {last}")


def extend(
    case: CaseId,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(rights().reasons)}.")],
    as_json: AsJson = False,
) -> None:
    """Extend a request once, before it falls due; prints its new last day. The person must be told why."""
    desk = cases_of(tools())
    with holding():
        last = desk.extend(case, reason, now())
    give({"case": case, "due": last}) if as_json else line(last.isoformat())


def close(
    case: CaseId,
    outcome: Annotated[str, typer.Option(help=f"One of {', '.join(rights().outcomes)}.")],
    as_json: AsJson = False,
) -> None:
    """Say what came of a case. It stays in the record."""
    desk = cases_of(tools())
    with holding():
        desk.close(case, outcome, now())
    give({"case": case, "outcome": outcome}) if as_json else say(f"closed: {case}")


def cases(
    closed: Annotated[bool, typer.Option("--closed", help="Those that are closed and restrict nothing too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the IG queue, what falls due first in front: rights requests, looks to be looked into, break-glass."""
    every = cases_of(tools()).all(on_day(now()))
    found = [one for one in every if closed or one.status == "open" or one.restricted]
    if as_json:
        give(found)
        return
    columns = ("case", "kind", "about", "received", "due", "status", "closed", "refers to")
    table("IG queue", columns, [_row(one) for one in found])


def _row(one: Case) -> tuple[object, ...]:
    status = f"{one.status}{' (extended)' if one.extended else ''}{' OVERDUE' if one.overdue else ''}"
    if one.restricted:
        status += ", processing restricted"
    if one.escalated_to:
        status += f", now for {one.escalated_to}"
    kind = f"{one.kind}: {one.behaviour}" if one.behaviour else one.kind
    return one.id, kind, one.about, one.received, one.due, f"{status} {one.outcome}", one.closed_on, _refers(one)


def _refers(one: Case) -> str:
    """Name the decision that a case refers to, or how many: `hearth ig case` names them all."""
    return one.refers_to[0] if len(one.refers_to) == 1 else f"{len(one.refers_to)} decisions" if one.refers_to else ""


def case(
    name: Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")], as_json: AsJson = False
) -> None:
    """Show one case as it stands, and what was said of it: when, by whom, with which days and decisions."""
    desk, today = cases_of(tools()), on_day(now())
    found, said = desk.one(name, today), desk.history(name, today)
    if found is None:
        raise Stop(Exit.REFUSED, "no such case")
    if as_json:
        give({"case": found, "history": said})
        return
    for field in found.__struct_fields__:
        if (value := getattr(found, field)) not in ("", None, ()):
            shown = "\n  ".join(("", *value)) if isinstance(value, tuple) else f" {value}"
            line(f"{field.replace('_', ' ')}:{shown}")
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", one.said, one.by, one.due, one.reason or one.outcome, len(one.refers_to) or "")
        for one in said
    ]
    table("History", ("at (UTC)", "what", "by", "due", "reason or outcome", "decisions"), rows)


def because(case: CaseId, as_json: AsJson = False) -> None:
    """Read what a practitioner said when they broke the glass, to review it. It is logged in your name first."""
    kit = tools()
    desk = Access(kit.reading, kit.queries, officer(kit))
    found = cases_of(kit).one(case, on_day(now()))
    if found is None or found.kind != STAGE:
        raise Stop(Exit.REFUSED, "no break-glass has this case")
    try:
        with holding():
            open_key = kit.inside.quarantine_keys.open
            said: str = readers.shown(breaking.because(desk, found, kit.pseudonyms, open_key, now()))
    except Unsealable:
        raise Stop(Exit.REFUSED, "its time is over: the key was destroyed") from None
    give({"case": case, "because": said}) if as_json else line(said)


def access(
    subject: Subject,
    case: Annotated[str, typer.Option(help="Give the record out, in answer to this access request.")] = "",
    requester: Annotated[str, typer.Option(help=f"Who asks: {', '.join(law().requester)}.")] = "",
    choices: Annotated[
        str, typer.Option(metavar="FILE", help='JSON: {"DECISION": {"choice": "release"}}; - is stdin.')
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show who saw what about a person or family: line by line for your choices, or, with --case, as it is given out.

    A choice is `release` or an exemption; a line proposed as `choose` needs one, and one about somebody else may have
    one. Each is logged in your name. Say who asks for the lines too: what a young person may ask for themself is
    not another's by rule.
    """
    _subject(subject)
    kit = tools()
    desk = Access(kit.reading, kit.queries, officer(kit))
    if not case:
        with holding():
            lines: list[Line] = readers.shown(desk.weigh(subject, now(), requester or SUBJECT))
        give(lines) if as_json else _print_lines(lines)
        return
    found = cases_of(kit).one(case, on_day(now()))
    if found is None or (found.kind, found.status, found.about) != ("access", "open", subject):
        raise Stop(Exit.REFUSED, "no open access request of this person or family has this id")
    with holding():
        given: Given = readers.shown(desk.give(subject, requester, _choices(choices), case, now()))
    give(given) if as_json else _print_given(given)


def _print_lines(lines: list[Line]) -> None:
    rows = [(o.decision, f"{o.decided_at:%Y-%m-%d %H:%M}", o.kind, o.who, o.what, o.why, o.proposed) for o in lines]
    table("Lines to weigh", ("decision", "at (UTC)", "class", "who", "what", "why", "proposed"), rows)


def _print_given(given: Given) -> None:
    line(f"{given.title}\nMade on {given.made_on:%d %B %Y}\n")
    for one in given.entries:
        line(f"{one.on:%d %B %Y}: {one.who} {one.did}:")
        for what in one.what:
            line(f"  - {what}")
        line(f"  Why: {one.why}. The law: {one.law}.")
    line("\n".join(part for part in (given.nothing, "", given.left_out, given.complain) if part or given.entries))


def _choices(file: str) -> dict[str, Choice]:
    if not file:
        return {}
    try:
        said = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        return msgspec.json.decode(said, type=dict[str, Choice])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise Stop(Exit.USAGE, "--choices names a JSON file of choices by decision, or - for stdin") from None


def review(
    family: Annotated[str, typer.Argument(metavar="FAMILY", help="The family's pseudonym.")], as_json: AsJson = False
) -> None:
    """Export the chronology of decisions on a family, each with its rules and ground, for a case review."""
    kit, name = tools(), readers.family_named(family)
    desk = Access(kit.reading, kit.queries, officer(kit))
    with holding():
        every: list[Decision] = readers.shown(desk.chronology(name, now()))
    if as_json:
        give(every)
        return
    rows = [
        (f"{one.decided_at:%Y-%m-%d %H:%M}", kind_of(one.stage), one.stage, one.role, one.category, one.outcome.value,
         " ".join(one.rules), "; ".join(p for p in (one.harm_threshold, one.gateway, one.agreement_state) if p), one.id)
        for one in every
    ]  # fmt: skip
    columns = ("at (UTC)", "class", "asked", "recipient", "about", "outcome", "rules", "ground", "decision")
    table(f"Chronology of {family}", columns, rows)


def _subject(said: str) -> None:
    if not (said.startswith(("p_", "f_")) and said.isascii() and said.isprintable() and len(said) < 64):
        raise Stop(Exit.USAGE, "a person's pseudonym begins with p_, a family's with f_")
