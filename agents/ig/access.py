"""Subject access: who saw what, when and why, in plain words; and the chronology that a case review asks for.

Both are taken from decisions alone, so nothing of what was decided upon is in them. Sealed decisions are in no record
that a family is given. Each step is itself decided and logged, with the officer's name in it, before it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sql

from agents.adapters.database import DECISIONS
from agents.ig.decisions import DecisionLog, Sought
from agents.ig.exemptions import CHOOSE, RELEASE, THIRD_PARTY, Choice, Unchosen, check, law, proposed
from agents.ig.plain import ACCESS, CASE_REVIEW, SHOWN, Given, Line, given, line, shown
from agents.queries import Queries
from agents.reading import NOBODY, Families, Reading
from consent.agreement_ages import PRESUMED, may_be
from consent.agreement_competence import OF_YOUNG_PEOPLE
from consent.decision import Decision, Outcome, decision_id
from schemas.ids import FamilyId, PersonId
from schemas.people import KnownPractitioner
from streams.intake_names import every_id
from streams.recipients import as_recipient
from streams.sealed import SEALED
from streams.timeline import Family, on_day

SUBJECT = "subject"
_ABLE = frozenset(("presumed", "assessed", "adult"))  # rights of consent/agreement_competence.py that are one's own
_MOST_NAMED = 500  # decisions that one record in the log names


@dataclass(frozen=True)
class Access:
    """The tools of an officer who answers requests. Each method raises Behind or NotWritten: then nothing is shown."""

    reading: Reading
    queries: Queries
    officer: KnownPractitioner

    def weigh(self, subject: str, now: datetime, requester: str = SUBJECT) -> list[Line] | None:
        """Return every line of the record of a person (`p_…`) or a family (`f_…`), for the officer's choices.

        What is proposed depends on who asks: what a young person may ask for themself is not another's by rule. None
        where nobody is known by that name, or where the officer is a party themself.
        """

        def decide(states: Families, at: datetime) -> tuple[list[Decision], list[Line] | None]:
            found = self._about(subject, states, at)
            records = [self._record(states[family], ACCESS, at, "weighed") for family in found]
            ours = [
                line(one, self._proposed(one, subject, requester, states[family], at))
                for family, every in found.items() for one in every
            ]  # fmt: skip
            lines = sorted(ours, key=lambda one: (one.decided_at, one.decision)) if found else None
            return records or [self._refused(ACCESS, at)], lines

        return self.reading.decided_of_all(lambda: self._families(subject), now, decide, self.officer)

    def give(
        self, subject: str, requester: str, choices: Mapping[str, Choice], case: str, now: datetime
    ) -> Given | None:
        """Return the record for `requester`, once every choice in it is logged in the officer's name.

        `case` is the request that it answers, for one requester. Raises Unchosen where the choices do not hold.
        """
        asked_for = tuple(sorted(self._names(subject)))

        def decide(states: Families, at: datetime) -> tuple[list[Decision], Given | None]:
            found = self._about(subject, states, at)
            lines = {
                one.id: self._proposed(one, subject, requester, states[family], at)
                for family, every in found.items() for one in every
            }  # fmt: skip
            self._same_requester(found, case, requester)
            chosen = self._chosen(lines, requester, choices)
            records = [
                msgspec.structs.replace(record, role=requester, subjects=asked_for)
                for family, every in found.items()
                for record in (
                    *self._records(states[family], every, chosen, case, at),
                    *self._left_sealed(states[family], case, at),
                )
            ]
            released = [one for every in found.values() for one in every if chosen[one.id].choice == RELEASE]
            return records or [self._refused(ACCESS, at)], given(released, on_day(at)) if found else None

        return self.reading.decided_of_all(lambda: self._families(subject), now, decide, self.officer)

    def _chosen(
        self, lines: Mapping[str, str], requester: str, choices: Mapping[str, Choice]
    ) -> dict[str, Choice]:
        """Return what becomes of each line, as proposed or as chosen. Raises Unchosen."""
        waiting = {name for name, what in lines.items() if what == CHOOSE}
        ruled = {name for name, what in lines.items() if what == THIRD_PARTY}
        health = frozenset(one.practitioner for one in self.queries.practitioners() if one.agency == "health")
        check(choices, waiting, ruled, requester, health)
        return {name: choices.get(name) or Choice(what) for name, what in lines.items()}

    def chronology(self, family: FamilyId, now: datetime) -> list[Decision] | None:
        """Return all decisions on a family in the order they were taken, for a review of its case.

        What concerns sealed items is there for an officer who is cleared, and its export is logged in their own log.
        """

        def decide(state: Family, at: datetime) -> tuple[list[Decision], list[Decision] | None]:
            every = DecisionLog(self.queries, self.officer).bodies(Sought(family=family))
            if not every or not self._may(state, at):
                return [self._refused(CASE_REVIEW, at)], None
            logs = sorted({one.log for one in every} | {"main"})
            return [self._record(state, CASE_REVIEW, at, log, log=log) for log in logs], every

        return self.reading.decided(family, now, decide, self.officer)

    def handles(self, family: FamilyId, stage: str, occasion: str, now: datetime) -> bool:
        """Log that the officer takes this step on the family's record, and return whether they may."""

        def decide(state: Family, at: datetime) -> tuple[list[Decision], bool]:
            may = state.family != NOBODY and self._may(state, at)
            return [self._record(state, stage, at, occasion) if may else self._refused(stage, at)], may

        return self.reading.decided(family, now, decide, self.officer)

    # ------------------------------------------------------------------ what there is, and who may

    def _about(self, subject: str, states: Families, now: datetime) -> dict[FamilyId, list[Decision]]:
        """Return the disclosures about the subject by family: of the main log, whatever the officer is cleared for."""
        log = DecisionLog(self.queries, None)
        names = self._names(subject)
        found = {}
        for family, state in states.items():
            every = [d for d in log.bodies(Sought(family=family, outcome="share")) if shown(d)]
            ours = [d for d in every if not names or not d.subjects or names & set(d.subjects)]
            if ours and self._may(state, now):
                found[family] = every
        return found

    def _families(self, subject: str) -> Iterable[FamilyId]:
        if subject.startswith("f_"):
            return (FamilyId(subject),)
        known = [self.reading.projection.person(name) for name in self._names(subject)]
        return sorted({family for one in known if one is not None for family in one.families})

    def _names(self, subject: str) -> set[PersonId]:
        """Return every id of the person; none for a family."""
        return set(every_id(self.reading.projection, PersonId(subject))) if subject.startswith("p_") else set()

    def _own(self, decision: Decision, subject: str) -> bool | None:
        """Whether a line is about the person alone; None where a family is asked about as a whole."""
        names = self._names(subject)
        return bool(decision.subjects) and set(decision.subjects) <= names if names else None

    def _proposed(self, decision: Decision, subject: str, requester: str, family: Family, now: datetime) -> str:
        own = self._own(decision, subject)
        theirs = bool(own) and requester != SUBJECT and self._able(decision, subject, family, now)
        return proposed(decision, own, theirs)

    def _able(self, decision: Decision, subject: str, family: Family, now: datetime) -> bool:
        """Whether the person may ask for themself: they decided for themself, or are of an age to."""
        if decision.competence in OF_YOUNG_PEOPLE:
            return True
        names, on = self._names(subject), on_day(now)
        said = (s.said.birth_date for one in names if (s := family.sections.get(one)) is not None and s.said)
        if may_be(filter(None, said), PRESUMED, on):
            return True
        own = (one for one in family.register.agreements(on) if one.by in names and set(one.whom) <= names)
        return any(one.right in _ABLE for one in own)

    def _same_requester(self, found: Iterable[FamilyId], case: str, requester: str) -> None:
        """Raise Unchosen where this case's record was given to somebody else before."""
        before = (one for family in found for one in DecisionLog(self.queries, None).bodies(Sought(family=family)))
        if any((one.stage, one.recipient) == (ACCESS, case) and one.role != requester for one in before):
            raise Unchosen("this request was answered to somebody else: whoever else asks has a request of their own")

    def _may(self, family: Family, now: datetime) -> bool:
        """Whether the officer may handle this family's record: nobody does who is a party to it."""
        return as_recipient(self.officer, family, self.reading.stage.directory, on_day(now)).party == "none"

    # ------------------------------------------------------------------ what is logged

    def _records(
        self, family: Family, every: list[Decision], chosen: Mapping[str, Choice], case: str, now: datetime
    ) -> Iterator[Decision]:
        groups: dict[Choice, list[str]] = {Choice(RELEASE): []}
        for one in every:
            groups.setdefault(chosen[one.id], []).append(one.id)
        for choice, names in groups.items():
            for start in range(0, max(len(names), 1), _MOST_NAMED):
                part = tuple(names[start : start + _MOST_NAMED])
                yield self._choice(family, choice, part, case, now, f"{choice.choice}.{choice.opinion}.{start}")

    def _left_sealed(self, family: Family, case: str, now: datetime) -> Iterator[Decision]:
        """The record, in the sealed log, that sealed disclosures were left out: those cleared can answer for it."""
        told = sql.select(DECISIONS.c.id).where(
            DECISIONS.c.family == family.family, DECISIONS.c.log == SEALED, DECISIONS.c.stage.in_(SHOWN),
            DECISIONS.c.outcome == Outcome.SHARE,
        )  # fmt: skip
        sealed = sorted(row.id for row in self.queries.ask(told))
        for start in range(0, len(sealed), _MOST_NAMED):
            said = self._record(family, ACCESS, now, f"{case}.sealed.{start}", recipient=case, log=SEALED)
            yield msgspec.structs.replace(
                said, outcome=Outcome.WITHHOLD, rules=("sealed-is-for-those-cleared",), decided_by="rule",
                removed=tuple(sealed[start : start + _MOST_NAMED]), article_6="", gateway="",
            )  # fmt: skip

    def _choice(
        self, family: Family, choice: Choice, names: tuple[str, ...], case: str, now: datetime, occasion: str
    ) -> Decision:
        if choice.choice == RELEASE:
            said = self._record(family, ACCESS, now, f"{case}.{occasion}", recipient=case)
            return msgspec.structs.replace(said, released=names)
        exemption = law().exemption[choice.choice]
        said = self._record(family, ACCESS, now, f"{case}.{occasion}", recipient=case)
        reason = f"{exemption.law}; opinion of {choice.opinion}" if choice.opinion else exemption.law
        by = "rule" if choice.choice == THIRD_PARTY else said.decided_by
        return msgspec.structs.replace(
            said, outcome=Outcome.WITHHOLD, rules=(choice.choice,), removed=names, rationale=reason, decided_by=by,
            article_6="", gateway="",
        )  # fmt: skip

    def _refused(self, stage: str, now: datetime) -> Decision:
        """The record of a request that led to nobody, or to those among whom the officer is: both look alike."""
        said = self._record(Family(NOBODY), stage, now, "refused")
        return msgspec.structs.replace(
            said, outcome=Outcome.WITHHOLD, rules=("nobody-named",), article_6="", gateway="", decided_by="rule"
        )

    def _record(
        self, family: Family, stage: str, now: datetime, occasion: str, *, recipient: str = "", log: str = "main"
    ) -> Decision:
        gate, to = self.reading.stage.linking.gate, recipient or self.officer.practitioner
        policy_set, version = gate.engine.policy_set, family.register.version()
        name = decision_id(
            stage=stage, family=family.family, recipient=to, register_version=version, policy_set=policy_set,
            occasion=f"{self.officer.practitioner}.{now.isoformat()}.{occasion}",
        )  # fmt: skip
        basis = law().basis[stage]
        return Decision(
            id=name, stage=stage, outcome=Outcome.SHARE, family=family.family, recipient=to, role=self.officer.role,
            purpose=stage, publisher="hub", category="decisions", decided_at=now, policy_set=policy_set,
            register_version=version, rules=(stage,), article_6=basis.article_6, gateway=basis.gateway,
            decided_by=self.officer.practitioner, log=log, salt=gate.salt(16), place=family.place,
        )  # fmt: skip
