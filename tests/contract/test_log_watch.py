"""The log watch: a new process knows how old the backlog is, and nothing is shown from a log that stalls."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from agents.adapters.kafka import KafkaConsumer, KafkaProducer
from agents.adapters.log_watch import LogWatch
from schemas.records import Record
from tests.conftest import make_topic

MOST = 60.0


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def decided(broker: Any, topic: str, *seconds_ago: float) -> None:
    """Put decisions on the topic as if they had been written so long ago."""
    producer = KafkaProducer(broker.bootstrap)
    for ago in seconds_ago:
        producer._producer.produce(topic, b"{}", b"d", timestamp=int((time.time() - ago) * 1000))
    producer.flush()


def logged(broker: Any, topic: str, many: int) -> None:
    """The sequencer takes so many of them into the log."""
    sequencer = KafkaConsumer(broker.bootstrap, [topic], group=f"log of {topic}")
    polled: list[Record] = []
    while len(polled) < many:
        polled += sequencer.poll(many - len(polled), 1.0)
    sequencer.commit()
    sequencer.close()


def keeps_up(broker: Any, topic: str) -> bool:
    """What a new process is told."""
    return LogWatch(broker.bootstrap, f"log of {topic}", topic, MOST).keeps_up()


def test_a_new_process_sees_that_the_sequencer_has_stalled(broker: Any) -> None:
    """Every command is a new process: an old backlog is old for it, too."""
    topic = make_topic(broker)
    decided(broker, topic, 3600.0, 1.0)
    assert not keeps_up(broker, topic)


def test_a_backlog_of_moments_and_none_at_all_are_kept_up_with(broker: Any) -> None:
    """What counts is when the oldest decision that is not in the log was written, not how many there are."""
    topic = make_topic(broker)
    assert keeps_up(broker, topic)
    decided(broker, topic, 3600.0, 3600.0, 1.0)
    logged(broker, topic, 2)
    assert keeps_up(broker, topic)
    logged(broker, topic, 1)
    assert keeps_up(broker, topic)


def test_nothing_keeps_up_before_the_broker_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not known how old the backlog is: nothing is shown."""
    monkeypatch.setattr("agents.adapters.log_watch._FIRST_ANSWER_SECONDS", 0.1)
    assert not LogWatch("127.0.0.1:1", "nobody", "nothing", MOST).keeps_up()


def test_a_watch_that_nobody_holds_ends() -> None:
    """A process that opens one after the other keeps no thread and no client of those before."""
    before = {thread.ident for thread in threading.enumerate()}
    watch = LogWatch("127.0.0.1:1", "nobody", "nothing", MOST)
    (mine,) = [thread for thread in threading.enumerate() if thread.ident not in before and thread.name == "log-watch"]
    del watch
    mine.join(30.0)
    assert not mine.is_alive()
