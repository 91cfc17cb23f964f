"""`hearth ig`: what information governance staff do. Decisions, codes and pseudonyms; never what was decided upon.

Each command is for a registered practitioner whose role is ig-officer. What concerns sealed items is for those cleared.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from agents.commands import readers
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.commands.tools import Tools, now, tools
from agents.ig.decisions import IG_ROLE, LOOK, MACHINE, MOST, DecisionLog, Found, Sought
from agents.ig.measures import measures as measured
from agents.ig.period import begins, ends
from consent.decision import Outcome
from consent.explain import engine_of
from consent.explain import explain as explained
from consent.otherwise import otherwise
from schemas.people import KnownPractitioner

DAY = ["%Y-%m-%d"]
SHOWN = ("decided_at", "stage", "outcome", "family", "recipient", "category", "purpose", "ground", "rules")
app = typer.Typer(no_args_is_help=True, help="Search and explain decisions, and answer for them: for IG staff.")

Since = Annotated[datetime | None, typer.Option(formats=DAY, help="First day.", show_default=False)]
Until = Annotated[datetime | None, typer.Option(formats=DAY, help="Last day.", show_default=False)]


def officer(kit: Tools) -> KnownPractitioner:
    """Return the IG officer whose token is shown; ends the command for anybody else."""
    reader = readers.reader(kit)
    if reader.role != IG_ROLE:
        raise Stop(Exit.REFUSED, "this is for information governance staff only")
    return reader


def day(said: datetime | None) -> date | None:
    """Return the day that an option names."""
    return said.date() if said else None


@app.command()
def search(
    family: Annotated[str, typer.Option(help="The family's pseudonym.")] = "",
    recipient: Annotated[str, typer.Option(help="A practitioner's pseudonym, a duty queue, or hub.")] = "",
    ground: Annotated[str, typer.Option(help="A safeguarding ground (s47), or words of the law that was cited.")] = "",
    outcome: Annotated[str, typer.Option(help=f"One of {', '.join(Outcome)}.")] = "",
    rule: Annotated[str, typer.Option(help="The id of a rule that decided.")] = "",
    kind: Annotated[str, typer.Option("--class", help=f"{MACHINE} (the hub decided) or {LOOK} (someone asked).")] = "",
    since: Since = None,
    until: Until = None,
    after: Annotated[str, typer.Option(metavar="DECISION", help="The page after this decision.")] = "",
    most: Annotated[int, typer.Option(min=1, max=MOST, help="How many on a page.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Search the decisions, the latest first. Machine decisions and looks are counted apart."""
    kit = tools()
    log = DecisionLog(kit.queries, officer(kit))
    if (outcome and outcome not in set(Outcome)) or kind not in ("", MACHINE, LOOK):
        raise Stop(Exit.USAGE, f"--outcome is one of {', '.join(Outcome)}; --class is {MACHINE} or {LOOK}")
    sought = Sought(
        family=family, recipient=recipient, ground=ground, outcome=outcome, rule=rule, kind=kind,
        since=begins(day(since)), until=ends(day(until)), after=after, most=most,
    )  # fmt: skip
    page, counts = log.search(sought), log.counts(sought)
    if page is None:
        raise Stop(Exit.USAGE, "--after names no decision")
    if as_json:
        give({"decisions": page.decisions, "next": page.next, "counts": counts})
        return
    for name in (MACHINE, LOOK):
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts[name].items())) or "none"
        rows = [_row(one) for one in page.decisions if one.kind == name]
        table(f"{name} decisions (in all: {said})", ("decision", *SHOWN), rows)
    if page.next:
        say(f"more: --after {page.next}")


def _row(one: Found) -> tuple[object, ...]:
    at = one.decided_at.strftime("%Y-%m-%d %H:%M")
    return (one.id, at, *(getattr(one, name) for name in SHOWN[1:-1]), " ".join(one.rules))


@app.command()
def explain(
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="The decision's id.")], as_json: AsJson = False
) -> None:
    """Say in plain English what was decided, by which rules, on which law, and what would have changed it."""
    kit = tools()
    found = DecisionLog(kit.queries, officer(kit)).one(decision)
    if found is None:
        raise Stop(Exit.REFUSED, "no such decision")
    sentences = explained(found)
    if not as_json:
        line("\n".join(sentences))
        return
    engine = engine_of(found)
    asked = otherwise(engine, found.asked) if found.asked else None
    changed = engine.policy_set != found.policy_set
    give({"decision": found, "sentences": sentences, "policies_changed_since": changed, "otherwise": asked})


@app.command()
def measures(
    since: Annotated[datetime, typer.Option(formats=DAY, help="First day.")],
    until: Annotated[datetime, typer.Option(formats=DAY, help="Last day.")],
    as_json: AsJson = False,
) -> None:
    """Show the numbers of a period with their definitions: grounds, agreements, what is held, referred, looked at."""
    kit = tools()
    log = DecisionLog(kit.queries, officer(kit))
    first, last = begins(day(since)), ends(day(until))
    if first is None or last is None or last <= first:
        raise Stop(Exit.USAGE, "--until is no day before --since")
    found = measured(log, kit.queries, first, last, now())
    if as_json:
        give(found)
        return
    rows = []
    for number, one in enumerate(found):
        again = "″" if number and found[number - 1].measure == one.measure else ""
        share = f"{one.share:.1%}" if one.share is not None else ""
        rows.append((one.measure, one.kind, one.what, f"{one.number:g} {one.unit}", share, again or one.definition))
    table("Measures", ("measure", "class", "what", "number", "share", "definition"), rows)
