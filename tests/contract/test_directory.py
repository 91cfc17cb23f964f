"""The directory port: in memory, as the engine's replica over each broker, and from the projection."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agents.adapters.directory import Replica
from agents.adapters.kafka import KafkaConsumer, KafkaProducer
from agents.adapters.sqlengine import open_engine
from agents.projector import Projector
from agents.queries import Queries
from schemas.ids import FamilyId, PersonId, PractitionerId, Pseudonym
from schemas.people import (
    ForgottenIdentifier,
    KnownFamily,
    KnownIdentifier,
    KnownPerson,
    KnownPractitioner,
    Written,
    people_key,
    people_value,
)
from schemas.records import Member, Record
from streams import topology
from streams.identity.directory import Directory, People
from streams.outcome import Emit
from tests.conftest import make_topic

MIA, LEO, HOME = PersonId("p_mia"), PersonId("p_leo"), FamilyId("f_home")
GONE, AGAIN = Pseudonym("n3"), Pseudonym("n4")
RECORDS: list[Written] = [
    KnownIdentifier(Pseudonym("n1"), MIA, 1),
    KnownPerson(MIA, 1, (HOME,), HOME, is_child=True),
    KnownFamily(HOME, 1, (Member(MIA, "child", since=date(2020, 1, 1)),)),
    KnownPractitioner(PractitionerId("w_1"), 1, "social-care", "social-worker", "team 1", "social-care"),
    KnownPerson(MIA, 2, (HOME, FamilyId("f_other")), HOME, is_child=True),
    KnownIdentifier(GONE, MIA, 1),
    KnownIdentifier(AGAIN, MIA, 1),
    ForgottenIdentifier(GONE),
    ForgottenIdentifier(AGAIN),
    KnownIdentifier(AGAIN, LEO, 1),
]


def in_memory(records: list[Written], _request: pytest.FixtureRequest, _path: Path) -> Directory:
    people = People()
    for record in records:
        people.apply(record)
    return people


def projected(records: list[Written], _request: pytest.FixtureRequest, path: Path) -> Directory:
    engine = open_engine(f"sqlite:///{path / 'p.db'}")
    projector = Projector(engine)
    projector.create()
    projector.apply([
        Record(topology.PEOPLE, people_key(record).encode(), people_value(record), (), 0, offset)
        for offset, record in enumerate(records)
    ])
    return Queries(engine)


def projected_one_by_one(records: list[Written], request: pytest.FixtureRequest, path: Path) -> Directory:
    for record in records:
        queries = projected([record], request, path)
    return queries


def replicated(broker: str) -> Callable[..., Directory]:
    def make(records: list[Written], request: pytest.FixtureRequest, _path: Path) -> Directory:
        running = request.getfixturevalue(broker)
        topic = make_topic(running)
        write(running.bootstrap, topic, records)
        replica = follow(running.bootstrap, topic)
        request.addfinalizer(replica.stop)
        return replica

    return make


def write(bootstrap: str, topic: str, records: list[Written]) -> None:
    producer = KafkaProducer(bootstrap)
    producer.send([Emit(topic, people_key(record), people_value(record)) for record in records])  # type: ignore[arg-type]
    producer.flush()


def follow(bootstrap: str, topic: str) -> Replica:
    return Replica(lambda: KafkaConsumer(bootstrap, [topic])).start()


@pytest.fixture(
    params=[
        pytest.param(in_memory, id="memory"),
        pytest.param(projected, id="projection"),
        pytest.param(projected_one_by_one, id="projection, one by one"),
        pytest.param(replicated("embedded"), id="embedded"),
        pytest.param(replicated("kafka"), id="kafka", marks=pytest.mark.kafka),
    ]
)
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Directory:
    return request.param(RECORDS, request, tmp_path)


def test_the_last_record_of_a_key_is_what_is_known(directory: Directory) -> None:
    """Every way in gives the same answers."""
    assert directory.identify(Pseudonym("n1")) == MIA
    assert directory.person(MIA) == RECORDS[4]
    assert directory.family(HOME) == RECORDS[2]
    assert directory.practitioner(PractitionerId("w_1")) == RECORDS[3]


def test_a_forgotten_identifier_is_as_if_it_had_never_been_said(directory: Directory) -> None:
    """It stands for nobody, and may stand for somebody new."""
    assert directory.identify(GONE) is None
    assert directory.identify(AGAIN) == LEO


def test_what_nobody_said_is_not_known(directory: Directory) -> None:
    """A directory never makes anything up."""
    assert directory.identify(Pseudonym("n2")) is None
    assert directory.person(PersonId("p_2")) is None
    assert directory.family(FamilyId("f_2")) is None
    assert directory.practitioner(PractitionerId("w_2")) is None


def test_a_replica_that_was_asked_to_catch_up_has_all_that_stood_there(embedded: Any) -> None:
    """What a resolver waits for before it mints: an old view would mint a child twice."""
    topic = make_topic(embedded)
    write(embedded.bootstrap, topic, RECORDS[:1])
    replica = follow(embedded.bootstrap, topic)
    for number in range(0, 6000, 2000):
        names = [Pseudonym(f"x{n}") for n in range(number, number + 2000)]
        write(embedded.bootstrap, topic, [KnownIdentifier(name, MIA, 1) for name in names])
        replica.catch_up()
        assert all(replica.identify(name) == MIA for name in names)
    replica.stop()


def test_our_own_write_is_never_taken_back_by_the_topic_behind_it(embedded: Any) -> None:
    """Between our write and its coming back, older versions come by: they must not show."""
    topic = make_topic(embedded)
    replica = follow(embedded.bootstrap, topic)
    own = KnownPerson(MIA, 3, (HOME,), HOME)
    replica.apply(own)
    write(embedded.bootstrap, topic, [RECORDS[1], RECORDS[4]])
    replica.catch_up()
    assert replica.person(MIA) == own
    later = KnownPerson(MIA, 4, (), None)
    write(embedded.bootstrap, topic, [own, later])
    replica.catch_up()
    assert replica.person(MIA) == later
    replica.stop()
