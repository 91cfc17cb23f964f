"""The account of a run, from Kafka's topics alone: what became of everything that was published, and what never may.

Read by kafka-python, committed records only. What is sealed is opened with the hub's keys and the subscribers'.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from agents import bootstrap
from agents.adapters.faust_state import value_of
from agents.adapters.keys import load_subscribers, subscriber_private_key
from agents.adapters.log_reader import LogReader
from agents.settings import Settings
from consent.seal import open_sealed
from consent.sharing import agencies
from schemas import records
from schemas.contract import contracts
from schemas.ids import FamilyId
from schemas.people import decode_people
from schemas.records import CloudEvent
from streams import topology
from streams.attendance import Block, short
from streams.family_state import FamilyCodec
from streams.identity.directory import People
from streams.notice import Alert, AlertRecord, decode_alert, decode_alert_record
from streams.timeline import Family
from tests.live.hub_feed import REGISTERED, Published, natural
from tests.live.hub_state import Lexicon, World
from tests.live.recorder import Recorder

CHANGELOG = f"{bootstrap.ENGINE_NAME}-family-changelog"


@dataclass
class Account:
    """What stands on Kafka at `settings.kafka` after `published` was published. Each finding must be 0."""

    settings: Settings
    published: Published

    # ------------------------------------------------------------------ what stands

    @cached_property
    def _recorder(self) -> Recorder:
        return Recorder(self.settings.kafka)

    @cached_property
    def _tools(self) -> bootstrap.Tools:
        return bootstrap.open_tools(self.settings, self.people)

    @cached_property
    def people(self) -> People:
        people = People()
        for record in self._recorder.all(topology.PEOPLE):
            people.apply(decode_people(record.value))
        return people

    @cached_property
    def world(self) -> World:
        """Every family's state as recovery would find it: the newest value of each key of the changelog."""
        newest: dict[str, bytes] = {}
        versions: dict[str, int] = {}
        self.gone_back = 0
        for record in self._recorder.all(CHANGELOG):
            key, (version, raw) = record.key.decode(), value_of(record.value)
            self.gone_back += version <= versions.get(key, 0)
            versions[key], newest[key] = version, raw
        codec = FamilyCodec(self._tools.keystore.data_key, os.urandom)
        values = {key: codec.decode(raw) for key, raw in newest.items()}
        families = {FamilyId(key): value for key, value in values.items() if isinstance(value, Family)}
        blocks = {key: value for key, value in values.items() if isinstance(value, Block)}
        return World(Lexicon(self._tools.names, self.published.events), self.people, families, blocks)

    @cached_property
    def _receipts(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for agency in agencies():
            for record in self._recorder.all(topology.receipts(agency)):
                receipt = records.decode_receipt(record.value)
                found[receipt.id].add(receipt.status)
        return found

    @cached_property
    def reviews(self) -> dict[str, records.Review]:
        found = [records.decode_review(record.value) for record in self._recorder.all(topology.REVIEW)]
        return {review.id: review for review in found}

    @cached_property
    def _decisions(self) -> dict[str, tuple[int, dict[str, Any]]]:
        """Each decision by id, with the instant at which the broker first had it."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        for log in bootstrap.LOGS:
            for record in self._recorder.all(topology.decisions_for(log)):
                found.setdefault(record.key.decode(), (record.timestamp, msgspec.json.decode(record.value)))
        return found

    @cached_property
    def _sent(self) -> list[tuple[int, Alert]]:
        """Every alert that was sent, opened as its subscriber does, with the instant at which the broker had it."""
        found = []
        for subscriber in load_subscribers(self.settings):
            private = subscriber_private_key(self.settings, subscriber)
            for record in self._recorder.all(topology.alerts_to(subscriber)):
                found.append((record.timestamp, decode_alert(open_sealed(private, record.value, record.key))))
        return found

    @cached_property
    def _alerts(self) -> list[AlertRecord]:
        return [decode_alert_record(record.value) for record in self._recorder.all(topology.ALERTS)]

    # ------------------------------------------------------------------ what is due

    def _due(self) -> dict[tuple[FamilyId, str, str], str]:
        """Return where each part of each accepted event must stand: (family, person, event) → the event's type."""
        homes, due = self.world.homes(), {}
        for agency, event in self.published.events:
            key = self.world.lexicon.key(agency, event)
            label = self.world.lexicon.event(key)
            if event.type != REGISTERED and short(key) not in self.in_review:
                places = [(family, name, label) for name in _about(event) for family in homes.get(name, ())]
                due.update(dict.fromkeys(places, event.type))
        return due

    @cached_property
    def in_review(self) -> set[bytes]:
        """Events that are with a person as a whole, joined to nobody."""
        return {short(r.event) for r in self.reviews.values() if r.event and not r.families}

    def places(self) -> dict[str, int]:
        """Count where everything is that was published."""
        items, due, world = self.world.items(), self._due(), self.world
        links = Counter({"share": 0, "hold": 0, "withhold": 0, "refer": 0})
        for content in world.contents().values():
            for about in content["persons"].values():
                links.update(item["link"] for item in about["items"] if "link" in item)
        kinds, statuses = self.published.kinds, Counter(s for found in self._receipts.values() for s in found)
        goes = Counter(contracts()[kind].goes for kind in due.values())
        return {
            "events published": len(self.published.events),
            "  published again": kinds.get("again", 0),
            "  under a key not the hub's": self.published.foreign,
            "  with an id that was taken": kinds.get("conflict", 0),
            "  unreadable": kinds.get("poison", 0),
            "receipts: accepted": statuses["accepted"],
            "receipts: duplicate": statuses["duplicate"],
            "receipts: conflict": statuses["conflict"],
            "receipts: quarantined": statuses["quarantined"],
            "in families' records": sum(items.values()),
            "  timelines": goes["timeline"],
            "  registers": goes["register"],
            "  relationships": goes["people"],
            "entries shared": links["share"],
            "  held": links["hold"],
            "  withheld": links["withhold"],
            "  referred": links["refer"],
            "practitioners registered": sum(event.type == REGISTERED for _, event in self.published.events),
            "in review": len(self.in_review),
            "families": len(world.contents()),
            "decisions": len(self._decisions),
            "alerts": len({record.id for record in self._alerts}),
            "  sent": len(self._sent),
            "  open": len(_standing(self._alerts)),
        }

    # ------------------------------------------------------------------ what must be nothing

    def findings(self) -> dict[str, int]:
        """Count everything that must be nothing."""
        items, due = self.world.items(), self._due()
        said = self._receipts
        accepted = {one for one, statuses in said.items() if "accepted" in statuses}
        return {
            "events without a receipt": len(set(self.published.receipts) - accepted),
            "repeats not called so": sum("duplicate" not in said[one] for one in self.published.repeated),
            "conflicts not called so": sum("conflict" not in said[one] for one in self.published.conflicts),
            "not in quarantine": abs(self.published.bad - self._quarantined()),
            "practitioners lost": self._practitioners_lost(),
            "parts of events lost": len(due.keys() - items.keys()),
            "parts of events in a wrong place": len(items.keys() - due.keys()),
            "parts of events twice in a record": sum(count - 1 for count in items.values()),
            "items without their decision": self._undecided(),
            "versions that went back": self.gone_back,
            **self._alert_findings(),
            **self._log_findings(),
        }

    def _quarantined(self) -> int:
        return len({records.decode_quarantined(r.value).id for r in self._recorder.all(topology.QUARANTINE)})

    def _practitioners_lost(self) -> int:
        names = self._tools.names
        said = [event.data["practitioner"] for _, event in self.published.events if event.type == REGISTERED]
        return sum(self.people.practitioner(names.practitioner(one["agency"], one["id"])) is None for one in said)

    def _undecided(self) -> int:
        """Count entries on which the last logged decision is not what the record holds; slots of attendance go by
        their book, which the comparison with the rehearsal covers."""
        last: dict[tuple[str, str], tuple[str, str]] = {}
        for _, decision in self._decisions.values():
            for item in decision.get("items", ()) if decision["stage"] == "link" else ():
                place = (decision["family"], item)
                if place not in last or last[place][0] <= decision["decided_at"]:
                    last[place] = (decision["decided_at"], decision["outcome"])
        return sum(
            last.get((family.family, entry.item), ("", ""))[1] != str(entry.link)
            for family in self.world.families.values()
            for section in family.sections.values()
            for entry in section.entries.values()
            if not entry.event.startswith("~")
        )

    def _alert_findings(self) -> dict[str, int]:
        record = {sent.id: sent for family in self.world.families.values() for sent in family.alerts.values()}
        standing = _standing(self._alerts)
        noted = {(alert.id, alert.revision) for alert in self._alerts}
        causes = Counter(self._cause(alert) for alert in standing.values())
        meanings: dict[tuple[str, int], set[Any]] = defaultdict(set)
        for _, alert in self._sent:
            meanings[(alert.id, alert.revision)].add(_meaning(alert))
        told = {(one.id, one.revision, one.status) for one in self._alerts}
        return {
            "alerts lost": sum((one.id, one.revision, one.status) not in told for one in record.values()),
            "alerts that nobody can take back": sum(
                one not in record or record[one].status != "open" for one in standing
            ),
            "second alert ids for one cause": sum(count - 1 for count in causes.values()),
            "revisions with two meanings": sum(len(said) > 1 for said in meanings.values()),
            "sends not recorded": len({(a.id, a.revision) for _, a in self._sent} ^ noted),
        }

    def _cause(self, alert: AlertRecord) -> tuple[str, str, str]:
        """What an alert is for: the rule, whom it is about, and the audience that it was worked out for."""
        scope = self.world.persons.get(alert.scope, alert.scope)  # type: ignore[call-overload]
        return (alert.rule, scope, "sealed" if alert.recipient == "named-professional" else "")

    def _log_findings(self) -> dict[str, int]:
        cited = [(at, reason.decision) for at, a in self._sent for reason in (*a.reasons, *a.strengths)]
        readers = [LogReader(self.settings.log_dir / log) for log in bootstrap.LOGS]
        unlogged = [one for one in self._decisions if not any(reader.find(one) for reader in readers)]
        for reader in readers:
            reader.close()
        return {
            "disclosures without a decision": sum(one not in self._decisions for _, one in cited),
            "disclosures before their decision": sum(at < self._decisions.get(one, (at,))[0] for at, one in cited),
            "decisions not in the log": len(unlogged),
        }


def _about(event: CloudEvent) -> Iterable[str]:
    """Whose records the event goes into: everyone's said in it, of a relationship the child's only."""
    said = event.data["about"]["persons"]
    if event.type.endswith("RelationshipStated"):
        said = [next((one for one in said if one["role"] == "child"), said[0])]
    return {name for name in map(natural, said) if name}


def _standing(alerts: Iterable[AlertRecord]) -> dict[str, AlertRecord]:
    """Return the alerts that stand open with whoever reads them: by id the greatest revision, the last sent of it."""
    last: dict[str, AlertRecord] = {}
    for alert in alerts:
        if alert.id not in last or last[alert.id].revision <= alert.revision:
            last[alert.id] = alert
    return {name: alert for name, alert in last.items() if alert.status == "open"}


def _meaning(alert: Alert) -> tuple[Any, ...]:
    said = sorted((r.what, str(r.person), str(r.item)) for r in (*alert.reasons, *alert.strengths))
    return (alert.status, alert.level, alert.recipient, alert.family, tuple(said))
