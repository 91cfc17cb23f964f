"""The real hub under faults: nothing lost, nothing told twice, nothing disclosed that was not decided and logged first,
and in the end the same records and the same alerts as if nothing had happened.

HEARTH_FAULT_EVENTS is how many events are published, HEARTH_FAULT_ROUNDS how often a worker is killed at each boundary
(tests/live/nemesis.py). `make faults` sets both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deploy.kafka.broker import Broker, start
from tests.live.hub_run import HubRun
from tests.live.hub_state import differing
from tests.live.log_volume import IN_TURN
from tests.live.nemesis import Fault, plan

pytestmark = [pytest.mark.kafka, pytest.mark.fault]

EVENTS = int(os.environ.get("HEARTH_FAULT_EVENTS", "3000"))
PATIENCE = 4.0  # seconds that the log may be behind
FULL = int(os.environ.get("HEARTH_FAULT_ROUNDS", "1")) >= 10


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = start(tmp_path / "kafka")
    yield running
    running.remove()


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return what shows a line on stderr as the run goes on: a full one takes a quarter of an hour."""
    began = time.monotonic()

    def line(text: str) -> None:
        if FULL:
            with capfd.disabled():
                print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    return line


def table(*parts: Mapping[str, int]) -> str:
    rows = [f"  {name:<38}{count:>9,}" for part in parts for name, count in part.items()]
    return "\n".join(["", *rows, ""])


@pytest.mark.timeout(5400)
def test_no_fault_loses_an_event_or_tells_anybody_twice(
    broker: Broker, tmp_path: Path, say: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    """Kills at every boundary and at random, sleeps past the session, and a broker's restart leave an exact account."""
    run = HubRun(broker, tmp_path)
    try:
        faults = [fault for fault in plan() if FULL or fault.kind != "broker"]
        _accounted(run, faults, say, capfd)
    finally:
        run.close()


@pytest.mark.timeout(5400)
def test_a_log_disk_that_fails_discloses_nothing_that_the_log_has_not_and_comes_back_by_itself(
    broker: Broker, tmp_path: Path, say: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    """Full, read-only, or failing call by call: what was sent was sent while the log kept up, and the log verifies."""
    run = HubRun(broker, tmp_path, patience=PATIENCE)
    try:
        _accounted(run, [fault for fault in plan(log=True) if fault.kind.startswith("log-")], say, capfd)
        assert run.volume is not None
        assert {"SQLite at commit", *(f"EIO at {call}" for call in IN_TURN[1:])} <= set(run.volume.failed())
        assert _verified(run), "hearth audit verify"
    finally:
        run.close()


def _accounted(
    run: HubRun, faults: list[Fault], say: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    """Make the faults under load; what comes of it must be an exact account, and the rehearsal's records."""
    published = run.go(faults, EVENTS, say)
    account = run.account(published)
    differences = differing(account.world.contents(), run.rehearsed(published))
    findings = account.findings() | {"families that differ from the rehearsal": len(differences)}
    failed: Mapping[str, int] = {}
    if run.volume is not None:
        findings |= run.disclosed_behind(account, PATIENCE)
        failed = run.volume.failed()
    with capfd.disabled():
        print(table(_made(faults, run), account.places(), failed, findings), flush=True)
    assert dict.fromkeys(findings, 0) == findings, "\n".join([*differences[:10], *account.changelog.where[:10]])


def _made(faults: list[Fault], run: HubRun) -> dict[str, int]:
    on = f"  on the log's disk ({run.volume.kind})" if run.volume else "  on the log's disk"
    return {"faults": len(faults), on: sum(fault.kind.startswith("log-") for fault in faults)}


@pytest.mark.timeout(1800)
def test_the_account_finds_what_comes_twice_without_deduplication(tmp_path: Path) -> None:
    """A negative control: intake and families' records take what they have seen for new."""
    runs = _without(tmp_path, "no-dedupe")
    assert any(found["parts of events twice in a record"] > 0 for found in runs)


@pytest.mark.timeout(1800)
def test_the_account_finds_what_is_lost_and_told_too_soon_when_effects_are_turned_round(tmp_path: Path) -> None:
    """A negative control: state before what comes of it, and what is told before its decision."""
    lost = ("parts of events lost", "events without a receipt", "items without their decision")
    runs = _without(tmp_path, "order-turned-round")
    assert any(
        found["disclosures before their decision"] > 0 and sum(found[name] for name in lost) > 0 for found in runs
    )


def _without(directory: Path, safeguard: str) -> Iterator[dict[str, int]]:
    """Give what the account finds after small runs without one safeguard: one of three must show the harm."""
    for attempt in range(3):
        broker = start(directory / f"kafka-{attempt}")
        try:
            run = HubRun(broker, directory / str(attempt), safeguard)
            yield run.account(run.go([Fault("kill-at", "changelog")] * 2, 800, lambda _: None)).findings()
        finally:
            broker.stop()


def _verified(run: HubRun) -> bool:
    """Tell whether the log is whole, as the hub's own command says."""
    command = [str(Path(sys.executable).with_name("hearth")), "audit", "verify"]
    done = subprocess.run(command, env={**os.environ, **run.settings.environ()}, capture_output=True, check=False)
    return done.returncode == 0
