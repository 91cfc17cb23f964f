"""What an officer asks of the decisions, logged before it is answered: who, by what filters, on which family.

Codes and pseudonyms that the hub knows, never the words that were typed, nor what was found. It is a class of decisions
of its own, neither looks nor machine decisions, and behaviour watch reads it: officers are watched by each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from agents.ig.decisions import EXPLAIN, SEARCH, DecisionLog, Page, Sought
from agents.ig.exemptions import law
from agents.queries import Queries
from agents.reading import NOBODY, Reading
from consent.decision import Decision, Outcome, decision_id
from schemas.ids import FamilyId, PractitionerId
from schemas.people import KnownPractitioner
from streams import sealed

OWN_FAMILY = "recipient-is-a-party"  # the rule of a look at a family of one's own: watch.toml knows it
_CODED = ("outcome", "kind", "stage")  # filters whose words are codes


@dataclass(frozen=True)
class Asking:
    """The tools. Both methods raise Behind or NotWritten: then nothing is shown."""

    reading: Reading
    queries: Queries
    officer: KnownPractitioner

    def search(self, sought: Sought, now: datetime) -> tuple[Page | None, dict[str, dict[str, int]]]:
        """Return a page of decisions, None where `after` names none, and how many there are by class and outcome."""
        log = DecisionLog(self.queries, self.officer)
        family = FamilyId(sought.family) if self.queries.family(FamilyId(sought.family)) else NOBODY
        self.reading.log([self._on(log, self._step(SEARCH, family, now, tuple(self._filters(sought))))])
        return log.search(sought), log.counts(sought)

    def explain(self, decision: str, now: datetime) -> Decision | None:
        """Return a decision's record; None where there is none that the officer may know of."""
        log = DecisionLog(self.queries, self.officer)
        found = log.one(decision)
        self.reading.log(self._explained(log, decision, found, now))
        return found

    def _explained(
        self, log: DecisionLog, decision: str, found: Decision | None, now: datetime
    ) -> Iterator[Decision]:
        if found is not None and found.log != sealed.SEALED:
            yield self._step(EXPLAIN, found.family, now, (found.id,))
            return
        hidden = None if found else self.queries.decision(decision)
        if hidden is not None and hidden.log != sealed.SEALED and log.own.hides(hidden.family, hidden.log):
            yield _refused(self._step(EXPLAIN, hidden.family, now, ()), OWN_FAMILY)
            return
        # the open log says the same, whether there is none or one that is sealed
        yield _refused(self._step(EXPLAIN, NOBODY, now, ()), "nobody-named")
        if found is not None:
            yield self._step(EXPLAIN, found.family, now, (found.id,), sealed.SEALED)

    def _step(
        self, stage: str, family: FamilyId, now: datetime, named: tuple[str, ...], log: str = "main"
    ) -> Decision:
        gate, me, basis = self.reading.stage.linking.gate, self.officer.practitioner, law().basis[stage]
        name = decision_id(
            stage=stage, family=family, recipient=me, register_version="", policy_set="",
            occasion=f"{now.isoformat()}.{' '.join(named)}",
        )  # fmt: skip
        return Decision(
            id=name, stage=stage, outcome=Outcome.SHARE, family=family, recipient=me, role=self.officer.role,
            purpose=stage, publisher="hub", category="decisions", decided_at=now, policy_set="", register_version="",
            rules=(stage,), released=named, article_6=basis.article_6, gateway=basis.gateway, decided_by=me, log=log,
            salt=gate.salt(16),
        )  # fmt: skip

    def _on(self, log: DecisionLog, step: Decision) -> Decision:
        """Return the record with the rule by which a watch finds it, where the family is the officer's own."""
        own = log.own.hides(step.family, "main")
        return msgspec.structs.replace(step, rules=(*step.rules, OWN_FAMILY)) if own else step

    def _filters(self, sought: Sought) -> Iterator[str]:
        """Name what was searched by; its word only where that is a code, or a practitioner whom the hub knows."""
        for name in ("family", "ground", "rule"):
            if getattr(sought, name):
                yield name
        for name in _CODED:
            if said := getattr(sought, name):
                yield f"{name}={said}"
        for name in ("since", "until"):
            if day := getattr(sought, name):
                yield f"{name}={day.date()}"
        if sought.recipient:
            known = self.queries.practitioner(PractitionerId(sought.recipient))
            yield f"recipient={sought.recipient}" if known else "recipient"


def _refused(step: Decision, rule: str) -> Decision:
    """Return the record of a step that led to nothing, or that the officer may not take."""
    return msgspec.structs.replace(
        step, outcome=Outcome.WITHHOLD, rules=(rule,), article_6="", gateway="", decided_by="rule"
    )
