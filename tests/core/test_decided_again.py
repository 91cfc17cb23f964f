"""What waits to leave is decided again: when the registers overtook it, and when it has grown old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest

from agents.adapters.faust_state import Coder, PartitionState
from agents.adapters.faust_store import MemoryPartition
from agents.adapters.memory import MemoryBroker, MemoryProducer
from agents.demo.teller import Story
from agents.ports import NotWritten
from agents.reading import Behind, Reading
from agents.rehearsal import Rehearsal
from agents.runner import Owned, Runner
from consent.decision import Decision, decode
from schemas.ids import FamilyId
from schemas.records import Record
from streams import topology
from streams.again import decide_again
from streams.disclose import InMemory
from streams.notice import Alert
from streams.outcome import Emit, Outcome, Send, State

TODAY = date(2026, 11, 23)
NOW = datetime.combine(TODAY, time(18), UTC)


def absent_child(*then: Callable[[Story, Any, Any], object], **agreement: Any) -> tuple[Rehearsal, list[Record]]:
    """A child's absence, on the mother's agreement, makes an alert; then comes what is told next. With the records."""
    story, hub = Story("again", TODAY), Rehearsal()
    mia, jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
    story.relate(mia, jo, "mother")
    story.agree(jo, mia, **agreement)
    story.lead(story.professional("social-care", "early-help-worker"), mia)
    story.marks(mia, "/", weeks=4, ending_days_ago=10)
    story.marks(mia, "O", weeks=1)
    for one in then:
        one(story, mia, jo)
    hub.publish(story.events, NOW)
    return hub, hub.trace.topics[topology.FAMILY_ITEMS]


def in_one_batch(hub: Rehearsal, records: Sequence[Record], at: datetime | None = None) -> tuple[Outcome, Outcome]:
    """The family stage over all of it as one batch: what it wants to have sent, and what leaves after all."""
    state = InMemory()
    wanted = hub.family(records, state)
    leaves = decide_again(hub.family, wanted, state, None, 0)
    return wanted, leaves if at is None else decide_again(hub.family, leaves, state, at, 0)


def alerts(hub: Rehearsal, outcome: Outcome) -> list[Alert]:
    sent = [emit for emit in outcome.emits if emit.topic.startswith(topology.alerts_to(""))]
    return [hub.open_alert(Record(emit.topic, emit.key.encode(), emit.value)) for emit in sent]


def test_an_alert_that_a_withdrawal_overtook_in_its_own_batch_does_not_leave() -> None:
    """What it would have told is not told; that nothing stands any more, is. Nothing of it is in the log either."""
    hub, records = absent_child(lambda story, mia, jo: story.withdraw(jo, mia))
    wanted, leaves = in_one_batch(hub, records)
    assert [a.status for a in alerts(hub, wanted)] == ["open", "withdrawn"]
    (told,) = alerts(hub, leaves)
    assert (told.status, told.reasons) == ("withdrawn", ())
    assert [d for d in wanted.decisions if d.stage == "disclose"]
    assert not [d for d in leaves.decisions if d.stage == "disclose"]


def test_an_alert_that_still_stands_leaves_under_its_number_decided_under_the_register_of_now() -> None:
    """A colleague began to work with the family in between: the same alert, decided under the register of now."""
    hub, records = absent_child(
        lambda story, mia, jo: story.involve(story.professional("health", "school-nurse"), mia, "school nursing", 1)
    )
    wanted, leaves = in_one_batch(hub, records)
    (before,), (after,) = alerts(hub, wanted), alerts(hub, leaves)
    assert (before.id, before.revision, before.status) == (after.id, after.revision, after.status)
    assert [r.what for r in before.reasons] == [r.what for r in after.reasons]
    (waits,) = leaves.sends
    decided = {d.id: d for d in leaves.decisions if d.stage == "disclose"}
    assert {r.decision for r in after.reasons} <= set(decided)
    assert {d.register_version for d in decided.values()} == {waits.register_version}
    assert decided.keys().isdisjoint(d.id for d in wanted.decisions if d.stage == "disclose")


def test_what_nothing_overtook_leaves_as_it_was_decided() -> None:
    """The very same outcome."""
    wanted, leaves = in_one_batch(*absent_child())
    assert leaves is wanted


def test_an_alert_that_waited_beyond_the_end_of_its_agreement_does_not_leave() -> None:
    """It was decided the evening before the agreement ran out, and the broker came back the day after."""
    hub, records = absent_child(until_days_ahead=1)
    wanted, leaves = in_one_batch(hub, records, NOW + timedelta(days=2))
    assert [a.status for a in alerts(hub, wanted)] == ["open"]
    assert [(a.status, a.reasons) for a in alerts(hub, leaves)] == [("withdrawn", ())]


def test_an_old_alert_that_still_stands_leaves_under_its_number() -> None:
    """Decided again as of now: the same alert, once."""
    hub, records = absent_child()
    wanted, leaves = in_one_batch(hub, records, NOW + timedelta(hours=1))
    (before,), (after,) = alerts(hub, wanted), alerts(hub, leaves)
    assert (before.id, before.revision, before.status) == (after.id, after.revision, "open")
    assert after.changed_at == NOW + timedelta(hours=1)
    assert len([e for e in leaves.emits if e.topic == topology.ALERTS]) == 1


# ------------------------------------------------------------------ the runner


class Slow:
    """A broker that takes its time: each entry is how long a flush takes, and whether it fails in the end."""

    def __init__(self, *flushes: tuple[float, bool]) -> None:
        self.now, self.flushes = 0.0, list(flushes)
        self.queued: list[Emit] = []
        self.stored: list[bytes] = []

    def send(self, emits: Any) -> None:
        self.queued = list(emits)

    def flush(self) -> None:
        seconds, fails = self.flushes.pop(0) if self.flushes else (0.0, False)
        self.now += seconds
        if fails:
            raise NotWritten("the broker is away")
        self.stored += [emit.value for emit in self.queued]

    def write(self, rows: Sequence[Any]) -> int:
        return len(rows)

    def close(self) -> None: ...


def one_send(batch: Sequence[Record], state: State[Any]) -> Outcome:
    emit = Emit(topology.alerts_to("duty"), "a", b"as decided first")
    return Outcome(emits=[emit], sends=[Send(FamilyId("f"), "k", 0, "v1", datetime.now(UTC), (emit,), ())])


def run(
    broker: Slow, may_disclose: Callable[[str], bool] = lambda _: True, stage: Any = one_send
) -> list[datetime | None]:
    """Work one batch; return as of when it was decided again (None: whether the registers overtook it)."""
    asked: list[datetime | None] = []

    def again(outcome: Outcome, state: Any, at: datetime | None, partition: int) -> Outcome:
        asked.append(at)
        if at is None:
            return outcome
        emit = Emit(topology.alerts_to("duty"), "a", b"as decided again")
        return Outcome(emits=[emit], sends=[Send(FamilyId("f"), "k", 0, "v1", datetime.now(UTC), (emit,), ())])

    coder: Coder[Any] = Coder(lambda value: b"", lambda raw: None)
    runner: Runner[Any] = Runner(
        "family", stage, broker, None, None,
        lambda _: Owned(PartitionState(MemoryPartition(), coder), broker, "changelog"), lambda *_: [],
        may_disclose=may_disclose, again=again, oldest_send=30.0, clock=lambda: broker.now,
    )  # fmt: skip
    runner.own([0])
    runner.work(0, [Record("in", b"k", b"v")])
    return asked


def test_what_leaves_in_time_leaves_as_decided() -> None:
    """The broker failed once, and came back within the time."""
    broker = Slow((29.0, True))
    assert run(broker) == [None]
    assert broker.stored == [b"as decided first"]


def test_what_a_slow_broker_held_up_is_decided_again_before_it_leaves() -> None:
    """However often that takes: nothing that was decided too long ago is ever handed over."""
    broker = Slow((31.0, True), (31.0, True))
    first, *later = run(broker)
    assert first is None
    assert len([at for at in later if at]) == 2
    assert broker.stored == [b"as decided again"]


def test_what_waited_for_the_log_is_decided_again_before_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log was behind for a minute."""
    broker = Slow()
    monkeypatch.setattr("agents.runner.sleep", lambda seconds: setattr(broker, "now", broker.now + 20.0))
    assert len(run(broker, may_disclose=lambda _: broker.now > 60.0)) == 2
    assert broker.stored == [b"as decided again"]


def test_what_tells_nobody_anything_is_not_held_up_by_its_age() -> None:
    """Receipts and moves are no disclosures: they leave whenever they can."""
    broker = Slow((90.0, True))
    emit = Emit("receipts.school", "r", b"receipt")
    assert run(broker, stage=lambda batch, state: Outcome(emits=[emit])) == []
    assert broker.stored == [b"receipt"]


class Family(NamedTuple):
    """What a worker wrote for one family: the alerts that left, and what was decided on them."""

    alerts: list[Alert]
    decisions: list[Decision]


def worked(hub: Rehearsal, records: Sequence[Record], now: datetime) -> Family:
    """The real stage and runner over all of it as one batch, at the instant `now`."""
    broker = MemoryBroker()
    writer: Any = Slow()
    coder: Coder[Any] = Coder(lambda value: b"", lambda raw: None)
    runner: Runner[Any] = Runner(
        "family", hub.family, MemoryProducer(broker), None, None,
        lambda _: Owned(PartitionState(MemoryPartition(), coder), writer, "changelog"), lambda *_: [],
        again=partial(decide_again, hub.family), oldest_send=30.0, now=lambda: now,
    )  # fmt: skip
    runner.own([0])
    runner.work(0, records)
    sent = [r for name in broker._topics if name.startswith(topology.alerts_to("")) for r in broker.records(name)]
    return Family([hub.open_alert(r) for r in sent], [decode(r.value or b"") for r in broker.records("decisions")])


def test_after_a_backlog_of_days_what_is_sent_is_decided_as_of_now() -> None:
    """The hub was away for three days, and the agreement ran out meanwhile: nothing that rested on it leaves."""
    hub, records = absent_child(until_days_ahead=1)
    told = worked(hub, records, NOW + timedelta(seconds=20))
    assert [a.status for a in told.alerts] == ["open"]
    late = worked(hub, records, NOW + timedelta(days=3))
    assert [(a.status, a.reasons) for a in late.alerts] == [("withdrawn", ())]
    assert not [d for d in late.decisions if d.stage == "disclose"]


def test_after_a_backlog_what_still_stands_leaves_and_the_log_shows_when_it_was_decided() -> None:
    """Under its number, once; decided a moment before it left."""
    hub, records = absent_child()
    late = worked(hub, records, NOW + timedelta(days=3))
    assert [(a.status, a.revision) for a in late.alerts] == [("open", 0)]
    told = [d for d in late.decisions if d.stage == "disclose"]
    assert {d.decided_at for d in told} == {NOW + timedelta(days=3)}
    assert {r.decision for r in late.alerts[0].reasons} <= {d.id for d in told}


# ------------------------------------------------------------------ looks


class Projected:
    """The projection of a hub in memory, always up to date."""

    def __init__(self, hub: Rehearsal) -> None:
        self.hub = hub

    def family_records(self, family: FamilyId) -> list[Record]:
        return [r for r in self.hub.trace.topics[topology.FAMILY_ITEMS] if r.key == family.encode()]

    def positions(self) -> dict[tuple[str, int], int]:
        return {}


class Logging:
    """A log that acknowledges; `meanwhile` is what happens while each look waits for it."""

    def __init__(self, *meanwhile: Callable[[], object]) -> None:
        self.meanwhile = list(meanwhile)
        self.logged: list[list[Emit]] = []

    def send(self, emits: Any) -> None:
        self.logged.append(list(emits))

    def flush(self) -> None:
        if self.meanwhile:
            self.meanwhile.pop(0)()


def looked(hub: Rehearsal, log: Logging, oldest: float = 60.0) -> set[str]:
    """What the lead is shown of the one family there is."""
    (family,) = {f.family for f in hub.families()}
    lead = next(state for state in hub.families()).register.lead(TODAY)
    worker = hub.people.practitioner(lead) if lead else None
    assert worker is not None
    projection: Any = Projected(hub)
    reading = Reading(projection, hub.family, log, dict, oldest=oldest)
    view = reading.look(worker, family, "early-help", NOW)
    return {line.what for line in view.lines} if view else set()


def withdrawing(hub: Rehearsal) -> Callable[[], object]:
    """The mother withdraws."""

    def now() -> None:
        later = Story("again", TODAY)
        mia, jo = later.child("Mia", "2014-05-02"), later.adult("Jo")
        later.name = "later"
        later.withdraw(jo, mia)
        hub.publish(later.events, NOW)

    return now


def test_a_look_that_a_withdrawal_overtook_while_it_was_logged_is_decided_again() -> None:
    """The mother withdraws between the decision and its acknowledgement: what rested on her yes is not shown."""
    hub, _ = absent_child()
    assert "AttendanceRecorded" in looked(hub, Logging())
    log = Logging(withdrawing(hub))
    assert "AttendanceRecorded" not in looked(hub, log)
    assert len(log.logged) == 2


def test_a_look_whose_log_took_too_long_is_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute is too long; the second time it is quick."""
    hub, _ = absent_child()
    clock = [0.0]
    monkeypatch.setattr("agents.reading.monotonic", lambda: clock[0])
    log = Logging(lambda: clock.__setitem__(0, 61.0))
    assert "AttendanceRecorded" in looked(hub, log)
    assert len(log.logged) == 2


def test_nothing_is_shown_from_registers_that_change_faster_than_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time after time too late: then not at all."""
    hub, _ = absent_child()
    clock = [0.0]
    monkeypatch.setattr("agents.reading.monotonic", lambda: clock[0])
    late = [lambda: clock.__setitem__(0, clock[0] + 61.0) for _ in range(9)]
    with pytest.raises(Behind):
        looked(hub, Logging(*late))
