"""What a stage returns: what to log and what to emit. Stages do no I/O; agents/runner.py alone does.

The runner's order of effects, each acknowledged before the next: keys stored → decisions and people written →
emits written → state changelog → offsets. A kill in between repeats effects; it never loses one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from consent.decision import Decision, encode
from schemas.ids import FamilyId, PersonId
from schemas.people import Written
from schemas.records import Record
from streams.topology import decisions_for

PLACE = "hearth_place"
"""Header of a decision: up to which offset its family's record had been read."""


class Emit(msgspec.Struct, frozen=True, gc=False):
    """A record to write. `key` decides the partition, unless `partition` is given."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


class NewKey(msgspec.Struct, frozen=True, gc=False):
    """A person's new data key (32 bytes), to be wrapped and stored before anything is sealed under it is written."""

    person: PersonId
    version: int
    key: bytes


def to_log(decision: Decision) -> Emit:
    """Return what puts a decision on its log's topic."""
    headers = ((PLACE, b"%d" % decision.place),) if decision.place >= 0 else ()
    return Emit(decisions_for(decision.log), decision.id, encode(decision), headers)


def place_of(record: Record) -> int:
    """Return at which place of its family's record a decision on its topic was made; -1 where it does not say."""
    said = next((value for name, value in record.headers if name == PLACE), b"")
    return int(said) if said.isdigit() else -1


class Send(msgspec.Struct, frozen=True):
    """An alert that waits to leave: what it rests on, so that it can be decided again before it does.

    `emits` and `decisions` (ids) are its own among the outcome's; `key` and `revision` name it in its family's state.
    """

    family: FamilyId
    key: str
    revision: int
    register_version: str
    decided_at: datetime
    emits: tuple[Emit, ...]
    decisions: tuple[str, ...]


class Outcome(msgspec.Struct):
    """Everything that one batch of one stage wants done. Mutable while the stage builds it."""

    keys: list[NewKey] = []
    decisions: list[Decision] = []
    people: list[Written] = []
    emits: list[Emit] = []
    sends: list[Send] = []

    def extend(self, other: Outcome) -> None:
        """Add all of `other`'s effects behind these."""
        self.keys += other.keys
        self.decisions += other.decisions
        self.people += other.people
        self.emits += other.emits
        self.sends += other.sends


T = TypeVar("T")


class State(Protocol[T]):
    """A stage's keyed state for one partition, as live objects. What is put is written when the batch is done."""

    def get(self, key: str) -> T | None: ...

    def put(self, key: str, value: T) -> None: ...

    def keys(self) -> Iterable[str]:
        """All keys of this partition (for ticks)."""
        ...


Stage = Callable[[Sequence[Record], State[T]], Outcome]
"""A stage takes a batch of one partition's records, in order, and its state. It raises for a record that it
cannot work through; the runner then splits the batch until that record stands alone, and quarantines it."""
