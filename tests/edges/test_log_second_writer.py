"""A second writer, wherever it runs, never signs beside the first: two histories of one log would prove nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from agents.adapters.log_files import LogDisagrees, LogWriter
from agents.adapters.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from agents.sequencer import Sequencer
from consent.log.checkpoint import Checkpoint, open_checkpoint, sign
from schemas.records import encode
from streams.outcome import Emit
from streams.topology import CHECKPOINTS, DECISIONS
from tests.contract.logs import KEY, ORIGIN, PRIVATE, decision, make_log, report


class Desk:
    """One of several desks on the same topics, each with a disk of its own."""

    def __init__(self, broker: MemoryBroker, directory: Path) -> None:
        self._seen = MemoryConsumer(broker, [CHECKPOINTS])
        self.log = LogWriter(directory, ORIGIN, PRIVATE, self._heads())
        self.directory = directory
        self.sequencer = Sequencer(
            self.log, MemoryConsumer(broker, [DECISIONS], "log"), MemoryProducer(broker),
            lambda: datetime.now(UTC), lambda body: sha256(body).digest(), published=self._heads,
        )  # fmt: skip

    def _heads(self) -> list[bytes]:
        return [record.value for record in self._seen.poll(10_000, 0)]

    @property
    def signed(self) -> int:
        return open_checkpoint((self.directory / "checkpoint").read_bytes(), KEY).size


def publish(broker: MemoryBroker, *numbers: int) -> None:
    for number in numbers:
        broker.write(Emit(DECISIONS, "f", encode(decision(number))))


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


def test_a_second_desk_on_a_copy_of_the_log_signs_nothing_once_the_first_went_on(broker, tmp_path):
    """Both were started on the same head; each has its own lock; only the topic tells them of each other."""
    publish(broker, *range(50))
    first = Desk(broker, tmp_path / "first")
    first.sequencer.step(0)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    second = Desk(broker, tmp_path / "second")
    publish(broker, *range(50, 80))
    assert first.sequencer.step(0) == 30
    publish(broker, *range(80, 90))
    for _ in range(3):
        with pytest.raises(LogDisagrees):
            second.sequencer.step(0)
    assert second.signed == 50
    assert [open_checkpoint(record.value, KEY).size for record in broker.records(CHECKPOINTS)] == [50, 80]
    with pytest.raises(LogDisagrees):
        Desk(broker, tmp_path / "third")
    assert first.sequencer.step(0) == 10
    assert report(tmp_path / "first", *(one.value for one in broker.records(CHECKPOINTS))).ok


def test_a_desk_whose_log_went_on_under_another_desk_signs_nothing_any_more(broker, tmp_path):
    """The first one slept, woke up with a batch in hand, and finds that its log is longer elsewhere."""
    publish(broker, *range(10))
    first = Desk(broker, tmp_path / "first")
    first.sequencer.step(0)
    foreign = make_log(tmp_path / "elsewhere", 10, 40)[-1]
    broker.write(Emit(CHECKPOINTS, ORIGIN, foreign))
    publish(broker, *range(200, 230))
    with pytest.raises(LogDisagrees):
        first.sequencer.step(0)
    assert first.signed == 10


def test_a_head_of_the_same_size_with_another_root_stops_the_writer(broker, tmp_path):
    """A fork that is no longer than the log is a fork too."""
    publish(broker, *range(10))
    desk = Desk(broker, tmp_path / "log")
    desk.sequencer.step(0)
    broker.write(Emit(CHECKPOINTS, ORIGIN, make_log(tmp_path / "other", 10, shift=1)[-1]))
    publish(broker, 10)
    with pytest.raises(LogDisagrees):
        desk.sequencer.step(0)
    assert desk.signed == 10


def test_heads_of_other_logs_and_words_of_strangers_stop_nobody(broker, tmp_path):
    """The topic holds the sealed log's heads too, and anything signed by another key is no head of this log."""
    desk = Desk(broker, tmp_path / "log")
    publish(broker, *range(10))
    for note in (
        sign(Checkpoint("hearth.test/sealed", 99, bytes(32)), PRIVATE),
        sign(Checkpoint(ORIGIN, 99, bytes(32)), bytes(32)),
        b"nonsense",
    ):
        broker.write(Emit(CHECKPOINTS, "k", note))
    assert desk.sequencer.step(0) == 10


def test_an_old_copy_put_back_under_a_stopped_desk_is_not_signed_on(broker, tmp_path):
    """The disk has less than the topic saw: the desk does not start until the newest copy is back."""
    publish(broker, *range(20))
    desk = Desk(broker, tmp_path / "log")
    desk.sequencer.step(0)
    desk.log.close()
    shutil.copytree(tmp_path / "log", tmp_path / "backup")
    desk = Desk(broker, tmp_path / "log")
    publish(broker, *range(20, 60))
    desk.sequencer.step(0)
    desk.log.close()
    (tmp_path / "log").rename(tmp_path / "newest")
    (tmp_path / "backup").rename(tmp_path / "log")
    with pytest.raises(LogDisagrees):
        Desk(broker, tmp_path / "log")
    assert open_checkpoint((tmp_path / "log/checkpoint").read_bytes(), KEY).size == 20
    (tmp_path / "log").rename(tmp_path / "backup")
    (tmp_path / "newest").rename(tmp_path / "log")
    publish(broker, 60)
    assert Desk(broker, tmp_path / "log").sequencer.step(0) == 1


@pytest.mark.parametrize("keep", ["", "checkpoint", "tile", "entries.sqlite"])
def test_a_directory_that_lost_a_part_is_not_signed_on(broker, tmp_path, keep):
    """Only the head, only the tiles, only the entries, or nothing at all is left: each stops the writer."""
    publish(broker, *range(300))
    desk = Desk(broker, tmp_path / "log")
    desk.sequencer.step(0)
    desk.log.close()
    for one in (tmp_path / "log").iterdir():
        if one.name != keep:
            shutil.rmtree(one) if one.is_dir() else one.unlink()
    before = {one for one in (tmp_path / "log").rglob("*") if one.is_file()}
    with pytest.raises(Exception, match=r"restore|Restore"):
        Desk(broker, tmp_path / "log")
    assert not (tmp_path / "log/checkpoint").exists() or keep == "checkpoint"
    assert before <= {one for one in (tmp_path / "log").rglob("*") if one.is_file()}
