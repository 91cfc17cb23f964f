"""The sequencer: every decision gets one place in the log, whatever breaks between reading and committing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from msgspec import json

from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from agents.adapters.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from agents.ports import NotWritten
from agents.sequencer import Sequencer
from consent.log.checkpoint import open_checkpoint
from consent.log.entry import derived_salt
from consent.log.merkle import Tree
from consent.log.proof import consistent
from schemas.records import encode
from streams.outcome import Emit
from streams.topology import CHECKPOINTS, CHECKPOINTS_SEALED, DECISIONS, DECISIONS_SEALED
from tests.contract.logs import KEY, ORIGIN, PRIVATE, decision, report

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Crash(BaseException):
    """The process ends here."""


class Hub:
    """A broker, a log directory, and sequencers that start and die on them."""

    def __init__(self, directory):
        self.directory, self.broker, self.now = directory, MemoryBroker(), START
        self.broker.now = int(START.timestamp() * 1000)

    def publish(self, *numbers: int) -> None:
        for number in numbers:
            self.publish_raw(encode(decision(number)))

    def publish_raw(self, value: bytes) -> None:
        self.broker.write(Emit(DECISIONS, "f", value))

    def start(self, most: int = 100, wrap=lambda part, name: part) -> Sequencer:
        heads = [record.value for record in self.broker.records(CHECKPOINTS)]
        self.log = LogWriter(self.directory, ORIGIN, PRIVATE, heads)
        consumer = MemoryConsumer(self.broker, [DECISIONS], "sequencer.main")
        producer = MemoryProducer(self.broker)
        return Sequencer(
            wrap(self.log, "log"),
            wrap(consumer, "consumer"),
            wrap(producer, "producer"),
            lambda: self.now,
            partial(derived_salt, PRIVATE),
            most,
        )

    def logged(self) -> list[str]:
        reader = LogReader(self.directory)
        try:
            size = open_checkpoint(reader.read("checkpoint"), KEY).size
            return [kept.id for bundle in range(4) for kept in reader.kept(bundle)][:size]
        finally:
            reader.close()

    def heads_agree(self) -> bool:
        heads = [open_checkpoint(record.value, KEY) for record in self.broker.records(CHECKPOINTS)]
        reader = LogReader(self.directory)
        return all(
            consistent(old, new, Tree(new.size, reader.read).consistency(old.size)) for old, new in pairwise(heads)
        )


@pytest.fixture
def hub(tmp_path):
    return Hub(tmp_path / "main")


def ids(first: int, end: int) -> list[str]:
    return [decision(number).id for number in range(first, end)]


def test_decisions_are_logged_in_topic_order_and_the_head_is_published(hub):
    """One step takes a batch through; when there is no more, it says so by 0."""
    hub.publish(*range(250))
    sequencer = hub.start(most=100)
    assert [sequencer.step(0) for _ in range(4)] == [100, 100, 50, 0]
    assert hub.logged() == ids(0, 250)
    published = [open_checkpoint(record.value, KEY).size for record in hub.broker.records(CHECKPOINTS)]
    assert published == [100, 200, 250]
    assert {record.key for record in hub.broker.records(CHECKPOINTS)} == {ORIGIN.encode()}
    assert hub.broker.committed("sequencer.main", DECISIONS) == [250]


@pytest.mark.parametrize("sealed", [0, 7])
def test_the_main_logs_heads_are_the_same_whatever_is_decided_of_what_is_sealed(tmp_path, sealed):
    """Two sequencers on one broker: the topic that auditors follow, byte by byte and by how far it reaches."""
    broker = MemoryBroker()
    for number in range(sealed):
        broker.write(Emit(DECISIONS_SEALED, "f", encode(decision(1000 + number))))
    for number in range(3):
        broker.write(Emit(DECISIONS, "f", encode(decision(number))))
    for origin, topic in (("hearth.test/sealed", DECISIONS_SEALED), (ORIGIN, DECISIONS)):
        log = LogWriter(tmp_path / topic, origin, PRIVATE)
        consumer = MemoryConsumer(broker, [topic], topic)
        sequencer = Sequencer(log, consumer, MemoryProducer(broker), lambda: START, bytes, 2)
        while sequencer.step(0):
            pass
    assert [open_checkpoint(one.value, KEY).size for one in broker.records(CHECKPOINTS)] == [2, 3]
    assert [one.offset for one in broker.records(CHECKPOINTS)] == [0, 1]
    assert len(broker.records(CHECKPOINTS_SEALED)) == -(-sealed // 2) or not sealed


def test_a_repeated_decision_keeps_its_first_place(hub):
    """After a kill a stage decides again, with another salt: the id is the same, and so is the place."""
    hub.publish(1, 2, 1, 3, 2)
    sequencer = hub.start()
    assert sequencer.step(0) == 3
    hub.publish(3, 4)
    assert sequencer.step(0) == 1
    assert hub.logged() == ids(1, 5)


def test_the_entry_is_the_record_byte_by_byte(hub):
    """So the same log can be made again from the topic."""
    hub.publish(7)
    hub.start().step(0)
    assert LogReader(hub.directory).find(decision(7).id).body == encode(decision(7))


def test_an_unsalted_decision_is_salted_and_an_unreadable_one_is_kept_as_evidence(hub):
    """Neither stops the decisions behind it, and neither goes in unsalted."""
    hub.publish_raw(b'{"id": "d_bare", "stage": "find"}')
    hub.publish_raw(b"\xff not json")
    hub.publish(1)
    assert hub.start().step(0) == 3
    reader = LogReader(hub.directory)
    assert json.decode(reader.find("d_bare").body)["stage"] == "find"
    assert reader.kept(0)[1].id.startswith("unreadable.")
    assert report(hub.directory).ok


class Breaking:
    """Passes calls on to a part of the sequencer, and dies before or after one of them."""

    def __init__(self, part, method: str, when: str, error: BaseException) -> None:
        self._part, self._method, self._when, self._error = part, method, when, error
        self.broken = False

    def __getattr__(self, name):
        found = getattr(self._part, name)
        if name != self._method or self.broken:
            return found

        def call(*args):
            self.broken = True
            if self._when == "before":
                raise self._error
            found(*args)
            raise self._error

        return call


BOUNDARIES = [
    ("consumer", "poll"),
    ("log", "append"),
    ("producer", "send"),
    ("producer", "flush"),
    ("consumer", "commit"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("part", "method"), BOUNDARIES)
def test_a_kill_at_any_boundary_loses_and_repeats_nothing(hub, part, method, when):
    """The next sequencer goes on from the committed offset; what the log has already drops; heads never fork."""
    hub.publish(*range(50))
    hub.start().step(0)
    hub.log.close()
    hub.publish(*range(50, 120))
    dying = hub.start(50, lambda one, name: Breaking(one, method, when, Crash()) if name == part else one)
    with pytest.raises(Crash):
        dying.step(0)
    hub.log.close()
    hub.publish(*range(120, 130))
    sequencer = hub.start(50)
    while sequencer.step(0) or hub.broker.committed("sequencer.main", DECISIONS) != [130]:
        pass
    assert hub.logged() == ids(0, 130)
    assert hub.broker.records(CHECKPOINTS)[-1].value == hub.log.head
    assert hub.heads_agree()
    assert report(hub.directory, *(record.value for record in hub.broker.records(CHECKPOINTS))).problems == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("part", "method"), BOUNDARIES[1:])
def test_after_an_error_the_same_sequencer_takes_the_same_batch_up_again(hub, part, method, when):
    """A broker away or a disk full for a while: nothing read is skipped, though the consumer has moved on."""
    hub.publish_raw(b'{"id": "d_bare"}')
    hub.publish(*range(1, 60))
    sequencer = hub.start(30, lambda one, name: Breaking(one, method, when, OSError()) if name == part else one)
    with pytest.raises(OSError):  # noqa: PT011 the one that was put in
        sequencer.step(0)
    while sequencer.step(0) or hub.broker.committed("sequencer.main", DECISIONS) != [60]:
        pass
    assert hub.logged() == ["d_bare", *ids(1, 60)]
    assert hub.heads_agree()
    assert report(hub.directory).problems == []


def test_while_the_broker_is_away_no_offset_is_committed(hub):
    """A head that nobody else has seen is not enough."""
    hub.publish(1)
    sequencer, hub.broker.up = hub.start(), False
    for _ in range(3):
        with pytest.raises(NotWritten):
            sequencer.step(0)
    assert hub.broker.committed("sequencer.main", DECISIONS) == [0]
    hub.broker.up = True
    sequencer.step(0)
    assert hub.broker.committed("sequencer.main", DECISIONS) == [1]


def test_lag_is_unknown_at_first_then_the_age_of_what_may_be_missing(hub):
    """It falls to nothing when the topic is read to its end, and grows while nothing is done."""
    sequencer = hub.start(most=1)
    assert sequencer.lag() > 1e9
    sequencer.step(0)
    assert sequencer.lag() == 0
    hub.now += timedelta(seconds=30)
    assert sequencer.lag() == 30
    hub.publish(1, 2)
    hub.broker.topic(DECISIONS)
    sequencer.step(0)
    assert sequencer.lag() == 30
    sequencer.step(0)
    sequencer.step(0)
    assert sequencer.lag() == 0


def test_the_memory_consumer_goes_on_behind_the_last_commit():
    """What was polled and not committed comes again to the group's next consumer; a reader without a group sees all."""
    broker = MemoryBroker({"t": 3})
    producer = MemoryProducer(broker)
    producer.send(Emit("t", str(number), b"%d" % number) for number in range(30))
    assert broker.records("t") == []
    producer.flush()
    first = MemoryConsumer(broker, ["t"], "g")
    polled = first.poll(10, 0)
    first.commit()
    first.poll(5, 0)
    rest = MemoryConsumer(broker, ["t"], "g").poll(100, 0)
    assert sorted(int(record.value) for record in [*polled, *rest]) == list(range(30))
    assert len(MemoryConsumer(broker, ["t"]).poll(100, 0)) == 30
    assert len({record.partition for record in rest}) > 1


def test_a_memory_broker_that_is_down_acknowledges_nothing():
    """flush raises, and what was sent is not written later by itself."""
    broker = MemoryBroker()
    producer = MemoryProducer(broker)
    broker.up = False
    producer.send([Emit("t", "k", b"1")])
    with pytest.raises(NotWritten):
        producer.flush()
    broker.up = True
    producer.flush()
    assert broker.records("t") == []
