"""`make demo`: a hub on embedded defaults, a made-up county played through it, and what came of it.

`--once` ends by itself when everything was shown; `--families` and `--weeks` change the county; `--json` prints the
figures as one document on stdout.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents import bootstrap, cli, hub, logging
from agents.adapters.kafka import KafkaProducer
from agents.adapters.settled import Settled
from agents.commands.shell import give, line, say, table
from agents.commands.tools import Tools
from agents.demo.county import County
from agents.demo.stories import stories
from agents.demo.teller import Professional, Story
from agents.queries import Queries
from agents.settings import Settings
from schemas.codec import encode_binary
from schemas.records import CloudEvent
from streams.outcome import Emit
from streams.topology import inbound

_AT_ONCE = 1000
_MOST_BEHIND = 3000
_PATIENCE = 120.0  # seconds until the demo says that it cannot keep up


def main() -> int:
    """Play the county, show what came of it, and wait for Ctrl-C."""
    said = _arguments()
    logging.set_up("demo")
    began = time.monotonic()
    settings = replace(Settings.load(), kafka="", embedded=True, partitions=4)
    running = hub.start(settings, say)
    try:
        _play(running, said, began)
        if not said.once:
            say("Ctrl-C ends it and leaves nothing running.")
            running.wait()
    except KeyboardInterrupt:
        pass
    finally:
        running.stop()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--families", type=int, default=300, help="how many families the county has")
    parser.add_argument("--weeks", type=int, default=2, help="school weeks of attendance for each pupil")
    parser.add_argument("--once", action="store_true", help="end by itself when everything was shown")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on stdout")
    return parser.parse_args()


def _play(running: hub.Hub, said: argparse.Namespace, began: float) -> None:
    today = datetime.now(UTC).date()
    environ = {**os.environ, **running.settings.environ()}
    kit = Tools(environ)
    told = stories(today)
    events = [pair for story in told for pair in story.events]
    events += County(said.families, today, said.weeks).events()
    spoilt = _spoilt(told[0])
    events.sort(key=_as_they_come)
    settled = Settled(running.settings.kafka, bootstrap.ENGINE_NAME)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=_stderr()
    ) as progress:
        _publish(kit, events, spoilt, progress, settled)
        _wait(settled, kit.queries, len(events) + len(spoilt), progress)
    settled.close()
    _show(kit, said, told, environ, time.monotonic() - began, len(events) + len(spoilt))


def _as_they_come(told: tuple[str, CloudEvent]) -> tuple[bool, datetime]:
    """First who is who, as a hub is filled before it opens; then the registers, session by session."""
    mark = told[1].type.endswith("AttendanceRecorded")
    return mark, told[1].data["about"]["recorded_at"]


def _stderr() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _spoilt(story: Story) -> list[Emit]:
    """Three records as real publishers send them: a retired code, an impossible order of dates, and no Avro at all."""
    marks = [(a, e) for a, e in story.events if e.type.endswith("AttendanceRecorded")][:2]
    (agency, first), (_, second) = marks
    retired = CloudEvent("spoilt-1", first.source, first.type, {**first.data, "code": "H"})
    about = {**second.data["about"], "recorded_at": datetime(2020, 1, 1, tzinfo=UTC)}
    backwards = CloudEvent("spoilt-2", second.source, second.type, {**second.data, "about": about})
    made = []
    for event in (retired, backwards):
        record = encode_binary(event)
        made.append(Emit(inbound(agency), event.id, record.value or b"", record.headers))
    return [*made, Emit(inbound(agency), "spoilt-3", b"\x00not avro", made[0].headers)]


def _publish(
    kit: Tools, events: list[tuple[str, CloudEvent]], spoilt: list[Emit], progress: Progress, settled: Settled
) -> None:
    """Publish no faster than the hub works: the embedded broker drops what is older than a few megabytes."""
    producer = KafkaProducer(kit.joined.kafka)
    bar = progress.add_task("published", total=len(events) + len(spoilt))
    for start in range(0, len(events), _AT_ONCE):
        part = events[start : start + _AT_ONCE]
        producer.send([kit.framing.ready(event, agency).emit for agency, event in part])
        producer.flush()
        progress.advance(bar, len(part))
        while settled.behind() > _MOST_BEHIND:
            time.sleep(0.02)
    producer.send(spoilt)
    producer.flush()
    progress.advance(bar, len(spoilt))


def _wait(settled: Settled, queries: Queries, expected: int, progress: Progress) -> None:
    """Wait until every event has its receipt, and every stage has worked through all that came of it."""
    bar = progress.add_task("worked through", total=expected)
    until = time.monotonic() + _PATIENCE
    while (done := sum(queries.receipt_counts().values())) < expected and time.monotonic() < until:
        progress.update(bar, completed=done)
        time.sleep(0.1)
    progress.update(bar, completed=expected)
    settled.wait(until - time.monotonic(), queries.positions)


def _show(
    kit: Tools, said: argparse.Namespace, told: list[Story], environ: dict[str, str], seconds: float, events: int
) -> None:
    queries, burden = kit.queries, kit.queries.burden()
    figures = {
        "events": events,
        "seconds": round(seconds, 1),
        "receipts": queries.receipt_counts(),
        "items": queries.standing(),
        "review": queries.review_counts(),
        "quarantine": queries.quarantine_counts(),
        "decisions": queries.decided(),
        "burden": burden,
    }
    if said.json:
        give(figures)
        return
    lead = next(e for _, e in told[0].events if e.type.endswith("LeadProfessionalAssigned"))
    worker = Professional(**lead.data["practitioner"])
    reader = _reader(kit, worker)
    family = _family(kit, told[0])
    line(f"\n{told[0].title}\n")
    asked = {**environ, "HEARTH_TOKEN": reader}
    _run(["timeline", family, "--purpose", "safeguarding"], asked)
    _run(["alerts"], asked)
    table("The twelve stories", ("", "story"), [(n, s.title) for n, s in enumerate(told, 1)])
    _counts("What became of the events (receipts)", figures["receipts"])
    _counts("Where the items stand", figures["items"])
    _counts("In review: a person decides", figures["review"])
    _counts("In quarantine: unreadable, or breaks the contract", figures["quarantine"])
    table(
        "Alert burden",
        ("families", "with an open alert", "open alerts", "withdrawn"),
        [(burden.families, burden.families_with_alert, burden.open, burden.withdrawn)],
    )
    _counts("Open alerts by rule", burden.by_rule)
    _run(["audit", "verify"], environ)
    line(f"\n{events} events from {len(told)} stories and {said.families} families in {seconds:.1f} s.\n")
    home = environ["HEARTH_HOME"]
    line(f"Look for yourself, in another terminal:\n  export HEARTH_HOME={home} HEARTH_TOKEN={reader}")
    line(f"  {sys.prefix}/bin/hearth timeline {family} --purpose safeguarding")
    line(f"  {sys.prefix}/bin/hearth who {family}\n  {sys.prefix}/bin/hearth alerts --watch")
    line(f"  {sys.prefix}/bin/hearth audit verify\nHTTP door: http://{kit.joined.http_host}:{kit.joined.http_port}/samples")


def _reader(kit: Tools, worker: Professional) -> str:
    """Issue a reader token for the practitioner, as `hearth practitioner token` does."""
    from datetime import timedelta

    name = kit.pseudonyms.practitioner(worker.agency, worker.id)
    secret, _ = kit.tokens.issue("reader", name, worker.agency, (), timedelta(days=1))
    return str(secret)


def _family(kit: Tools, story: Story) -> str:
    child = next(e for _, e in story.events if e.type.endswith("RelationshipStated")).data["about"]["persons"][0]
    number = next(i["value"] for i in child["identifiers"] if i["system"] == "nhs-number")
    person = kit.queries.identify(kit.pseudonyms.identifier("nhs-number", number, "health"))
    known = kit.queries.person(person) if person else None
    if known is None or known.home is None:
        raise SystemExit("the first story's family did not arrive")
    return known.home


def _run(arguments: list[str], environ: dict[str, str]) -> None:
    """Run a command as a user would, and show what it prints."""
    line(f"$ hearth {' '.join(arguments)}")
    os.environ.update(environ)
    cli.run(arguments)


def _counts(title: str, counts: dict[str, int]) -> None:
    table(title, ("", "count"), sorted(counts.items()) or [("none", 0)])


if __name__ == "__main__":
    sys.exit(main())
