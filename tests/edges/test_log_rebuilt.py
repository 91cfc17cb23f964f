"""A log whose disk was lost is made again from its topic: the same log, or none at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents import bootstrap
from agents.adapters.embedded import Embedded
from agents.adapters.kafka import KafkaProducer
from agents.adapters.log_files import LogDisagrees, LogWriter
from agents.adapters.log_reader import LogReader
from agents.adapters.topics import Topic
from agents.commands.rebuilding import rebuilt
from agents.settings import Settings
from consent.decision import Outcome, decode
from consent.log.checkpoint import Checkpoint, sign, verifier_key
from consent.log.entry import Kept
from consent.log.verify import verify
from schemas.errors import Misconfigured
from schemas.records import encode
from streams.outcome import Emit, to_log
from streams.topology import CHECKPOINTS, DECISIONS
from tests.contract.logs import decision, erasure
from tests.core.test_overtaken import said


class Office:
    """Decisions on a broker, and a desk's sequencer that took them in steps."""

    def __init__(self, home: Path) -> None:
        self.broker = Embedded([Topic(DECISIONS), Topic(CHECKPOINTS)])
        environ = {"HEARTH_HOME": str(home), "HEARTH_KAFKA": self.broker.bootstrap}
        self.settings = Settings.load(environ).begin_run(bootstrap.now())
        self.key = verifier_key(self.settings.log_origin("main"), bootstrap.load_keys(self.settings).logs["main"])
        self.producer, self.log = KafkaProducer(self.settings.kafka), self.settings.log_dir / "main"

    def write(self, *values: bytes) -> None:
        self.producer.send([Emit(DECISIONS, "f", value) for value in values])
        self.producer.flush()

    def sequence(self, size: int) -> None:
        """Run the desk's sequencer until the log has `size` entries."""
        sequencer = bootstrap.sequencer(self.settings, "main")
        writer: LogWriter = sequencer._log  # type: ignore[assignment]
        while writer.size < size:
            sequencer.step()
        writer.close()
        sequencer._consumer.close()

    def kept(self) -> list[Kept]:
        reader = LogReader(self.log)
        found = verify(reader.read, self.key, reader)
        kept = [one for bundle in range(4) for one in reader.kept(bundle)]
        reader.close()
        assert found.problems == []
        return kept


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """250 decisions and two repeats, one unsalted, one unreadable, one erased since, one overtaken."""
    made = Office(tmp_path)
    made.write(*(encode(decision(number)) for number in range(250)), b'{"id": "d_bare"}')
    made.sequence(251)
    made.write(encode(decision(7)), b"\xff not json", erasure(42).body, encode(decision(42)))
    told = [said("given", "link", 2, "v1"), said("withdrawal", "link", 4, "v2"), said("look", place=3)]
    made.producer.send([to_log(one) for one in told])
    made.producer.flush()
    made.sequence(256)
    return made


def test_a_log_made_again_is_the_same_log(office: Office) -> None:
    """Entry by entry, with the same head; what was erased is erased, and the desk goes on with it."""
    before, head = office.kept(), (office.log / "checkpoint").read_bytes()
    shutil.rmtree(office.log)
    with pytest.raises(LogDisagrees):
        bootstrap.sequencer(office.settings, "main")
    assert rebuilt(office.settings, "main") == 256
    assert (office.log / "checkpoint").read_bytes() == head
    assert office.kept() == before
    assert before[42].body is None
    assert decode(before[255].body or b"").outcome is Outcome.WITHHOLD
    office.write(encode(decision(300)))
    office.sequence(257)
    assert len(office.kept()) == 257


def test_nothing_is_put_in_place_that_is_not_what_was_published(office: Office) -> None:
    """A head that the topic's entries do not give, longer or another: no log comes of it, and nothing is signed."""
    private = bootstrap.load_keys(office.settings).logs["main"]
    shutil.rmtree(office.log)
    for forged in (Checkpoint(office.key.name, 100, bytes(32)), Checkpoint(office.key.name, 999, bytes(32))):
        office.producer.send([Emit(CHECKPOINTS, office.key.name, sign(forged, private))])
        office.producer.flush()
        with pytest.raises(LogDisagrees):
            rebuilt(office.settings, "main")
        assert not office.log.exists()
        assert not (office.log.with_name("main.again") / "checkpoint").exists()


def test_a_log_that_is_there_is_not_made_again(office: Office) -> None:
    """Whoever asks for it moves it away first, and so keeps it."""
    with pytest.raises(Misconfigured, match="move it away"):
        rebuilt(office.settings, "main")
    office.kept()
