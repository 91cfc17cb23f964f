"""The Faust app: assignment, rebalance, tables and recovery come from Faust, the order of effects from the runner.

Each stage has two threads of its own: one works through batches, one writes state to the changelog. Neither is the
event loop's nor the consumer's, so heartbeats go on while a batch is being worked through, and a wait for the broker
in one stage holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
import mode.loop
from faust.types import TP

from agents.adapters import faust_batches, faust_store
from agents.pump import Pulse, Pump
from agents.runner import Runner


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
            stream_buffer_maxsize=4096,  # never reached: the consumer keeps two batches of a partition ahead
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


def owns(app: HearthApp, topic: str, partition: int) -> bool:
    """Tell whether this worker is assigned the partition now."""
    return not app.rebalancing and TP(topic, partition) in app.consumer.assignment()


def run(app: HearthApp) -> None:
    """Run `app` in this process until it is told to stop (SIGINT, SIGTERM). Ends by SystemExit."""
    mode.loop.use("uvloop")
    faust.Worker(app, loglevel=app.engine.log_level, quiet=True, redirect_stdouts=False).execute_from_commandline()
