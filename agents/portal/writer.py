"""Writes of many requests put together: one flush of the producer answers for all that waited for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agents.portal.pressure import RETRY_AFTER
from agents.portal.problem import Problem
from agents.ports import Producer
from streams.outcome import Emit

PATIENCE = 30.0  # seconds a publisher waits for the broker before it is told to try again


class Writer:
    """The door's way to the broker. `write` returns only after the broker acknowledged."""

    def __init__(self, producer: Producer, patience: float = PATIENCE) -> None:
        self._producer = producer
        self._patience = patience
        self._waiting: list[tuple[Sequence[Emit], asyncio.Future[None]]] = []
        self._draining: asyncio.Task[None] | None = None

    async def write(self, emits: Sequence[Emit]) -> None:
        """Write `emits`; raise the answer 503 when the broker did not acknowledge them in time."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((emits, done))
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        finished, _ = await asyncio.wait([done], timeout=self._patience)
        if not finished or done.exception() is not None:
            raise _not_stored()

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            emits = [emit for group, _ in batch for emit in group]
            (failed,) = await asyncio.gather(asyncio.to_thread(self._put, emits), return_exceptions=True)
            for _, done in batch:
                done.set_result(None) if failed is None else done.set_exception(failed)

    def _put(self, emits: Sequence[Emit]) -> None:
        self._producer.send(emits)
        self._producer.flush()


def _not_stored() -> Problem:
    fix = "Send it again after Retry-After seconds: an event that was stored already is recognised"
    return Problem(503, "not-acknowledged", "The broker did not acknowledge", fix, "", Retry_After=RETRY_AFTER)
