"""The log's writer: repeats drop, one writer, and a crash at any write neither forks nor skips nor rewrites."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from hashlib import sha256
from pathlib import Path

import pytest

from agents.adapters.disk import Disk
from agents.adapters.log_files import LogDisagrees, LogWriter
from agents.adapters.log_reader import LogReader
from consent.log.checkpoint import Checkpoint, open_checkpoint, sign
from consent.log.entry import LogEntry
from consent.log.merkle import Tree
from consent.log.proof import consistent
from consent.log.tiles import covered as is_covered
from consent.log.tiles import parse
from schemas.errors import Misconfigured, Refusal
from tests.contract.logs import KEY, ORIGIN, PRIVATE, entries, entry, make_log, report


class Crash(BaseException):
    """The machine stops here."""


class BreakingDisk(Disk):
    """Counts the calls that change the disk, and stops before, after or in the middle of one of them."""

    def __init__(self, at: int = -1, how: str = "before", stop=None) -> None:
        super().__init__()
        self.calls, self._at, self._how = 0, at, how
        self._stop = stop or self._crash

    @staticmethod
    def _crash() -> None:
        raise Crash

    def _step(self, done, *args, torn=None) -> None:
        self.calls += 1
        here = self.calls == self._at
        if here and self._how == "before":
            self._stop()
        if here and self._how == "middle" and torn:
            torn()
            self._stop()
        done(*args)
        if here:
            self._stop()

    def create(self, path, content):
        self._step(super().create, path, content, torn=lambda: path.write_bytes(content[: len(content) // 2]))

    def rename(self, old, new):
        self._step(super().rename, old, new)

    def sync(self, directory):
        self._step(super().sync, directory)

    def remove(self, path):
        self._step(super().remove, path)

    def remove_tree(self, directory):
        self._step(super().remove_tree, directory)

    def commit(self, transaction):
        self._step(super().commit, transaction)


def open_log(directory: Path, disk: Disk | None = None, published: tuple[bytes, ...] = ()) -> LogWriter:
    return LogWriter(directory, ORIGIN, PRIVATE, published, disk)


def snapshot(directory: Path) -> dict[str, bytes]:
    """Return what a checkpoint covers: the tree's files."""
    return {
        one.relative_to(directory).as_posix(): one.read_bytes()
        for one in (directory / "tile").rglob("*")
        if one.is_file()
    }


def test_a_new_log_is_empty_and_signed(tmp_path):
    """A log verifies from its first moment, before any decision."""
    make_log(tmp_path / "log")
    found = report(tmp_path / "log")
    assert (found.ok, found.size, found.root) == (True, 0, sha256().hexdigest())


def test_a_decision_is_logged_once_however_often_it_comes(tmp_path):
    """A repeat is dropped by its id: in one batch, in a later one, after a restart, after it was erased."""
    log = open_log(tmp_path)
    assert log.append([entry(1), entry(2), entry(1)]) == 2
    assert log.append([entry(2), entry(3)]) == 1
    assert log.append([LogEntry(entry(3).id, bytes(16), b'{"id": "d_000003"}')]) == 0
    log.close()
    again = open_log(tmp_path)
    assert again.append(entries(1, 5)) == 1
    again.close()
    assert [one.id for one in LogReader(tmp_path).kept(0)] == [entry(number).id for number in range(1, 5)]


def test_a_second_writer_is_refused(tmp_path):
    """Two writers could sign two histories."""
    log = open_log(tmp_path)
    with pytest.raises(Misconfigured, match="writer already"):
        open_log(tmp_path)
    log.close()
    open_log(tmp_path).close()


def test_an_unsalted_entry_is_not_logged(tmp_path):
    """Its commitment could be guessed back."""
    log = open_log(tmp_path)
    with pytest.raises(Refusal, match="too short"):
        log.append([LogEntry("d", b"short", b"{}")])
    assert log.append([entry(1)]) == 1
    log.close()


def test_each_checkpoint_begins_with_the_one_before(tmp_path):
    """Consistency proofs between all heads hold, and partial tiles of unfinished places stay readable."""
    heads = [open_checkpoint(note, KEY) for note in make_log(tmp_path, 1, 5, 255, 256, 257, 600, 1200)]
    reader = LogReader(tmp_path)
    for old in heads:
        for new in heads:
            if old.size <= new.size:
                way = Tree(new.size, reader.read).consistency(old.size)
                assert consistent(old, new, way)
        assert Tree(old.size, reader.read).root() == old.root
    assert not list(tmp_path.glob("tile/0/003.p"))
    assert report(tmp_path).ok


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A log of 250 decisions, and its head."""
    directory = tmp_path_factory.mktemp("begun")
    return directory, make_log(directory / "log", 100, 250)[-1]


def calls_of_a_batch(begun: Path, scratch: Path) -> int:
    shutil.copytree(begun, scratch)
    disk = BreakingDisk()
    log = open_log(scratch, disk)
    before = disk.calls
    log.append(entries(250, 600))
    log.close()
    return disk.calls - before


def recovers(directory: Path, old: bytes) -> None:
    """Check a log after a crash in the batch 250 to 600, restart it, go on to 700, and check it again."""
    covered = open_checkpoint((directory / "checkpoint").read_bytes(), KEY)
    assert covered.size in (250, 600)
    log = open_log(directory, published=(old,))
    before = snapshot(directory)
    assert all((tile := parse(path)) and is_covered(tile, covered.size) for path in before), "leftovers stand"
    gained = log.append(entries(240, 700))
    log.close()
    assert gained == 700 - covered.size
    after = snapshot(directory)
    assert all(content == after[path] for path, content in before.items() if path in after)
    found = report(directory, old)
    assert (found.problems, found.size, found.kept) == ([], 700, 700)


@pytest.mark.parametrize("how", ["before", "middle", "after"])
def test_a_crash_at_any_write_neither_forks_nor_skips(begun, tmp_path, how):
    """Stopped before, in the middle of and after every single disk call: the restart goes on from the last head."""
    calls = calls_of_a_batch(begun[0] / "log", tmp_path / "count")
    assert calls > 15
    for at in range(1, calls + 1):
        directory = tmp_path / f"{how}{at}"
        shutil.copytree(begun[0] / "log", directory)
        disk = BreakingDisk()
        log = open_log(directory, disk)
        disk._at, disk._how = disk.calls + at, how
        with pytest.raises(Crash):
            log.append(entries(250, 600))
        log.close()
        recovers(directory, begun[1])


def test_a_killed_process_neither_forks_nor_skips(begun, tmp_path):
    """The same with SIGKILL, at every disk call of a batch."""
    calls = calls_of_a_batch(begun[0] / "log", tmp_path / "count")
    for at in range(1, calls + 1):
        directory = tmp_path / f"kill{at}"
        shutil.copytree(begun[0] / "log", directory)

        def work(directory=directory, at=at) -> None:
            disk = BreakingDisk(stop=lambda: os.kill(os.getpid(), signal.SIGKILL))
            log = open_log(directory, disk)
            disk._at = disk.calls + at
            log.append(entries(250, 600))

        child = forked(work)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        recovers(directory, begun[1])


def test_a_process_killed_at_random_moments_neither_forks_nor_skips(tmp_path):
    """SIGKILL in the middle of anything, the database too, 12 times on one log; each head begins with the last."""
    chance, heads = random.Random(12), make_log(tmp_path, 1)
    for _ in range(12):

        def work(seen=tuple(heads)) -> None:
            log = open_log(tmp_path, published=seen)
            for first in range(log.size, 1_000_000, 70):
                log.append(entries(first - 1, first + 70))

        child = forked(work)
        while head_of(tmp_path) == heads[-1]:
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "the writer failed"
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        heads.append(head_of(tmp_path))
        assert report(tmp_path, *heads[-2:]).problems == []
    log = open_log(tmp_path, published=tuple(heads))
    reached = log.size
    log.append(entries(0, reached + 300))
    log.close()
    found = report(tmp_path, *heads)
    assert (found.problems, found.size, found.kept) == ([], reached + 300, reached + 300)


def forked(work) -> int:
    """Run `work` in a process of its own, which ends there whatever happens; return its id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child


def head_of(directory: Path) -> bytes:
    return (directory / "checkpoint").read_bytes()


def test_a_file_is_replaced_whole(tmp_path):
    """Whoever has the old file open still reads all of it; nothing unfinished stays beside the new one."""
    disk = Disk()
    disk.write(tmp_path / "checkpoint", b"old")
    with (tmp_path / "checkpoint").open("rb") as old:
        disk.write(tmp_path / "checkpoint", b"new")
        assert old.read() == b"old"
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("checkpoint", b"new")]


def test_a_crash_while_a_log_is_made_or_recovers_is_recovered_from(tmp_path):
    """Stopped at every disk call of the start itself, then started again."""
    make_log(tmp_path / "crashed", 250)
    disk = BreakingDisk()
    log = open_log(tmp_path / "crashed", disk)
    disk._at, disk._how = disk.calls + 14, "before"
    with pytest.raises(Crash):
        log.append(entries(250, 900))
    log.close()
    for at in range(1, 12):
        for begin in ("crashed", "nothing"):
            directory = tmp_path / f"{begin}{at}"
            if begin == "crashed":
                shutil.copytree(tmp_path / begin, directory)
            with contextlib.suppress(Crash):
                open_log(directory, BreakingDisk(at)).close()
            log = open_log(directory)
            log.append(entries(0, 300))
            log.close()
            assert report(directory).problems == []
            assert report(directory).size == 300


def test_after_a_full_disk_the_same_writer_goes_on(tmp_path):
    """An error is no crash: the writer takes its state from the disk again and appends what was not signed."""

    class FullDisk(BreakingDisk):
        @staticmethod
        def _crash() -> None:
            raise OSError(28, "No space left on device")

    for at in range(1, 30):
        disk = FullDisk()
        log = open_log(tmp_path / str(at), disk)
        log.append(entries(0, 250))
        disk._at = disk.calls + at
        try:
            log.append(entries(250, 600))
        except OSError:
            assert log.append(entries(250, 600)) in (0, 350)
        log.close()
        assert report(tmp_path / str(at)).problems == []
        assert report(tmp_path / str(at)).size == 600


def test_nothing_is_signed_on_a_disk_that_lost_what_others_saw(tmp_path):
    """An old copy put back, an emptied directory, another history: the writer refuses until the newest is restored."""
    make_log(tmp_path / "log", 100)
    shutil.copytree(tmp_path / "log", tmp_path / "old")
    seen = make_log(tmp_path / "log", 300)[-1]
    make_log(tmp_path / "other", 400, shift=1)
    for name in ("old", "empty", "other"):
        with pytest.raises(LogDisagrees):
            open_log(tmp_path / name, published=(seen,))
    open_log(tmp_path / "log", published=(seen, sign(Checkpoint("other/log", 9, bytes(32)), PRIVATE))).close()


@pytest.mark.parametrize(
    "path", ["checkpoint", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "entries.sqlite"]
)
def test_nothing_is_signed_on_files_that_do_not_fit_their_checkpoint(tmp_path, path):
    """A file that the next batch stands on is gone: the writer refuses."""
    make_log(tmp_path, 300)
    (tmp_path / path).unlink()
    with pytest.raises((LogDisagrees, Refusal)):
        open_log(tmp_path)


def test_nothing_is_signed_over_a_changed_edge(tmp_path):
    """A changed hash at the right edge does not fit the signed root."""
    make_log(tmp_path, 300)
    edge = tmp_path / "tile/0/001.p/44"
    edge.write_bytes(bytes(32) + edge.read_bytes()[32:])
    with pytest.raises(LogDisagrees):
        open_log(tmp_path)


def test_a_checkpoint_rolled_back_over_more_than_one_batch_is_refused(tmp_path):
    """A crash leaves one batch behind a head at most; more than that means that the head is old."""
    make_log(tmp_path, 5)
    old = (tmp_path / "checkpoint").read_bytes()
    partial = snapshot(tmp_path)
    log = open_log(tmp_path)
    log.append(entries(5, 10_100))
    log.close()
    (tmp_path / "checkpoint").write_bytes(old)
    for path, content in partial.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    with pytest.raises(LogDisagrees):
        open_log(tmp_path)
