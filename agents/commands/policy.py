"""`hearth policy`: the sharing policies put to the test, and what a change of them would change. For IG staff.

All but `replay` read files only: policies and cases. Data goes to stdout, messages to stderr.
Exit code 0: as it should be, or nothing changes; 1: a case fails, something is not covered, a mutant survives, or an
outcome changes; 2: asked wrongly.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import typer

from agents.commands import policy_change
from agents.commands.policy_files import CaseFile, Folder, engines_of, table_of
from agents.commands.shell import AsJson, Exit, Stop, give, line, table
from consent import mutants, policy, sharing, trial
from consent.days import LONDON
from consent.trial import Result
from schemas.errors import Misconfigured

app = typer.Typer(no_args_is_help=True, help="Test the sharing policies; see what a change of them would change.")


@app.command(name="test")
def tried(policies: Folder = policy.HERE, cases: CaseFile = trial.CASES, as_json: AsJson = False) -> None:
    """Put every case to the policies. What fails is printed: what its source expects, what came, by which rules."""
    read = table_of(cases)
    results = trial.run(read.cases, engines_of(policies))
    failed = [result for result in results if result.wrong]
    gaps = trial.gaps(read)
    if as_json:
        give({"cases": len(results), "failed": [_said(result) for result in failed], "gaps": gaps})
    else:
        for result in failed:
            line(_failure(result))
        kinds = Counter(case.kind for case, _ in read.cases)
        rows = [f"{count} {kind}" for kind, count in sorted(kinds.items())]
        asked = sum(not row.none for row in read.rows.values())
        line(f"{len(results)} cases ({', '.join(rows)}) for {asked} rows of law: {len(failed)} failed")
        for gap in gaps:
            line(gap)
    _end(not failed and not gaps)


@app.command()
def coverage(policies: Folder = policy.HERE, cases: CaseFile = trial.CASES, as_json: AsJson = False) -> None:
    """Say which policies no case reaches, and which conditions no case decides."""
    found = mutants.coverage(table_of(cases).cases, engines_of(policies))
    if as_json:
        give(found)
    else:
        for name in found.unreached:
            line(f"no case reaches {name}")
        for condition in found.undecided:
            line(f"no case decides {condition.policy}: {condition.text}")
        reached, decided = found.policies - len(found.unreached), found.conditions - len(found.undecided)
        line(f"policies reached: {reached} of {found.policies} ({_share(reached, found.policies)})")
        line(f"conditions decided: {decided} of {found.conditions} ({_share(decided, found.conditions)})")
    _end(not found.unreached and not found.undecided)


@app.command()
def mutate(policies: Folder = policy.HERE, cases: CaseFile = trial.CASES, as_json: AsJson = False) -> None:
    """Delete and invert every policy and condition, one at a time: each must make a case fail. Takes some minutes."""
    read, engines = table_of(cases).cases, engines_of(policies)
    made = mutants.mutants(read, engines)
    try:
        survived = list(mutants.survivors(read, engines, made))
    except Misconfigured as wrong:
        raise Stop(Exit.REFUSED, str(wrong)) from None
    if as_json:
        give({"mutants": len(made), "survived": [{"policy": m.policy, "what": m.what} for m in survived]})
    else:
        for mutant in survived:
            line(f"no case notices {mutant.policy}: {mutant.what}")
        line(f"{len(made)} mutants, {len(survived)} survived")
    _end(not survived)


app.command()(policy_change.diff)
app.command()(policy_change.replay)


@app.command()
def switches(as_json: AsJson = False) -> None:
    """List the laws that are made and not in force yet: from which day each stands, and on what source."""
    today = datetime.now(LONDON).date()
    listed = [
        {"switch": name, "in_force": name in policy.switched_on(today), "from": one.on_from, "source": one.source,
         "policies": one.policy}
        for name, one in sorted(policy.switches().items())
    ]  # fmt: skip
    if as_json:
        give(listed)
        return
    rows = [
        (one["switch"], "in force" if one["in_force"] else "off", one["from"] or "no day set", one["source"])
        for one in listed
    ]
    table("Laws behind a switch", ("switch", "today", "from", "source"), rows)


@app.command()
def agreements(as_json: AsJson = False) -> None:
    """List the agreements between agencies: between whom, what for, how each stands, and when it runs out."""
    today = datetime.now(LONDON).date()
    listed = [
        {"agreement": one.id, "parties": one.parties, "state": sharing.standing(one, today),
         "purposes": sorted({purpose for covers in one.covers for purpose in covers.purposes}),
         "review_on": one.dates.review_on, "days_left": (one.dates.review_on - today).days}
        for one in sorted(sharing.agreements().values(), key=lambda one: (one.dates.review_on, one.id))
    ]  # fmt: skip
    if as_json:
        give(listed)
        return
    rows = [
        (one["agreement"], "; ".join(one["parties"]), ", ".join(one["purposes"]), one["state"], one["review_on"],
         one["days_left"])
        for one in listed
    ]  # fmt: skip
    columns = ("agreement", "parties", "purposes", "today", "review on", "days left")
    table("Information-sharing agreements, the first to run out in front", columns, rows)
def _failure(result: Result) -> str:
    case = result.case
    words = ", ".join(f"{field} {word}" for field, word in case.set.items()) or "as its base"
    rules = ", ".join(result.ruling.rules)
    return f"{case.name}\n  {result.wrong}\n  source: {case.source}\n  asked: {case.base}: {words}\n  rules: {rules}"


def _said(result: Result) -> dict[str, Any]:
    return {
        "name": result.case.name, "row": result.case.row, "wrong": result.wrong, "source": result.case.source,
        "expected": result.case.expect, "came": result.ruling.outcome, "rules": result.ruling.rules,
        "request": result.request._asdict(),
    }  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 100:.0f} %"


def _end(good: bool) -> None:
    if not good:
        raise Stop(Exit.REFUSED, "not as it should be: see above")
