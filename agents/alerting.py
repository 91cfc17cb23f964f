"""What a practitioner does with alerts: which are theirs, what one says to them now, and what became of it.

An alert's words are made anew for each reader, from what they may see at that moment, and each look is logged before
it is shown. So an alert that rested on what was withdrawn since says nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from agents.reading import Reading
from consent.decision import CHECK, Decision, decision_id
from schemas.ids import EventKey, PractitionerId
from schemas.people import KnownPractitioner
from streams import sealed
from streams.gate import Recipient
from streams.notice import Alert, AlertRecord
from streams.outcome import Emit
from streams.recipients import TIERS, Queue, as_recipient
from streams.risk.evaluate import evaluate
from streams.sight import see
from streams.timeline import Family, Sent, on_day
from streams.topology import ALERT_OUTCOMES

DUTY_ROLES = ("duty-worker", "manager")  # who serves a duty queue that reaches them
ACKNOWLEDGED, HANDED_OVER, OUTCOME = "acknowledged", "handed-over", "outcome"


class AlertSaid(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a practitioner said of an alert (topic `alert.outcomes`, key: the alert's id). No free text: it leaks.

    `kind`: acknowledged | handed-over (`to` whom) | outcome (`useful` or not, and what they `did`).
    """

    alert: str
    revision: int
    kind: str
    by: PractitionerId
    at: datetime
    to: PractitionerId | None = None
    useful: bool | None = None
    did: str = ""


class AlertList(Protocol):
    """What is asked of the projection (agents/queries.py)."""

    def alert(self, alert: str) -> list[AlertRecord]: ...

    def alerts_for(
        self, subscriber: str | None = None, recipient: str | None = None, *, status: str | None = None
    ) -> list[AlertRecord]: ...

    def alert_outcomes(self, alert: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Alerting:
    """The tools: the list of alerts, the looks, and the duty queues."""

    alerts: AlertList
    reading: Reading
    queues: tuple[Queue, ...]

    def mine(self, reader: KnownPractitioner) -> list[AlertRecord]:
        """Return the open alerts that stand with `reader`: sent to them, to their duty queue, or handed to them."""
        sent = self.alerts.alerts_for(recipient=reader.practitioner, status="open")
        team = self.alerts.alerts_for(subscriber=reader.subscriber, status="open")
        found = {one.id: one for one in (*sent, *team) if self._stands_with(reader, one)}
        return sorted(found.values(), key=lambda one: one.changed_at, reverse=True)

    def _stands_with(self, reader: KnownPractitioner, record: AlertRecord) -> bool:
        if not sealed.may_know(reader.clearance, record.clearance):
            return False
        handed = [said for said in self.said(record.id) if said.kind == HANDED_OVER]
        if handed:
            return handed[-1].to == reader.practitioner
        return record.recipient == reader.practitioner or self._serves(reader, record) is not None

    def _serves(self, reader: KnownPractitioner, record: AlertRecord) -> Queue | None:
        """Return the duty queue that the alert went to, if `reader` serves it: by role, and reached where it is."""
        for queue in self.queues:
            if queue.id == record.recipient and queue.subscriber == reader.subscriber and reader.role in DUTY_ROLES:
                return queue
        return None

    def said(self, alert: str) -> list[AlertSaid]:
        """Return what was said of an alert, in order."""
        return [msgspec.convert(one, AlertSaid) for one in self.alerts.alert_outcomes(alert)]

    def of(self, reader: KnownPractitioner, alert: str) -> AlertRecord | None:
        """Return the alert's latest revision if it stands with `reader`; another's is as if it were not there."""
        revisions = self.alerts.alert(alert)
        return revisions[-1] if revisions and self._stands_with(reader, revisions[-1]) else None

    def open(self, reader: KnownPractitioner, record: AlertRecord, now: datetime) -> Alert | None:
        """Return what the alert says to `reader` now; None when it no longer stands for them. Logged first."""
        return self.reading.decided(
            record.family, now, lambda family, at: self._told(reader, record, family, at), reader
        )

    def may_open(self, colleague: KnownPractitioner, record: AlertRecord, now: datetime) -> bool:
        """Say whether the alert would be shown to `colleague`: a check of the hub's own, at which they see nothing."""
        stands = self.reading.decided(
            record.family, now, lambda family, at: self._told(colleague, record, family, at, CHECK), colleague
        )
        return stands is not None

    def _told(
        self, reader: KnownPractitioner, record: AlertRecord, family: Family, now: datetime, asked: str = "look"
    ) -> tuple[Iterable[Decision], Alert | None]:
        stage = self.reading.stage
        seen = see(family, stage.linking.gate, self._recipient(reader, record, family, now), on_day(now))
        for finding in evaluate(stage.rules, seen.sight):
            if (finding.rule.id, finding.scope) == (record.rule, record.scope):
                decisions: list[Decision] = []
                alert = stage.alerts.compose(family, _sent(record), finding, seen, now, decisions)
                looks = {one.id: _asked_as(asked, one, record, now) for one in decisions}
                return looks.values(), msgspec.structs.replace(_citing(alert, looks), changed_at=record.changed_at)
        nothing = stage.linking.nothing_shown(family, seen.recipient, "early-help", now)
        nothing = nothing if asked == "look" else _asked_as(asked, nothing, record, now)
        return [msgspec.structs.replace(nothing, log=sealed.log_of(record.clearance, nothing.log))], None

    def say(self, said: AlertSaid) -> None:
        """Write what a practitioner said; return when it is acknowledged. Raises NotWritten."""
        self.reading.producer.send([Emit(ALERT_OUTCOMES, said.alert, msgspec.json.encode(said))])
        self.reading.producer.flush()

    def _recipient(
        self, reader: KnownPractitioner, record: AlertRecord, family: Family, now: datetime
    ) -> Recipient:
        """Resolve the reader; who serves the duty queue that the alert went to is involved by that function."""
        to = as_recipient(reader, family, self.reading.stage.directory, on_day(now))
        to = to if record.clearance == sealed.SEALED else sealed.blind(to)  # an open alert rests on open items alone
        queue = self._serves(reader, record)
        if queue is None or not reader.active:
            return to
        clearance = min(to.clearance, queue.clearance, key=TIERS.index)
        return msgspec.structs.replace(to, involved=True, clearance=clearance, role=queue.role)


def _sent(record: AlertRecord) -> Sent:
    return Sent(
        id=record.id, rule=record.rule, scope=record.scope, episode=0, revision=record.revision, level=record.level,
        digest="", recipient=record.recipient, subscriber=record.subscriber, clearance=record.clearance,
        status=record.status, raised_at=record.raised_at, changed_at=record.changed_at,
    )  # fmt: skip


def _asked_as(stage: str, sent: Decision, record: AlertRecord, now: datetime) -> Decision:
    """Return the record of a look, or a check: a decision of its own, however often the same alert is opened."""
    name = decision_id(
        stage=stage, family=sent.family, recipient=sent.recipient, register_version=sent.register_version,
        policy_set=sent.policy_set, event=sent.event or EventKey(""), items=sent.items,
        occasion=f"{record.id}.{sent.id}.{now.isoformat()}",
    )  # fmt: skip
    return msgspec.structs.replace(sent, id=name, stage=stage, decided_at=now)


def _citing(alert: Alert, looks: dict[str, Decision]) -> Alert:
    def cited(reasons: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(msgspec.structs.replace(one, decision=looks[one.decision].id) for one in reasons)

    return msgspec.structs.replace(alert, reasons=cited(alert.reasons), strengths=cited(alert.strengths))
