"""The account of a run, from Kafka's topics alone: what became of everything that was published, and what never may."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from agents import bootstrap
from agents.adapters.log_reader import LogReader
from schemas import records
from schemas.contract import contracts
from schemas.ids import FamilyId
from schemas.records import CloudEvent
from streams import topology
from streams.attendance import short
from streams.notice import Alert, AlertRecord
from tests.live.hub_feed import REGISTERED, natural
from tests.live.hub_standing import Standing


class Account(Standing):
    """The counts. Each of the findings must be 0."""

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
        kinds, statuses = self.published.kinds, Counter(s for found in self.receipts.values() for s in found)
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
            "decisions": len(self.decisions),
            "values of state written again": self.changelog.repeated,
            "alerts": len({record.id for record in self.alerts}),
            "  sent": len(self.sent),
            "  open": len(_standing(self.alerts)),
            "  told again, otherwise": self._told_otherwise(),
        }

    def _told_otherwise(self) -> int:
        """Count revisions told twice in different words, as a kill may cause: of one revision the last sent stands."""
        meanings: dict[tuple[str, int], set[Any]] = defaultdict(set)
        for _, alert in self.sent:
            meanings[(alert.id, alert.revision)].add(_meaning(alert))
        return sum(len(said) > 1 for said in meanings.values())

    # ------------------------------------------------------------------ what must be nothing

    def findings(self) -> dict[str, int]:
        """Count everything that must be nothing."""
        items, due = self.world.items(), self._due()
        said = self.receipts
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
            "versions that went back": self.changelog.went_back,
            "people that an older record replaced": self.people_gone_back,
            **self._alert_findings(),
            **self._log_findings(),
        }

    def _quarantined(self) -> int:
        return len({records.decode_quarantined(r.value).id for r in self.recorder.all(topology.QUARANTINE)})

    def _practitioners_lost(self) -> int:
        names = self.tools.names
        said = [event.data["practitioner"] for _, event in self.published.events if event.type == REGISTERED]
        return sum(self.people.practitioner(names.practitioner(one["agency"], one["id"])) is None for one in said)

    def _undecided(self) -> int:
        """Count entries on which the last logged decision is not what the record holds; slots of attendance go by
        their book, which the comparison with the rehearsal covers."""
        last: dict[tuple[str, str], tuple[str, str]] = {}
        for _, decision in self.decisions.values():
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
        standing = _standing(self.alerts)
        noted = {(alert.id, alert.revision) for alert in self.alerts}
        causes = Counter(self._cause(alert) for alert in standing.values())
        told = {(one.id, one.revision, one.status) for one in self.alerts}
        return {
            "alerts lost": sum((one.id, one.revision, one.status) not in told for one in record.values()),
            "alerts that nobody can take back": sum(
                one not in record or record[one].status != "open" for one in standing
            ),
            "second alert ids for one cause": sum(count - 1 for count in causes.values()),
            "alerts that stand otherwise than recorded": sum(
                (said.level, said.recipient) != (record[one].level, record[one].recipient)
                for one, said in standing.items()
                if one in record
            ),
            "sends not recorded": len({(a.id, a.revision) for _, a in self.sent} ^ noted),
        }

    def _cause(self, alert: AlertRecord) -> tuple[str, str, str]:
        """What an alert is for: the rule, whom it is about, and the audience that it was worked out for."""
        scope = self.world.persons.get(alert.scope, alert.scope)  # type: ignore[call-overload]
        return (alert.rule, scope, "sealed" if alert.recipient == "named-professional" else "")

    def _log_findings(self) -> dict[str, int]:
        cited = [(at, reason.decision) for at, a in self.sent for reason in (*a.reasons, *a.strengths)]
        readers = [LogReader(self.settings.log_dir / log) for log in bootstrap.LOGS]
        unlogged = [one for one in self.decisions if not any(reader.find(one) for reader in readers)]
        for reader in readers:
            reader.close()
        return {
            "disclosures without a decision": sum(one not in self.decisions for _, one in cited),
            "disclosures before their decision": sum(at < self.decisions.get(one, (at,))[0] for at, one in cited),
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
