"""`hearth audit`: is the log whole, is this decision in it, what was decided and why. For IG staff.

They read the log's files, or (`watch`) what its hub shows of them, and public keys. Data goes to stdout, messages to
stderr.
Exit code 0: as it should be; 1: tampered with, or not in the log; 2: asked wrongly; 3: no answer from over there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agents.adapters.keys import LOGS
from agents.commands import auditing, erasing
from agents.commands.auditing import Place
from agents.commands.rebuilding import rebuild
from agents.commands.saying import fail, say, write, write_json
from agents.commands.watch import watch
from agents.ig.exemptions import law_words
from consent.decision import Decision
from consent.explain import explain as explained
from consent.log.recount import Report
from schemas.errors import Refusal

SHOWN_PROBLEMS = 50

app = typer.Typer(no_args_is_help=True, help="Check the log of decisions, and show what stands in it.")
app.command()(watch)
app.command()(rebuild)
app.add_typer(erasing.app, name="erase")

DecisionId = Annotated[str, typer.Argument(metavar="DECISION", help="The decision's id.", show_default=False)]
LogName = Annotated[
    str | None, typer.Option("--log", help="main, or sealed for those cleared; of a copy both.", show_default=False)
]
LogDir = Annotated[Path | None, typer.Option(help="Directory with the logs main/ and sealed/; else this hub's.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="File with the log's public key, or a witness policy; else this hub's.")
]
LogsName = Annotated[str | None, typer.Option("--name", help="What the logs call themselves; else this hub's name.")]
Bundle = Annotated[Path, typer.Argument(help="A proof as `prove` prints it.", show_default=False)]
Witnessed = Annotated[
    list[str] | None,
    typer.Option(help="A cosigned checkpoint kept aside (file), or the address of a witness. May be repeated."),
]
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
    remember: Remember = None,
    witnessed: Witnessed = None,
    as_json: AsJson = False,
) -> None:
    """Recount the logs from their entries: every tile, every root, the signature, every entry that is still kept.

    Give --witnessed or --remember to see also whether a log was cut short, rolled back, or rewritten and signed again:
    nothing in the log itself can tell. The witnesses' public keys stand in the policy that --key names.
    """
    place = Place(log_dir, key, name)
    given = witnessed or []
    reports = [place.verify(one, remember, given) for one in place.logs(log)]
    if missing := [where for where in given if where not in place.of_use]:
        fail(f"{missing[0]} holds no checkpoint of the log.", 2)
    if as_json:
        write_json(reports)
    for report in reports:
        _print_report(report, as_json)
    raise typer.Exit(0 if all(report.ok for report in reports) else 1)


def _print_report(report: Report, as_json: bool) -> None:
    if not as_json:
        unsigned = f"; {report.unsigned} more not signed yet" if report.unsigned else ""
        write(
            f"{report.origin}: {'whole' if report.ok else 'TAMPERED WITH'}. {report.size} entries "
            f"({report.kept} kept, {report.erased} erased), {report.files} files compared, "
            f"root {report.root or '-'}{unsigned}"
        )
    for problem in report.problems[:SHOWN_PROBLEMS]:
        say(f"{report.origin}: {problem.place}: {problem.problem}")
    if len(report.problems) > SHOWN_PROBLEMS:
        say(f"{report.origin}: and {len(report.problems) - SHOWN_PROBLEMS} more")


@app.command()
def keys(name: LogsName = None) -> None:
    """Print both logs' names and public keys, one a line: the file that --key takes on another machine."""
    place = Place(None, None, name)
    write("\n".join(str(place.key(log)) for log in LOGS))


@app.command()
def check(bundle: Bundle, key: KeyFile = None, as_json: AsJson = False) -> None:
    """Check a proof that somebody printed with `prove`, offline, with nothing but the public keys in --key."""
    proof = auditing.read_proof(bundle)
    try:
        checkpoint, cosigned = Place(None, key, None).check(proof)
    except Refusal as refusal:
        fail(f"{bundle}: {refusal.path}: {refusal.problem}", 1)
    found = {"ok": True, "origin": checkpoint.origin, "index": proof.index, "size": checkpoint.size}
    if as_json:
        write_json({**found, "cosigned": [{"witness": one.key.name, "at": one.time} for one in cosigned]})
        return
    write(f"Entry {proof.index} of {checkpoint.size} in {checkpoint.origin}: the proof holds.")
    for one in cosigned:
        write(f"Cosigned by {one.key.name} at {datetime.fromtimestamp(one.time, UTC):%Y-%m-%d %H:%M:%S} UTC.")


@app.command()
def prove(
    decision: DecisionId,
    log: LogName = None,
    log_dir: LogDir = None,
    key: KeyFile = None,
    name: LogsName = None,
    as_json: AsJson = False,  # noqa: ARG001 a proof is JSON either way
) -> None:
    """Print the proof that a decision stands in the log; `hearth audit check FILE --key FILE` checks it anywhere."""
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
    sentences = [*explained(record, law_words()), f"In the log: {auditing.origin(proof)}, entry {proof.index}."]
    if as_json:
        write_json({"id": record.id, "sentences": sentences})
    else:
        write("\n".join(sentences))
