"""The runner's promises, on a broker and a state in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.adapters.faust_state import Coder, PartitionState, value_of
from agents.adapters.faust_store import MemoryPartition
from agents.ports import NotWritten
from agents.runner import Lost, Owned, Runner
from consent.decision import Decision
from consent.decision import Outcome as Answer
from schemas.errors import Refusal
from schemas.ids import FamilyId, PersonId, Pseudonym
from schemas.people import KnownIdentifier
from schemas.records import Record
from streams.outcome import Emit, NewKey, Outcome, State

CODER: Coder[list[str]] = Coder(lambda words: ",".join(words).encode(), lambda raw: raw.decode().split(","))


class Journal:
    """Everything outside the runner in one: producer, key store, fenced writer. It notes who was called, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.sent: list[Emit] = []
        self.rows: list[Any] = []
        self.failures: list[Exception] = []
        self.fenced = False

    def send(self, emits: Any) -> None:
        self.sent += list(emits)

    def flush(self) -> None:
        if self.failures:
            raise self.failures.pop()
        self.done.append("flush " + self.sent[-1].topic)

    def store(self, keys: Sequence[NewKey]) -> None:
        self.done.append("keys")

    def write(self, rows: Sequence[Any]) -> int:
        if self.fenced:
            raise ConnectionAbortedError
        self.rows += rows
        self.done.append("write " + rows[0][0])
        return len(self.rows)

    def close(self) -> None:
        self.done.append("close")


def remember(records: Sequence[Record], state: State[list[str]]) -> Outcome:
    """A stage: a word to each key, an emit for each; it cannot work through `bad`, and says why of `refused`."""
    outcome = Outcome()
    for record in records:
        key, word = (record.key or b"").decode(), (record.value or b"").decode()
        words = state.get(key) or []
        words.append(word)  # before it raises: a live object is changed by a step that fails
        if word == "bad":
            raise ValueError(word)
        if word == "refused":
            raise Refusal("data.word", "unknown-code", "the code is not in its list", "use one that is")
        state.put(key, words)
        outcome.emits.append(Emit("out", key, word.encode()))
    return outcome


def quarantine(record: Record, path: str, code: str, problem: str, fix: str) -> list[Emit]:
    return [Emit("quarantine", str(record.offset), f"{path}|{code}|{problem}|{fix}".encode())]


class Kit:
    def __init__(self, stage: Any = remember) -> None:
        self.journal = Journal()
        self.store = MemoryPartition()
        self.applied: list[Any] = []
        journal = self.journal
        self.runner: Runner[list[str]] = Runner(
            "test", stage, journal, journal, self.applied.append,
            lambda _: Owned(PartitionState(self.store, CODER), journal, "changelog"), quarantine,
            fenced_out=(ConnectionAbortedError,), boundary=lambda name: journal.done.append(f"<{name}>"),
        )  # fmt: skip
        self.runner.own([0])
        self.acknowledged = 0

    def work(self, *words: str, key: str = "k") -> None:
        records = [Record("in", key.encode(), word.encode(), offset=at) for at, word in enumerate(words)]
        self.runner.work(0, records, self._acknowledge)

    def _acknowledge(self) -> None:
        self.acknowledged += 1
        self.journal.done.append("ack")

    @property
    def values(self) -> list[str]:
        return [emit.value.decode() for emit in self.journal.sent]


def everything(records: Sequence[Record], state: State[list[str]]) -> Outcome:
    state.put("k", ["x"])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    decision = Decision("d", "link", Answer.SHARE, FamilyId("f"), "hub", "", "", "", "", at, "", "", ())
    known = KnownIdentifier(Pseudonym("s"), PersonId("p"), 1)
    return Outcome([NewKey(PersonId("p"), 1, b"")], [decision], [known], [Emit("out", "k", b"v")])


def test_effects_come_in_the_order_that_makes_a_kill_repeat_them_and_never_lose_one() -> None:
    """Keys, decisions, people, outputs, state, acknowledgement; each done before the next begins."""
    kit = Kit(everything)
    kit.work("one")
    kit.runner.checkpoint()
    assert kit.journal.done == [
        "keys", "flush decisions", "write people", "<decisions>", "flush out", "<outputs>", "write changelog",
        "<changelog>", "ack",
    ]  # fmt: skip
    assert [KnownIdentifier(Pseudonym("s"), PersonId("p"), 1)] == kit.applied


def test_a_batch_is_not_acknowledged_before_its_state_is_in_the_changelog() -> None:
    """Outputs go out at once; the acknowledgement waits for the checkpoint."""
    kit = Kit()
    kit.work("one")
    assert kit.values == ["one"]
    assert kit.acknowledged == 0
    kit.runner.checkpoint()
    assert kit.acknowledged == 1


@pytest.mark.parametrize("at", range(5))
def test_a_record_that_cannot_be_worked_through_stands_alone_in_quarantine(at: int) -> None:
    """One bad record among good ones, wherever it stands: the good ones all go through, in order, and so does state."""
    kit = Kit()
    words = [f"w{number}" for number in range(4)]
    words.insert(at, "bad")
    kit.work(*words)
    kit.runner.checkpoint()
    quarantined = [emit for emit in kit.journal.sent if emit.topic == "quarantine"]
    assert [emit.key for emit in quarantined] == [str(at)]
    assert [emit.value.decode() for emit in kit.journal.sent if emit.topic == "out"] == ["w0", "w1", "w2", "w3"]
    assert CODER.decode(value_of(kit.store.rows[b"k"])[1]) == ["w0", "w1", "w2", "w3"]
    assert kit.acknowledged == 1


def test_quarantine_says_what_a_refusal_says_and_nothing_of_an_error_nobody_foresaw() -> None:
    """The text of an unforeseen error may hold what the record said; it must not travel."""
    kit = Kit()
    kit.work("refused", "bad")
    said = [emit.value.decode() for emit in kit.journal.sent]
    assert said[0] == "data.word|unknown-code|the code is not in its list|use one that is"
    assert said[1].startswith("|not-processable|")
    assert "bad" not in said[1]


def test_what_a_failed_step_changed_in_a_live_object_is_forgotten() -> None:
    """A stage may change an object it got and then raise: the next record sees the object as it was stored."""
    kit = Kit()
    kit.work("one")
    kit.runner.checkpoint()
    kit.work("bad")
    kit.work("two")
    kit.runner.checkpoint()
    assert CODER.decode(value_of(kit.store.rows[b"k"])[1]) == ["one", "two"]


def test_a_broker_that_is_away_is_waited_for_and_nothing_is_acknowledged_meanwhile() -> None:
    """What passes is tried again, with the whole of what was to be written."""
    kit = Kit()
    kit.journal.failures = [NotWritten("out"), NotWritten("out")]
    kit.work("one")
    kit.runner.checkpoint()
    assert kit.values == ["one"] * 3
    assert kit.acknowledged == 1


def test_a_partition_with_a_new_owner_writes_and_acknowledges_nothing_more() -> None:
    """Fenced out at its state, a worker drops its batches unacknowledged: the new owner does them."""
    kit = Kit()
    kit.work("one")
    kit.journal.fenced = True
    kit.runner.checkpoint()
    assert kit.acknowledged == 0
    assert kit.store.rows == {}
    with pytest.raises(Lost):
        kit.work("two")


def test_a_worker_that_slept_past_its_session_says_nothing() -> None:
    """`still_ours` is asked before every effect."""
    kit = Kit()
    with pytest.raises(Lost):
        kit.runner.work(0, [Record("in", b"k", b"one")], still_ours=lambda: False)
    assert kit.values == []
    kit.work("two")
    kit.runner.checkpoint()
    assert CODER.decode(value_of(kit.store.rows[b"k"])[1]) == ["two"]


def silent(records: Sequence[Record], state: State[list[str]]) -> Outcome:
    """A stage that only remembers: nothing is written outside its state."""
    remember(records, state)
    return Outcome()


def test_a_batch_of_an_earlier_assignment_never_meets_state_that_is_not_recovered_yet() -> None:
    """Not even one that says nothing to anybody: what it remembers would stand behind the recovered state."""
    kit = Kit(silent)
    with pytest.raises(Lost):
        kit.runner.work(0, [Record("in", b"k", b"stale")], still_ours=lambda: False)
    kit.runner.checkpoint()
    assert kit.journal.rows == []


def test_a_new_assignment_forgets_live_state_and_reads_what_recovery_brought() -> None:
    """Another worker may have written in between, even to a partition that comes straight back."""
    kit = Kit()
    kit.work("one")
    kit.runner.checkpoint()
    kit.store.write({b"k": b"\0" * 7 + b"\2" + b"one,elsewhere"}, 9)
    kit.runner.own([0])
    kit.work("two")
    kit.runner.checkpoint()
    assert value_of(kit.store.rows[b"k"]) == (3, b"one,elsewhere,two")


def test_versions_of_a_key_only_grow_and_a_key_is_written_once_per_checkpoint() -> None:
    """Many puts of a batch make one changelog row, and each row's version is above the last."""
    kit = Kit()
    kit.work("one", "two", "three")
    kit.runner.checkpoint()
    kit.work("four")
    kit.runner.checkpoint()
    assert [value_of(raw)[0] for _, _, _, raw in kit.journal.rows] == [1, 2]


def test_state_lists_the_keys_of_every_layer_once() -> None:
    """For ticks: stored, waiting and just put."""
    kit = Kit()
    kit.work("one", key="a")
    kit.runner.checkpoint()
    kit.work("one", key="b")
    state = kit.runner.owned[0].state
    state.put("c", ["one"])
    assert sorted(state.keys()) == ["a", "b", "c"]
