"""Every look goes through here: decided, logged, the log's acknowledgement waited for, and only then shown.

What took too long to be logged, or was decided under registers that have changed meanwhile, is decided again first.
What is shown is worked out anew from the family's record, as far as the hub has taken it in when the look begins. When
the record cannot be read that far, or the log does not acknowledge, nothing is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec

from agents.ports import Producer
from consent.decision import Decision, Outcome, Ruling, record
from consent.request import Request
from schemas.errors import HearthError
from schemas.ids import FamilyId, PersonId, PractitionerId
from schemas.people import KnownPractitioner
from schemas.records import PersonAsKnown, Record
from streams import disclose, topology
from streams.agreement_look import Agreements, look_at_agreements
from streams.disclose import View
from streams.family import FamilyStage
from streams.gate import body_of
from streams.identity.directory import Directory
from streams.intake_names import birth, every_id, usable
from streams.outcome import Emit
from streams.recipients import as_recipient
from streams.sealed import SEALED
from streams.timeline import Family, known_openly, on_day

T = TypeVar("T")
Places = Mapping[tuple[str, int], int]
Decide = Callable[[Family, datetime], tuple[Iterable[Decision], T]]
"""Of a family's state and the instant: the decisions to be logged, and what may be shown when they are."""
_TRIES = 5
NOBODY = FamilyId("none")
"""What a find is logged under that led to no family: looks in vain are worth seeing too."""


class Behind(HearthError):
    """What is read is behind what the hub has taken in: nothing may be shown from it."""


class Projection(Directory, Protocol):
    """What a look reads (agents/queries.py)."""

    def family_records(self, family: FamilyId) -> list[Record]: ...

    def positions(self) -> Places: ...


@dataclass(frozen=True)
class Reading:
    """The tools of a look. `ends` gives the broker's end offsets of what families and people are made of."""

    projection: Projection
    stage: FamilyStage
    producer: Producer
    ends: Callable[[], Places]
    patience: float = 10.0
    may_disclose: Callable[[], bool] = lambda: True
    oldest: float = 60.0  # seconds from the decision to the showing

    def look(self, reader: KnownPractitioner, family: FamilyId, purpose: str, now: datetime) -> View | None:
        """Return what `reader` may see of `family` now, for `purpose`; None when nothing may be shown.

        A family that does not exist is answered, and logged, as one of which nothing may be shown. Raises Behind
        and NotWritten; then nothing may be shown either.
        """
        return self.decided(family, now, lambda state, at: disclose.look(self.stage, state, reader, purpose, at))

    def agreements(
        self, reader: KnownPractitioner, family: FamilyId, purpose: str, now: datetime, known_at: datetime
    ) -> Agreements | None:
        """Return what `reader` may see of the family's agreements as the hub knew them at `known_at`; as `look`."""
        return self.decided(
            family, now, lambda state, at: look_at_agreements(self.stage, state, reader, purpose, at, known_at)
        )

    def decided(self, family: FamilyId, now: datetime, decide: Decide[T]) -> T:
        """Return what `decide` shows of the family's state, logged first, and still right once that is done.

        Raises Behind where it is not, time after time; then nothing may be shown.
        """
        for _ in range(_TRIES):
            begun, records = time.monotonic(), self._records(family)
            state = self._replay(family, records, now)
            decisions, found = decide(state, now)
            self.log(decisions)
            stands = self._stands(state, records, now)
            took = time.monotonic() - begun
            if stands and took <= self.oldest:
                return found
            now += timedelta(seconds=took)
        raise Behind("the family's registers change faster than they can be read: nothing is shown")

    def find(
        self, reader: KnownPractitioner, said: PersonAsKnown, purpose: str, now: datetime, override: bool = False
    ) -> list[FamilyId]:
        """Return the families of the one person whom an identifier *and* the birth date name, as far as allowed.

        `override`: the reader goes on before the threshold and without agreement; it is recorded in their name.
        Not found and not allowed look alike. Every answer is logged as a `find` before it is given.
        """
        self.wait()
        person = self._named(reader.agency, said)
        known = self.projection.person(person) if person else None
        decisions = []
        if known is not None:
            decisions = [self._may_find(reader, name, known.person, purpose, now, override) for name in known.families]
        self.log(decisions or [self._in_vain(reader, purpose, now)])
        return [decision.family for decision in decisions if decision.outcome is Outcome.SHARE]

    def log(self, decisions: Iterable[Decision]) -> None:
        """Write decisions; return when the log's topics have acknowledged them. Raises NotWritten."""
        kinds = [(topology.decisions_for(one.log), one.id, msgspec.json.encode(one)) for one in decisions]
        self.producer.send([Emit(*kind) for kind in kinds])
        self.producer.flush()
        if not self.may_disclose():
            raise Behind("the log is behind what was decided: nothing is shown until it has caught up")

    def replayed(self, family: FamilyId, now: datetime) -> Family:
        """Return the family's state as of now, from everything that the hub has taken in."""
        return self._replay(family, self._records(family), now)

    def _replay(self, family: FamilyId, records: list[Record], now: datetime) -> Family:
        return disclose.replay(self.stage, family, records, now)

    def _records(self, family: FamilyId) -> list[Record]:
        self.wait()
        return self.projection.family_records(family)

    def _stands(self, state: Family, records: list[Record], now: datetime) -> bool:
        """Whether the registers, as far as the hub has taken them in by now, are still those of `state`."""
        after = self._records(state.family)
        if len(after) == len(records):
            return True
        return self._replay(state.family, after, now).register.version() == state.register.version()

    def wait(self) -> None:
        """Return when the projection has all that stands on the topics now. Raises Behind."""
        ends, until = self.ends(), time.monotonic() + self.patience
        while not self._there(ends):
            if time.monotonic() > until:
                raise Behind("the record is behind what the hub has taken in: nothing is shown from it")
            time.sleep(0.05)

    def _there(self, ends: Places) -> bool:
        positions = self.projection.positions()
        return all(positions.get(at, 0) >= end for at, end in ends.items())

    # ------------------------------------------------------------------ finding one person

    def _named(self, agency: str, said: PersonAsKnown) -> PersonId | None:
        """Return the person whom every identifier names, and whose birth date is the one said."""
        names = self.stage.pseudonyms
        found = {self.projection.identify(key) for key in usable(names, agency, said)}
        first = {every_id(self.projection, one)[0] if one else one for one in found}
        person = first.pop() if len(first) == 1 else None
        for one in every_id(self.projection, person) if person else ():
            known, born = self.projection.person(one), birth(names, one, said)
            if known and born is not None and born in known.born:
                return person
        return None

    def _may_find(
        self, reader: KnownPractitioner, name: FamilyId, person: PersonId, purpose: str, now: datetime, override: bool
    ) -> Decision:
        family, on = self.replayed(name, now), on_day(now)
        to = as_recipient(reader, family, self.stage.directory, on)
        ground, section = family.register.ground_for(person, on), family.sections.get(person)
        state, agreement = family.register.agreement_state(purpose, "relationships", to.agency, to.role, person, on)
        request = _request(reader, to.sector, purpose)._replace(
            involved="involved" if to.involved else "not-involved",
            party=to.party,
            tier="normal" if section is not None and known_openly(section) else SEALED,  # then not even findable
            agreement=state,
            ground=ground.claim if ground else "none",
            body=body_of(to),
            override="recorded" if override else "none",
        )
        ruling = self.stage.linking.gate.engine.rule(request)
        version = family.register.version()
        return self._record(ruling, request, name, reader.practitioner, now, version, (person,), agreement)

    def _in_vain(self, reader: KnownPractitioner, purpose: str, now: datetime) -> Decision:
        ruling = Ruling(Outcome.WITHHOLD, ("nobody-named",), rationale="no one was named by what was said")
        return self._record(ruling, _request(reader, "statutory", purpose), NOBODY, reader.practitioner, now)

    def _record(
        self, ruling: Ruling, request: Request, family: FamilyId, recipient: PractitionerId, now: datetime,
        register: str = "", subjects: tuple[PersonId, ...] = (), agreement: str = "",
    ) -> Decision:  # fmt: skip
        gate = self.stage.linking.gate
        return record(
            ruling, request, family=family, recipient=recipient, policy_set=gate.engine.policy_set,
            register_version=register, decided_at=now, salt=gate.salt(16), occasion=now.isoformat(),
            subjects=subjects, decided_by=recipient, agreement=agreement,
        )  # fmt: skip


def _request(reader: KnownPractitioner, sector: str, purpose: str) -> Request:
    """Return the question whether `reader` may look someone up, where nothing about the family is known yet."""
    return Request(
        action="find", role=reader.role, sector=sector, clearance=reader.clearance, involved="not-involved",
        party="none", category="relationships", sensitivity="none", tier="normal", publisher=reader.agency,
        purpose=purpose, sharing_agreement="in-date", agreement="none", ground="none", approver="none",
    )  # fmt: skip
