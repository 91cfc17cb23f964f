"""`hearth policy diff` and `replay`: what a change of the policies would change, before it is in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from agents.adapters.log_reader import LogReader
from agents.commands.auditing import LOGS
from agents.commands.ig_officer import officer
from agents.commands.policy_files import CaseFile, engine_of, in_force, table_of
from agents.commands.shell import AsJson, Exit, Stop, give, line, say, table
from agents.commands.tools import Tools, tools
from agents.ig.own import Own, own_families
from agents.settings import Settings
from consent import minimise, sharing, trial
from consent.days import LONDON
from consent.decision import Decision, decode
from consent.explain_words import NO_POLICY
from consent.replay import Replay
from consent.replay import replay as replayed
from consent.trial import Change
from schemas.errors import Misconfigured, Refusal
from schemas.ids import PractitionerId
from schemas.people import KnownPractitioner

SHOWN = 50  # changes printed; --json prints all

On = Annotated[
    list[str], typer.Option("--on", metavar="SWITCH", help="Suppose this law in force under NEW; repeat for several.")
]
New = Annotated[Path, typer.Argument(metavar="NEW", help="The folder of the policies that would be put in force.")]


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The folder of the policies as they were.")],
    new: New,
    on: On = [],  # noqa: B006 (Typer reads it, nothing changes it)
    cases: CaseFile = trial.CASES,
    as_json: AsJson = False,
) -> None:
    """Compare two folders of policies: the cases that change, and how many requests one word away from a case do.

    Each as of today by the days of its own switches. A case that supposes a law in force supposes it of both, unless
    the law is what comes into force with NEW.
    """
    read = table_of(cases)
    was, would = in_force(old), in_force(new, on)
    unasked = trial.unasked(engine_of(old, was).policies.minimising, engine_of(new, would).policies.minimising)
    changed: list[Change] = []
    moved: Counter[str] = Counter()
    asked = 0
    for switches in sorted({case.switches for case, _ in read.cases}):
        mine = [(case, request) for case, request in read.cases if case.switches == switches]
        before = engine_of(old, {*was, *switches} - (set(would) - set(was)))
        after = engine_of(new, {*would, *switches})
        changed += trial.compare([(case.name, request) for case, request in mine], before, after)
        near = [("", one) for one in trial.neighbours((request for _, request in mine), before.policies.words)]
        moved.update(_move(change) for change in trial.compare(near, before, after))
        asked += len(near)
    if as_json:
        said = {"cases": [_change(one) for one in changed], "asked": asked, "requests": dict(moved)}
        give(said | {"not_asked": unasked})
    else:
        _print_changes("Cases that change", "case", changed)
        table(f"Of {asked} requests, one word at most from a case", ("change", "requests"), moved.most_common())
    _end(bool(changed or moved), unasked)


def replay(
    new: New,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the decisions, London time.")],
    on: On = [],  # noqa: B006 (as above)
    agreements: Annotated[
        Path, typer.Option("--sharing", help="A folder of sharing agreements; this hub's, as now, if left out.")
    ] = sharing.HERE,
    log: Annotated[str, typer.Option(help="main, sealed or all; all that you are cleared for if left out.")] = "",
    log_dir: Annotated[Path | None, typer.Option(help="Directory with the logs; else this hub's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide recorded requests again under other policies; list every answer that would change. Changes nothing.

    For IG officers: none of their own families' decisions, and the sealed log for those cleared for it. How a sharing
    agreement stood is worked out anew for each day; all else is asked as it was recorded.
    """
    engine, sharing_agreements = engine_of(new, in_force(new, on)), _agreements(agreements)
    if log not in ("", "all", *LOGS):
        raise Stop(Exit.USAGE, f"--log is one of {', '.join(LOGS)}, or all")
    kit = tools()
    reader = officer(kit)
    logs, own = _logs(log, reader), own_families(kit.queries, reader)
    start = datetime.combine(since.date(), time(), LONDON).astimezone(UTC)
    decisions = (one for name in logs for one in _recorded(name, log_dir) if _asks(one, start, own))
    found = replayed(decisions, engine, NO_POLICY, sharing_agreements, _agency_of(kit))
    unasked = trial.unasked(minimise.rules(), engine.policies.minimising)
    if as_json:
        changes, left = [_change(one) for one in found.changes], _left_alone(found)
        said = {"policy_set": engine.policy_set, "logs": logs, "asked": found.asked, "changes": changes}
        give(said | {"left_alone": left, "agreement_as_recorded": found.as_recorded, "not_asked": unasked})
    else:
        _print_replay(found, logs)
    _end(bool(found.changes), unasked)


def _left_alone(found: Replay) -> dict[str, int]:
    return {
        "by_a_person": found.by_a_person, "without_policies": found.without_policies, "not_said": found.not_said,
        "erased": found.erased,
    }  # fmt: skip


def _print_replay(found: Replay, logs: Sequence[str]) -> None:
    _print_changes("Decisions that would change", "decision", found.changes)
    line(f"{found.asked} decisions of log {' and '.join(logs)} asked again: {len(found.changes)} would change")
    line(
        f"left alone: {found.by_a_person} by a person, {found.without_policies} made without the policies, "
        f"{found.not_said} whose record does not say what was asked, {found.erased} erased (of whatever day)"
    )
    if found.as_recorded:
        line(f"{found.as_recorded} asked with the sharing agreement as recorded: their recipient is not known any more")


def _logs(log: str, reader: KnownPractitioner) -> tuple[str, ...]:
    cleared = reader.clearance == "sealed"
    if log in ("sealed", "all") and not cleared:
        raise Stop(Exit.REFUSED, "the sealed log is for those cleared for it")
    return LOGS if log == "all" or (not log and cleared) else (log or "main",)


def _agreements(folder: Path) -> dict[str, sharing.SharingAgreement]:
    try:
        found = sharing.agreements_in(folder)
    except (Misconfigured, OSError) as wrong:
        raise Stop(Exit.USAGE, f"{folder}: {wrong}") from None
    if not found:
        raise Stop(Exit.USAGE, f"{folder} holds no sharing agreement")
    return found


def _asks(one: Decision | None, start: datetime, own: Own) -> bool:
    return one is None or (one.decided_at >= start and not own.hides(one.family, one.log))


def _agency_of(kit: Tools) -> Callable[[Decision], str | None]:
    """Return what tells a recipient's agency, as the hub knows them now."""
    from agents import bootstrap

    known: dict[str, str | None] = {"hub": "hub", **{queue.id: queue.agency for queue in bootstrap.QUEUES}}

    def agency(decision: Decision) -> str | None:
        if decision.recipient not in known:
            found = kit.queries.practitioner(PractitionerId(decision.recipient))
            known[decision.recipient] = found.agency if found else None
        return known[decision.recipient]

    return agency


def _recorded(log: str, log_dir: Path | None) -> Iterator[Decision | None]:
    """Yield the decisions that the log keeps, in order; None for one that was erased."""
    directory = (log_dir or Settings.load().log_dir) / log
    try:
        reader = LogReader(directory)
    except FileNotFoundError:
        raise Stop(Exit.USAGE, f"there is no log in {directory}: name one with --log-dir") from None
    bundle = 0
    try:
        while kept := reader.kept(bundle):
            yield from (None if one.body is None else decode(one.body) for one in kept)
            bundle += 1
    except (msgspec.MsgspecError, Refusal):
        problem = "the log is damaged, or holds an entry that is no decision: see `hearth audit verify`"
        raise Stop(Exit.REFUSED, problem) from None
    finally:
        reader.close()


def _print_changes(title: str, name: str, changes: Sequence[Change]) -> None:
    rows = [(one.name, _move(one), _fields(one), ", ".join(one.new.rules)) for one in changes[:SHOWN]]
    table(title, (name, "change", "fields", "by"), rows)
    if len(changes) > SHOWN:
        say(f"and {len(changes) - SHOWN} more: --json prints all")


def _move(change: Change) -> str:
    old, new = change.old, change.new
    if old.outcome is not new.outcome:
        return f"{old.outcome} → {new.outcome}"
    parts = (
        ("on another ground", trial.ground_of(old) != trial.ground_of(new)),
        ("with other fields", bool(change.gained or change.lost)),
        ("with another review", old.review_days != new.review_days),
        ("with an error" if new.errors else "without its error", bool(old.errors) != bool(new.errors)),
    )
    return ", ".join([str(new.outcome), *(said for said, differs in parts if differs)])


def _fields(change: Change) -> str:
    return " ".join([*(f"+{name}" for name in change.gained), *(f"-{name}" for name in change.lost)])


def _change(change: Change) -> dict[str, Any]:
    rulings = {
        when: {
            "outcome": ruling.outcome, "rules": ruling.rules, "ground": trial.ground_of(ruling),
            "review_days": ruling.review_days,
        }
        for when, ruling in (("old", change.old), ("new", change.new))
    }  # fmt: skip
    fields = {"gained": change.gained, "lost": change.lost}
    return {"name": change.name, **rulings, "fields": fields, "request": change.request._asdict()}


def _end(changes: bool, unasked: Sequence[str]) -> None:
    """End with 1 where anything changes, or may: that is an answer, and nothing that went wrong."""
    if unasked:
        say(f"minimise.toml differs in {', '.join(unasked)}: that looks at items, and is not asked of requests")
    if changes or unasked:
        raise Stop(Exit.REFUSED, "NEW would change what is decided: see above")
