"""The hub that a story is told to: in memory, and the real one on Kafka."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

from agents.demo.teller import Story
from tests.stories.told import InMemory, Told

if TYPE_CHECKING:
    from tests.live.running_hub import RunningHub

_numbers = itertools.count(1)
_APART = 1009  # from one person's number to the next: what a check digit moves a number by never leads to another's


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell the stories in which days pass last: on the shared hub, the days pass for every family."""
    ours = [item for item in items if item.path.parent.name == "stories"]
    last = [item for item in ours if "days_pass" in item.function.__code__.co_names]  # type: ignore[attr-defined]
    items[:] = [item for item in items if item not in last] + last


class Apart(Story):
    """A story whose people have numbers that no other story of this run has: all are told to one hub."""

    def _number(self) -> int:
        return next(_numbers) * _APART


@pytest.fixture
def kafka_told(hearth: RunningHub) -> Told:
    from tests.stories.kafka_told import OnKafka  # it loads the whole hub, which the stories in memory do not need

    return OnKafka(hearth)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def hub(request: pytest.FixtureRequest) -> Iterator[Told]:
    if request.param == "memory":
        yield InMemory()
    else:
        yield request.getfixturevalue("kafka_told")


@pytest.fixture
def story(request: pytest.FixtureRequest, today: date) -> Story:
    return Apart(f"{request.node.name}/{today}", today)
