"""A race: a family's record comes to the real stage, runner, log and looks in an order and at a pace of chance.

Everybody works at once: whatever waits for an acknowledgement lets the others go on. Time is a number, and only the
waiting of the ones for the others makes it pass. What was told to whom, and when, is kept for the judge.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from agents.adapters.faust_state import Coder, PartitionState
from agents.adapters.faust_store import MemoryPartition
from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from agents.adapters.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from agents.alerting import Alerting
from agents.demo.teller import Somebody, Story
from agents.ports import NotWritten
from agents.reading import Behind, Reading
from agents.rehearsal import QUEUES, Rehearsal
from agents.runner import Owned, Runner
from agents.sequencer import Sequencer
from consent.decision import Decision, decode
from consent.engine import Engine
from schemas.ids import EventKey, FamilyId
from schemas.people import KnownPractitioner
from schemas.records import Identifier, Item, PersonAsKnown, Record, Tick, decode_family, encode
from streams import again, topology
from streams.notice import decode_alert_record
from streams.outcome import Emit, Outcome, State
from streams.pipeline import Pipeline

TODAY = date(2026, 11, 23)
KEPT = ("health-contact",)  # what a narrowed agreement still covers
CATEGORIES = ("attendance", "relationships", "strength", "involvement", "agreement", *KEPT)
SEND_SECONDS = 60.0  # half of it for the runner, half for the broker's client, as in agents/bootstrap.py
LOG_PATIENCE = 60.0
ACTS = ("withdraw", "narrow", "refuse", "expire", "restrict")
ENGINE = Engine()  # one for all races: it takes longer to read the policies than to run a race


class Told(NamedTuple):
    """Somebody was shown something, or an alert left: at that instant, by these decisions."""

    at: datetime
    decisions: tuple[str, ...]
    sent: bool


class Cast:
    """The family whose record every race of one kind is made of, split and sealed once by the real intake."""

    def __init__(self, act: str) -> None:
        self.hub = Rehearsal(b"races", engine=ENGINE)
        stages = {**self.hub.pipeline._stages, "family": lambda batch, state: Outcome()}
        self.hub.pipeline = Pipeline(stages, self.hub._keep, self.hub.people.apply)
        self.start = datetime.combine(TODAY, time(23, 58) if act == "expire" else time(18), UTC)
        story = Story("races", TODAY)
        self.mia, jo, pa = story.child("Mia", "2014-05-02"), story.adult("Jo"), story.adult("Pa")
        workers = (("social-care", "early-help-worker"), ("social-care", "ig-officer"), ("health", "school-nurse"))
        lead, officer, nurse = (story.professional(*one) for one in workers)
        story.relate(self.mia, jo, "mother")
        story.relate(self.mia, pa, "father")
        story.tell(
            "social-care", "agreement.AgreementGiven", [(jo, "agreed-by"), (self.mia, "for")], 90,
            agreement="agreement-1", capacity="parental-responsibility", purposes=["early-help", "safeguarding"],
            categories=list(CATEGORIES), recipients=["social-care", "school", "health"], since=story.day(90),
            until=TODAY + timedelta(days=1) if act == "expire" else None, assessed_by=None, assessed_on=None,
            competent_purposes=[], competent_categories=[],
        )  # fmt: skip
        story.lead(lead, self.mia)
        story.marks(self.mia, "/", weeks=4, ending_days_ago=10)
        story.not_brought(self.mia, 30)
        self.begun = self._records(story, 0)
        done = len(story.events)
        self._act(act, story, jo, pa, self.hub.names.practitioner(officer.agency, officer.id))
        self.act = self._records(story, done)
        done = len(story.events)
        story.marks(self.mia, "O", weeks=1)
        absent = self._records(story, done)
        self.begun += absent[:4]  # one more, and the worker is to be told
        done = len(story.events)
        for days_ago in (3, 9, 20):
            story.not_brought(self.mia, days_ago)
        story.strength("school", self.mia, 4, "attendance-recovered")
        self.more = [*absent[4:], *self._records(story, done)]
        self.lead, self.nurse = self.worker(lead), self.worker(nurse)
        self.family: FamilyId = self.begun[-1].family

    def _act(self, act: str, story: Story, jo: Somebody, pa: Somebody, officer: str) -> None:
        if act == "withdraw":
            story.withdraw(jo, self.mia)
        elif act == "narrow":
            story.narrow(jo, self.mia, KEPT)
        elif act == "refuse":
            story.refuse(jo, self.mia)
        elif act == "restrict":
            story.restrict(self.mia, officer, days_ago=0)

    def _records(self, story: Story, done: int) -> list[Any]:
        before = len(self.hub.trace.topics[topology.FAMILY_ITEMS])
        self.hub.publish(story.events[done:], self.start - timedelta(hours=1))
        return [decode_family(one.value or b"") for one in self.hub.trace.topics[topology.FAMILY_ITEMS][before:]]

    def worker(self, who: Any) -> KnownPractitioner:
        found = self.hub.people.practitioner(self.hub.names.practitioner(who.agency, who.id))
        assert found is not None
        return found

    def acts(self) -> set[EventKey]:
        """The events by which the family, or an officer, changes what may be shared."""
        return {one.event for one in self.act if isinstance(one, Item)}


cast = cache(Cast)


class Outside:
    """A producer of one of them. While it waits for the broker the others go on, and time passes."""

    def __init__(self, race: Race, patience: float) -> None:
        self.race, self.patience, self.sent = race, patience, list[Emit]()

    def send(self, emits: Iterable[Emit]) -> None:
        self.sent += emits

    def flush(self) -> None:
        (sent, self.sent), begun = (self.sent, []), self.race.seconds()
        self.race.meanwhile()
        if self.race.trap and self is self.race.reading.producer:
            self.race.act_comes()
        self.race.passes(self.patience)
        if self.race.seconds() - begun > self.patience:
            raise NotWritten("the broker did not acknowledge in time")  # as the client gives up: nothing is written
        for emit in sent:
            self.race.write(emit)
        self.race.meanwhile()

    def write(self, rows: Any) -> int:
        return len(rows)

    def close(self) -> None: ...


class Race:
    """One family, one act, and looks, finds, alerts and the log beside it: all by the chance of `seed`."""

    def __init__(self, act: str, seed: int, folder: Path) -> None:
        self.cast, self.chance, self.counts = cast(act), random.Random(f"{act} {seed}"), Counter[str]()
        self.now, self.folder, self.told = self.cast.start, folder, list[Told]()
        self.broker = MemoryBroker()
        self.left = [self.cast.more[n] for n in self.chance.sample(range(len(self.cast.more)), len(self.cast.more))]
        at = self.chance.randrange(len(self.left))
        self.left[at:at] = self.cast.act
        self.worked, self.busy, self.looking, self.trap = 0, False, False, False
        self._log()
        self._worker()
        projection: Any = self
        for name in ("identify", "person", "practitioner"):
            setattr(self, name, getattr(self.cast.hub.people, name))
        stage, outside = self.cast.hub.family, Outside(self, 120.0)
        self.reading = Reading(
            projection, stage, outside, dict, may_disclose=self.keeps_up, oldest=SEND_SECONDS
        )
        alerts: Any = self
        self.alerting = Alerting(alerts, self.reading, QUEUES)

    def _log(self) -> None:
        self.writer = LogWriter(self.folder, "hearth.test/main", bytes(range(32)))
        consumer = MemoryConsumer(self.broker, [topology.DECISIONS], "log")
        producer, most = MemoryProducer(self.broker), self.chance.choice((5, 50, 500))
        self.sequencer = Sequencer(self.writer, consumer, producer, lambda: self.now, bytes, most)

    def _worker(self) -> None:
        coder: Coder[Any] = Coder(lambda value: b"", lambda raw: None)
        outside = Outside(self, SEND_SECONDS / 2)
        self.runner: Runner[Any] = Runner(
            "family", self.cast.hub.family, outside, None, None,
            lambda _: Owned(PartitionState(MemoryPartition(), coder), outside, "changelog"), lambda *_: [],
            may_disclose=self.keeps_up, again=self.decided_again, oldest_send=SEND_SECONDS / 2,
            clock=self.seconds, now=lambda: self.now,
        )  # fmt: skip
        self.runner.own([0])

    # ------------------------------------------------------------------ time, and the others

    def seconds(self) -> float:
        return self.now.timestamp()

    def passes(self, most: float) -> None:
        """Let a moment pass, or now and then more than anybody is patient for."""
        self.sleep(self.chance.choice((0.01, 0.01, 0.1, 1.0, most * 0.9, most * 1.1)))

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def waits(self, seconds: float) -> None:
        """A worker's pause before it tries again: the log goes on."""
        self.sleep(seconds)
        self.sequences()

    def meanwhile(self) -> None:
        for _ in range(self.chance.choice((0, 0, 0, 1, 2))):
            self.chance.choice((self.comes, self.works, self.works, self.sequences, self.looks))()

    def keeps_up(self, log: str) -> bool:
        done, every = self.broker.committed("log", topology.DECISIONS)[0], self.broker.records(topology.DECISIONS)
        return log != "main" or done >= len(every) or self.seconds() - every[done].timestamp / 1000 <= LOG_PATIENCE

    def write(self, emit: Emit) -> None:
        self.broker.now = int(self.seconds() * 1000)
        self.broker.write(emit)
        if emit.topic == topology.ALERTS:
            alert = decode_alert_record(emit.value)
            self.told.append(Told(self.now, alert.decisions, sent=True))
            self.counts["alerts sent"] += alert.status == "open"

    # ------------------------------------------------------------------ what happens

    def comes(self) -> None:
        """The next record reaches the family's topic; or the time does."""
        said = self.left.pop() if self.left and self.chance.random() < 0.9 else Tick(self.now)
        if not isinstance(said, Tick):
            said = msgspec.structs.replace(said, received_at=self.now)
        key = "" if isinstance(said, Tick) else self.cast.family
        self.broker.write(Emit(topology.FAMILY_ITEMS, key, encode(said)))

    def works(self, most: int = 0) -> None:
        """The worker takes up so many records as one batch, if it is not at one already."""
        records = self.broker.records(topology.FAMILY_ITEMS)[self.worked :][: most or self.chance.choice((1, 2, 5, 20))]
        if self.busy or not records:
            return
        self.busy, self.worked = True, self.worked + len(records)
        try:
            self.runner.work(0, records)
        finally:
            self.busy = False

    def act_comes(self) -> None:
        """All that is left up to the act comes at once, and the worker takes it up as one batch."""
        self.trap = False
        while any(one is said for one in self.cast.act for said in self.left):
            self.comes()
        self.works(len(self.cast.more))

    def look_is_overtaken(self) -> None:
        """The act comes, and is decided on, while a look is on its way to the log."""
        self.trap = True
        self.looks("look")

    def sequences(self) -> None:
        self.sequencer.step(0)

    def decided_again(self, outcome: Outcome, state: State[Any], at: datetime | None, partition: int) -> Outcome:
        made = again.decide_again(self.cast.hub.family, outcome, state, at, partition)
        self.counts["sends decided again, grown old" if at else "sends decided again, overtaken"] += made is not outcome
        return made

    def looks(self, kind: str = "") -> None:
        """Somebody looks, in one of four ways, if nobody is at it already."""
        if self.looking:
            return
        self.looking, before = True, len(self.broker.records(topology.DECISIONS))
        ways = {"look": self._look, "agreement look": self._agreements, "find": self._find, "alert opened": self._open}
        kind = kind or self.chance.choice(list(ways))
        try:
            shown = ways[kind]()
        except (Behind, NotWritten):
            shown, kind = (), f"{kind} that ended with nothing"
        finally:
            self.looking = False
        since = [decode(r.value or b"") for r in self.broker.records(topology.DECISIONS)[before:]]
        mine = {one.id: one for one in since if one.stage in ("look", "find")}
        self.counts[kind] += 1
        self.counts["looks decided again"] += len({one.decided_at for one in mine.values()}) > 1
        self.told.append(Told(self.now, tuple(shown), sent=False))

    def _look(self) -> Iterable[str]:
        view = self.reading.look(self.cast.lead, self.cast.family, "early-help", self.now)
        return [line.decision for line in view.lines] if view else ()

    def _agreements(self) -> Iterable[str]:
        found = self.reading.agreements(self.cast.lead, self.cast.family, "early-help", self.now, self.now)
        return self._last(lambda one: one.category == "agreement") if found else ()

    def _find(self) -> Iterable[str]:
        mia = self.cast.mia
        said = PersonAsKnown("subject", (Identifier("nhs-number", mia.nhs),), birth_date=mia.born)
        found = self.reading.find(self.cast.nurse, said, "safeguarding", self.now)
        return self._last(lambda one: one.stage == "find") if found else ()

    def _open(self) -> Iterable[str]:
        sent = [decode_alert_record(r.value or b"") for r in self.broker.records(topology.ALERTS)]
        alert = self.alerting.open(self.cast.lead, sent[-1], self.now) if sent else None
        return [one.decision for one in (*alert.reasons, *alert.strengths)] if alert else ()

    def _last(self, ours: Callable[[Decision], bool]) -> Iterable[str]:
        """The decisions of a look that names none: those of its last try."""
        every = [decode(r.value or b"") for r in self.broker.records(topology.DECISIONS)]
        mine = [one for one in every if one.stage in ("look", "find") and ours(one)]
        return [one.id for one in mine if one.decided_at == mine[-1].decided_at]

    # ------------------------------------------------------------------ what a look reads

    def family_records(self, family: FamilyId) -> list[Record]:
        return [r for r in self.broker.records(topology.FAMILY_ITEMS) if r.key == family.encode()]

    def positions(self) -> dict[tuple[str, int], int]:
        return {}

    def alert_outcomes(self, alert: str) -> list[dict[str, Any]]:
        return []

    # ------------------------------------------------------------------ from the beginning to the end

    def run(self) -> list[Decision]:
        """Run the race; return the log in its order."""
        for said in self.cast.begun:
            self.broker.write(Emit(topology.FAMILY_ITEMS, self.cast.family, encode(said)))
        self.works(len(self.cast.begun))
        steps = [self.comes] * (len(self.left) + 2) + [self.looks] * 6 + [self.works] * 8 + [self.sequences] * 4
        steps.append(self.chance.choice((self.act_comes, self.look_is_overtaken)))
        self.chance.shuffle(steps)
        for step in steps:
            step()
            self.passes(2.0)
        while self.left or self.worked < len(self.broker.records(topology.FAMILY_ITEMS)):
            self.comes() if self.left else self.works()
        self.looks()
        while self.sequencer.step(0):
            pass
        self.writer.close()
        return self._logged()

    def _logged(self) -> list[Decision]:
        reader = LogReader(self.folder)
        try:
            found = []
            while kept := reader.kept(len(found) // 256):
                found += [decode(one.body or b"") for one in kept]
                if len(kept) < 256:
                    break
            return found
        finally:
            reader.close()


def rests_on_it(act: str, decision: Decision) -> bool:
    """Whether somebody was to be shown what may not be shared any more after the act."""
    if decision.stage not in ("disclose", "look", "find") or decision.outcome != "share":
        return False
    if act == "restrict":
        return cast(act).hub.people.identify(_number(act)) in decision.subjects
    covered = decision.category in KEPT if act == "narrow" else act == "refuse" and decision.purpose == "safeguarding"
    return decision.agreement_state == "in-force" and not covered


def _number(act: str) -> Any:
    made = cast(act)
    return made.hub.names.identifier("nhs-number", made.mia.nhs, "health")


