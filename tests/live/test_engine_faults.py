"""The engine under faults: nothing lost, nothing folded twice, nothing said that was not decided first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.adapters.kafka import KafkaProducer
from agents.adapters.topics import Topic, changelog, ensure
from deploy.kafka.broker import Broker, start
from streams.outcome import Emit
from streams.topology import DECISIONS, PEOPLE, QUARANTINE
from tests.live.changelog import Changelog
from tests.live.engine_job import CODER, EVENTS, EVERY, OUTPUTS, PARTITIONS, Account, Event, expected, make
from tests.live.nemesis import Fault, Feeder, Nemesis, plan
from tests.live.processes import Worker, wait_for
from tests.live.recorder import Recorder

pytestmark = [pytest.mark.kafka, pytest.mark.fault]

CHANGELOG = "job-accounts-changelog"
ACCOUNTS = 500
_STAMPED = {"message.timestamp.type": "LogAppendTime"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = start(tmp_path / "kafka")
    yield running
    running.stop()


class Run:
    """One run of the proving job under faults, and what a recorder finds afterwards."""

    def __init__(self, broker: Broker, directory: Path, environ: dict[str, str]) -> None:
        self.recorder = Recorder(broker.bootstrap)
        ensure(broker.bootstrap, [
            Topic(EVENTS, PARTITIONS), Topic(OUTPUTS, PARTITIONS, _STAMPED), Topic(DECISIONS, 1, _STAMPED),
            Topic(PEOPLE, 1), Topic(QUARANTINE, 1), changelog(CHANGELOG, PARTITIONS),
        ])  # fmt: skip
        self._broker = broker
        self._workers = [
            Worker("tests.live.engine_worker", [broker.bootstrap], directory / f"w{number}", environ)
            for number in (1, 2)
        ]

    def go(self, faults: list[Fault], total: int, settle: float = 120.0) -> None:
        """Make the faults under load, let the workers settle, stop them."""
        producer = KafkaProducer(self._broker.bootstrap, compression="none")

        def send(number: int) -> None:
            event = make(number, ACCOUNTS)
            producer.send([Emit(EVENTS, event.account, msgspec.json.encode(event))])

        feeder = Feeder(send, producer.flush).start()
        try:
            for fault in Nemesis(self._workers, self._broker.restart).run(faults):
                print(f"{fault}: {feeder.sent} sent", flush=True)
            self.sent = feeder.finish(total)
            wait_for("every offset committed", lambda: self.recorder.lag("job", EVENTS) == 0, settle)
        finally:
            for worker in self._workers:
                worker.stop()

    def state(self) -> tuple[dict[str, Account], int]:
        """Return what recovery would find, and how often a key's version went back."""
        changelog = Changelog(self.recorder.all(CHANGELOG))
        return {key: CODER.decode(raw) for key, raw in changelog.newest.items()}, changelog.went_back

    def findings(self) -> dict[str, Any]:
        """Count everything that must be nothing."""
        events = [msgspec.json.decode(record.value, type=Event) for record in self.recorder.all(EVENTS)]
        assert {event.id for event in events} == set(range(self.sent)), "the feeder lost events: the run says nothing"
        accounts, back = self.state()
        outputs = [(int(record.value), record.timestamp) for record in self.recorder.all(OUTPUTS)]
        decided: dict[int, int] = {}
        for record in self.recorder.all(DECISIONS):
            decided.setdefault(int(record.key), record.timestamp)
        return {
            "accounts that differ": _differing(accounts, expected(events)),
            "versions that went back": back,
            "events lost": len({event.id for event in events}.difference(*(a.seen for a in accounts.values()))),
            "outputs lost": len(_said(events) - {number for number, _ in outputs}),
            "outputs from nowhere": len({number for number, _ in outputs} - _said(events)),
            "outputs before their decision": sum(at < decided.get(number, at + 1) for number, at in outputs),
            "people that an older record replaced": self._people_gone_back(),
            "quarantined": len(self.recorder.all(QUARANTINE)),
        }

    def _people_gone_back(self) -> int:
        newest: dict[bytes, int] = {}
        last: dict[bytes, int] = {}
        for record in self.recorder.all(PEOPLE):
            version = msgspec.json.decode(record.value)["version"]
            newest[record.key], last[record.key] = max(version, newest.get(record.key, 0)), version
        return sum(last[key] != newest[key] for key in last)


def _said(events: list[Event]) -> set[int]:
    return {event.id for event in events if event.id % EVERY == 0}


def _differing(found: dict[str, Account], due: dict[str, Account]) -> int:
    return sum(found.get(name) != account for name, account in due.items()) + len(found.keys() - due.keys())


def _total() -> int:
    return int(os.environ.get("HEARTH_FAULT_EVENTS", "10000"))


@pytest.mark.timeout(3600)
def test_no_fault_loses_an_event_or_folds_one_twice(broker: Broker, tmp_path: Path) -> None:
    """Kills at every boundary and at random, a sleep past the session and a broker restart leave exact results."""
    run = Run(broker, tmp_path, {"HEARTH_CONTROL": ""})
    run.go(plan(), _total())
    found = run.findings()
    print(f"{run.sent} events: {found}", flush=True)
    assert dict.fromkeys(found, 0) == found


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("control", "fault", "harm"),
    [
        ("no-dedupe", Fault("kill-at", "changelog"), "accounts that differ"),
        ("state-before-outputs", Fault("kill-at", "changelog"), "outputs lost"),
        ("no-fence", Fault("sleep-at", "outputs"), "versions that went back"),
    ],
)
def test_the_same_run_fails_without_its_safeguard(tmp_path: Path, control: str, fault: Fault, harm: str) -> None:
    """Negative controls: with deduplication, the order of effects or the fence switched off, harm is found.

    Whether a kill or a sleep falls where it does harm is a matter of moments: one of four runs must show it.
    """
    assert any(_harms(tmp_path / str(attempt), control, fault, harm) for attempt in range(4))


def _harms(directory: Path, control: str, fault: Fault, harm: str) -> bool:
    broker = start(directory / "kafka")
    try:
        run = Run(broker, directory, {"HEARTH_CONTROL": control})
        run.go([fault, fault], 5000)
        return int(run.findings()[harm]) > 0
    finally:
        broker.stop()
