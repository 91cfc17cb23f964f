"""The hub that a story is told to: in memory, and the real one on Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from agents.demo.teller import Story
from tests.stories.told import InMemory, Told


@pytest.fixture
def today() -> date:
    return date.today()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def hub(request: pytest.FixtureRequest) -> Iterator[Told]:
    if request.param == "memory":
        yield InMemory()
    else:
        yield request.getfixturevalue("kafka_told")


@pytest.fixture
def story(request: pytest.FixtureRequest, today: date) -> Story:
    return Story(f"{request.node.name}/{today}", today)
