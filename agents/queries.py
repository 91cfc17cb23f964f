"""What commands and pages ask of the projection. Nothing here decides who may see it: the caller does, before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sql
from sqlalchemy.engine import Engine, Row

from agents.adapters import database as tables
from agents.clearance import open_alerts, open_decisions, open_quarantine, open_reviews
from consent.decision import Decision
from consent.decision import decode as decode_decision
from schemas.ids import FamilyId, PersonId, PractitionerId, Pseudonym
from schemas.people import KnownFamily, KnownIdentifier, KnownPerson, KnownPractitioner, decode_people
from schemas.records import Quarantined, Receipt, Record, Review, decode_quarantined, decode_receipt, decode_review
from streams import topology
from streams.linking import BOOK
from streams.notice import AlertRecord, decode_alert_record


class Burden(msgspec.Struct, frozen=True):
    """How much the hub asks of people: families known, families with an open alert, open and withdrawn alerts."""

    families: int
    families_with_alert: int
    open: int
    withdrawn: int
    revisions: int
    by_rule: dict[str, int]
    by_level: dict[str, int]
    by_subscriber: dict[str, int]


class Queries:
    """Reads the projection. `people` is asked by the names of the directory port."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -------------------------------------------------------------- families

    def family_records(self, family: FamilyId) -> list[Record]:
        """Return all that made the family's state, in the order it came: replay it through the pure stage."""
        table = tables.FAMILY_RECORDS
        query = sql.select(table).where(table.c.family == family).order_by(table.c.number, table.c.place)
        return [
            Record(topology.FAMILY_ITEMS, family.encode(), row.body, (), row.number, row.place, row.received_at)
            for row in self.ask(query)
        ]

    def families(self) -> list[FamilyId]:
        """Return every family that has a record."""
        query = sql.select(tables.FAMILY_RECORDS.c.family).distinct().order_by("family")
        return [FamilyId(row.family) for row in self.ask(query)]

    # -------------------------------------------------------------- decisions

    def decision(self, decision: str) -> Decision | None:
        found = self.ask(sql.select(tables.DECISIONS).where(tables.DECISIONS.c.id == decision))
        return decode_decision(found[0].body) if found else None

    def decisions_for(self, family: FamilyId, stage: str = "", outcome: str = "") -> list[Decision]:
        """Return the family's decisions in the order they were logged, all or of one stage or outcome."""
        table = tables.DECISIONS
        query = sql.select(table.c.body).where(table.c.family == family)
        if stage:
            query = query.where(table.c.stage == stage)
        if outcome:
            query = query.where(table.c.outcome == outcome)
        return [decode_decision(row.body) for row in self.ask(query.order_by(table.c.decided_at, table.c.place))]

    def held(self, family: FamilyId | None = None) -> list[Decision]:
        """Return the HOLDs that stand: no later decision on the same item released, withheld or referred it."""
        standing = _standing(self.ask(_links(family)))
        places = [(row.log, row.place) for row in standing if row.outcome == "hold"]
        held = {(row.log, row.place): row.body for row in self.ask(_bodies(family, "hold"))}
        return [decode_decision(held[place]) for place in sorted(places, key=lambda one: one[1])]

    def standing(self, cleared: bool = False) -> dict[str, int]:
        """Return how many items now stand under each outcome of the gate; sealed ones for those `cleared` alone."""
        return dict(Counter(row.outcome for row in _standing(self.ask(open_decisions(_links(), cleared)))))

    def decided(self, cleared: bool = False) -> dict[str, dict[str, int]]:
        """Return how many decisions were logged, by stage and outcome; in the sealed log for those `cleared` alone."""
        table = tables.DECISIONS
        query = open_decisions(sql.select(table.c.stage, table.c.outcome, sql.func.count().label("count")), cleared)
        counts: dict[str, dict[str, int]] = {}
        for row in self.ask(query.group_by(table.c.stage, table.c.outcome)):
            counts.setdefault(row.stage, {})[row.outcome] = row.count
        return counts

    # -------------------------------------------------------------- alerts

    def alert(self, alert: str) -> list[AlertRecord]:
        """Return the alert's revisions, the latest last."""
        table = tables.ALERTS
        query = sql.select(table.c.body).where(table.c.id == alert).order_by(table.c.revision)
        return [decode_alert_record(row.body) for row in self.ask(query)]

    def alerts_for(
        self,
        subscriber: str | None = None,
        recipient: str | None = None,
        family: FamilyId | None = None,
        status: str | None = None,
    ) -> list[AlertRecord]:
        """Return the latest revision of each alert that answers to all that is given, the latest change first."""
        table = tables.ALERTS
        query = _latest_alerts()
        given = {"subscriber": subscriber, "recipient": recipient, "family": family, "status": status}
        for name, value in given.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        query = query.order_by(table.c.changed_at.desc(), table.c.id)
        return [decode_alert_record(row.body) for row in self.ask(query)]

    def alert_outcomes(self, alert: str) -> list[dict[str, Any]]:
        """Return what was done about the alert, in the order it was said."""
        table = tables.ALERT_OUTCOMES
        query = sql.select(table.c.body).where(table.c.alert == alert).order_by(table.c.number, table.c.place)
        return [msgspec.json.decode(row.body) for row in self.ask(query)]

    def burden(self, cleared: bool = False) -> Burden:
        """Return the alert burden as it stands; what rests on sealed items is counted for those `cleared` alone."""
        latest = [decode_alert_record(row.body) for row in self.ask(open_alerts(_latest_alerts(), cleared))]
        opened = [alert for alert in latest if alert.status == "open"]
        return Burden(
            families=self._count(sql.select(tables.FAMILY_RECORDS.c.family).distinct()),
            families_with_alert=len({alert.family for alert in opened}),
            open=len(opened),
            withdrawn=len(latest) - len(opened),
            revisions=self._count(open_alerts(sql.select(tables.ALERTS.c.id), cleared)),
            by_rule=dict(Counter(alert.rule for alert in opened)),
            by_level=dict(Counter(alert.level for alert in opened)),
            by_subscriber=dict(Counter(alert.subscriber for alert in opened)),
        )

    # -------------------------------------------------------------- receipts, quarantine, review

    def receipt(self, agency: str, id: str) -> Receipt | None:  # noqa: A002 (the record's own name)
        """Return the receipt `id` of `agency`; the first answer stands before `duplicate`, its later echo."""
        found = [receipt for receipt in self.receipts([id]) if receipt.agency == agency]
        return min(found, key=lambda receipt: (receipt.status == "duplicate", receipt.received_at), default=None)

    def receipts(self, ids: Sequence[str]) -> list[Receipt]:
        """Return all receipts with one of these ids."""
        column = tables.RECEIPTS.c.id
        return [
            decode_receipt(row.body)
            for start in range(0, len(ids), 500)
            for row in self.ask(sql.select(tables.RECEIPTS).where(column.in_(list(ids[start : start + 500]))))
        ]

    def receipt_counts(self, agency: str | None = None) -> dict[str, int]:
        """Return how many events got each status, of one agency or of all."""
        table = tables.RECEIPTS
        query = sql.select(table.c.status, sql.func.count().label("count")).group_by(table.c.status)
        query = query if agency is None else query.where(table.c.agency == agency)
        return {row.status: row.count for row in self.ask(query)}

    def quarantine(self, agency: str | None = None, most: int = 200, cleared: bool = False) -> list[Quarantined]:
        """Return what is in quarantine, the newest first; what is sealed for those `cleared` alone."""
        table = tables.QUARANTINE
        query = sql.select(table.c.body).order_by(table.c.received_at.desc(), table.c.id).limit(most)
        query = open_quarantine(query, cleared)
        query = query if agency is None else query.where(table.c.agency == agency)
        return [decode_quarantined(row.body) for row in self.ask(query)]

    def quarantined(self, id: str, cleared: bool = False) -> Quarantined | None:  # noqa: A002
        query = sql.select(tables.QUARANTINE.c.body).where(tables.QUARANTINE.c.id == id)
        found = self.ask(open_quarantine(query, cleared))
        return decode_quarantined(found[0].body) if found else None

    def quarantine_counts(self, cleared: bool = False) -> dict[str, int]:
        """Return how many records are in quarantine, by the code of what is wrong."""
        table = tables.QUARANTINE
        query = sql.select(table.c.code, sql.func.count().label("count")).group_by(table.c.code)
        return {row.code: row.count for row in self.ask(open_quarantine(query, cleared))}

    def review(self, most: int = 200, cleared: bool = False) -> list[Review]:
        """Return what waits for a person's decision, the newest first; what is sealed for those `cleared` alone."""
        table = tables.REVIEW
        query = open_reviews(sql.select(table.c.body).order_by(table.c.received_at.desc(), table.c.id), cleared)
        return [decode_review(row.body) for row in self.ask(query.limit(most))]

    def reviewed(self, id: str, cleared: bool = False) -> Review | None:  # noqa: A002
        query = sql.select(tables.REVIEW.c.body).where(tables.REVIEW.c.id == id)
        found = self.ask(open_reviews(query, cleared))
        return decode_review(found[0].body) if found else None

    def review_counts(self, cleared: bool = False) -> dict[str, int]:
        table = tables.REVIEW
        query = open_reviews(sql.select(table.c.reason, sql.func.count().label("count")), cleared)
        return {row.reason: row.count for row in self.ask(query.group_by(table.c.reason))}

    def checkpoint(self, log: str) -> bytes | None:
        """Return the latest signed head of the log with this origin."""
        table = tables.CHECKPOINTS
        query = sql.select(table.c.body).where(table.c.log == log).order_by(table.c.place.desc()).limit(1)
        found = self.ask(query)
        return found[0].body if found else None

    # -------------------------------------------------------------- people

    def identify(self, pseudonym: Pseudonym) -> PersonId | None:
        found = self._known("i:" + pseudonym)
        return found.person if isinstance(found, KnownIdentifier) else None

    def person(self, person: PersonId) -> KnownPerson | None:
        found = self._known("p:" + person)
        return found if isinstance(found, KnownPerson) else None

    def family(self, family: FamilyId) -> KnownFamily | None:
        found = self._known("f:" + family)
        return found if isinstance(found, KnownFamily) else None

    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None:
        found = self._known("w:" + practitioner)
        return found if isinstance(found, KnownPractitioner) else None

    def practitioners(self) -> list[KnownPractitioner]:
        """Return all registered practitioners."""
        query = sql.select(tables.PEOPLE.c.body).where(tables.PEOPLE.c.kind == "practitioner")
        found = [decode_people(row.body) for row in self.ask(query.order_by(tables.PEOPLE.c.key))]
        return [practitioner for practitioner in found if isinstance(practitioner, KnownPractitioner)]

    # -------------------------------------------------------------- how far it is
    def positions(self) -> dict[tuple[str, int], int]:
        """Return the next offset that the projection will read, by (topic, partition)."""
        return {(row.topic, row.number): row.next for row in self.ask(sql.select(tables.POSITIONS))}

    def ask(self, query: sql.Select[Any]) -> Sequence[Row[Any]]:
        """Return a query's rows; what IG staff ask is put together in agents/ig/."""
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def _known(self, key: str) -> object:
        found = self.ask(sql.select(tables.PEOPLE.c.body).where(tables.PEOPLE.c.key == key))
        return decode_people(found[0].body) if found else None

    def _count(self, query: sql.Select[Any]) -> int:
        return int(self.ask(sql.select(sql.func.count()).select_from(query.subquery()))[0][0])


def _links(family: FamilyId | None = None) -> sql.Select[Any]:
    """Select who decided what on which item, without the bodies, in the order of each log."""
    table = tables.DECISIONS
    columns = (table.c.log, table.c.place, table.c.family, table.c.item, table.c.outcome, table.c.category)
    query = sql.select(*columns).where(table.c.stage == "link")
    return (query if family is None else query.where(table.c.family == family)).order_by(table.c.place)


def _bodies(family: FamilyId | None, outcome: str) -> sql.Select[Any]:
    table = tables.DECISIONS
    query = sql.select(table.c.log, table.c.place, table.c.body)
    query = query.where(table.c.stage == "link", table.c.outcome == outcome)
    return query if family is None else query.where(table.c.family == family)


def _standing(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Return the last `link` decision on each item; one on a book of attendance is one on every session in it."""
    items: dict[tuple[str, str, str], Row[Any]] = {}
    sessions: dict[tuple[str, str, str], set[tuple[str, str, str]]] = {}  # of one log: a sealed mark is in no book
    for row in rows:
        item = row.item or ""
        person = (row.log, row.family, item.partition(".")[2])
        if item.startswith(BOOK):
            for key in sessions.get(person, ()):
                items[key] = row
            continue
        key = (row.log, row.family, item)
        items[key] = row
        if row.category == "attendance":
            sessions.setdefault(person, set()).add(key)
    return list(items.values())


def _latest_alerts() -> sql.Select[Any]:
    table = tables.ALERTS
    last = sql.select(table.c.id, sql.func.max(table.c.revision).label("revision")).group_by(table.c.id).subquery()
    return sql.select(table).join(last, sql.and_(table.c.id == last.c.id, table.c.revision == last.c.revision))
