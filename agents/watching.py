"""Behaviour watch by the hub itself: once a day, over the week before, in a process of its own.

So neither the log nor the projection waits for it, and whatever becomes of it, the desk goes on. What it finds is put
on the IG queue in the hub's name; what one run misses the next finds, for each looks at the whole week again. What is
on the queue beyond its last day escalates by the same run: a break-glass that nobody reviewed, above all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from agents.commands.tools import Tools
from agents.ig.alike import Comparison
from agents.ig.cases import HUB, Cases
from agents.ig.decisions import IG_ROLE, DecisionLog
from agents.ig.watch import Watch
from agents.settings import Settings
from schemas.people import KnownPractitioner
from streams import sealed
from streams.timeline import on_day

THE_HUB = KnownPractitioner(HUB, 1, "hub", IG_ROLE, "hub", "", sealed.SEALED)
FIRST_SECONDS, DAY_SECONDS, AGAIN_SECONDS = 600.0, 86_400.0, 3_600.0
_DAYS = 7  # a week counts as a whole, and what was not there yesterday may be today
_LOOK_SECONDS = 0.5
_log = structlog.get_logger("hearth.watching")


def watch_of(kit: Tools, officer: KnownPractitioner, now: datetime) -> Watch:
    """Return the watch as this officer has it, or the hub itself."""
    alike = Comparison(kit.reading, kit.inside.contact, now)
    cases = Cases(kit.queries, kit.producer, kit.pseudonyms, officer)
    return Watch(DecisionLog(kit.queries, officer), cases, alike)


def watch_the_week(settings: Settings, now: datetime) -> list[str]:
    """Put what is found up to today on the queue, and pass on what nobody closed in time; return the cases that are
    new, or grew, or were passed on. Raises Behind, NotWritten."""
    watch = watch_of(Tools(settings.environ()), THE_HUB, now)
    found = watch.run(on_day(now) - timedelta(days=_DAYS), on_day(now), now)
    passed = watch.cases.escalate(now)
    _log.info("behaviour watch")  # not how many: some may refer to what is sealed
    return found + passed


class Process(Protocol):
    """What is asked of a child process (subprocess.Popen)."""

    def poll(self) -> int | None: ...


class Daily:
    """Starts something once a day, the first time a while after the hub; and again in an hour where it failed."""

    def __init__(
        self, start: Callable[[], Process], clock: Callable[[], float] = time.monotonic, pause: float = _LOOK_SECONDS
    ) -> None:
        self._start, self._clock, self._pause = start, clock, pause
        self._running: Process | None = None
        self._at = clock() + FIRST_SECONDS

    def step(self) -> None:
        """Start it when its time has come, or see whether it has ended; then wait a moment."""
        if self._running is None and self._clock() >= self._at:
            self._running = self._start()
        elif self._running is not None and (code := self._running.poll()) is not None:
            self._running = None
            self._at = self._clock() + (AGAIN_SECONDS if code else DAY_SECONDS)
            if code:
                _log.warning("behaviour watch failed: again in an hour", code=code)
        time.sleep(self._pause)


def in_a_child(settings: Settings) -> Process:
    """Start a watch in a process that ends by itself when this one is gone."""
    environ = {**os.environ, **settings.environ(), "HEARTH_SUPERVISED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "agents.processes", "watch"], env=environ, stdin=subprocess.PIPE
    )
