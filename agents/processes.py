"""What a hub's processes are: `python -m agents.processes worker NAME`, `… desk`, and `… prepare` before them.

The desk starts one more each day, `… watch`, which ends by itself (agents/watching.py).

`agents/hub.py` runs them on one machine; containers run them one by one, on a Kafka named by HEARTH_KAFKA. `prepare`
makes the keys and topics that are missing, and ends.

A worker runs the stages. The desk runs, in threads of its own, both sequencers and the projector, puts sharing
agreements that are to be reviewed on the IG queue, and serves HTTP. A thread that ends for any reason ends the desk:
its supervisor starts another, which goes on where the topics say. Only a log's disk that fails is waited for in place.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import structlog

from agents import logging
from agents.settings import Settings
from consent import sharing
from consent.days import london_day
from schemas.errors import Misconfigured

PAUSE_SECONDS = 1.0  # before a log whose disk failed is tried again
_BATCH = 5000
_WAIT_SECONDS = 0.2
_LEAVE_SECONDS = 8.0
_log = structlog.get_logger("hearth.processes")


class Stepping(Protocol):
    """What is done step by step."""

    def step(self) -> object: ...


def work(settings: Settings, name: str) -> None:
    """Run the stages until told to stop."""
    from agents import app, bootstrap, memory

    worker = bootstrap.worker(settings, name)
    memory.settle()
    app.run(worker)


def desk(settings: Settings) -> int:
    """Keep the logs and the projection, and serve HTTP, until told to stop; return 1 if a part of it failed."""
    from agents import bootstrap, memory
    from agents.portal.serve import serving
    from agents.watching import Daily, in_a_child

    parts = Parts()
    for log in bootstrap.LOGS:
        sequencing = Enduring(log, partial(bootstrap.sequencer, settings, log))
        parts.add(f"sequencer-{log}", sequencing.step)
        witnessing = bootstrap.witnessing(settings, log)
        if witnessing is not None:
            parts.add(f"witnessing-{log}", witnessing.step)
    projector, consumer = bootstrap.projection(settings)

    def project() -> None:
        projector.apply(consumer.poll(_BATCH, _WAIT_SECONDS), consumer.reached)

    parts.add("projector", project)
    parts.add("agreements-due", bootstrap.agreements_due(settings).step)
    parts.add("watching", Daily(partial(in_a_child, settings)).step)
    memory.settle()
    parts.start()
    told = _told_to_stop()
    with serving(bootstrap.door(settings), settings.http_host, settings.http_port):
        told.wait()
    return parts.stop()


def prepare(settings: Settings) -> None:
    """Make the keys, the registry and the topics that are missing; say which sharing agreements are to be reviewed."""
    from agents import bootstrap
    from agents.adapters.keys import load_keys
    from agents.adapters.topics import ensure

    load_keys(settings)
    made = ensure(settings.kafka, bootstrap.topics(settings), settings.replication)
    _log.info("prepared", topics_made=len(made))
    for due in sharing.reviews_due(london_day(datetime.now(UTC))):
        _log.warning("sharing agreement to be reviewed", agreement=due.id, out_of_date_on=str(due.dates.review_on))


class Enduring:
    """A log's sequencer, opened when first stepped. While the log's disk fails, its step pauses and is taken again: the
    desk's other parts go on, and what is disclosed stops by itself (log_watch.py). Any other error ends the desk."""

    def __init__(self, log: str, opened: Callable[[], Stepping]) -> None:
        self._log, self._open = log, opened
        self._sequencer: Stepping | None = None

    def step(self) -> None:
        """Take one batch through, or wait a moment where the disk lets nothing through."""
        try:
            if self._sequencer is None:
                self._sequencer = self._open()
            self._sequencer.step()
        except (OSError, sqlite3.Error) as wrong:
            _log.warning("log not written", log=self._log, error=type(wrong).__name__)
            time.sleep(PAUSE_SECONDS)


class Parts:
    """Threads that each do one step again and again. One that fails tells the process to stop."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._failed = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, name: str, step: Callable[[], object]) -> None:
        self._threads.append(threading.Thread(target=self._run, args=(step,), name=name, daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> int:
        """Let each thread finish its step; return 1 if one had failed."""
        self._stopping.set()
        until = time.monotonic() + _LEAVE_SECONDS  # for all: a broker that is gone holds up each of them
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return int(self._failed.is_set())

    def _run(self, step: Callable[[], object]) -> None:
        done = False
        try:
            while not self._stopping.is_set():
                step()
            done = True
        finally:
            if not done:
                self._failed.set()
                os.kill(os.getpid(), signal.SIGTERM)


def _told_to_stop() -> threading.Event:
    """Return what is set on SIGTERM and SIGINT."""
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    return told


def _end_with_parent() -> None:
    """Stop this process when its parent is gone, however it went: the parent holds the other end of stdin."""

    def watch() -> None:
        while os.read(0, 1024):
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main(arguments: list[str]) -> int:
    """Be the process that `arguments` name, with settings from the environment."""
    kind, name = arguments[0], arguments[-1]
    logging.set_up(name)
    settings = Settings.load()
    if os.environ.get("HEARTH_SUPERVISED") == "1":
        _end_with_parent()
    elif settings.embedded:
        raise Misconfigured("HEARTH_KAFKA names no Kafka: only `hearth up` has a broker of its own")
    else:
        settings = settings.begin_run(datetime.now(UTC))
    _log.info("started", kind=kind, pid=os.getpid())
    if kind == "desk":
        return desk(settings)
    if kind == "watch":
        from agents.watching import watch_the_week

        watch_the_week(settings, datetime.now(UTC))
    elif kind == "prepare":
        prepare(settings)
    else:
        work(settings, name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
