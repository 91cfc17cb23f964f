"""Starts a hub and keeps it running: broker, topics, workers and desk, each restarted when it ends by itself.

The embedded broker runs in this process; everything else in children, which end when this process does.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from random import sample

import structlog

from agents import bootstrap
from agents.adapters.embedded import LIMITS, Embedded
from agents.adapters.keys import load_keys
from agents.adapters.topics import ensure
from agents.settings import Listening, Settings
from schemas.errors import Misconfigured

_LOOK_SECONDS = 0.2
_STOP_SECONDS = 20.0
_START_SECONDS = 60.0
_QUICK_END_SECONDS = 10.0  # a child that ends sooner is started again only after a pause
_LONGEST_PAUSE = 15.0
_PORTS = range(20_000, 32_000)  # below those of outgoing connections, on Linux and elsewhere
_log = structlog.get_logger("hearth.hub")


class Child:
    """One child process, started again whenever it ends."""

    def __init__(self, name: str, arguments: list[str], environ: dict[str, str], output: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "agents.processes", *arguments]
        self._environ = {**os.environ, **environ, "HEARTH_SUPERVISED": "1"}
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._again_at = 0.0
        self._pause = 0.5
        self.restarts = -1

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def look(self) -> None:
        """Start the child if it does not run, at once or after the pause that its quick ends have earned."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self._ended(now, self._process.returncode)
        if self._process is None and now >= self._again_at:
            self._start(now)

    def _ended(self, now: float, code: int) -> None:
        _log.warning("child ended", child=self.name, code=code)
        self._release()
        quick = now - self._started < _QUICK_END_SECONDS
        self._pause = min(self._pause * 2, _LONGEST_PAUSE) if quick else 0.5
        self._again_at = now + (self._pause if quick else 0.0)

    def _start(self, now: float) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 (our own command, no shell)
                self._command, env=self._environ, stdin=subprocess.PIPE, stdout=output, stderr=output,
                start_new_session=True,  # Ctrl-C is for the hub, which stops its children in order
            )  # fmt: skip
        self._started = now
        self.restarts += 1

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()

    def wait_stopped(self, until: float) -> None:
        """Wait for the end, and kill the child when it has not ended by then."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._release()

    def _release(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


class Hub:
    """A running hub. `settings` name its broker and run directory, `http` its address."""

    def __init__(self, settings: Settings, broker: Embedded | None) -> None:
        self.settings = settings
        self.http = f"http://{settings.http_host}:{settings.http_port}"
        self._broker = broker
        self._stopping = threading.Event()
        logs = settings.run_dir / "output"
        logs.mkdir(exist_ok=True)
        names = [f"worker-{number}" for number in range(settings.workers)]
        self.children = [
            Child("desk", ["desk"], settings.environ(), logs / "desk.log"),
            *(Child(name, ["worker", name], settings.environ(), logs / f"{name}.log") for name in names),
        ]
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def run(self) -> Hub:
        """Start the children and return when the door answers. Raises Misconfigured when it does not."""
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not _answers(self.settings.http_host, self.settings.http_port):
            if time.monotonic() > until:
                self.stop()
                raise Misconfigured(f"the hub did not start: see {self.settings.run_dir / 'output'}")
            time.sleep(0.05)
        listening = Listening(
            self.settings.kafka, self.http, os.getpid(), self.settings.embedded, started_at=bootstrap.now()
        )
        self.settings.listen(listening)
        return self

    def stop(self) -> None:
        """Stop everything that was started, in order; what does not stop within 20 s is killed."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join()
        for child in self.children:
            child.ask_to_stop()
        until = time.monotonic() + _STOP_SECONDS
        for child in self.children:
            child.wait_stopped(until)
        self.settings.hub_file.unlink(missing_ok=True)
        if self._broker is not None:
            self._broker.close()

    def wait(self) -> None:
        """Return when the process is told to stop (SIGINT, SIGTERM)."""
        told = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: told.set())
        told.wait()

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            for child in self.children:
                child.look()
            self._stopping.wait(_LOOK_SECONDS)


def start(settings: Settings, say: Callable[[str], None] = lambda _: None) -> Hub:
    """Start a hub in its own run directory; `say` is told what it runs on. Stop it with `.stop()`."""
    begun = settings.begin_run(bootstrap.now())
    load_keys(begun)  # made once, before several processes look for them
    topics = bootstrap.topics(begun)
    broker = None
    if begun.kafka:
        made = ensure(begun.kafka, topics, begun.replication)
        say(f"Runs on the Kafka at {begun.kafka}; {len(made)} topics made. State in {begun.run_dir}.")
    else:
        broker = Embedded(topics)
        begun = replace(begun, kafka=broker.bootstrap)
        say("Runs on the embedded broker, for trying out: it " + "; it ".join(LIMITS) + ".")
        say("Set HEARTH_KAFKA to run on a real Kafka (deploy/kafka/start gives one).")
    if not begun.http_port:
        begun = replace(begun, http_port=_free_port(begun.http_host))
    return Hub(begun, broker).run()


def up(settings: Settings, say: Callable[[str], None] = lambda _: None) -> int:
    """Run a hub until told to stop; return the exit code."""
    hub = start(settings, say)
    say(f"Listening at {hub.http}. Stop with Ctrl-C.")
    try:
        hub.wait()
    finally:
        hub.stop()
    return 0


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def _free_port(host: str) -> int:
    """Return a port that nobody listens at. The desk takes it seconds later: it is none that the system gives away."""
    for port in sample(_PORTS, len(_PORTS)):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind((host, port))
            return port
    raise Misconfigured(f"no port is free on {host}: name one as HEARTH_HTTP_PORT")
