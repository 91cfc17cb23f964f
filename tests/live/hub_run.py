"""The real hub under faults: two workers and a desk in processes of their own, fed while faults are made."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from agents import bootstrap, hub
from agents.adapters.kafka import KafkaProducer
from agents.adapters.keys import load_keys
from agents.adapters.topics import Topic, ensure
from agents.ports import Producer
from agents.rehearsal import Rehearsal
from agents.sending import Framing
from agents.settings import Settings
from consent.seal import Pseudonyms
from consent.sharing import agencies
from deploy.kafka.broker import Broker
from streams import topology
from streams.attendance import Block
from streams.timeline import Family
from tests.live.hub_account import Account
from tests.live.hub_feed import Published, Sending, Source
from tests.live.hub_state import Contents, Lexicon, World
from tests.live.log_volume import LogVolume
from tests.live.nemesis import Fault, Nemesis
from tests.live.processes import Worker, wait_for
from tests.live.recorder import Recorder

PER_BLOCK = 400  # records of one block of the source, or a few more
LOOK_SECONDS = 4.0  # between a look at the log and the sending that it allows
FAULT_SECONDS = 10  # what one takes, roughly: the events are spread over them
_STAMPED = {"message.timestamp.type": "LogAppendTime"}  # the broker says what it had first


class Feeder:
    """Publishes a burst of `per_second` records each second, in a thread of its own while faults are made.

    `rush` adds so many at full speed that the hub is behind for a while: then a fault meets it with full batches.
    """

    def __init__(self, source: Source, producer: Producer, per_second: int) -> None:
        self._source, self._producer, self._per_second = source, producer, per_second
        self._stopping = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self.published = Published()
        self.sent = 0

    def publish_before(self) -> None:
        self._publish(iter(self._source.before), len(self._source.before))

    def start(self) -> Feeder:
        self._thread.start()
        return self

    def rush(self, count: int) -> None:
        self._publish(self._source.records, count)

    def finish(self, total: int) -> int:
        """Stop the bursts, publish what `total` lacks; return how many were published in all."""
        self._stopping.set()
        self._thread.join()
        self._publish(self._source.records, max(0, total - self.sent))
        return self.sent

    def _feed(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            self._publish(self._source.records, self._per_second)
            self._stopping.wait(max(0.0, 1.0 - (time.monotonic() - began)))

    def _publish(self, records: Iterator[Sending], count: int) -> None:
        with self._one_at_a_time:
            for _ in range(count):
                sending = next(records)
                self._producer.send([sending.emit])
                self.published.add(sending)
                self.sent += 1
            self._producer.flush()


class HubRun:
    """One run. `control` names a safeguard that its workers go without (tests/live/hub_worker.py); with `patience`
    (seconds that the log may be behind) the logs stand on a volume of their own that can fail."""

    def __init__(self, broker: Broker, directory: Path, control: str = "", patience: float = 0.0) -> None:
        self._broker = broker
        self.began = datetime.now(UTC)
        settings = Settings.load({"HEARTH_KAFKA": broker.bootstrap, "HEARTH_HOME": str(directory / "home"),
            "HEARTH_HTTP_PORT": str(hub._free_port("127.0.0.1")), "HEARTH_COMMIT_INTERVAL": "0.5",
            "HEARTH_BATCH": "200", **({"HEARTH_LOG_PATIENCE": str(patience)} if patience else {})})  # fmt: skip
        self.settings = settings.begin_run(self.began)
        self.volume = LogVolume(self.settings.log_dir, directory / "log-control") if patience else None
        keys = load_keys(self.settings)
        ensure(broker.bootstrap, [_stamped(topic) for topic in bootstrap.topics(self.settings)])
        environ = {**self.settings.environ(), "HEARTH_CONTROL": control,
            "HEARTH_LOG_CONTROL": str(directory / "log-control")}  # fmt: skip
        self._workers = [
            Worker("tests.live.hub_worker", ["worker"], directory / f"w{number}", environ) for number in (1, 2)
        ]
        desk = "tests.live.hub_desk" if patience else "agents.processes"
        self._desk = Worker(desk, ["desk"], directory / "desk", environ)
        self._framing = Framing(Pseudonyms(keys.pseudonym, keys.pseudonym_version))
        self._recorder = Recorder(broker.bootstrap)
        self._over = threading.Event()

    def go(self, faults: Sequence[Fault], total: int, say: Callable[[str], None], settle: float = 300.0) -> Published:
        """Make the faults under load; return what was published once all of it is worked through."""
        source = Source(self._framing, self.began.date(), 3 * total // PER_BLOCK + 4)
        feeder = Feeder(source, KafkaProducer(self._broker.bootstrap), max(20, total // (len(faults) * FAULT_SECONDS)))
        keeper = threading.Thread(target=self._keep_desk, daemon=True)
        try:
            keeper.start()
            feeder.publish_before()
            for worker in self._workers:
                worker.start()
            wait_for("who is known before", self._settled, 120)
            feeder.start()
            rushes = {len(faults) * quarter // 4 for quarter in (1, 2, 3)}
            nemesis = Nemesis(self._workers, self._broker.restart, desk=self._desk, volume=self.volume)
            for number, fault in enumerate(nemesis.run(faults), start=1):
                say(f"{number} of {len(faults)} faults ({fault}), {feeder.sent} events sent")
                if number in rushes:
                    feeder.rush(total // 6)
            feeder.finish(total)
            say(f"{feeder.sent} events sent, all faults made: settling")
            wait_for("every offset committed", self._settled, settle)
        finally:
            self._over.set()
            keeper.join()
            for process in (*self._workers, self._desk):
                process.stop()
        return feeder.published

    def close(self) -> None:
        """Take away what the machine has of the run."""
        if self.volume is not None:
            self.volume.close()

    def account(self, published: Published) -> Account:
        return Account(self.settings, published)

    def disclosed_behind(self, account: Account, patience: float) -> dict[str, int]:
        """Count what was sent while a decision older than `patience`, and what looking and sending take, was not under
        a signed head."""
        sent = sorted(at for at, _ in account.sent)
        behind = account.behind(int((patience + LOOK_SECONDS) * 1000))
        found = sum(bisect_left(sent, end) - bisect_right(sent, begin) for begin, end in behind)
        return {"sent while the log was behind": found}

    def rehearsed(self, published: Published) -> Contents:
        """Return what every family's record holds when the same events go through the hub in memory, undisturbed."""
        rehearsal = Rehearsal()
        rehearsal.publish(published.events, self.began)
        values = rehearsal.pipeline.states["family"].values
        families = {key: value for key, value in values.items() if isinstance(value, Family)}
        blocks = {key: value for key, value in values.items() if isinstance(value, Block)}
        lexicon = Lexicon(rehearsal.names, published.events)
        return World(lexicon, rehearsal.people, families, blocks).contents()

    def logs(self) -> str:
        """Return the last that each process said."""
        return "\n".join(process.log()[-3000:] for process in (*self._workers, self._desk))

    def _keep_desk(self) -> None:
        while not self._over.wait(0.5):
            if not self._desk.alive:
                self._desk.start()

    def _settled(self) -> bool:
        """Tell whether every group has committed all that stands on its topics, twice over: a stage writes what comes
        of a record before it commits the record, so nothing more can come then."""
        return all(self._recorder.lag(group, topic) == 0 for _ in range(2) for group, topic in _WORKED)


_READ = (*map(topology.inbound, agencies()), topology.IN_FORWARDED, topology.IDENTITY_QUEUE, topology.FAMILY_ITEMS)
_WORKED = (
    *((bootstrap.ENGINE_NAME, topic) for topic in _READ),
    *((bootstrap.LOG_GROUP + log, topology.decisions_for(log)) for log in bootstrap.LOGS),
)


def _stamped(topic: Topic) -> Topic:
    told = topic.name.startswith((topology.DECISIONS, topology.ALERTS, topology.CHECKPOINTS))
    return replace(topic, config={**topic.config, **_STAMPED}) if told else topic
