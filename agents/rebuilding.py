"""Making a lost log again from its topic, by the sequencer's own steps: what gave the log its order gives it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from agents.ports import Consumer
from agents.sequencer import Sequencer
from streams.outcome import Emit


class Again(Protocol):
    """What is made again (agents/adapters/log_again.py)."""

    @property
    def complete(self) -> bool: ...

    def finish(self) -> int: ...


class Unshared:
    """A consumer that commits nothing, and a producer that writes nothing: the topics stay as they are."""

    def __init__(self, consumer: Consumer) -> None:
        self.poll, self.close = consumer.poll, consumer.close

    def commit(self) -> None: ...

    def send(self, emits: Iterable[Emit]) -> None: ...

    def flush(self) -> None: ...


def rebuild(log: Again, sequencer: Sequencer, at_end: Callable[[], bool]) -> int:
    """Step until the log is complete or the topic has ended; return the log's size. Raises what `finish` raises."""
    ended = False
    while not log.complete and not ended:
        ended = at_end()
        sequencer.step()
    return log.finish()
