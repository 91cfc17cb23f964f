"""(c) The same three stages on Hearth's engine and driven by a Quix Streams application: one process each, no log, no
tables. The same events on the same topics; the clock runs from the first record a stage takes to the last it is done
with.
"""

from __future__ import annotations

from datetime import UTC, datetime

from streams import topology
from tests.bench.feed import Feed, feed
from tests.bench.ground import QUIX_PYTHON, Failed, Ground
from tests.bench.hub import BenchHub, Group
from tests.bench.report import Figures
from tests.bench.whole import events_asked

GROUP = "bench-quix"


class QuixHub(BenchHub):
    """The hub's stages in a Quix Streams application."""

    def start(self, desk: bool = True) -> None:
        del desk  # its stages run alone
        topics = [*(topology.inbound(a) for a in self.agencies), topology.IN_FORWARDED, topology.IDENTITY_QUEUE,
                  topology.FAMILY_ITEMS]  # fmt: skip
        self.stages.close()
        self.stages = Group(self, GROUP, topics)
        arguments = (str(self.meter_file("worker-0")), str(self.settings.state_dir))
        self.processes["worker-0"] = self.ground.child(
            "tests.bench.quix_stages", *arguments, log=self.settings.home / "quix.txt", python=QUIX_PYTHON,
            environ=self.settings.environ(),
        )  # fmt: skip


def run(ground: Ground, repeats: int) -> Figures:
    """Return events/s and CPU per event of both, and the ratio."""
    figures = Figures()
    if not QUIX_PYTHON.exists():
        raise Failed(f"no Quix Streams at {QUIX_PYTHON}: `make bench` installs it")
    count = events_asked(ground, 20_000)
    home, said = ground.room("piped"), None
    for number in range(repeats):
        kinds = (("Hearth", BenchHub), ("Quix", QuixHub))
        for name, kind in kinds if number % 2 == 0 else kinds[::-1]:
            ground.say(f"(c) the same pipeline, {count:,} events: {name}, run {number + 1} of {repeats}")
            hub = kind(ground, home)
            said = said or feed(hub.framing, count, datetime.now(UTC).date())
            _measure(hub, name, figures, said, count)
            hub.close()
    figures.ratio("events/s, Hearth ÷ Quix", "Hearth events/s", "Quix events/s", at_least=1.0)
    return figures


def _measure(hub: BenchHub, name: str, figures: Figures, said: Feed, count: int) -> None:
    hub.known(said.known, desk=False)
    receipts = [topology.receipts(agency) for agency in hub.agencies]
    before = hub.counted(*receipts)
    hub.publish(said.measured)
    hub.start(desk=False)
    hub.drained(desk=False)
    accepted = hub.counted(*receipts) - before
    if accepted < count:
        raise Failed(f"{name}: {count} events were published and {accepted} got a receipt")
    readings = hub.readings("worker-0")
    stages = readings.lines()[-1]["stages"].values()
    begin, end = min(s["begun"] for s in stages if s["begun"]), max(s["ended"] for s in stages)
    first, last = readings.between(begin, end)
    figures.add(f"{name} events/s", count / (end - begin))
    figures.add(f"{name} CPU µs/event", (last["process"] - first["process"]) / count * 1e6)
