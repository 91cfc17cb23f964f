"""Brokers for the tests: a real Apache Kafka for what counts, the embedded one so that the demo stays true."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from agents.adapters.embedded import Embedded
from agents.adapters.topics import Topic, ensure
from deploy.kafka.broker import Broker, start
from streams.attendance import school_year_start

if TYPE_CHECKING:
    from tests.live.running_hub import RunningHub

settings.register_profile("hearth", deadline=None)  # how long an example takes is for benchmarks to say
settings.load_profile("hearth")
_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Let fixtures end what they began when the run is told to stop: Ctrl-C does not reach one in the background."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real Apache Kafka, one for the whole run, gone afterwards."""
    broker = start(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.remove()


@pytest.fixture(scope="session")
def hearth(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """`hearth up` on that Kafka: one hub for the whole run, which must stop as cleanly as it started."""
    from tests.live.running_hub import RunningHub  # it loads the whole hub, and few tests need that

    hub = RunningHub(kafka.bootstrap, tmp_path_factory.mktemp("hearth"))
    try:
        yield hub.start()
    finally:
        code = hub.stop()
    assert code == 0, hub.logs()[-2000:]


@pytest.fixture
def today() -> date:
    return date.today()


@pytest.fixture
def weeks_into_the_school_year(today: date) -> None:
    """What a story tells of attendance happened since 1 September: rates are worked out per school year."""
    if (today - school_year_start(today)).days < 46:
        pytest.skip("a rate of this school year cannot be told yet")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """The embedded broker, one for the whole run."""
    broker = Embedded([])
    yield broker
    broker.close()


def make_topic(broker: Broker | Embedded, partitions: int = 1, **config: str) -> str:
    """Make a topic of a name never used before; `config` in Kafka's names with `_` for `.`; return its name."""
    named = {name.replace("_", "."): value for name, value in config.items()}
    topic = Topic(f"test.{next(_numbers)}", partitions, named)
    if isinstance(broker, Embedded):
        broker.create(topic)
    else:
        ensure(broker.bootstrap, [topic])
    return topic.name
