"""Faults in an order, driven by counts from the environment: few in `make test`, all in `make faults`.

HEARTH_FAULT_ROUNDS is how often a worker is killed at each boundary (default 1). At 10 or more: 20 kills at random
moments, 5 sleeps past the session and one broker restart; below, one of each. As often as a boundary, the disk of the
log is full, read-only, or fails call by call.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from tests.live.log_volume import LogVolume
from tests.live.processes import Worker, wait_for

BOUNDARIES = ("decisions", "outputs", "changelog", "commit")
SLEEP_SECONDS = 9.0  # past the session timeout of 6 s
LOG_FAULTS = ("log-full", "log-readonly", "log-eio")
LOG_FAULT_SECONDS = 13.0  # far past the patience of such a run


class Fault:
    """One fault: `kind` is kill-at | kill | sleep-at | broker | log-full | log-readonly | log-eio, `at` the boundary
    for the first and third."""

    def __init__(self, kind: str, at: str = "") -> None:
        self.kind = kind
        self.at = at

    def __repr__(self) -> str:
        return f"{self.kind} {self.at}".strip()


def plan(rounds: int | None = None, seed: int = 20261123, *, log: bool = False) -> list[Fault]:
    """Return the faults of a run, those of the disk of the `log` too, shuffled with a fixed seed."""
    each = int(os.environ.get("HEARTH_FAULT_ROUNDS", "1")) if rounds is None else rounds
    full = each >= 10
    faults = [Fault("kill-at", at) for at in BOUNDARIES for _ in range(each)]
    faults += [Fault("kill")] * (20 if full else 1)
    faults += [Fault("sleep-at", at) for at in (("outputs", "decisions", "changelog") * 2)[: 5 if full else 1]]
    faults += [Fault("broker")]
    faults += [Fault(kind) for kind in LOG_FAULTS for _ in range(each) if log]
    random.Random(seed).shuffle(faults)
    return faults


class Nemesis:
    """Keeps two workers alive but for the faults it makes itself; `desk` writes the log, which stands on `volume`."""

    def __init__(
        self, workers: Sequence[Worker], restart_broker: Callable[[], None], seed: int = 7,
        desk: Worker | None = None, volume: LogVolume | None = None,
    ) -> None:  # fmt: skip
        self._workers = list(workers)
        self._desk, self._volume = desk, volume
        self._restart_broker = restart_broker
        self._random = random.Random(seed)

    def run(self, faults: Sequence[Fault]) -> Iterator[Fault]:
        """Make each fault in turn, yielding it when it is over (workers may still be joining again)."""
        for number, fault in enumerate(faults):
            victim = self._workers[number % len(self._workers)]
            self._revive(but=victim)
            getattr(self, "_" + fault.kind.replace("-", "_"))(victim, fault)
            yield fault
        self._revive()

    def _revive(self, but: Worker | None = None) -> None:
        for worker in self._workers:
            if worker is not but and not worker.alive:
                worker.start(forget=self._random.random() < 0.5)

    def _kill_at(self, victim: Worker, fault: Fault) -> None:
        victim.kill()
        victim.start(kill_at=f"{fault.at}:{self._random.randint(1, 6)}", forget=self._random.random() < 0.3)
        wait_for(f"death at {fault.at}", lambda: not victim.alive, 90)

    def _kill(self, victim: Worker, _fault: Fault) -> None:
        if not victim.alive:
            victim.start()
        time.sleep(self._random.uniform(3.0, 8.0))
        victim.kill()

    def _sleep_at(self, victim: Worker, fault: Fault) -> None:
        victim.kill()
        victim.start(kill_at=f"{fault.at}:{self._random.randint(2, 6)}:STOP")
        wait_for(f"sleep at {fault.at}", lambda: victim.asleep, 90)
        time.sleep(SLEEP_SECONDS)  # the other worker takes over and works on meanwhile
        victim.signal(signal.SIGCONT)
        time.sleep(4.0)

    def _broker(self, _victim: Worker, _fault: Fault) -> None:
        self._revive()
        time.sleep(4.0)
        self._restart_broker()

    def _log_full(self, _victim: Worker, _fault: Fault) -> None:
        self._on_the_log(lambda volume: volume.fill(self._random.randrange(0, 200_000)))

    def _log_eio(self, _victim: Worker, _fault: Fault) -> None:
        self._on_the_log(LogVolume.break_calls)

    def _log_readonly(self, _victim: Worker, _fault: Fault) -> None:
        def come_back_read_only(volume: LogVolume) -> None:
            # a volume is not made read-only under files that are open for writing: it goes, and the desk with it
            wait_for("a read-only volume", lambda: (self._desk and self._desk.kill()) or volume.read_only(), 20)

        self._on_the_log(come_back_read_only, same_desk=False)

    def _on_the_log(self, make: Callable[[LogVolume], object], *, same_desk: bool = True) -> None:
        """Make a fault, end it, and see the log go on; the desk lives through it."""
        assert self._volume is not None
        assert self._desk is not None
        before = self._desk.pid
        make(self._volume)
        time.sleep(LOG_FAULT_SECONDS)
        self._volume.heal()
        wait_for("the log going on by itself", self._volume.goes_on(), 60)
        assert self._desk.pid == before or not same_desk, "the desk ended though the log's disk alone had failed"


class Feeder:
    """Sends events in small bursts in its own thread for as long as faults are made, then the rest at full speed."""

    def __init__(self, send: Callable[[int], None], flush: Callable[[], None], burst: int = 20) -> None:
        """`send(number)` queues one event; `burst` events are sent twenty times a second."""
        self._send = send
        self._flush = flush
        self._burst = burst
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self.sent = 0

    def start(self) -> Feeder:
        self._thread.start()
        return self

    def finish(self, total: int) -> int:
        """Stop the bursts, send what `total` lacks at full speed; return how many were sent in all."""
        self._stopping.set()
        self._thread.join()
        self._send_more(max(0, total - self.sent))
        return self.sent

    def _feed(self) -> None:
        while not self._stopping.wait(0.05):
            self._send_more(self._burst)

    def _send_more(self, count: int) -> None:
        for _ in range(count):
            self._send(self.sent)
            self.sent += 1
        self._flush()
