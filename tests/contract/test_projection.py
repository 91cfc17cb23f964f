"""The projection on SQLite and PostgreSQL: rows from topics, once each, and the same again when made anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sql
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from agents.adapters import database as tables
from agents.adapters.keystore import KEYS_METADATA
from agents.adapters.sqlengine import open_engine, ready
from agents.projector import Projector, projected_topics
from agents.queries import Queries
from consent.decision import Decision, Outcome
from schemas.errors import Misconfigured
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.people import KnownFamily
from schemas.records import Item, Members, Quarantined, Receipt, Record, Review, Tick, encode
from streams import topology
from streams.notice import AlertRecord
from tests.contract.conftest import migrate

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
F = FamilyId("f_1")
P = PersonId("p_1")


class Told:
    """Puts records on topics with rising offsets."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._next: dict[str, int] = {}

    def tell(self, topic: str, said: object, key: str = "k") -> Record:
        offset = self._next.get(topic, 0)
        self._next[topic] = offset + 1
        value = said if isinstance(said, bytes) else encode(said)
        self.records.append(Record(topic, key.encode(), value, (), 0, offset, 1_790_000_000_000))
        return self.records[-1]


def decision(number: int, outcome: Outcome, item: str = "e1.p_1", stage: str = "link") -> Decision:
    return Decision(
        f"d_{number}", stage, outcome, F, "hub", "hub", "early-help", "school", "attendance", AT, "ps", "rv",
        ("rule",), EventKey(item.split(".")[0]), (ItemId(item),), (P,),
    )  # fmt: skip


def alert(revision: int, status: str = "open", alert_id: str = "a_1") -> AlertRecord:
    return AlertRecord(
        alert_id, revision, status, "trio", "watch", F, "household", "w_1", "early-help", "normal", AT, AT
    )


@pytest.fixture
def engine(migrated_url: str) -> Iterator[sql.Engine]:
    made = open_engine(migrated_url)
    yield made
    made.dispose()


@pytest.fixture
def projector(engine: sql.Engine) -> Projector:
    made = Projector(engine)
    made.create()
    return made


@pytest.fixture
def queries(engine: sql.Engine) -> Queries:
    return Queries(engine)


def rows(engine: sql.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.execute(sql.select(sql.func.count()).select_from(table)).scalar_one()
            for table in tables.METADATA.sorted_tables
        }


def told_everything() -> Told:
    told = Told()
    told.tell(topology.FAMILY_ITEMS, Members(F, 1, (), AT), F)
    told.tell(topology.FAMILY_ITEMS, Item(ItemId("e1.p_1"), EventKey("e1"), P, F, AT, 1, b"sealed"), F)
    told.tell(topology.FAMILY_ITEMS, Tick(AT), "")
    told.tell(topology.PEOPLE, KnownFamily(F, 1, ()), f"f:{F}")
    told.tell(topology.DECISIONS, decision(1, Outcome.HOLD))
    told.tell(topology.DECISIONS, decision(2, Outcome.HOLD, "e2.p_1"))
    told.tell(topology.DECISIONS, decision(3, Outcome.SHARE))
    told.tell(topology.ALERTS, alert(1))
    told.tell(topology.ALERTS, alert(2, "withdrawn"))
    told.tell(topology.ALERTS, alert(1, alert_id="a_2"))
    told.tell(topology.ALERT_OUTCOMES, {"alert": "a_2", "outcome": "acknowledged"})
    told.tell(topology.receipts("school"), Receipt("r1", "school", "accepted", AT))
    told.tell(topology.receipts("school"), Receipt("r1", "school", "duplicate", AT))
    told.tell(topology.QUARANTINE, Quarantined("q1", "school", "in.school", AT, "data.x", "bad-code", "", "", b"", "k"))
    told.tell(topology.REVIEW, Review("v1", EventKey("e9"), "no-identifier", AT, b"", "k"))
    told.tell(topology.CHECKPOINTS, b"hearth/main\n1\n", "hearth/main")
    return told


def test_a_repeated_record_makes_no_second_row(projector: Projector, engine: sql.Engine) -> None:
    """The engine delivers at least once; offsets differ, ids do not."""
    told = told_everything()
    projector.apply(told.records)
    before = rows(engine)
    for topic, said in ((topology.DECISIONS, decision(1, Outcome.HOLD)), (topology.ALERTS, alert(2, "withdrawn"))):
        told.tell(topic, said)
    projector.apply(told.records)
    assert rows(engine) == before


def test_made_anew_from_the_topics_it_is_the_same(projector: Projector, engine: sql.Engine, queries: Queries) -> None:
    """Whatever is read is a function of the topics."""
    told = told_everything()
    projector.apply(told.records)
    before, burden = rows(engine), queries.burden()
    projector.empty()
    assert sum(rows(engine).values()) == 0
    assert projector.positions() == {}
    for record in told.records:
        projector.apply([record])
    assert rows(engine) == before
    assert queries.burden() == burden


def test_it_reads_on_where_its_rows_end(projector: Projector) -> None:
    """Positions go in with the rows, so that a kill between the two cannot part them."""
    told = told_everything()
    projector.apply(told.records)
    assert projector.positions()[(topology.DECISIONS, 0)] == 3
    assert {topic for topic, _ in projector.positions()} <= set(projected_topics(["school"]))


def test_a_batch_that_fails_leaves_neither_rows_nor_positions(
    projector: Projector, engine: sql.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing."""
    monkeypatch.setattr("agents.projector._advance", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        projector.apply(told_everything().records)
    assert sum(rows(engine).values()) == 0


def test_a_record_that_cannot_be_read_stops_nothing(projector: Projector, queries: Queries) -> None:
    """It is logged by its place; what stands behind it is projected."""
    told = Told()
    told.tell(topology.DECISIONS, b"{not json")
    told.tell(topology.DECISIONS, decision(1, Outcome.SHARE))
    assert projector.apply(told.records) == 1
    assert queries.standing() == {"share": 1}
    assert projector.positions()[(topology.DECISIONS, 0)] == 2


def test_an_older_version_does_not_take_a_newer_ones_place(projector: Projector, queries: Queries) -> None:
    """A replay of `people` from its beginning never shows an older state for good."""
    told = Told()
    told.tell(topology.PEOPLE, KnownFamily(F, 2, ()), f"f:{F}")
    told.tell(topology.PEOPLE, KnownFamily(F, 1, ()), f"f:{F}")
    projector.apply(told.records[:1])
    projector.apply(told.records[1:])
    found = queries.family(F)
    assert found is not None
    assert found.version == 2


def test_what_is_held_is_what_no_later_decision_let_go(projector: Projector, queries: Queries) -> None:
    """A HOLD ends with the next link decision on that item, and only on that item."""
    projector.apply(told_everything().records)
    assert [held.id for held in queries.held()] == ["d_2"]
    assert [held.id for held in queries.held(F)] == ["d_2"]
    assert queries.held(FamilyId("f_2")) == []
    assert queries.standing() == {"hold": 1, "share": 1}
    assert queries.decided() == {"link": {"hold": 2, "share": 1}}
    assert [one.id for one in queries.decisions_for(F, stage="link", outcome="share")] == ["d_3"]


def test_an_alert_is_its_latest_revision(projector: Projector, queries: Queries) -> None:
    """Revisions are history; what stands, and the burden, is the last of each."""
    projector.apply(told_everything().records)
    assert [(one.id, one.revision) for one in queries.alerts_for(family=F, status="open")] == [("a_2", 1)]
    assert [one.revision for one in queries.alert("a_1")] == [1, 2]
    assert queries.alert_outcomes("a_2") == [{"alert": "a_2", "outcome": "acknowledged"}]
    burden = queries.burden()
    assert (burden.families, burden.families_with_alert, burden.open, burden.withdrawn) == (1, 1, 1, 1)


def test_a_familys_records_come_back_as_they_stood_on_the_topic(projector: Projector, queries: Queries) -> None:
    """They are replayed through the pure stage, so order, key and bytes must be those of the topic."""
    told = told_everything()
    projector.apply(told.records)
    found = queries.family_records(F)
    assert [(r.topic, r.key, r.value, r.offset) for r in found] == [
        (r.topic, r.key, r.value, r.offset) for r in told.records[:2]
    ]
    assert queries.families() == [F]


def test_a_receipt_is_shown_to_its_own_agency_and_the_first_answer_stands(
    projector: Projector, queries: Queries
) -> None:
    """Sending again makes an event no less accepted; another agency's receipt is not found."""
    projector.apply(told_everything().records)
    found = queries.receipt("school", "r1")
    assert found is not None
    assert found.status == "accepted"
    assert queries.receipt("health", "r1") is None
    assert queries.receipt_counts() == {"accepted": 1, "duplicate": 1}


def test_what_was_put_aside_is_counted_and_shown(projector: Projector, queries: Queries) -> None:
    """Quarantine, review and the log's head."""
    projector.apply(told_everything().records)
    assert queries.quarantine_counts() == {"bad-code": 1}
    assert [one.id for one in queries.quarantine("school")] == ["q1"]
    assert queries.quarantine("health") == []
    assert queries.quarantined("q1") is not None
    assert queries.review_counts() == {"no-identifier": 1}
    assert queries.checkpoint("hearth/main") == b"hearth/main\n1\n"


def test_the_migrations_make_the_tables_that_the_hub_uses(engine: sql.Engine) -> None:
    """Neither a table nor a column differs between the migrations and what the code reads and writes."""
    for metadata, version in ((tables.METADATA, "projection_version"), (KEYS_METADATA, "keys_version")):
        ours = set(metadata.tables)
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "version_table": version,
                    "include_name": lambda name, kind, _parents, ours=ours: kind != "table" or name in ours,
                },
            )
            assert compare_metadata(context, metadata) == []


def test_the_migrations_go_back_too(database_url: str) -> None:
    """Down to nothing and up again."""
    migrate(database_url, "projection")
    migrate(database_url, "projection", "base")
    engine = open_engine(database_url)
    assert not set(sql.inspect(engine).get_table_names()) & set(tables.METADATA.tables)
    migrate(database_url, "projection")
    assert set(tables.METADATA.tables) <= set(sql.inspect(engine).get_table_names())


def test_a_deployed_database_without_its_migrations_is_refused(postgres: str) -> None:
    """The message names the command that makes them."""
    engine = open_engine(postgres.format(name="postgres"))
    with pytest.raises(Misconfigured, match="alembic"):
        ready(engine, tables.METADATA, "projection")
