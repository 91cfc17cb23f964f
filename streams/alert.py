"""What is sent when a combination stands: to whom, why, from what, on what ground, and what would make it go away.

An alert's id is (rule, child or household, episode): new evidence makes a revision of it, never a second alert. The
second decision is asked for every fact that it cites, and is logged before it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

import msgspec

from consent.decision import Decision
from consent.minimise import Minimised, minimise
from consent.seal import Pseudonyms, seal_to
from schemas import records
from schemas.people import KnownPractitioner
from streams import sealed, topology
from streams.gate import Answer, Gate, Recipient
from streams.identity.directory import Directory
from streams.identity.practitioners import Contact
from streams.notice import Alert, AlertRecord, Colleague, Reason, about, latest, reason, why
from streams.outcome import Emit, Outcome, Send
from streams.risk.evaluate import Evidence, Finding
from streams.sight import Seen
from streams.timeline import Family, Sent, members_of

_STANDS_NO_MORE = (
    "An alert no longer stands: what it rested on was corrected, taken back, or passed out of its window"
)
_PASSED_ON = "An alert is no longer yours: it went on to whoever is responsible for this family now"


@dataclass(frozen=True)
class Alerts:
    """Turns findings into sends. `contact` opens how to reach someone.

    `public_key` gives a subscriber's HPKE key; None for one that is no more, to whom nothing can be sent.
    """

    gate: Gate
    directory: Directory
    pseudonyms: Pseudonyms
    public_key: Callable[[str], bytes | None]
    contact: Callable[[KnownPractitioner], Contact]

    def reconcile(
        self, family: Family, audience: str, seen: Seen, findings: list[Finding], at: datetime
    ) -> Outcome:
        """Raise, change and withdraw, so that what was sent to this audience is what stands now."""
        outcome = Outcome()
        standing: set[str] = set()
        for finding in findings:
            key = f"{audience}|{finding.rule.id}|{finding.scope}"
            standing.add(key)
            before = family.alerts.get(key)
            sent = self._next(before, finding, key, seen.recipient, at)
            if sent is not None:
                if before is not None and _passes_on(before, sent):
                    gone = self._end(family, before, _PASSED_ON, at, outcome)
                    sent = msgspec.structs.replace(sent, revision=gone.revision + 1)
                family.alerts[key] = sent
                waited = before is not None and before.status == "open" and not before.digest
                self._send(family, key, sent, finding, seen, at, outcome, f".{at.isoformat()}" if waited else "")
        for key, sent in list(family.alerts.items()):
            if key.startswith(f"{audience}|") and key not in standing and sent.status == "open":
                family.alerts[key] = self._end(family, sent, _STANDS_NO_MORE, at, outcome)
        return outcome

    def _next(
        self, before: Sent | None, finding: Finding, key: str, to: Recipient, at: datetime
    ) -> Sent | None:
        """Return the alert as it should now be sent, or None when the recipient has it already."""
        digest = _digest(finding)
        if before is not None and before.status == "open":
            same = (before.digest, before.level, before.recipient) == (digest, finding.level, to.id)
            if same:
                return None
        if before is None:
            episode, revision, raised = 0, 0, at
        elif before.status == "open" or at < before.changed_at + timedelta(days=finding.rule.cool_down_days):
            waits = before.status == "open" and not before.digest  # it has not left: decided again under its number
            episode, revision, raised = before.episode, before.revision + (not waits), before.raised_at
        else:
            episode, revision, raised = before.episode + 1, 0, at
        return Sent(
            id=self.pseudonyms.mint("a", key, str(episode)),
            rule=finding.rule.id,
            scope=finding.scope,
            episode=episode,
            revision=revision,
            level=finding.level,
            digest=digest,
            recipient=to.id,
            subscriber=to.subscriber,
            clearance=to.clearance,
            status="open",
            raised_at=raised,
            changed_at=at,
            until=finding.until,
        )

    def _send(
        self, family: Family, key: str, sent: Sent, finding: Finding, seen: Seen, at: datetime, outcome: Outcome,
        again: str,
    ) -> None:  # fmt: skip
        decisions: list[Decision] = []
        alert = self.compose(family, sent, finding, seen, at, decisions, again)
        outcome.decisions += decisions
        begun = len(outcome.emits)
        self._emit(alert, sent, family, decisions, outcome)
        waits = Send(
            family=family.family,
            key=key,
            revision=sent.revision,
            register_version=family.register.version(),
            decided_at=at,
            emits=tuple(outcome.emits[begun:]),
            decisions=tuple(d.id for d in decisions),
        )
        outcome.sends.append(waits)

    def _end(self, family: Family, before: Sent, why: str, at: datetime, outcome: Outcome) -> Sent:
        """Tell whoever has the alert that it is no longer theirs, and why; return it as withdrawn."""
        sent = msgspec.structs.replace(
            before, status="withdrawn", revision=before.revision + 1, changed_at=at, until=date.max
        )
        alert = Alert(
            id=sent.id,
            revision=sent.revision,
            status="withdrawn",
            rule=sent.rule,
            rule_version=0,
            level=sent.level,
            title=why,
            family=family.family,
            recipient=sent.recipient,
            why_you="you were sent this alert",
            raised_at=sent.raised_at,
            changed_at=at,
        )
        self._emit(alert, sent, family, [], outcome)
        return sent

    def compose(
        self, family: Family, sent: Sent, finding: Finding, seen: Seen, at: datetime, decisions: list[Decision],
        again: str = "",
    ) -> Alert:  # fmt: skip
        """Put the alert into words for this recipient; `decisions` receives the record of every disclosure in it.

        `again` tells apart what is decided again of an alert that waits: the log must show that it was not sent late.
        """
        cause = f"{sent.id}.{sent.revision}{again}"

        def told(evidence: Evidence) -> Reason:
            answer, facts = seen.answer_for(evidence)
            minimal = minimise(facts, answer.ruling.removed, members_of(family))
            decision = self._record(answer, family, seen.recipient, evidence, cause, at, minimal)
            decision = msgspec.structs.replace(decision, log=sealed.log_of(sent.clearance, decision.log))
            decisions.append(decision)
            return reason(evidence, minimal.facts, answer, decision)

        reasons = tuple(told(e) for e in finding.evidence)
        strengths = tuple(told(e) for e in latest(finding.strengths))
        persons = {e.person for e in finding.evidence}
        return Alert(
            id=sent.id,
            revision=sent.revision,
            status="open",
            rule=finding.rule.id,
            rule_version=finding.rule.version,
            level=finding.level,
            title=finding.rule.title,
            family=family.family,
            recipient=seen.recipient.id,
            why_you=why(seen.recipient),
            raised_at=sent.raised_at,
            changed_at=at,
            prompt=finding.rule.prompt,
            source=finding.rule.source,
            grade=finding.rule.grade,
            about=about(family, persons, seen),
            reasons=reasons,
            strengths=strengths,
            colleagues=self.colleagues(family, seen),
            goes_away=finding.rule.goes_away,
            until=None if finding.until == date.max else finding.until,
        )

    def _record(
        self,
        answer: Answer,
        family: Family,
        to: Recipient,
        evidence: Evidence,
        cause: str,
        at: datetime,
        minimal: Minimised,
    ) -> Decision:
        return self.gate.record(
            answer,
            stage="disclose",
            family=family.family,
            to=to,
            items=(evidence.item,) if evidence.item else (),
            event=evidence.event or None,
            subjects=(evidence.person,),
            register=family.register,
            place=family.place,
            at=at,
            cause=f"{cause}.{evidence.what}.{evidence.person}",
            minimal=minimal if evidence.item else None,
        )

    def colleagues(self, family: Family, seen: Seen) -> tuple[Colleague, ...]:
        """Return who else works with the family, where this recipient may know that."""
        lead = family.register.lead(seen.on)
        found: dict[str, Colleague] = {}
        services = {i.practitioner: i.service for i in family.register.involved(seen.on)}
        if lead:
            services.setdefault(lead, "lead professional")
        for practitioner, service in services.items():
            worker = self.directory.practitioner(practitioner)
            if worker is None or not worker.active or practitioner == seen.recipient.id:
                continue
            if practitioner not in seen.workers:
                continue
            contact = self.contact(worker)
            found[practitioner] = Colleague(
                role=worker.role,
                agency=worker.agency,
                team=worker.team,
                service=service,
                lead=practitioner == lead,
                name=contact.name,
                phone=contact.phone or "",
                email=contact.email or "",
            )
        return tuple(found[k] for k in sorted(found))

    def _emit(
        self, alert: Alert, sent: Sent, family: Family, decisions: list[Decision], outcome: Outcome
    ) -> None:
        record = AlertRecord(
            id=sent.id,
            revision=sent.revision,
            status=sent.status,
            rule=sent.rule,
            level=sent.level,
            family=family.family,
            scope=sent.scope,
            recipient=sent.recipient,
            subscriber=sent.subscriber,
            clearance=sent.clearance,
            raised_at=sent.raised_at,
            changed_at=sent.changed_at,
            decisions=tuple(d.id for d in decisions),
            items=tuple(r.item for r in alert.reasons if r.item),
            until=alert.until,
        )
        public_key = self.public_key(sent.subscriber)
        if public_key is not None:
            parcel = seal_to(public_key, records.encode(alert), sent.id.encode())
            headers = (("hearth_alert", sent.id.encode()), ("hearth_revision", str(sent.revision).encode()))
            outcome.emits.append(Emit(topology.alerts_to(sent.subscriber), sent.id, parcel, headers))
        outcome.emits.append(Emit(topology.ALERTS, family.family, records.encode(record)))


def _passes_on(before: Sent, sent: Sent) -> bool:
    """Whether an open alert goes to another system: the one that has it would show it for ever."""
    return before.status == "open" and before.subscriber != sent.subscriber


def _digest(finding: Finding) -> str:
    """What must change for a revision: what counts and why, not a running total of sessions."""
    cited = (*finding.evidence, *finding.strengths)
    parts = sorted({f"{e.what}|{e.person}|{e.event}|{e.school}" for e in cited})
    return sha256("\n".join([finding.level, *parts]).encode()).hexdigest()[:32]
