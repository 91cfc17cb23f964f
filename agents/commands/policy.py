"""`hearth policy`: the sharing policies put to the test, and what a change of them would change. For IG staff.

It reads files only: policies, cases, and the log of decisions. Data goes to stdout, messages to stderr.
Exit code 0: as it should be, or nothing changes; 1: a case fails, something is not covered, a mutant survives, or an
outcome changes; 2: asked wrongly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from agents.adapters.log_reader import LogReader
from agents.commands.auditing import LOGS, may_read
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.settings import Settings
from consent import mutants, policy, trial
from consent.decision import Decision, decode
from consent.engine import Engine
from consent.trial import Change, Result
from schemas.errors import Misconfigured, Refusal
from streams.linking import HOLD_ENDED

LONDON = ZoneInfo("Europe/London")
WITHOUT_POLICIES = (*HOLD_ENDED.rules, "nobody-named")  # rules of the hub's own, no policy's
SHOWN = 50  # changes printed; --json prints all

app = typer.Typer(no_args_is_help=True, help="Test the sharing policies; see what a change of them would change.")

Folder = Annotated[Path, typer.Option("--policies", help="A folder of policies; this hub's if left out.")]
CaseFile = Annotated[Path, typer.Option("--cases", help="A table of cases; this hub's if left out.")]
On = Annotated[list[str], typer.Option("--on", metavar="SWITCH", help="Suppose this law in force; repeat for several.")]
New = Annotated[Path, typer.Argument(metavar="NEW", help="The folder of the policies that would be put in force.")]


@app.command(name="test")
def tried(policies: Folder = policy.HERE, cases: CaseFile = trial.CASES, as_json: AsJson = False) -> None:
    """Put every case to the policies. What fails is printed: what its source expects, what came, by which rules."""
    read = _table(cases)
    results = trial.run(read.cases, _engines(policies))
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
    found = mutants.coverage(_table(cases).cases, _engines(policies))
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
    read, engines = _table(cases).cases, _engines(policies)
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


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The folder of the policies as they were.")],
    new: New,
    on: On = [],  # noqa: B006 (Typer reads it, nothing changes it)
    cases: CaseFile = trial.CASES,
    as_json: AsJson = False,
) -> None:
    """Compare two folders of policies: the cases that change, and how many requests one word away from a case do."""
    before, after = _engine(old, []), _engine(new, on)
    read = _table(cases).cases
    changed = trial.compare([(case.name, request) for case, request in read if not case.switches], before, after)
    near = trial.neighbours((request for _, request in read), before.policies.words)
    asked = [("", request) for request in near]
    moved = Counter(_move(change) for change in trial.compare(asked, before, after))
    if as_json:
        give({"cases": [_change(one) for one in changed], "asked": len(asked), "requests": dict(moved)})
    else:
        _print_changes("Cases that change", "case", changed)
        table(f"Of {len(asked)} requests, one word at most from a case", ("change", "requests"), moved.most_common())
    _end(not changed and not moved)


@app.command()
def replay(
    new: New,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the decisions, London time.")],
    on: On = [],  # noqa: B006 (as above)
    log: Annotated[str, typer.Option(help="main, or sealed for those cleared for it.")] = "main",
    log_dir: Annotated[Path | None, typer.Option(help="Directory with the logs; else this hub's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide recorded requests again under other policies; list every outcome that would change. Changes nothing."""
    engine = _engine(new, on)
    start = datetime.combine(since.date(), time(), LONDON).astimezone(UTC)
    decisions = (one for one in _recorded(log, log_dir) if one.decided_at >= start)
    found = trial.replay(decisions, engine, WITHOUT_POLICIES)
    left = {"by_a_person": found.by_a_person, "without_policies": found.without_policies, "not_said": found.not_said}
    if as_json:
        changes = [_change(one) for one in found.changes]
        give({"policy_set": engine.policy_set, "asked": found.asked, "changes": changes, "left_alone": left})
    else:
        _print_changes("Decisions that would change", "decision", found.changes)
        line(f"{found.asked} decisions asked again: {len(found.changes)} would change")
        line(
            f"left alone: {found.by_a_person} by a person, {found.without_policies} made without the policies, "
            f"{found.not_said} whose record does not say what was asked"
        )
    _end(not found.changes)


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


def _table(cases: Path) -> trial.Table:
    try:
        return trial.table(cases)
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


def _engines(folder: Path) -> trial.Engines:
    _engine(folder, [])
    return trial.engines(folder)


def _engine(folder: Path, on: list[str]) -> Engine:
    if not (folder / "hearth.cedarschema").is_file():
        raise Stop(Exit.USAGE, f"{folder} is no folder of policies: it has no hearth.cedarschema")
    try:
        return Engine(on, folder)
    except (Misconfigured, OSError) as wrong:
        raise Stop(Exit.USAGE, f"{folder}: {wrong}") from None


def _recorded(log: str, log_dir: Path | None) -> Iterator[Decision]:
    """Yield the decisions that the log keeps, in order. What was erased, or is no decision, is passed over."""
    if log not in LOGS:
        raise Stop(Exit.USAGE, f"--log is one of {', '.join(LOGS)}")
    if log_dir is None:
        may_read(log)
    directory = (log_dir or Settings.load().log_dir) / log
    try:
        reader = LogReader(directory)
    except FileNotFoundError:
        raise Stop(Exit.USAGE, f"there is no log in {directory}: name one with --log-dir") from None
    bundle = 0
    try:
        while kept := reader.kept(bundle):
            yield from (decode(one.body) for one in kept if one.body is not None)
            bundle += 1
    except (msgspec.MsgspecError, Refusal):
        problem = "the log is damaged, or holds an entry that is no decision: see `hearth audit verify`"
        raise Stop(Exit.REFUSED, problem) from None
    finally:
        reader.close()


def _print_changes(title: str, name: str, changes: Sequence[Change]) -> None:
    rows = [(one.name, _move(one), ", ".join(one.new.rules)) for one in changes[:SHOWN]]
    table(title, (name, "change", "by"), rows)
    if len(changes) > SHOWN:
        say(f"and {len(changes) - SHOWN} more: --json prints all")


def _move(change: Change) -> str:
    old, new = change.old, change.new
    return f"{old.outcome} → {new.outcome}" if old.outcome is not new.outcome else f"{old.outcome}, on another ground"


def _change(change: Change) -> dict[str, Any]:
    rulings = {
        when: {"outcome": ruling.outcome, "rules": ruling.rules, "ground": trial.ground_of(ruling)}
        for when, ruling in (("old", change.old), ("new", change.new))
    }
    return {"name": change.name, **rulings, "request": change.request._asdict()}


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
