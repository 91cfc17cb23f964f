"""`hearth publish`: an agency's files into the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from agents.adapters.kafka import Ends, KafkaConsumer
from agents.commands.shell import AsJson, Exit, Stop, give, say, table
from agents.commands.tools import Tools, agency_named, now, tools
from agents.ports import NotWritten
from schemas.errors import Misconfigured
from streams.topology import receipts

if TYPE_CHECKING:
    from agents.publishing import Publishing, Tally

SHOWN = 20  # refused rows in the table; --json has up to 1,000
LONDON = ZoneInfo("Europe/London")
Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, readable=True, show_default=False)
]


def publish(
    files: Files,
    agency: Annotated[str, typer.Option("--from", metavar="AGENCY", help="Whose files these are.")],
    format_: Annotated[str, typer.Option("--format", help="Their format, if not told by itself.")] = "",
    columns: Annotated[str, typer.Option("--map", help="Column map: a name, or a TOML file of your own.")] = "",
    establishment: Annotated[str, typer.Option(help="URN of the school, where the file does not say it.")] = "",
    stated_on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Day a list is of.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for receipts.")] = 15.0,
    as_json: AsJson = False,
) -> None:
    """Publish an agency's files: registers, census returns, NHS signals and FHIR, notices, CloudEvents JSON lines.

    A bad row never stops the good ones. It ends with how many events went where, and why the others did not.

    CIN census returns are collected for statistics: publish one only where the information-sharing agreement covers
    this use too.

    It writes to Kafka directly, so it runs on the hub's own machine, where the keys of event ids are; from elsewhere
    use POST /events. Exit code 4: some rows were refused; publish the mended file again, what is stored is recognised.
    """
    from agents.partners import FORMATS, Options  # they take a while to load, and only this command needs them
    from agents.publishing import Publishing

    kit, name = tools(), agency_named(agency)
    if format_ and format_ not in FORMATS:
        raise Stop(Exit.USAGE, f"--format is one of {', '.join(FORMATS)}")
    options = Options(
        key=kit.publishing_key(name), format=format_ or None, columns=columns or None,
        establishment=establishment or None, stated_on=stated_on.date() if stated_on else None, today=_today(),
    )  # fmt: skip
    with _progress() as told:
        tally = _run(kit, Publishing(name, kit.framing, options, told), files, dry_run, wait)
    _end(tally, as_json, dry_run)


def _run(kit: Tools, run: Publishing, files: list[Path], dry_run: bool, wait: float) -> Tally:
    try:
        if dry_run:
            return run.check(files)
        producer = kit.producer
        answers = _from_now(kit.joined.kafka, receipts(run.agency))
        try:
            run.send(files, producer)
            return run.wait(answers, wait)
        finally:
            answers.close()
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    except NotWritten:
        text = f"the broker stopped acknowledging after {run.tally.sent} events: publish again, repeats are recognised"
        raise Stop(Exit.UNREACHABLE, text) from None


def _from_now(bootstrap: str, topic: str) -> KafkaConsumer:
    """Return a reader of what is written to `topic` from now on, however late it is first asked."""
    return KafkaConsumer(bootstrap, [topic], start=Ends(bootstrap, [topic])())


def _today() -> date:
    return now().astimezone(LONDON).date()


@contextmanager
def _progress() -> Iterator[Callable[[Tally], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("reading")

        def told(tally: Tally) -> None:
            said = f"{tally.events} read, {tally.sent} sent, {tally.answered.total()} answered"
            shown.update(task, description=said)

        yield told


def _end(tally: Tally, as_json: bool, dry_run: bool) -> None:
    if as_json:
        give({"dry_run": dry_run} | msgspec.to_builtins(tally))
    else:
        _show(tally, dry_run)
    if not tally.all_taken:
        raise Stop(Exit.SOME_REFUSED, "some rows were refused")


def _show(tally: Tally, dry_run: bool) -> None:
    rows = [("valid", tally.valid, "")] if dry_run else [("sent", tally.sent, "")]
    rows += [(f"  {status}", count, "") for status, count in sorted(tally.answered.items())]
    if tally.unanswered:
        rows.append(("  no receipt yet", tally.unanswered, "ask later: the hub is still at it"))
    first = {one.code: one for one in reversed(tally.refused)}
    rows += [(f"refused: {code}", n, _fix(first.get(code))) for code, n in tally.refused_by.most_common()]
    rows += [(f"to mend: {code}", n, tally.warned[code].fix) for code, n in tally.warned_by.most_common()]
    if tally.blank:
        rows.append(("blank or supporting parts", tally.blank, "nothing to take from them"))
    table("Where it went", ("what", "how many", "how to mend it"), rows)
    wrong = [(one.file, one.where, one.path, one.problem, one.fix) for one in tally.refused[:SHOWN]]
    if wrong:
        table("Refused", ("file", "where", "field", "problem", "fix"), wrong)
        if tally.refused_by.total() > SHOWN:
            say(f"and {tally.refused_by.total() - SHOWN} more: --json tells the first 1,000")
    if tally.later:
        later = [(one.id, one.status, one.path, one.problem, one.fix) for one in tally.later[:SHOWN]]
        table("Refused by the hub", ("receipt", "status", "field", "problem", "fix"), later)


def _fix(one: object) -> str:
    return getattr(one, "fix", "")
