"""What the tests of the log's edges share: a witness that answers over HTTP, and a log that it cosigns."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from agents.adapters.memory import MemoryBroker, MemoryProducer
from agents.portal.serve import listen_on, url_of
from agents.witness import Witness
from agents.witness_http import server
from agents.witnessing import Witnessing
from consent.log.checkpoint import VerifierKey
from consent.log.trust import parse_trust
from tests.contract.logs import KEY

AT = 1_800_000_000  # seconds since 1970: the time at every witness here


def secret(number: int) -> bytes:
    return sha256(b"witness %d" % number).digest()


def witness(directory: Path, number: int = 0, logs: tuple[VerifierKey, ...] = (KEY,), disk=None) -> Witness:
    """Open witness `number` in `directory`."""
    directory.mkdir(exist_ok=True)
    return Witness(directory, f"w{number}.example", secret(number), logs, lambda: AT, disk)


@contextmanager
def answering(opened: Witness) -> Iterator[str]:
    """Serve a witness in a thread; gives its address."""
    with listen_on("127.0.0.1", 0) as bound:
        running = server(opened)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield url_of(bound)
        finally:
            running.should_exit = True
            thread.join(20)
            opened.close()


def policy(quorum: str, *witnesses: tuple[Witness, str], keys: tuple[VerifierKey, ...] = (KEY,)) -> str:
    """Return a policy that names these witnesses w0, w1, … and their addresses."""
    lines = [f"witness w{number} {one.key} {url}" for number, (one, url) in enumerate(witnesses)]
    return "\n".join([*(f"log {key}" for key in keys), *lines, f"group all all {' '.join(_names(len(witnesses)))}",
                      f"group any any {' '.join(_names(len(witnesses)))}", f"quorum {quorum}", ""])  # fmt: skip


def _names(count: int) -> list[str]:
    return [f"w{number}" for number in range(count)]


class Hub:
    """The part of a hub that has the log in `directory` cosigned."""

    def __init__(self, directory: Path, text: str, **tools) -> None:
        self.broker, self.now = MemoryBroker(), 0.0
        self.broker_producer = MemoryProducer(self.broker)
        self.witnessing = Witnessing(
            directory, KEY, parse_trust(text), self.broker_producer, pause=self._pause, clock=lambda: self.now, **tools
        )

    def _pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Witness, str]]:
    """Witness 0, answering: itself and its address."""
    opened = witness(tmp_path / "witness")
    with answering(opened) as url:
        yield opened, url
