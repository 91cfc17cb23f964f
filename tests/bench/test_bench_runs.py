"""The benchmark's own parts, small: that they run and count right. Nothing here looks at how fast they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents.sending import Framing
from consent.seal import Pseudonyms
from deploy.kafka.broker import Broker
from schemas.records import encode
from streams.family_state import Block, FamilyCodec
from streams.timeline import Family
from tests.bench import decide, light, log
from tests.bench.crowd import crowd
from tests.bench.feed import feed, primed
from tests.bench.ground import Ground
from tests.bench.meter import Readings
from tests.bench.report import Figures

TODAY = date(2026, 11, 23)


@pytest.fixture
def framing() -> Framing:
    return Framing(Pseudonyms(bytes(32), 1))


@pytest.fixture
def ground(kafka: Broker, tmp_path: Path) -> Iterator[Ground]:
    here = Ground(tmp_path, kafka, lambda _: None, quick=True)
    yield here
    here.rest()


@pytest.mark.kafka
def test_every_engine_gives_the_light_jobs_outputs(ground: Ground) -> None:
    """Hearth's engine and the bare loop (and Quix Streams, where installed) work through the same events alike."""
    figures = light.run(ground, 1)
    assert {"hearth events/s", "hearth CPU µs/event", "bare events/s"} <= figures.values.keys()
    assert all(value > 0 for runs in figures.values.values() for value in runs)


def test_the_log_that_is_measured_is_whole_and_counted_whole(tmp_path: Path) -> None:
    """Every entry went in once, and the verifier counted each; a short log is no measurement."""
    figures = log.run(Ground(tmp_path, None, lambda _: None, quick=True), 1)  # type: ignore[arg-type]
    assert {"entries/s into the log", "entries/s by the sequencer"} < figures.values.keys()
    assert {"entries/s verified", "seconds to verify the log"} < figures.values.keys()
    assert {decide.COLD, decide.BARE, "µs a memoised decision"} < figures.values.keys()
    assert all(value > 0 for runs in figures.values.values() for value in runs)


def test_the_countys_events_are_measured_in_the_order_they_were_recorded(framing: Framing) -> None:
    """As many as asked for, each once, mostly attendance; what the hub must know already stands apart."""
    said = feed(framing, 500, TODAY)
    assert len(said.measured) == 500
    assert len({ready.event for ready in (*said.known, *said.measured)}) == len(said.known) + 500
    assert said.kinds["attendance"] > 400
    assert not [ready for ready in said.known if ready.remarks]


def test_nobody_is_in_two_of_the_families_that_wait_for_an_alert(framing: Framing) -> None:
    """Two triggers for one household would raise one alert, and be waited for in vain."""
    made = primed(framing, 200, TODAY, "primed")
    assert len({ready.event for ready in made.triggers}) == 200
    assert all(ready.emit.topic == "in.police" for ready in made.triggers)


def test_copied_families_are_whole_and_share_nothing() -> None:
    """A copy holds what its pattern held under ids of its own; a mark for it is one that it has not had."""
    made = crowd(TODAY, weeks=1, wanted=2)
    codec = FamilyCodec(lambda *_: (1, bytes(32)), os.urandom)
    first, second = (dict(made.values(number)) for number in (0, len(made.patterns)))
    assert not first.keys() & second.keys()
    for values in (first, second):
        family = next(value for value in values.values() if isinstance(value, Family))
        again = codec.decode(codec.encode(family))
        assert isinstance(again, Family)
        assert again.sections == family.sections
        assert {v.person for v in values.values() if isinstance(v, Block)} <= family.sections.keys()
    assert not set(made.persons(0)) & set(made.persons(len(made.patterns)))
    marks = [made.mark(0, nth, lambda *said: (1, encode(said[2]))) for nth in range(40)]
    assert len({mark.id for mark in marks}) == 40
    assert all(mark.received_at > datetime.combine(TODAY, datetime.min.time(), UTC) for mark in marks)
    assert marks[-1].received_at - marks[0].received_at > timedelta(weeks=3)


def test_a_figure_is_told_as_its_median_beside_its_target() -> None:
    """A target that is missed is said to be missed."""
    figures = Figures()
    for value in (3.0, 1.0, 2.0):
        figures.add("ours", value, at_least=2.5)
        figures.add("theirs", 1.0)
    figures.ratio("ratio", "ours", "theirs", at_most=2.0)
    said = figures.as_json()["figures"]
    assert (said["ours"]["median"], said["ours"]["met"], said["ratio"]["met"]) == (2.0, False, True)


def test_what_a_process_used_is_read_between_two_instants(tmp_path: Path) -> None:
    """The last line before and the first after; a line that is still being written is none."""
    file = tmp_path / "meter"
    file.write_text('{"at": 1}\n{"at": 2}\n{"at": 3}\n{"at": 4')
    assert Readings(file).between(1.5, 2.5) == ({"at": 1}, {"at": 3})
