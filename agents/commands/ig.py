"""`hearth ig`: what information governance staff do. Decisions, codes and pseudonyms; never what was decided upon.

Each command is for a registered practitioner whose role is ig-officer. What concerns sealed items is for those cleared.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from agents.commands import ig_answers, restricting
from agents.commands.ig_answers import cases_of, holding
from agents.commands.ig_officer import DAY, FirstDay, LastDay, day, officer, period
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.commands.tools import now, tools
from agents.ig.decisions import LOOK, MACHINE, MOST, DecisionLog, Found, Sought
from agents.ig.measures import measures as measured
from agents.ig.period import begins, ends
from consent.decision import Outcome
from consent.explain import engine_of
from consent.explain import explain as explained
from consent.otherwise import otherwise

SHOWN = ("decided_at", "stage", "outcome", "family", "recipient", "category", "purpose", "ground", "rules")
app = typer.Typer(no_args_is_help=True, help="Search and explain decisions, and answer for them: for IG staff.")

Since = Annotated[datetime | None, typer.Option(formats=DAY, help="First day.", show_default=False)]
Until = Annotated[datetime | None, typer.Option(formats=DAY, help="Last day.", show_default=False)]


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
def measures(since: FirstDay, until: LastDay, as_json: AsJson = False) -> None:
    """Show the numbers of a period with their definitions: grounds, agreements, what is held, referred, looked at."""
    kit = tools()
    log = DecisionLog(kit.queries, officer(kit))
    found = measured(log, kit.queries, *period(since, until), now())
    if as_json:
        give(found)
        return
    rows = []
    for number, one in enumerate(found):
        again = "″" if number and found[number - 1].measure == one.measure else ""
        share = f"{one.share:.1%}" if one.share is not None else ""
        rows.append((one.measure, one.kind, one.what, f"{one.number:g} {one.unit}", share, again or one.definition))
    table("Measures", ("measure", "class", "what", "number", "share", "definition"), rows)


@app.command()
def watch(since: FirstDay, until: LastDay, as_json: AsJson = False) -> None:
    """Look through the looks of these days for what should be looked into; prints the cases that this put on the queue.

    Run it again, and it adds nothing twice. A case holds a reference only; `hearth ig explain` reads what it refers to.
    """
    from agents.ig.alike import Comparison  # it loads the whole hub
    from agents.ig.watch import Watch

    period(since, until)
    kit, at = tools(), now()
    reader = officer(kit)
    with holding():
        alike = Comparison(kit.reading, kit.inside.contact, at)
        found = Watch(DecisionLog(kit.queries, reader), cases_of(kit), alike).run(since.date(), until.date(), at)
    give({"cases": found}) if as_json else line("\n".join(found) or "nothing new to look into")


for answer in (
    ig_answers.request, ig_answers.extend, ig_answers.close, ig_answers.cases, ig_answers.because, ig_answers.access,
    ig_answers.review, restricting.restrict, restricting.lift,
):  # fmt: skip
    app.command()(answer)
