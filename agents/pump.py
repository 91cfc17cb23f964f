"""Between Faust's stream and a runner: batches in, acknowledgements back, and a watch on the process's own sleep."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import structlog

from agents.adapters.faust_batches import Batch
from agents.owned import Lost
from agents.runner import Runner

if TYPE_CHECKING:
    from agents.app import HearthApp

_log = structlog.get_logger("hearth.app")
_DRAIN_SECONDS = 10.0
_STALLED_SESSIONS = 3  # a lost partition must be assigned anew within so many session timeouts


class StageFailed(Exception):
    """A stage ended by a fault of the hub's own. Names the stage and the kind of error, and never its text."""


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
        app.consumer.worked(event.message.tp, batch)

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
            await self._app.crash(StageFailed(f"{self.runner.name}: {type(wrong).__name__}"))

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
        """Finish the batch in hand and write its state; take no more. A broker that is away is not waited for long."""
        self._draining = True
        last = asyncio.ensure_future(self._call(self._working, self.runner.checkpoint))
        await asyncio.wait([last], timeout=_DRAIN_SECONDS)
        self.runner.abandon()


def _acknowledge(event: Any, batch: Batch) -> None:
    batch.finished = True
    event.ack()
