"""Worlds that differ only in sealed events, and all that their observers are shown: for the property that none differs.

A history is generated once. The world A has all of it, B lacks its sealed events, and C has them unsealed: what C
shows otherwise than B is what the seal hides. Keys, nonces and salts are constant, so that bytes can be compared.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sql
from sqlalchemy.pool import StaticPool

from agents.adapters.database import METADATA
from agents.alerting import Alerting
from agents.commands.held import told_to
from agents.demo.people import Professional, Somebody
from agents.demo.teller import Story
from agents.projector import Projector, projected_topics
from agents.queries import Queries
from agents.reading import Reading
from agents.rehearsal import QUEUES, TYPED_SOURCES, Rehearsal
from consent.decision import encode
from consent.log.merkle import complete_root, leaf_hash
from consent.seal import Pseudonyms
from schemas import records
from schemas.codec import decode, digest, encode_binary
from schemas.ids import FamilyId
from schemas.people import PeopleRecord, people_key
from schemas.records import CloudEvent, Record
from streams import topology
from streams.again import decide_again
from streams.intake_names import as_known, event_key
from streams.outcome import Emit, Outcome, State
from streams.pipeline import Pipeline
from streams.receipts import receipt_id
from streams.timeline import Family

TODAY = date(2026, 6, 30)
AGENCIES = ("school", "health", "police", "social-care")
PURPOSES = ("early-help", "safeguarding")


class Told(msgspec.Struct):
    """One event of the history, when it is received, and whether it is one of the sealed ones."""

    agency: str
    event: CloudEvent
    at: datetime
    hidden: bool


class Cast(msgspec.Struct):
    """Who there is: people, and who works with them. `cleared` may see what is sealed."""

    people: list[Somebody]
    workers: list[Professional]
    cleared: list[Professional]


class Script(msgspec.Struct):
    """A generated history."""

    cast: Cast
    told: list[Told]
    ticks: list[datetime]
    end: datetime
    held_up: timedelta = timedelta()  # how long every alert waits for the broker before it leaves

    def publishers(self) -> set[str]:
        return {one.agency for one in self.told if one.hidden}


@cache
def engine() -> Any:
    return Rehearsal().engine


def zeros(count: int) -> bytes:
    """Entropy that does not differ from one world to the next."""
    return bytes(count)


# ------------------------------------------------------------------ histories


class Teller:
    """Generates one history; every choice is the seed's."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.story = Story(f"world {seed}", TODAY)
        self.marked: list[tuple[str, Somebody, date, str]] = []
        self.named: dict[str, list[str]] = {"open": [], "sealed": []}

    def script(self) -> Script:
        cast = self._cast()
        self.cast = cast
        ground = len(self.story.events)
        for _ in range(self.draw.randint(6, 14)):
            self._say("normal" if self.draw.random() < 0.8 else self.draw.choice(("sensitive", "shielded")))
        openly = len(self.story.events)
        for _ in range(self.draw.randint(1, 4)):
            self._say("sealed")
        closely = len(self.story.events)
        for _ in range(self.draw.randint(0, 3)):
            self._say("normal")
        places = self._places(ground, openly, closely, len(self.story.events))
        start = datetime.combine(TODAY, time(18), UTC)
        gaps = [timedelta(days=self.draw.choice((0, 0, 0, 1, 6, 30))) for _ in places]
        told, at = [], start
        for n, gap in zip(places, gaps, strict=True):
            at += gap if n >= ground else timedelta()
            agency, event = self.story.events[n]
            told.append(Told(agency, event, at, openly <= n < closely))
        ticks = [start + timedelta(days=n) for n in range(1, 130, self.draw.choice((7, 13, 40)))]
        return Script(cast, told, ticks, max(at, ticks[-1]) + timedelta(days=1))

    def _places(self, ground: int, openly: int, closely: int, end: int) -> list[int]:
        """The ground first; then the open events in order, and the sealed ones anywhere between."""
        places = [*range(ground, openly), *range(closely, end)]
        for n in range(openly, closely):
            places.insert(self.draw.randint(0, len(places)), n)
        if self.draw.random() < 0.3:  # what arrives in another order than it was said
            self.draw.shuffle(places)
        return [*range(ground), *places]

    def _cast(self) -> Cast:
        story, draw = self.story, self.draw
        mia, tom = story.child("Mia", "2014-05-02"), story.child("Tom", "2016-08-08")
        jo, alex, eve = story.adult("Jo"), story.adult("Alex"), story.adult("Eve", family="Other")
        lead = story.professional(
            "social-care", "early-help-worker", is_person=draw.choice((None, None, alex, eve)),
            clearance=draw.choice(("normal", "normal", "sensitive", "shielded", "sealed")),
        )  # fmt: skip
        boss = story.professional("social-care", "manager", subscriber="duty", is_person=draw.choice((None, alex)))
        nurse = story.professional("health", "school-nurse", subscriber="health", manager=draw.choice((None, boss)))
        dsl = story.professional("school", "designated-safeguarding-lead", subscriber="school", clearance="shielded")
        staff = story.professional("social-care", "ig-officer", subscriber="ig")
        named = story.professional(
            "social-care", "manager", subscriber="named-professional", clearance="sealed",
            is_person=draw.choice((None, None, eve)),
        )  # fmt: skip
        story.relate(mia, jo, "mother")
        if draw.random() < 0.8:
            story.relate(tom, jo, "mother")
        if draw.random() < 0.5:
            story.relate(mia, alex, "step-parent")
        story.not_brought(tom, 200)
        story.missing(mia, 300, risk="low")
        story.domestic_abuse(eve, alex, 390, children=[])
        if draw.random() < 0.7:
            story.agree(jo, mia, until_days_ahead=draw.choice((None, 40)))
        if draw.random() < 0.8:
            story.lead(lead, mia)
        for worker, service in ((nurse, "school nursing"), (dsl, "pastoral"), (named, "safeguarding")):
            if draw.random() < 0.7:
                story.involve(worker, mia, service)
        if draw.random() < 0.6:
            for mark in story.marks(mia, draw.choice("/ON"), weeks=draw.choice((1, 1, 2)), ending_days_ago=4):
                event = next(e for _, e in reversed(story.events) if e.id == mark)
                self.marked.append((mark, mia, event.data["session_date"], event.data["session"]))
        cleared = [named, *([lead] if story.events[_of(story, lead)][1].data["clearance"] == "sealed" else [])]
        return Cast([mia, tom, jo, alex, eve], [lead, boss, nurse, dsl, staff, named], cleared)

    def _say(self, tier: str) -> None:
        """One event: of a kind that may raise an alert, join families, count, mend another, or fill a register."""
        kind = "sealed" if tier == "sealed" else "open"
        more: dict[str, Any] = {"tier": tier}
        told = getattr(self, f"_{self.draw.choice(_KINDS)}")(more)
        if told:
            self.named[kind].append(told)

    def _children(self) -> Somebody:
        return self.draw.choice(self.cast.people[:2])

    def _abuse(self, more: dict[str, Any]) -> str:
        mia, tom, jo, alex, eve = self.cast.people
        dash, features = self.draw.choice((None, 15)), self.draw.choice(([], ["physical-violence"]))
        children = self.draw.sample([mia, tom], self.draw.randint(1, 2))
        victim, alleged = self.draw.choice(((jo, alex), (jo, eve), (eve, alex), (jo, self._stranger())))
        return self.story.domestic_abuse(
            victim, alleged, self.draw.randint(1, 60), children=children, dash=dash, features=features, **more
        )

    def _assessment(self, more: dict[str, Any]) -> str:
        factors = self.draw.choice((["2B"], ["4B"], ["2B", "4B"], ["3B"]))
        return self.story.assessed(self._children(), factors, self.draw.randint(1, 60), **more)

    def _absence(self, more: dict[str, Any]) -> str:
        return self.story.not_brought(self._children(), self.draw.randint(1, 80), **more)

    def _missing(self, more: dict[str, Any]) -> str:
        return self.story.missing(self._children(), self.draw.randint(1, 60), risk="high", **more)

    def _worry(self, more: dict[str, Any]) -> str:
        level = self.draw.choice(("worried", "significant-harm"))
        worker = self.draw.choice(self.cast.workers[:4])
        return self.story.worried(worker, self._children(), self.draw.randint(1, 40), level, **more)

    def _strength(self, more: dict[str, Any]) -> str:
        return self.story.strength("school", self._children(), self.draw.randint(1, 60), "attendance-recovered", **more)

    def _mark(self, more: dict[str, Any]) -> str:
        child, on = self._children(), TODAY - timedelta(days=self.draw.randint(1, 20))
        if self.marked and self.draw.random() < 0.5:
            _, child, on, _ = self.draw.choice(self.marked)
        return self.story.mark(child, on, self.draw.choice(("AM", "PM")), self.draw.choice("/NO"), **more)

    def _mend_mark(self, more: dict[str, Any]) -> str:
        if not self.marked:
            return self._mark(more)
        mark, child, on, session = self.draw.choice(self.marked)
        mends = self.draw.choice(("corrects", "retracts"))
        return self.story.mark(child, on, session, "O", recorded_days_ago=0, **{mends: mark}, **more)

    def _mend(self, more: dict[str, Any]) -> str:
        """Correct or take back an earlier event, open or sealed, whichever this one is."""
        earlier = [*self.named["open"], *self.named["sealed"]]
        told = [(a, e) for a, e in self.story.events if e.id in earlier and "Attendance" not in e.type]
        if not told:
            return self._absence(more)
        agency, event = self.draw.choice(told)
        mends = self.draw.choice(("corrects", "retracts"))
        about = {**event.data["about"], "corrects": None, "retracts": None, mends: event.id, **more}
        about["recorded_at"] = about["recorded_at"] + timedelta(days=1)
        number = f"{event.id}{len(self.story.events):04d}"
        self.story.events.append(
            (agency, msgspec.structs.replace(event, id=number, data={**event.data, "about": about}))
        )
        return number

    def _relation(self, more: dict[str, Any]) -> str:
        """A relationship that would join, or part, families."""
        mia, tom, jo, alex, eve = self.cast.people
        child, other, what = self.draw.choice(
            ((mia, eve, "father"), (tom, alex, "father"), (tom, jo, "mother"), (mia, tom, "sibling"))
        )
        return self.story.relate(
            child, other, what, days_ago=self.draw.randint(1, 90), together=self.draw.random() < 0.7, **more
        )

    def _register(self, more: dict[str, Any]) -> str:
        """An agreement given or withdrawn, a lead assigned, somebody who begins to work with the family."""
        mia, jo = self.cast.people[0], self.cast.people[2]
        before = len(self.story.events)
        what = self.draw.randint(0, 3)
        if what == 0:
            self.story.agree(jo, mia, reference="agreement-2", days_ago=3)
        elif what == 1:
            self.story.withdraw(jo, mia, days_ago=2)
        elif what == 2:
            self.story.lead(self.draw.choice(self.cast.workers[:3]), mia, days_ago=2)
        else:
            self.story.involve(self.draw.choice(self.cast.workers[:4]), mia, "outreach", days_ago=2)
        for n in range(before, len(self.story.events)):
            agency, event = self.story.events[n]
            data = {**event.data, "about": {**event.data["about"], **more}}
            self.story.events[n] = (agency, msgspec.structs.replace(event, data=data))
        return self.story.events[-1][1].id

    def _enquiry(self, more: dict[str, Any]) -> str:
        return self.story.tell(
            "social-care", "social_care.EpisodeOpened", [(self._children(), "subject")], 9,
            episode="section-47", reference=f"E{len(self.story.events)}", on=TODAY - timedelta(days=9), **more,
        )  # fmt: skip

    def _stranger(self) -> Somebody:
        return self.draw.choice((self.story.adult("New", family="Comer"), self.cast.people[3]))

    def _otherwise(self, more: dict[str, Any]) -> str:
        """Somebody known, by another name, with another birth date, or with a number that nobody knew of them."""
        known = self._children()
        said = Somebody(
            self.draw.choice((known.given, "Renamed")), known.family,
            self.draw.choice((known.born, date(2013, 1, 1))), known.nhs, known.upn,
            self.draw.choice((known.local, "9999999")),
        )  # fmt: skip
        return self.story.not_brought(said, self.draw.randint(1, 30), **more)

    def _staff(self, more: dict[str, Any]) -> str:
        """A practitioner who has left, or is somebody's relative after all."""
        worker = self.draw.choice(self.cast.workers[:2])
        is_person = self.draw.choice((None, self.cast.people[3]))
        return self.story.tell(
            "social-care", "social_care.PractitionerChanged", [(is_person, "self")] if is_person else [], 1,
            practitioner=worker.reference(), name="Sam Changed", job_role="early-help-worker", team="another",
            subscriber="early-help", manager=None, clearance="normal", phone=None, email=None,
            active=self.draw.random() < 0.5, **more,
        )  # fmt: skip


_KINDS = (
    "abuse", "abuse", "abuse", "assessment", "assessment", "absence", "missing", "missing", "worry", "strength",
    "mark", "mark", "mend_mark", "mend", "relation", "relation", "register", "enquiry", "otherwise", "staff",
)  # fmt: skip


def _of(story: Story, worker: Professional) -> int:
    return next(n for n, (_, e) in enumerate(story.events) if e.data.get("practitioner") == worker.reference())


# ------------------------------------------------------------------ one world


class Remembering(Reading):
    """A reading that replays a family once for each instant: looks change nothing of it."""

    def replayed(self, family: FamilyId, now: datetime) -> Family:
        known: dict[Any, Family] = self.__dict__.setdefault("known", {})
        if (family, now) not in known:
            known[family, now] = super().replayed(family, now)
        return known[family, now]


class Desk:
    """One world's hub with its projection and the real ways of looking at it, everything in memory."""

    def __init__(self) -> None:
        self.hub = Rehearsal(b"worlds", zeros, engine())
        self.hub.pipeline = Pipeline(self.hub.pipeline._stages, self.hub._keep, self._learn)
        database = sql.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        METADATA.create_all(database)
        self.projector, self.queries = Projector(database), Queries(database)
        self.reading = Remembering(self.queries, self.hub.family, self, dict)
        self.alerting = Alerting(self.queries, self.reading, QUEUES)

    def _learn(self, known: PeopleRecord) -> None:
        self.hub.people.apply(known)
        self.send([Emit(topology.PEOPLE, people_key(known), records.encode(known))])

    # a producer, as agents/ports.py has it: what a look logs goes to the projection at once

    def send(self, emits: list[Emit]) -> None:
        topics = self.hub.trace.topics
        for e in emits:
            place = len(topics[e.topic])
            topics[e.topic].append(Record(e.topic, e.key.encode(), e.value, e.headers, 0, place, 0))

    def flush(self) -> None:
        return None

    def play(self, script: Script, variant: str) -> Desk:
        if script.held_up:
            self.hub.pipeline._stages = {**self.hub.pipeline._stages, "family": self._held_up(script.held_up)}
        waiting = sorted(script.ticks)
        for place, one in enumerate(script.told):
            while waiting and waiting[0] < one.at:
                self.hub.tick(waiting.pop(0))
            if one.hidden and variant == "without":
                continue
            event = _unsealed(one.event) if one.hidden and variant == "unsealed" else one.event
            record = encode_binary(event, topic=topology.inbound(one.agency))
            key = event_key(self.hub.names, TYPED_SOURCES, one.agency, event.source, event.id, event.type)
            stamp = int(one.at.timestamp() * 1000)
            self.hub.pipeline.run(
                [msgspec.structs.replace(record, key=key.encode(), partition=0, offset=place, timestamp=stamp)]
            )
        for at in waiting:
            self.hub.tick(at)
        self._log_of_the_hub()
        self.project()
        return self

    def _held_up(self, time: timedelta) -> Callable[[Sequence[Record], State[Any]], Outcome]:
        """The family stage before a broker that is away for so long: what was to leave is decided again."""

        def stage(batch: Sequence[Record], state: State[Any]) -> Outcome:
            decided = self.hub.family(batch, state)
            at = datetime.fromtimestamp(batch[-1].timestamp / 1000, UTC) + time
            leaves = decide_again(self.hub.family, decided, state, at, 0) if decided.sends else Outcome()
            return Outcome(
                decisions=decided.decisions + leaves.decisions, emits=leaves.emits if decided.sends else decided.emits
            )

        return stage

    def _log_of_the_hub(self) -> None:
        for one in self.hub.trace.log:
            self.send([Emit(topology.decisions_for(one.log), one.id, encode(one))])

    def project(self) -> None:
        """Take in what stands on the topics, again and again: a record is known by its place."""
        wanted = set(projected_topics(AGENCIES))
        found = []
        for topic, every in self.hub.trace.topics.items():
            if topic in wanted:
                found += [msgspec.structs.replace(r, partition=0, offset=n) for n, r in enumerate(every)]
        self.projector.apply(found)


def _unsealed(event: CloudEvent) -> CloudEvent:
    about = {**event.data["about"], "tier": "normal"}
    return msgspec.structs.replace(event, data={**event.data, "about": about})


# ------------------------------------------------------------------ what observers are shown


def shown(desk: Desk, script: Script) -> dict[str, Any]:
    """Everything that an observer is shown who is not cleared for what is sealed and did not publish it."""
    return dict(_shown(desk, script))


def _shown(desk: Desk, script: Script) -> Iterator[tuple[str, Any]]:
    yield "people, families and practitioners", _plain(desk, topology.PEOPLE)
    yield "quarantine", _plain(desk, topology.QUARANTINE)
    yield "review", _plain(desk, topology.REVIEW)
    yield from _looks(desk, script)
    for subscriber in sorted({"duty", "early-help", "health", "school", "ig"}):
        every = desk.hub.trace.topics[topology.alerts_to(subscriber)]
        opened = [(r.key, r.headers, len(r.value or b""), desk.hub.open_alert(r)) for r in every]
        yield f"alerts to {subscriber}", opened
    for agency in AGENCIES:
        hidden = _hidden_receipts(desk.hub.names, script)
        every = [records.decode_receipt(r.value or b"") for r in desk.hub.trace.topics[topology.receipts(agency)]]
        yield f"receipts to {agency}", [r for r in every if r.id not in hidden]
    yield "decisions", [r.value for r in desk.hub.trace.topics[topology.DECISIONS]]
    yield "checkpoint", _head(desk)
    yield from _counts(desk, script)


def _looks(desk: Desk, script: Script) -> Iterator[tuple[str, Any]]:
    """Looks, finds and opened alerts of everybody; of those cleared only what the open log keeps of them."""
    hub, now = desk.hub, script.end
    for worker in script.cast.workers:
        reader = hub.people.practitioner(hub.names.practitioner(worker.agency, worker.id))
        if reader is None:
            continue
        told: list[Any] = []
        for family in _families(desk, script):
            told += [desk.reading.look(reader, family, purpose, now) for purpose in PURPOSES]
        (said,) = as_known([script.cast.people[len(told) % 5].said(worker.agency, "subject")])
        told.append(desk.reading.find(reader, said, "safeguarding", now))
        mine = desk.alerting.mine(reader)
        told += [mine, [desk.alerting.open(reader, one, now) for one in mine]]
        if worker not in script.cast.cleared:
            yield f"what {reader.role} of {reader.subscriber} sees", told
    desk.project()


def _families(desk: Desk, script: Script) -> list[FamilyId]:
    """The families of the people in the history, as the world without a seal knows them."""
    found: dict[FamilyId, None] = {}
    for person in script.cast.people:
        name = desk.hub.people.identify(desk.hub.names.identifier("nhs-number", person.nhs, "health"))
        known = desk.hub.people.person(name) if name else None
        found |= dict.fromkeys(known.families if known else ())
    return list(found)


def _counts(desk: Desk, script: Script) -> Iterator[tuple[str, Any]]:
    queries = desk.queries
    yield "burden", queries.burden()
    yield "standing", queries.standing()
    yield "decided", queries.decided()
    yield "in review", (queries.review(), queries.review_counts())
    yield "in quarantine", (queries.quarantine(), queries.quarantine_counts())
    yield "held", told_to(queries.held(), "normal")
    yield "families", queries.families()
    for agency in sorted(set(AGENCIES) - script.publishers()):
        yield f"receipts counted for {agency}", queries.receipt_counts(agency)


def _plain(desk: Desk, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    return [(r.key, r.value) for r in desk.hub.trace.topics[topic]]


def _head(desk: Desk) -> tuple[int, bytes]:
    leaves = [leaf_hash(r.value or b"") for r in desk.hub.trace.topics[topology.DECISIONS]]
    size = 1
    while size < len(leaves):
        size *= 2
    return len(leaves), complete_root(leaves + [bytes(32)] * (size - len(leaves)))


def _hidden_receipts(names: Pseudonyms, script: Script) -> set[str]:
    """The receipts of the sealed events: their publisher's own."""
    hidden = [(t.agency, decode(encode_binary(t.event, topic="in"))) for t in script.told if t.hidden]
    keys = [(event_key(names, TYPED_SOURCES, a, e.source, e.id, e.type), digest(e)) for a, e in hidden]
    return {receipt_id(names, key, content) for key, content in keys}


# ------------------------------------------------------------------ what the seal hides


def hides(without: Desk, unsealed: Desk) -> set[str]:
    """Which of alerts, memberships and counts differ once what was sealed is told openly."""
    found = set()
    if _alerts(without) != _alerts(unsealed):
        found.add("alert")
    if _members(without) != _members(unsealed):
        found.add("membership")
    if without.queries.standing() != unsealed.queries.standing():
        found.add("count")
    return found


def _alerts(desk: Desk) -> list[Any]:
    return sorted((a.rule, a.level, a.status, a.recipient, len(a.items)) for a in desk.queries.alerts_for())


def _members(desk: Desk) -> list[Any]:
    return sorted((r.key, r.value) for r in desk.hub.trace.topics[topology.PEOPLE] if (r.key or b"").startswith(b"f:"))


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what differs, byte by byte."""
    encoded = msgspec.json.encode
    names = one.keys() | other.keys()
    return sorted(n for n in names if n not in one or n not in other or encoded(one[n]) != encoded(other[n]))
