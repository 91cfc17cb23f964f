"""The only place of I/O around a stage, and the only one that catches whatever a stage may raise.

Effects in order, each acknowledged before the next (design: state never before outputs, outputs never before the
decisions that allow them):

    keys stored → decisions and people written → emits written → state changelog → acknowledged

What is to be sent and has waited too long for a broker or for the log is decided again in between.

A kill in between repeats effects under the same ids; it never loses one. A record that its stage cannot work through
is found by splitting its batch, goes to quarantine with the batch's other emits, and holds up nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any, Generic, Protocol, TypeVar

import structlog

from agents.faults import boundary
from agents.owned import Lost, Owned, Row, StageState
from agents.ports import NotWritten, Producer
from schemas.errors import Refusal
from schemas.people import Written, people_key, people_value
from schemas.records import Record
from streams.outcome import Emit, NewKey, Outcome, Stage, to_log
from streams.topology import PEOPLE, alerts_to

T = TypeVar("T")
Quarantine = Callable[[Record, str, str, str, str], list[Emit]]
"""Make the quarantine record, and the receipt where one is due, of (record, path, code, problem, fix)."""

Again = Callable[[Outcome, Any, datetime | None, int], Outcome]
"""Decide again what waits to leave, of (outcome, state, instant, partition): streams/again.py."""

_TO_SUBSCRIBERS = alerts_to("")
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_log = structlog.get_logger("hearth.runner")


class _Old(Exception):
    """What was decided is older than it may be when it leaves."""


class KeyKeeper(Protocol):
    def store(self, keys: Sequence[NewKey]) -> None: ...


class Runner(Generic[T]):
    """Runs one stage over the partitions this worker owns.

    `own` and `disown` follow the assignment; `work` is called by one thread, batch after batch; `checkpoint` by
    another. `fenced_out` are the exceptions by which a writer says that the partition has a new owner; `passing`
    those of the key store or database that go away by themselves. What is to be sent and was decided more than
    `oldest_send` seconds ago, or under registers that have changed since, is decided `again` before it leaves.
    """

    def __init__(
        self,
        name: str,
        stage: Stage[T],
        producer: Producer,
        keystore: KeyKeeper | None,
        people_apply: Callable[[Written], None] | None,
        state_factory: Callable[[int], Owned[T]],
        quarantine: Quarantine,
        *,
        fenced_out: tuple[type[Exception], ...] = (),
        passing: tuple[type[Exception], ...] = (OSError,),
        most_unwritten: int = 20_000,
        boundary: Callable[[str], None] = boundary,
        may_disclose: Callable[[str], bool] = lambda _: True,
        again: Again | None = None,
        oldest_send: float = 30.0,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._stage = stage
        self._producer = producer
        self._keystore = keystore
        self._people_apply = people_apply
        self._state_factory = state_factory
        self._quarantine = quarantine
        self._fenced_out = fenced_out
        self._passing = (NotWritten, *passing)
        self._most_unwritten = most_unwritten
        self._boundary = boundary
        self._may_disclose = may_disclose
        self._again = again
        self._oldest_send = oldest_send
        self._clock = clock
        self._now = now
        self._stopping = threading.Event()
        self.owned: dict[int, Owned[T]] = {}

    # ------------------------------------------------------------------ assignment

    def own(self, partitions: Sequence[int]) -> None:
        """Give up what was owned and claim exactly `partitions`: earlier owners are fenced when this returns."""
        for owned in self.owned.values():
            owned.close()
        self.owned = {}
        owned = {number: self._state_factory(number) for number in partitions}
        for number, partition in owned.items():
            partition.number = number
        self.owned = owned

    def abandon(self) -> None:
        """End every wait for a broker or database: what is not acknowledged is for the next worker to do."""
        self._stopping.set()
        for owned in self.owned.values():
            owned.close()

    # ------------------------------------------------------------------ a batch

    def work(
        self,
        partition: int,
        records: Sequence[Record],
        done: Callable[[], None] = lambda: None,
        still_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        """Work through `records` and write all that comes of it but state; `done` is called once state is, too.

        Raises `Lost` when the partition went to another worker; `still_ours` is asked before each write.
        """
        owned = self.owned.get(partition)
        if owned is None or owned.closed or not still_ours():
            raise Lost  # a batch fetched before an assignment must not meet the state before it is recovered
        try:
            begun, outcome = self._clock(), self._try(records, owned.state)
            # what came late, after a backlog say, was decided as of when it came: agreements may have run out since
            at = self._now() if self._too_old(outcome, begun) else None
            outcome = self._decide_again(outcome, owned.state, at, partition)
            while not self._left(outcome, owned, still_ours, begun):
                begun, waits = self._clock(), Outcome(emits=outcome.emits, sends=outcome.sends)
                outcome = self._decide_again(waits, owned.state, self._now(), partition)
        except BaseException:
            owned.state.undone()
            raise
        with owned.lock:
            owned.state.done()
            owned.waiting.append(done)
        if owned.state.unwritten >= self._most_unwritten:
            owned.checkpoint(self._fenced_out, self._boundary)

    def _try(self, records: Sequence[Record], state: StageState[T]) -> Outcome:
        try:
            outcome = self._stage(records, state)
            state.keep()
        except Exception as wrong:  # noqa: BLE001 - here, and in the decision engine only
            state.discard()
            if len(records) == 1:
                return Outcome(emits=self._poison(records[0], wrong))
            half = len(records) // 2
            outcome = self._try(records[:half], state)
            outcome.extend(self._try(records[half:], state))
        return outcome

    def _poison(self, record: Record, wrong: Exception) -> list[Emit]:
        where = {"stage": self.name, "topic": record.topic, "partition": record.partition, "offset": record.offset}
        if isinstance(wrong, Refusal):
            _log.warning("quarantined", path=wrong.path, code=wrong.code, **where)
            return self._quarantine(record, wrong.path, wrong.code, wrong.problem, wrong.fix)
        # only the type: the text of an unforeseen error may hold what the record said
        _log.error("quarantined", code="not-processable", error=type(wrong).__name__, **where)
        problem = "The hub could not work through this record"
        return self._quarantine(record, "", "not-processable", problem, "Ask the hub's operators to look into it")

    def _decide_again(self, outcome: Outcome, state: StageState[T], at: datetime | None, partition: int) -> Outcome:
        if self._again is None or not outcome.sends:
            return outcome
        outcome = self._again(outcome, state, at, partition)
        state.keep()
        return outcome

    def _too_old(self, outcome: Outcome, begun: float) -> bool:
        """Whether something to be sent was decided too long ago: by what it says itself, and by when work began."""
        if self._again is None or not outcome.sends:
            return False
        oldest = min(send.decided_at for send in outcome.sends)
        return max(self._clock() - begun, (self._now() - oldest).total_seconds()) > self._oldest_send

    def _left(self, outcome: Outcome, owned: Owned[T], still_ours: Callable[[], bool], begun: float) -> bool:
        """Write all that comes of a batch; False where what was to be sent grew old first, and did not leave."""

        def may_leave() -> None:
            if self._too_old(outcome, begun):
                raise _Old

        try:
            self._write(outcome, owned, still_ours, may_leave)
        except _Old:
            _log.warning("decided again", stage=self.name, sends=len(outcome.sends))
            return False
        return True

    def _write(
        self, outcome: Outcome, owned: Owned[T], still_ours: Callable[[], bool], may_leave: Callable[[], None]
    ) -> None:
        def insist(what: str, effect: Callable[[], None]) -> None:
            self._insist(what, effect, lambda: still_ours() and not owned.closed)

        if outcome.keys and self._keystore is not None:
            keystore = self._keystore
            insist("keys", lambda: keystore.store(outcome.keys))
        if outcome.decisions:
            decisions = [to_log(decision) for decision in outcome.decisions]
            insist("decisions", lambda: self._send(decisions))
        if outcome.people:
            rows: list[Row] = [(PEOPLE, 0, people_key(one).encode(), people_value(one)) for one in outcome.people]
            insist("people", lambda: owned.write(rows, self._fenced_out))
            for record in outcome.people if self._people_apply else ():
                self._people_apply(record)
        self._boundary("decisions")
        if any(emit.topic.startswith(_TO_SUBSCRIBERS) for emit in outcome.emits):
            insist("log", lambda: self._ask_logs(outcome))
        if outcome.emits:

            def leave() -> None:
                may_leave()
                self._send(outcome.emits)

            insist("outputs", leave)
        self._boundary("outputs")

    def _ask_logs(self, outcome: Outcome) -> None:
        """Raise when a log with what is to be sent in it is too far behind: nothing new is disclosed then."""
        told = {decision for send in outcome.sends for decision in send.decisions}
        logs = {"main", *(decision.log for decision in outcome.decisions if decision.id in told)}
        if not all(self._may_disclose(log) for log in sorted(logs)):
            raise NotWritten("the log is behind what was decided")

    def _send(self, emits: Sequence[Emit]) -> None:
        self._producer.send(emits)
        self._producer.flush()

    def _insist(self, what: str, effect: Callable[[], Any], may: Callable[[], bool]) -> None:
        """Do `effect`, again for as long as its failure is one that passes; never go on without it."""
        for tried in range(1_000_000_000):
            if not may() or self._stopping.is_set():
                raise Lost
            try:
                effect()
            except self._passing as wrong:
                pause = _PAUSES[min(tried, len(_PAUSES) - 1)]
                _log.warning("retrying", stage=self.name, effect=what, error=type(wrong).__name__, seconds=pause)
                sleep(pause)
            else:
                return

    # ------------------------------------------------------------------ state

    def checkpoint(self) -> None:
        """Write the state of every owned partition to its changelog, and acknowledge the batches behind it."""
        for owned in list(self.owned.values()):
            try:
                owned.checkpoint(self._fenced_out, self._boundary)
            except Lost:
                _log.warning("partition lost", stage=self.name, changelog=owned.changelog)
