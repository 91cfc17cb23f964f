"""`hearth audit`: is the log whole, is this decision in it, what was decided and why. For IG staff.

It reads files only: the log, and the log's public key. Data goes to stdout, messages to stderr.
Exit code 0: as it should be; 1: tampered with, or not in the log; 2: asked wrongly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agents.commands import auditing
from agents.commands.auditing import LOGS, Place, fail, say, write, write_json
from consent.decision import Decision
from consent.explain import explain as explained
from consent.log.recount import Report
from schemas.errors import Refusal

SHOWN_PROBLEMS = 50

app = typer.Typer(no_args_is_help=True, help="Check the log of decisions, and show what stands in it.")

DecisionId = Annotated[str, typer.Argument(metavar="DECISION", help="The decision's id.", show_default=False)]
LogName = Annotated[str | None, typer.Option("--log", help="main or sealed; both when left out.", show_default=False)]
LogDir = Annotated[Path | None, typer.Option(help="Directory with the logs main/ and sealed/; else this hub's.")]
KeyFile = Annotated[Path | None, typer.Option("--key", help="File with the log's public key; else this hub's.")]
LogsName = Annotated[str | None, typer.Option("--name", help="What the logs call themselves; else this hub's name.")]
Bundle = Annotated[Path | None, typer.Option(help="Check this proof (from `prove`), with nothing but --key.")]
Remember = Annotated[
    Path | None, typer.Option(help="Directory of your own: compare with the heads kept there, and keep these there.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    log: LogName = None,
    log_dir: LogDir = None,
    key: KeyFile = None,
    name: LogsName = None,
    bundle: Bundle = None,
    remember: Remember = None,
    as_json: AsJson = False,
) -> None:
    """Recount the logs from their entries: every tile, every root, the signature, every entry that is still kept.

    Give --remember to see also whether a log was cut short, rolled back, or rewritten and signed again.
    """
    if bundle is not None:
        _verify_bundle(bundle, Place(log_dir, key, name), as_json)
        return
    place = Place(log_dir, key, name)
    reports = [place.verify(one, remember) for one in ([auditing.named(log)] if log else LOGS)]
    if as_json:
        write_json(reports)
    for report in reports:
        _print_report(report, as_json)
    raise typer.Exit(0 if all(report.ok for report in reports) else 1)


def _print_report(report: Report, as_json: bool) -> None:
    if not as_json:
        write(
            f"{report.origin}: {'whole' if report.ok else 'TAMPERED WITH'}. {report.size} entries "
            f"({report.kept} kept, {report.erased} erased), {report.files} files compared, root {report.root or '-'}"
        )
    for problem in report.problems[:SHOWN_PROBLEMS]:
        say(f"{report.origin}: {problem.place}: {problem.problem}")
    if len(report.problems) > SHOWN_PROBLEMS:
        say(f"{report.origin}: and {len(report.problems) - SHOWN_PROBLEMS} more")


def _verify_bundle(bundle: Path, place: Place, as_json: bool) -> None:
    proof = auditing.read_proof(bundle)
    try:
        checkpoint = place.check(proof)
    except Refusal as refusal:
        fail(f"{bundle}: {refusal.path}: {refusal.problem}", 1)
    found = {"ok": True, "origin": checkpoint.origin, "index": proof.index, "size": checkpoint.size}
    if as_json:
        write_json(found)
    else:
        write(f"Entry {proof.index} of {checkpoint.size} in {checkpoint.origin}: the proof holds.")


@app.command()
def prove(
    decision: DecisionId,
    log: LogName = None,
    log_dir: LogDir = None,
    key: KeyFile = None,
    name: LogsName = None,
    as_json: AsJson = False,  # noqa: ARG001 a proof is JSON either way
) -> None:
    """Print the proof that a decision stands in the log; `verify --bundle FILE --key FILE` checks it anywhere."""
    write_json(Place(log_dir, key, name).proof(decision, log))


@app.command()
def show(
    decision: DecisionId,
    log: LogName = None,
    log_dir: LogDir = None,
    key: KeyFile = None,
    name: LogsName = None,
    as_json: AsJson = False,
) -> None:
    """Print a decision's record, once its proof holds."""
    proof = Place(log_dir, key, name).proof(decision, log)
    record = msgspec.json.decode(proof.entry)
    if as_json:
        write_json({"log": auditing.origin(proof), "index": proof.index, "decision": record})
        return
    write(f"log: {auditing.origin(proof)}\nindex: {proof.index}")
    for field, value in record.items():
        write(f"{field}: {', '.join(value) if isinstance(value, list) else value}")


@app.command()
def explain(
    decision: DecisionId,
    log: LogName = None,
    log_dir: LogDir = None,
    key: KeyFile = None,
    name: LogsName = None,
    as_json: AsJson = False,
) -> None:
    """Say in plain English who was to see what, what was decided, by which rules, on which law and agreement."""
    proof = Place(log_dir, key, name).proof(decision, log)
    try:
        record = msgspec.json.decode(proof.entry, type=Decision)
    except msgspec.ValidationError:
        fail("The entry is in the log, but it is no decision record.", 1)
    sentences = [*explained(record), f"In the log: {auditing.origin(proof)}, entry {proof.index}."]
    if as_json:
        write_json({"id": record.id, "sentences": sentences})
    else:
        write("\n".join(sentences))
