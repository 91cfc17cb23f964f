"""What a family's register overtook on its way to the log stands there as withheld, and is told as withheld."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.adapters.log_entries import LogEntries
from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from agents.adapters.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from agents.adapters.sqlengine import open_engine
from agents.commands.policy import WITHOUT_POLICIES
from agents.projector import Projector
from agents.queries import Queries
from agents.sequencer import Sequencer
from consent.decision import Decision, Outcome, decode, encode
from consent.explain import explain
from consent.log.entry import head
from consent.overtaken import RULE
from schemas.ids import EventKey, FamilyId
from streams.outcome import to_log
from streams.topology import DECISIONS
from tests.contract.logs import ORIGIN, PRIVATE, report

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHARE, WITHHOLD = Outcome.SHARE, Outcome.WITHHOLD


def said(
    name: str, stage: str = "look", place: int = 0, version: str = "v1", family: str = "f_1", **more: Any
) -> Decision:
    made = Decision(
        f"d_{name}", stage, SHARE, FamilyId(family), "hub" if stage == "link" else "w_1", "hub", "early-help",
        "school", "attendance", AT, "ps", version, ("early-help-under-agreement",), EventKey("e"),
        article_6="6(1)(e) public task", gateway="Children Act 2004 s10", released=("data.code",),
        agreement_state="in-force", salt=sha256(name.encode()).digest()[:16], place=place,
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


class Log:
    """A topic of decisions, the log made from it, and the projection of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.broker, self.runs = folder, MemoryBroker(), 0

    def told(self, decisions: Iterable[Decision]) -> Log:
        producer = MemoryProducer(self.broker)
        producer.send([to_log(one) for one in decisions])
        producer.flush()
        return self

    def logged(self, *batches: int) -> list[Decision]:
        """Read the topic in batches of these sizes (the last again and again), by a new writer each; return the log."""
        sizes = [*batches, batches[-1] if batches else 100]
        directory = self.folder / f"log{self.runs}"
        self.runs += 1
        committed = -1
        while committed != len(self.broker.records(DECISIONS)):
            writer = LogWriter(directory, ORIGIN, PRIVATE)
            group = f"sequencer{self.runs}"
            consumer, producer = MemoryConsumer(self.broker, [DECISIONS], group), MemoryProducer(self.broker)
            Sequencer(writer, consumer, producer, lambda: AT, bytes, sizes[0]).step(0)
            writer.close()
            (committed,) = self.broker.committed(group, DECISIONS)
            sizes = sizes[1:] or sizes
        assert report(directory).ok
        reader = LogReader(directory)
        try:
            return [decode(kept.body or b"") for kept in reader.kept(0)]
        finally:
            reader.close()

    def projected(self, *batches: int) -> dict[str, Decision]:
        """Return what the projection tells of each decision, read in batches of these sizes."""
        engine = open_engine(f"sqlite:///{self.folder / f'projection{self.runs}.db'}")
        self.runs += 1
        projector, left = Projector(engine), self.broker.records(DECISIONS)
        projector.create()
        for size in batches:
            projector.apply(left[:size])
            left = left[size:]
        projector.apply(left)
        found = (Queries(engine).decision(head(r.value or b"").id) for r in self.broker.records(DECISIONS))
        return {one.id: one for one in found if one}


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_what_was_decided_before_a_change_and_comes_behind_it_stands_as_withheld(log: Log) -> None:
    """A look decided at place 3 of the record reaches the topic behind the withdrawal, which came at place 4."""
    log.told([said("given", "link", 2, "v1"), said("withdrawal", "link", 4, "v2"), said("look", place=3)])
    *_, look = log.logged()
    assert (look.outcome, look.rules) == (WITHHOLD, (RULE, "early-help-under-agreement"))
    assert (look.released, look.article_6, look.gateway, look.agreement_state) == ((), "", "", "in-force")
    assert look.salt == said("look").salt
    assert log.projected()["d_look"] == look
    assert RULE in WITHOUT_POLICIES
    assert any("registers changed before it was in the log" in line for line in explain(look))


def test_what_knew_of_the_change_and_what_came_before_it_stand_as_decided(log: Log) -> None:
    """So does what is about another family, what was not to be shared, and the hub's own links."""
    every = [
        said("given", "link", 2, "v1"),
        said("before", place=2),
        said("withdrawal", "link", 4, "v2"),
        said("knew", place=4, version="v2"),
        said("other", place=3, family="f_2"),
        said("refused", place=3, outcome=Outcome.REFER),
        said("late link", "link", 3, "v1"),
        said("unplaced", place=-1),
    ]
    assert log.told(every).logged() == [msgspec.structs.replace(one, place=-1) for one in every]
    assert [*log.projected().values()] == [decode(encode(one)) for one in every]


def test_a_link_that_tells_of_no_change_overtakes_nothing(log: Log) -> None:
    """Items come all the time; only what the registers say anew is a change."""
    log.told([said("given", "link", 2, "v1"), said("mark", "link", 4, "v1"), said("look", place=3)])
    assert [one.outcome for one in log.logged()] == [SHARE] * 3


def test_a_repeat_changes_nothing(log: Log) -> None:
    """After a kill the stage says the same again: an old change is no new one, and what was shared stays so."""
    given, withdrawal, look = said("given", "link", 2, "v1"), said("withdrawal", "link", 4, "v2"), said("look", place=3)
    log.told([given, look, withdrawal, given, look, said("new", place=4)])
    assert [(one.id, one.outcome) for one in log.logged()] == [
        ("d_given", SHARE), ("d_look", SHARE), ("d_withdrawal", SHARE), ("d_new", SHARE),
    ]  # fmt: skip
    assert log.projected()["d_look"].outcome is SHARE


def test_a_place_is_said_beside_the_record_and_never_in_it(log: Log) -> None:
    """It counts sealed items too: what is given out must not."""
    emit = to_log(said("look", place=41))
    assert b"41" not in emit.value
    assert emit.headers == (("hearth_place", b"41"),)
    assert decode(emit.value).place == -1


def history(chance: random.Random) -> list[Decision]:
    """Changes, looks and repeats of three families in an order of chance, places mostly rising."""
    told: list[Decision] = []
    for number in range(150):
        family, place = f"f_{chance.randrange(3)}", max(0, number + chance.randint(-9, 0))
        if chance.random() < 0.2 and told:
            told.append(chance.choice(told))
        elif chance.random() < 0.5:
            told.append(said(str(number), "link", place, f"v{chance.randrange(4)}", family))
        else:
            told.append(said(str(number), "look", place, "v", family))
    return told


@pytest.mark.parametrize("seed", range(12))
def test_the_log_is_the_same_whatever_the_batches_and_the_projection_agrees_with_it(seed: int, log: Log) -> None:
    """It can be made again from the topic; a kill between any two batches changes nothing."""
    chance = random.Random(seed)
    log.told(history(chance))
    cuts = [chance.randint(1, 20) for _ in range(8)]
    whole = log.logged()
    assert any(RULE in one.rules for one in whole)
    assert log.logged(*cuts) == whole == log.logged(1)
    assert {one.id: one for one in whole} == log.projected(*cuts) == log.projected(1, 1, 1)


def test_what_a_crash_left_beyond_the_head_counts_for_nothing(log: Log) -> None:
    """The change goes with its entry: it is in the topic still, and comes again."""
    log.told([said("given", "link", 2, "v1"), said("withdrawal", "link", 4, "v2"), said("look", place=3)])
    assert [one.outcome for one in log.logged(1, 1, 1)] == [SHARE, SHARE, WITHHOLD]
    store = LogEntries(log.folder / "log0")
    assert store.changes(["f_1", "f_2"])["f_1"].version == "v2"
    store.forget_from(1)
    assert store.changes(["f_1"])["f_1"].version == "v1"
    store.close()


def test_whatever_stands_on_the_topic_holds_up_nothing(log: Log) -> None:
    """Not even what has all that is judged, and is no decision."""
    log.told([said("given", "link", 2, "v1"), said("withdrawal", "link", 4, "v2")])
    odd = msgspec.json.decode(encode(said("odd"))) | {"rules": None, "decided_at": "never"}
    log.broker.write(msgspec.structs.replace(to_log(said("odd", place=1)), value=msgspec.json.encode(odd)))
    directory = log.folder / "odd"
    writer = LogWriter(directory, ORIGIN, PRIVATE)
    Sequencer(writer, MemoryConsumer(log.broker, [DECISIONS]), MemoryProducer(log.broker), lambda: AT, bytes).step(0)
    assert writer.size == 3
    writer.close()
    assert log.projected().keys() == {"d_given", "d_withdrawal"}
