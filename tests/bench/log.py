"""How fast the log takes entries, with fsync and a signature per batch, and how fast it is verified; then the whole of
the sequencer's step around it: read from Kafka, decoded, held against what was published, logged, published, committed.

Entries are decision records as the gate writes them, with ids that are as random as the hub's. The targets are 10,000
entries/s in, and 1,000,000 entries verified (kept entries, every tile, every hash) in under 60 s.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import msgspec

from agents.adapters.embedded import Embedded
from agents.adapters.kafka import KafkaProducer
from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from agents.adapters.topics import Topic, ensure
from agents.bootstrap import now
from agents.bootstrap import sequencer as sequencer_of
from agents.settings import Settings
from consent.log.entry import LogEntry
from consent.log.verify import verify
from schemas.records import encode
from streams.outcome import Emit
from streams.topology import CHECKPOINTS, DECISIONS
from tests.bench import decide
from tests.bench.ground import Failed, Ground
from tests.bench.report import Figures
from tests.contract.logs import KEY, ORIGIN, PRIVATE, decision

BATCH = 10_000  # what a sequencer's step takes at once
ENTRIES, FEW = 1_000_000, 10_000
SEQUENCED = 200_000


def run(here: Ground, repeats: int) -> Figures:
    """Write a log `repeats` times and verify it each time; then what one decision costs before it is logged."""
    figures, count = Figures(), here.count(ENTRIES, FEW)
    for number in range(repeats):
        here.say(f"(e) log of {count:,} entries, run {number + 1} of {repeats}")
        _one(here.room("log") / "main", count, figures)
        here.say(f"(e) the sequencer's whole step, run {number + 1} of {repeats}")
        figures.add("entries/s by the sequencer", _sequenced(here, min(count, SEQUENCED)), at_least=10_000)
    decide.add(figures, repeats)
    figures.notes.append(f"a log of {count:,} entries, {BATCH:,} to a batch; each batch synced to disk and signed")
    return figures


def _one(directory: Path, count: int, figures: Figures) -> None:
    figures.add("entries/s into the log", count / _write(directory, count), at_least=10_000)
    reader, begun = LogReader(directory), time.monotonic()
    found = verify(reader.read, KEY, reader)
    spent = time.monotonic() - begun
    reader.close()
    if not found.ok or found.kept != count:
        raise Failed(f"the log holds {found.kept} entries of {count}, and {len(found.problems)} problems")
    figures.add("entries/s verified", count / spent)
    figures.add("seconds to verify the log", spent, at_most=60 * count / ENTRIES)
    shutil.rmtree(directory)


def _write(directory: Path, count: int) -> float:
    """Fill a log; return the seconds that it took, without making the entries."""
    log, spent = LogWriter(directory, ORIGIN, PRIVATE), 0.0
    for first in range(0, count, BATCH):
        batch = [_entry(number) for number in range(first, min(first + BATCH, count))]
        begun = time.monotonic()
        log.append(batch)
        spent += time.monotonic() - begun
    log.close()
    return spent


def _sequenced(here: Ground, count: int) -> float:
    """Return how many decisions a second go from their topic into the log, its start-up not counted."""
    topics = [Topic(DECISIONS), Topic(CHECKPOINTS)]
    with ExitStack() as ends:
        if here.broker is None:  # a test of this file
            broker = Embedded(topics)
            ends.callback(broker.close)
            kafka = broker.bootstrap
        else:
            here.forget()
            ensure(here.bootstrap, topics)
            kafka = here.bootstrap
        settings = Settings.load({"HEARTH_HOME": str(here.room("home")), "HEARTH_KAFKA": kafka}).begin_run(now())
        producer, sequencer = KafkaProducer(kafka), sequencer_of(settings, "main")
        for first, end in ((0, 1), *((at, min(at + BATCH, count + 1)) for at in range(1, count + 1, BATCH))):
            producer.send(Emit(DECISIONS, "f", _entry(number).body) for number in range(first, end))
            producer.flush()
            while not first and not sequencer.step():
                pass  # the first one: its group is joined, and its start-up over
        begun, done = time.monotonic(), 0
        while done < count:
            done += sequencer.step()
        return count / (time.monotonic() - begun)


def _entry(number: int) -> LogEntry:
    one = msgspec.structs.replace(decision(number), id=sha256(b"%d" % number).hexdigest()[:32])
    return LogEntry(one.id, one.salt, encode(one))
