"""The log's disk is full, read-only or broken, at each call: nothing counts that is not durable, and it recovers.

What counts is what others act on: the head on topic `checkpoints`, and the offset that says a decision is in the log.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from agents.adapters.disk import Disk
from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from agents.adapters.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from agents.sequencer import Sequencer
from consent.log.checkpoint import open_checkpoint
from schemas.records import encode
from streams.outcome import Emit
from streams.topology import CHECKPOINTS, DECISIONS
from tests.contract.logs import KEY, ORIGIN, PRIVATE, decision, entries, make_log, report

CALLS = ("create", "rename", "sync", "remove", "remove_tree", "commit")
FAULTS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "broken": errno.EIO}


class WithoutSync(Disk):
    """A disk that waits for nothing: here calls fail, the power does not."""

    def create(self, path, content):
        path.write_bytes(content)

    def sync(self, directory):
        pass


class FaultyDisk(WithoutSync):
    """Fails its calls from number `first` on, `times` of them, with `number`; a write leaves half of itself behind."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.first, self.times, self.number, self.failed = 0, sys.maxsize, 0, 0, 0

    def fail(self, first: int, times: int, number: int) -> None:
        self.first, self.times, self.number = self.calls + first, times, number

    def _due(self) -> bool:
        self.calls += 1
        due = self.first <= self.calls < self.first + self.times
        self.failed += due
        return due

    def error(self) -> OSError:
        return OSError(self.number, os.strerror(self.number))


def _failing(name: str):
    def call(self: FaultyDisk, *args):
        if not self._due():
            return getattr(WithoutSync, name)(self, *args)
        if name == "create" and self.number != errno.EROFS:
            args[0].write_bytes(args[1][: len(args[1]) // 2])
        if name == "commit":
            raise sqlite3.OperationalError("disk I/O error")
        raise self.error()

    return call


for _name in CALLS:
    setattr(FaultyDisk, _name, _failing(_name))


class Desk:
    """A sequencer on a disk that fails, and what others see of it."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.broker, self.disk = directory, MemoryBroker(), FaultyDisk()
        self.start()

    def start(self) -> None:
        heads = [record.value for record in self.broker.records(CHECKPOINTS)]
        self.log = LogWriter(self.directory, ORIGIN, PRIVATE, heads, self.disk)
        self.start_sequencer()

    def start_sequencer(self) -> None:
        self.sequencer = Sequencer(
            self.log, MemoryConsumer(self.broker, [DECISIONS], "log"), MemoryProducer(self.broker),
            lambda: datetime.now(UTC), lambda body: sha256(body).digest(),
        )  # fmt: skip

    def decide(self, first: int, end: int) -> None:
        for number in range(first, end):
            self.broker.write(Emit(DECISIONS, "f", encode(decision(number))))

    def step(self) -> bool:
        """Take one step; return whether it was done."""
        try:
            self.sequencer.step(0)
        except (OSError, sqlite3.Error):
            return False
        return True

    def check_what_counts(self) -> None:
        """Everything published or committed is on the disk, signed, and verifies as far as it goes."""
        heads = [record.value for record in self.broker.records(CHECKPOINTS)]
        reader = LogReader(self.directory)
        on_disk = open_checkpoint(reader.read("checkpoint"), KEY).size
        kept = {one.id for bundle in range(4) for one in reader.kept(bundle) if one.index < on_disk}
        reader.close()
        done = self.broker.committed("log", DECISIONS)[0]
        assert {decision(number).id for number in range(done)} <= kept, "acknowledged, and not in the log"
        published = [open_checkpoint(head, KEY).size for head in heads]
        assert max(published, default=0) <= on_disk, "published, and not on the disk"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 250 decisions."""
    directory = tmp_path_factory.mktemp("begun") / "log"
    make_log(directory, 250)
    return directory


def desk_on(begun: Path, directory: Path) -> Desk:
    """Return a desk on a copy of that log, with decisions 250 to 600 still to come."""
    shutil.copytree(begun, directory)
    desk = Desk(directory)
    desk.decide(0, 600)
    desk.broker.commit("log", DECISIONS, [250])
    desk.start_sequencer()
    return desk


def calls_of_a_batch(begun: Path, directory: Path) -> int:
    desk = desk_on(begun, directory)
    before = desk.disk.calls
    assert desk.step()
    desk.log.close()
    return desk.disk.calls - before


@pytest.mark.parametrize(("fault", "times"), [("full", 1), ("read-only", 1), ("broken", 3)])
def test_a_disk_that_fails_at_any_call_loses_nothing_and_the_log_goes_on_by_itself(begun, tmp_path, fault, times):
    """At each call of a batch, once or three times on end: then the same batch goes in, whole, and verifies."""
    calls = calls_of_a_batch(begun, tmp_path / "count")
    failed = 0
    for at in range(1, calls + 1):
        desk = desk_on(begun, tmp_path / str(at))
        desk.disk.fail(at, times, FAULTS[fault])
        for _ in range(times + 1):
            if desk.step():
                break
            desk.check_what_counts()
        failed += desk.disk.failed
        while desk.broker.committed("log", DECISIONS) != [600]:
            assert desk.step()
        desk.check_what_counts()
        desk.log.close()
        heads = [record.value for record in desk.broker.records(CHECKPOINTS)]
        found = report(tmp_path / str(at), *heads)
        assert (found.problems, found.size, found.kept) == ([], 600, 600)
    assert failed >= calls, "a call was never made to fail"


@pytest.mark.parametrize("fault", ["full"])
def test_a_desk_that_ends_on_a_failing_disk_starts_again_when_it_is_well(begun, tmp_path, fault):
    """Its supervisor starts it again and again: starting on a failing disk signs and loses nothing either."""
    calls = calls_of_a_batch(begun, tmp_path / "count")
    for at in range(1, calls + 1):
        desk = desk_on(begun, tmp_path / str(at))
        desk.disk.fail(at, 2, FAULTS[fault])
        while desk.broker.committed("log", DECISIONS) != [600]:
            if desk.step():
                continue
            desk.check_what_counts()
            desk.log.close()
            for _ in range(4):
                try:
                    desk.start()
                    break
                except OSError:
                    desk.check_what_counts()
        desk.log.close()
        found = report(tmp_path / str(at), *(record.value for record in desk.broker.records(CHECKPOINTS)))
        assert (found.problems, found.size, found.kept) == ([], 600, 600)


def test_a_head_that_an_earlier_writer_left_unsynced_is_synced_before_it_counts(tmp_path):
    """That writer was killed between naming the head and syncing its name: the next one publishes no head before."""
    log = LogWriter(tmp_path, ORIGIN, PRIVATE)
    log.append(entries(0, 10))
    log.close()

    class Recording(Disk):
        def __init__(self) -> None:
            super().__init__()
            self.synced: list[Path] = []

        def sync(self, directory):
            self.synced.append(directory)
            super().sync(directory)

    disk = Recording()
    LogWriter(tmp_path, ORIGIN, PRIVATE, (), disk).close()
    assert tmp_path in disk.synced


def test_real_writes_that_stop_short_are_recovered_from(tmp_path):
    """The kernel itself refuses to let files grow (RLIMIT_FSIZE), at ever larger sizes, the database's writes included;
    in a process of its own, which then lifts the limit and goes on."""
    for limit in (1, 600, 2_000, 5_000, 8_200, 30_000, 60_000, 150_000):
        directory = tmp_path / str(limit)
        log = LogWriter(directory, ORIGIN, PRIVATE)
        log.append(entries(0, 50))
        log.close()
        child = os.fork()
        if child == 0:
            os._exit(_short_of_space(directory, limit))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, limit
        found = report(directory)
        assert (found.problems, found.size, found.kept) == ([], 600, 600)


def _short_of_space(directory: Path, limit: int) -> int:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    log = LogWriter(directory, ORIGIN, PRIVATE)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    refused = 0
    for _ in range(3):
        try:
            log.append(entries(50, 600))
        except (OSError, sqlite3.Error):
            refused += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    if log.append(entries(50, 600)) != (550 if refused == 3 else 0):
        return 2
    log.close()
    return 0 if refused in (0, 3) and (refused or limit > 100_000) else 3
