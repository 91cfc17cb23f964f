"""The Faust app: assignment, rebalance, tables and recovery come from Faust, the order of effects from the runner.

Each stage has two threads of its own: one works through batches, one writes state to the changelog. Neither is the
event loop's nor the consumer's, so heartbeats go on while a batch is being worked through, and a wait for the broker
in one stage holds up no other.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
import mode.loop
import structlog
from faust.types import TP

from agents.adapters import faust_batches, faust_store
from agents.adapters.faust_batches import Batch
from agents.runner import Lost, Runner

_log = structlog.get_logger("hearth.app")
_STALLED_SESSIONS = 3  # a lost partition must be assigned anew within so many session timeouts


@dataclass(frozen=True)
class Engine:
    """How the app runs. Seconds are seconds; `transactions` and `declare` are False on the embedded broker.

    `checkpoint_seconds` is how often state goes to the changelog and offsets may be committed: the most that a kill
    makes be repeated, together with `commit_seconds`.
    """

    name: str
    bootstrap: str
    data: Path
    store: str = "rocksdb"
    session_seconds: float = 6.0
    commit_seconds: float = 0.5
    checkpoint_seconds: float = 0.2
    batch_records: int = 2000
    transactions: bool = True
    declare: bool = True
    log_level: str = "WARN"


class HearthApp(faust.App):
    """A Faust app whose stage topics come in batches and whose stages run in a Runner each."""

    hearth_committed_only: bool = True
    hearth_stage_topics: set[str]

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.hearth_stage_topics = set()
        self.hearth_committed_only = engine.transactions
        self.pumps: list[Pump] = []
        self.pulse = Pulse(engine.session_seconds)
        super().__init__(
            engine.name,
            broker=";".join(f"kafka://{address}" for address in engine.bootstrap.split(",")),
            datadir=str(engine.data),
            store=f"{engine.store}://",
            broker_session_timeout=engine.session_seconds,
            broker_rebalance_timeout=engine.session_seconds,
            broker_heartbeat_interval=engine.session_seconds / 4,
            broker_commit_interval=engine.commit_seconds,
            broker_max_poll_records=engine.batch_records,
            broker_check_crcs=engine.transactions,  # the embedded broker's checksums are wrong
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,
            stream_buffer_maxsize=8,  # batches, not records
            table_standby_replicas=0,
            topic_allow_declare=engine.declare,
            topic_disable_leader=True,
            web_enabled=False,  # its pages would show table contents
            autodiscover=False,
        )

    def _new_transport(self) -> faust_batches.Transport:
        return faust_batches.Transport(self.conf.broker_consumer, self)

    def add_stage(self, spec: StageSpec) -> Pump:
        """Run `spec`'s stage over its topics. Call before the app starts."""
        self.hearth_stage_topics.update(spec.topics)
        table = faust_store.stage_table(self, spec.name, spec.partitions)
        pump = Pump(self, spec.runner(table), spec.ready)
        table.on_owned = pump.on_owned
        self.pumps.append(pump)
        channel = self.topic(*spec.topics, key_serializer="raw", value_serializer="raw", allow_empty=True)
        self.agent(channel, name=f"hearth.{spec.name}", concurrency=1)(pump.agent)
        self.task(pump.keep_checkpointing)
        return pump

    async def on_start(self) -> None:
        """Start the watch on this process's own sleep."""
        self.pulse.start()
        await super().on_start()

    async def on_stop(self) -> None:
        """Let each stage finish the batch in hand, write its state and commit, then stop as Faust does."""
        for pump in self.pumps:
            await pump.drain()
        if self.pumps and self.consumer.started:
            await asyncio.sleep(0.05)  # the acknowledgements that the drain handed to this loop
            await self.consumer.commit()
        await super().on_stop()


@dataclass(frozen=True)
class StageSpec:
    """A stage to run: its table's name, topics (all with as many partitions), and how to make its runner on a table.

    `ready` is called whenever partitions were assigned, after earlier owners are fenced and before work begins; it
    returns once what the stage reads beside its topics (`people`) is up to date.
    """

    name: str
    topics: tuple[str, ...]
    partitions: int
    runner: Callable[[faust_store.StageTable], Runner[Any]]
    ready: Callable[[], None] | None = None


class Pulse:
    """Tells whether this process was stopped for longer than its session: then others own its partitions."""

    def __init__(self, session_seconds: float) -> None:
        self._most = session_seconds
        self._last = time.monotonic()
        self._slept_until = 0.0
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        self._last = time.monotonic()
        self._thread.start()

    def unbroken_since(self, begun: float) -> bool:
        """Tell whether the process was awake all the time since `begun` (monotonic seconds)."""
        return time.monotonic() - self._last < self._most and self._slept_until < begun

    def _beat(self) -> None:
        while True:
            time.sleep(0.1)
            now = time.monotonic()
            if now - self._last >= self._most:
                self._slept_until = now
            self._last = now


class Pump:
    """Moves a stage's batches from Faust's stream into its runner, and the acknowledgements back."""

    def __init__(self, app: HearthApp, runner: Runner[Any], ready: Callable[[], None] | None) -> None:
        self._app = app
        self.runner = runner
        self._ready = ready
        self._working = ThreadPoolExecutor(1, thread_name_prefix=f"work-{runner.name}")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix=f"state-{runner.name}")
        self._draining = False
        self._lost_at = 0.0

    async def agent(self, stream: Any) -> None:
        """Take the stream's events for ever. Nothing escapes: Faust would take an escaped exception for an answer."""
        async for event in stream.noack().events():
            if isinstance(event.value, Batch) and not self._draining:
                await self._handle(event, event.value)

    async def _handle(self, event: Any, batch: Batch) -> None:
        app, loop, begun = self._app, asyncio.get_running_loop(), time.monotonic()
        generation = event.message.generation_id

        def still_ours() -> bool:
            return bool(app.consumer_generation_id == generation) and app.pulse.unbroken_since(begun)

        def done() -> None:
            loop.call_soon_threadsafe(_acknowledge, event, batch)

        await self._call(
            self._working, self.runner.work, batch.records[0].partition, batch.records, done, still_ours
        )

    async def _call(self, pool: ThreadPoolExecutor, work: Callable[..., None], *arguments: Any) -> None:
        future = asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        await asyncio.wait([future])
        wrong = future.exception()
        if isinstance(wrong, Lost):
            self._lost_at = self._lost_at or time.monotonic()
            _log.warning("batch dropped, its partition is lost", stage=self.runner.name)
        elif wrong is not None:
            # a fault of the hub's own: end, so that whoever supervises starts a worker that begins at the commit
            _log.critical("stage failed", stage=self.runner.name, error=type(wrong).__name__)
            await self._app.crash(wrong)

    async def on_owned(self, partitions: list[int]) -> None:
        """Claim the assigned partitions from whoever had them, before their state is read back."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.runner.own, partitions)
        if partitions and self._ready is not None:
            await loop.run_in_executor(None, self._ready)
        self._lost_at = 0.0

    async def keep_checkpointing(self) -> None:
        """Write state to the changelog at intervals, for as long as the app runs."""
        app = self._app
        while not app.should_stop:
            await asyncio.sleep(app.engine.checkpoint_seconds)
            await self._call(self._writing, self.runner.checkpoint)
            if self._lost_at and time.monotonic() - self._lost_at > _STALLED_SESSIONS * app.engine.session_seconds:
                await app.crash(Lost())

    async def drain(self) -> None:
        """Finish the batch in hand and write its state; take no more."""
        self._draining = True
        await self._call(self._working, self.runner.checkpoint)


def _acknowledge(event: Any, batch: Batch) -> None:
    batch.finished = True
    event.ack()


def owns(app: HearthApp, topic: str, partition: int) -> bool:
    """Tell whether this worker is assigned the partition now."""
    return not app.rebalancing and TP(topic, partition) in app.consumer.assignment()


def run(app: HearthApp) -> None:
    """Run `app` in this process until it is told to stop (SIGINT, SIGTERM). Ends by SystemExit."""
    mode.loop.use("uvloop")
    faust.Worker(app, loglevel=app.engine.log_level, quiet=True, redirect_stdouts=False).execute_from_commandline()
