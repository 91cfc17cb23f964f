"""Ending a record, by the officers' own tools on the whole hub in memory: who may, what stops it, and what goes."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.adapters.memory import MemoryProducer
from agents.adapters.quarantine_keys import QuarantineKeys
from agents.demo.teller import Professional
from agents.destroying import Destroying, Record, Refused
from agents.held_of import HeldOf
from agents.put_aside import PutAside
from agents.rehearsal import Rehearsal
from schemas.codec import encode_binary
from schemas.errors import KeyDestroyed, Refusal
from schemas.ids import PersonId
from schemas.people import people_key, people_value
from schemas.records import Queued, decode_quarantined, decode_review
from schemas.records import Record as Stored
from streams import topology
from streams.identity.reviews import Reviews
from streams.intake_answers import Answers, Origin
from streams.outcome import Emit, NewKey
from streams.timeline import on_day
from tests.core.ig_story import NOW, Told

EARLY = "erasure-upheld"


@dataclass
class Keys:
    """The rehearsal's keys, as the key store port."""

    hub: Rehearsal

    def store(self, keys: Sequence[NewKey]) -> None:
        self.hub._keep(list(keys))

    def data_key(self, person: PersonId, version: int | None = None) -> tuple[int, bytes]:
        return self.hub.data_key(person, version)

    def destroy(self, person: PersonId) -> int:
        had = person in self.hub._keys
        if had:
            self.hub.destroy_key(person)
        return int(had)

    def names(self, prefix: str) -> list[PersonId]:
        return sorted(name for name in self.hub._keys if name.startswith(prefix))


class Carried(MemoryProducer):
    """What is written is taken in by the hub and projected at once."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.broker)
        self._told, self._asked = told, 0

    def flush(self) -> None:
        super().flush()
        told, topics = self._told, self._told.hub.trace.topics
        told.logged()
        before = len(topics[topology.FAMILY_ITEMS])
        asked = told.broker.records(topology.IDENTITY_QUEUE)
        told.hub.pipeline.run(asked[self._asked :])
        self._asked = len(asked)
        for record in topics[topology.FAMILY_ITEMS][before:]:
            told.world.tell(record.topic, record.value or b"", (record.key or b"").decode())


@dataclass
class Office:
    """A brother and a sister with their parents, three officers, and what they do."""

    told: Told
    at: Callable[[str], None] = lambda _: None
    minutes: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        told, story = self.told, self.told.story
        self.leo, self.mia = story.child("Leo", "2012-03-01", "Wolverdingham"), story.child("Mia", "2014-05-02")
        self.mother, self.father = story.adult("Ann"), story.adult("Abel", family="Other")
        officer = {"clearance": "sealed", "subscriber": "duty"}
        self.ann, self.bea = (story.professional("social-care", "ig-officer", **officer) for _ in range(2))
        self.dad = story.professional("social-care", "ig-officer", is_person=self.father, **officer)
        self.led = story.professional("social-care", "ig-officer", manager=self.dad, **officer)
        self.lead = story.professional("social-care", "early-help-worker", subscriber="early-help")
        for child in (self.leo, self.mia):
            story.relate(child, self.mother)
            story.agree(self.mother, child)
        story.lead(self.lead, self.mia)
        story.domestic_abuse(self.mother, self.father, 20, children=[self.leo, self.mia], dash=16)
        story.not_brought(self.mia, 20)
        story.not_brought(self.mia, 9)
        story.worried(self.lead, self.mia, 9)
        told._known = lambda one: told.world.tell(topology.PEOPLE, people_value(one), people_key(one))
        told.happens()
        self.keystore, self.key_of = Keys(told.hub), dict[str, str]()
        self.aside = PutAside(told.world.projector._engine, self.keystore)
        self.quarantine_keys = QuarantineKeys(self.keystore, os.urandom, lambda: NOW)
        self.child = told.person(self.leo)

    def tools(self, by: Professional) -> Destroying:
        told = self.told
        reading = replace(told.reading, producer=Carried(told), ends=lambda: (told.logged(), {})[1])
        cases = told.cases(told.worker(by))
        return Destroying(
            reading, HeldOf(told.world.projector._engine), self.keystore, self.aside, cases.requested, 1.0, self.at
        )

    @property
    def now(self) -> datetime:
        """Each act at an instant of its own."""
        return NOW + timedelta(minutes=next(self.minutes))

    def propose(self, by: Professional, person: PersonId | None = None, reason: str = EARLY) -> Record:
        return self.tools(by).propose(self.told.worker(by), person or self.child, reason, self.now)

    def approve(self, by: Professional, person: PersonId | None = None) -> Record:
        return self.tools(by).approve(self.told.worker(by), person or self.child, self.now)

    def hold(self, by: Professional, person: PersonId | None = None) -> Record:
        return self.tools(by).hold(self.told.worker(by), person or self.child, "litigation", self.now)

    def lift(self, by: Professional) -> Record:
        return self.tools(by).lift(self.told.worker(by), self.child, "litigation", "hold-ended", self.now)

    def has_key(self) -> bool:
        try:
            return bool(self.keystore.data_key(self.child))
        except KeyDestroyed:
            return False

    def taken(self) -> list[str]:
        found = self.told.broker.records(topology.DECISIONS_SEALED)
        return [msgspec.json.decode(one.value or b"")["rules"][0] for one in found]

    def puts_aside(self, emits: Iterable[Emit]) -> list[str]:
        """Project records put aside; return their ids."""
        read = {topology.QUARANTINE: decode_quarantined, topology.REVIEW: decode_review}
        made = [emit for emit in emits if emit.topic in read]
        for emit in made:
            self.told.world.tell(emit.topic, emit.value, emit.key)
            self.key_of[emit.key] = read[emit.topic](emit.value).key_id
        return [emit.key for emit in made]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(Told(tmp_path))


# ------------------------------------------------------------------ who may


@pytest.mark.parametrize("which", ["dad", "led"])
def test_nobody_decides_on_a_record_of_a_family_that_they_or_their_manager_are_a_party_to(
    office: Office, which: str
) -> None:
    """An alleged father keeps nothing of his child's, or the mother's, from being kept, nor ends it; nor his staff."""
    party: Professional = getattr(office, which)
    mother = office.told.person(office.mother)
    office.propose(office.ann)
    for step in (
        lambda: office.propose(party, mother),
        lambda: office.approve(party),
        lambda: office.hold(party),
        lambda: office.hold(party, mother),
    ):
        with pytest.raises(Refused, match="a party"):
            step()
    office.hold(office.ann)
    with pytest.raises(Refused, match="a party"):
        office.lift(party)
    assert office.taken() == ["propose", "hold"]


# ------------------------------------------------------------------ what stops it


def test_a_hold_that_comes_before_the_beginning_stops_it_and_nothing_has_gone(office: Office) -> None:
    """Set while the approval was being carried out: the person is found as before, and proposed anew after it."""
    office.propose(office.ann)
    office.at = lambda point: office.hold(office.ann) and None if point == "approved" else None
    with pytest.raises(Refused, match="a legal hold stands"):
        office.approve(office.bea)
    assert office.taken() == ["propose", "approve", "hold"]
    assert office.has_key()
    assert office.told.person(office.leo) == office.child
    office.at = lambda _: None
    office.lift(office.ann)
    assert office.propose(office.ann).standing.proposal


@pytest.mark.parametrize("point", ["destroying", "forgotten", "destroyed"])
def test_a_hold_that_comes_after_the_beginning_is_refused_and_it_is_carried_out(office: Office, point: str) -> None:
    """The log says destroyed, and never that anything is held that has gone; nobody can propose it again."""
    office.propose(office.ann)
    refused = []

    def tries(reached: str) -> None:
        if reached == point:
            with pytest.raises(Refused, match="too late") as why:
                office.hold(office.ann)
            refused.append(why)

    office.at = tries
    assert office.approve(office.bea).standing.destroyed
    assert refused
    assert not office.has_key()
    assert office.taken() == ["propose", "approve", "destroying", "destroyed"]
    with pytest.raises(Refused, match="destroyed already"):
        office.propose(office.ann)
    with pytest.raises(Refused, match="destroyed already"):
        office.hold(office.ann)


def test_a_hold_that_reaches_the_log_after_the_beginning_is_said_to_be_too_late(office: Office) -> None:
    """It was allowed when the officer asked; between that and the log, the other's approval came in."""

    class Overtaken(Carried):
        def send(self, emits: Iterable[Emit]) -> None:
            assert office.approve(office.bea).standing.destroyed
            super().send(emits)

    office.propose(office.ann)
    slow = office.tools(office.ann)
    slow = replace(slow, reading=replace(slow.reading, producer=Overtaken(office.told)))
    with pytest.raises(Refused, match="destroyed already"):
        slow.hold(office.told.worker(office.ann), office.child, "litigation", office.now)
    assert office.taken() == ["propose", "approve", "destroying", "destroyed", "hold"]
    assert office.tools(office.ann).record(office.child, NOW).standing.destroyed


def test_what_was_begun_and_not_done_stays_on_the_list_until_it_is(office: Office) -> None:
    """The person is nobody's to find any more, and their key stands: somebody must take it up."""

    class Killed(Exception):
        pass

    def dies(point: str) -> None:
        if point == "forgotten":
            raise Killed

    office.propose(office.ann)
    office.at = dies
    with pytest.raises(Killed):
        office.approve(office.bea)
    office.at = lambda _: None
    (begun,) = office.tools(office.ann).due(NOW)
    assert (begun.persons[0], begun.standing.destroying) == (office.child, True)
    with pytest.raises(Refused, match="another officer"):
        office.approve(office.ann)
    assert office.approve(office.bea).standing.destroyed
    assert office.tools(office.ann).due(NOW) == []


@pytest.mark.parametrize("kind", ["access", "objection"])
@pytest.mark.parametrize("whose", ["person", "family"])
def test_while_a_rights_request_is_open_nothing_is_proposed_or_approved(office: Office, kind: str, whose: str) -> None:
    """It would be an offence to destroy what somebody has asked for; once it is answered, it goes on."""
    told, officer = office.told, office.told.worker(office.ann)
    about = office.child if whose == "person" else told.family(office.mia)
    cases = told.cases(officer)
    case = cases.open(kind, about, on_day(NOW), NOW)
    with pytest.raises(Refused, match="request"):
        office.propose(office.ann)
    told.logged()
    cases.close(case, "granted", NOW)
    office.propose(office.ann)
    cases.open(kind, about, on_day(NOW), NOW + timedelta(minutes=1))
    with pytest.raises(Refused, match="request"):
        office.approve(office.bea)
    assert office.has_key()


# ------------------------------------------------------------------ what goes


def test_every_alert_that_stands_is_told_anew_without_them(office: Office) -> None:
    """It rests on somebody else, and named the child beside it: of each, the last telling names them no more."""
    told = office.told
    before = told.hub.alerts()
    assert any("Wolverdingham" in one.name for alert in before for one in alert.about)
    office.propose(office.ann)
    office.approve(office.bea)
    after = {alert.id: alert for alert in told.hub.alerts()}
    assert after.keys() >= {alert.id for alert in before}
    assert not [one for alert in after.values() for one in alert.about if "Wolverdingham" in one.name]
    named = [alert for alert in before if any("Wolverdingham" in one.name for one in alert.about)]
    assert all(after[alert.id].revision > alert.revision for alert in named)
    assert any(alert.status == "open" for alert in after.values()), "the sister's alerts stand"


def test_what_was_put_aside_goes_where_it_names_them_and_stays_where_it_names_others(office: Office) -> None:
    """Quarantine and reviews, whether the hub knew whose they are or not; each under a key of its own."""
    told, names = office.told, office.told.hub.names
    answers, reviews = (make(names, office.quarantine_keys, os.urandom) for make in (Answers, Reviews))
    bad = Refusal("data", "unreadable", "it cannot be read", "send it again")

    def quarantined(value: bytes, offset: int) -> list[str]:
        record = Stored("in.health", b"k", value, (), 0, offset)
        return office.puts_aside(answers.refused(record, Origin("health", ("in.health", 0, offset), NOW), bad, "", "q"))

    def reviewed(number: int, text: str, persons: tuple[PersonId, ...] = ()) -> list[str]:
        queued = Queued(f"e{number}", "health", "urn:x", "t", "d", NOW, {"said": text}, ())
        return office.puts_aside([reviews.whole(queued, "refer", persons)])

    event = told.story.events[-1][1]
    theirs = [
        *quarantined(b"not Avro, and yet " + office.leo.nhs.encode(), 1),
        *quarantined(b'{"given_names":"Leo","family_name":"Wolverdingham"', 2),
        *reviewed(1, "no name at all", (office.child,)),
        *reviewed(2, "Leo Wolverdingham came along"),
    ]
    others = [
        *quarantined(b"not Avro, about " + office.mia.nhs.encode(), 3),
        *quarantined(encode_binary(event, topic="in.health").value or b"", 4),
        *reviewed(3, "Leo came along"),
        *reviewed(4, "about the sister", (told.person(office.mia),)),
    ]
    office.propose(office.ann)
    office.approve(office.bea)
    stand = set(office.keystore.names("q_"))
    assert {aside for aside, key in office.key_of.items() if key in stand} == set(others)
    assert len(theirs) == len(office.key_of) - len(others) == 4
