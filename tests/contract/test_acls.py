"""Who may read which topic (deploy/kafka/acls.toml): every topic has its row, and what is sealed is the hub's alone."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import pytest

import deploy
from agents import stages
from agents.adapters.topics import hub_topics
from agents.bootstrap import ENGINE_NAME
from streams import topology


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """Who may write and read a topic, by principal."""

    write: list[str]
    read: list[str]


ROWS = msgspec.toml.decode((Path(deploy.__file__).parent / "kafka/acls.toml").read_bytes(), type=dict[str, Row])
TOPICS = [one.name for one in hub_topics(["school", "health"], ["duty"], 2)] + list(stages.changelogs(ENGINE_NAME, 2))


def row(topic: str) -> str:
    """Return the name of the row that a topic falls under: its own, or the one that its beginning names."""
    return topic if topic in ROWS else next(name for name in ROWS if "*" in name and fnmatchcase(topic, name))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_says_who_may_read_and_write_it(topic: str) -> None:
    """None is left to a broker's default."""
    assert ROWS[row(topic)].write
    assert ROWS[row(topic)].read


def test_no_row_is_about_a_topic_that_there_is_not() -> None:
    """A row for nothing would be read as a promise."""
    assert {row(topic) for topic in TOPICS} == set(ROWS)


def test_what_an_agency_and_a_subscriber_may_read_is_theirs_alone() -> None:
    """Receipts by the agency that they answer, alerts by the subscriber whose key they are sealed to."""
    outside = {name: set(one.read) - {"hub"} for name, one in ROWS.items() if set(one.read) - {"hub"}}
    assert outside == {"receipts.*": {"agency"}, "alerts.*": {"subscriber"}, topology.CHECKPOINTS: {"auditor"}}


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic.endswith(".sealed")])
def test_a_topic_of_what_is_sealed_is_the_hubs_alone(topic: str) -> None:
    """How much stands on it, and when something came, would tell as much as what it says."""
    assert (ROWS[topic].write, ROWS[topic].read) == (["hub"], ["hub"])
