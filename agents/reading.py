"""Every look goes through here: decided, logged, the log's acknowledgement waited for, and only then shown.

What took too long to be logged, or of which the family's record has gone on meanwhile, is decided again first.
What is shown is worked out anew from the family's record, as far as the hub has taken it in when the look begins. When
the record cannot be read that far, or the log does not acknowledge, nothing is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import NamedTuple, Protocol, TypeVar

from agents.ports import Producer
from consent.decision import Decision, Outcome
from schemas.errors import HearthError
from schemas.ids import FamilyId, PersonId
from schemas.people import KnownPractitioner
from schemas.records import PersonAsKnown, Record
from streams import disclose
from streams.agreement_look import Agreements, look_at_agreements
from streams.disclose import View
from streams.family import FamilyStage
from streams.finding import NOBODY, in_vain, may_find
from streams.gate import Recipient
from streams.identity.directory import Directory
from streams.intake_names import birth, every_id, usable
from streams.outcome import to_log
from streams.recipients import as_recipient
from streams.sealed import SEALED
from streams.timeline import Family, on_day

__all__ = ["NOBODY", "Behind", "Families", "Places", "Projection", "Reading"]

T = TypeVar("T")
Places = Mapping[tuple[str, int], int]
Families = Mapping[FamilyId, Family]
Decide = Callable[[Family, datetime], tuple[Iterable[Decision], T]]
"""Of a family's state and the instant: the decisions to be logged, and what may be shown when they are."""
DecideOfAll = Callable[[Families, datetime], tuple[Iterable[Decision], T]]
"""The same of several families."""
_TRIES = 5


class Behind(HearthError):
    """What is read is behind what the hub has taken in: nothing may be shown from it."""


class Projection(Directory, Protocol):
    """What a look reads (agents/queries.py)."""

    def family_records(self, family: FamilyId) -> list[Record]: ...

    def positions(self) -> Places: ...


class _Seen(NamedTuple):
    """One family as it was decided on: its state, how many records made it, and what the reader was to it."""

    state: Family
    records: int
    to: Recipient


@dataclass(frozen=True)
class Reading:
    """The tools of a look. `ends` gives the broker's end offsets of what families and people are made of;
    `may_disclose` says of a log (main | sealed) whether it keeps up with what is decided."""

    projection: Projection
    stage: FamilyStage
    producer: Producer
    ends: Callable[[], Places]
    patience: float = 10.0
    may_disclose: Callable[[str], bool] = lambda _: True
    oldest: float = 60.0  # seconds from the decision to the showing

    def look(self, reader: KnownPractitioner, family: FamilyId, purpose: str, now: datetime) -> View | None:
        """Return what `reader` may see of `family` now, for `purpose`; None when nothing may be shown.

        A family that does not exist is answered, and logged, as one of which nothing may be shown. Raises Behind
        and NotWritten; then nothing may be shown either.
        """
        return self.decided(
            family, now, lambda state, at: disclose.look(self.stage, state, reader, purpose, at), reader
        )

    def agreements(
        self, reader: KnownPractitioner, family: FamilyId, purpose: str, now: datetime, known_at: datetime
    ) -> Agreements | None:
        """Return what `reader` may see of the family's agreements as the hub knew them at `known_at`; as `look`."""
        return self.decided(
            family, now, lambda state, at: look_at_agreements(self.stage, state, reader, purpose, at, known_at), reader
        )

    def decided(self, family: FamilyId, now: datetime, decide: Decide[T], reader: KnownPractitioner) -> T:
        """Return what `decide` shows of the family's state, logged first, and still right once that is done.

        Raises Behind where it is not, time after time; then nothing may be shown.
        """
        return self.decided_of_all(lambda: (family,), now, lambda found, at: decide(found[family], at), reader)

    def decided_of_all(
        self, named: Callable[[], Iterable[FamilyId]], now: datetime, decide: DecideOfAll[T], reader: KnownPractitioner
    ) -> T:
        """Return what `decide` shows of the families that are `named` when it is asked; as `decided`."""
        for _ in range(_TRIES):
            begun = monotonic()
            self.wait()
            seen = {name: self._seen(name, reader, now) for name in named()}
            decisions, found = decide({name: one.state for name, one in seen.items()}, now)
            self.log(decisions)
            stands = self._stands(seen, named, reader, now)
            took = monotonic() - begun
            if stands and took <= self.oldest:
                return found
            now += timedelta(seconds=took)
        raise Behind("the family's record changes faster than it can be read: nothing is shown")

    def find(
        self, reader: KnownPractitioner, said: PersonAsKnown, purpose: str, now: datetime, reason: str = ""
    ) -> list[FamilyId]:
        """Return the families of the one person whom an identifier *and* the birth date name, as far as allowed.

        `reason`: why (a code of consent/enquiries.toml) the reader goes on before the threshold and without agreement;
        it is recorded in their name. Not found and not allowed look alike. Every answer is logged as a `find` before it
        is given.
        """

        def decide(found: Families, at: datetime) -> tuple[list[Decision], list[FamilyId]]:
            person = self._named(reader.agency, said)
            ids = every_id(self.projection, person) if person else ()
            decisions = [may_find(self.stage, one, ids, reader, purpose, reason, at) for one in found.values()]
            allowed = [one.family for one in decisions if one.outcome is Outcome.SHARE]
            if all(one.log == SEALED for one in decisions):  # each enquiry leaves its record in the open log
                decisions.append(in_vain(self.stage, reader, purpose, at))
            return decisions, allowed

        def named() -> tuple[FamilyId, ...]:
            person = self._named(reader.agency, said)
            known = self.projection.person(person) if person else None
            return known.families if known is not None else ()

        return self.decided_of_all(named, now, decide, reader)

    def log(self, decisions: Iterable[Decision]) -> None:
        """Write decisions; return when the log's topics have acknowledged them. Raises NotWritten."""
        every = list(decisions)
        self.producer.send([to_log(one) for one in every])
        self.producer.flush()
        if not all(self.may_disclose(log) for log in sorted({one.log for one in every})):
            raise Behind("the log is behind what was decided: nothing is shown until it has caught up")

    def replayed(self, family: FamilyId, now: datetime) -> Family:
        """Return the family's state as of now, from everything that the hub has taken in."""
        self.wait()
        return self._replay(family, self.projection.family_records(family), now)

    def _replay(self, family: FamilyId, records: list[Record], now: datetime) -> Family:
        return disclose.replay(self.stage, family, records, now)

    def _seen(self, name: FamilyId, reader: KnownPractitioner, now: datetime) -> _Seen:
        records = self.projection.family_records(name)
        state = self._replay(name, records, now)
        return _Seen(state, len(records), as_recipient(reader, state, self.stage.directory, on_day(now)))

    def _stands(
        self, seen: Mapping[FamilyId, _Seen], named: Callable[[], Iterable[FamilyId]], reader: KnownPractitioner,
        now: datetime,
    ) -> bool:  # fmt: skip
        """Whether nothing has come of these families, or changed about the reader, by the time all this is logged.

        This is also why nothing is shown that the log has as overtaken (consent/overtaken.py). Overtaken is what a
        change of the register, from a later record of the family, precedes on the decisions' topic. That record
        stood on the families' topic before the change was decided on, so before these decisions were acknowledged:
        the projection is waited for up to an end that lies behind it, and then it is among the records here.
        """
        self.wait()
        known = self.stage.directory.practitioner(reader.practitioner)
        if known is not None and known.version != reader.version:
            raise Behind("whoever asks is known otherwise by now: nothing is shown; ask again")
        return [*named()] == [*seen] and all(self._unmoved(one, reader, now) for one in seen.values())

    def _unmoved(self, seen: _Seen, reader: KnownPractitioner, now: datetime) -> bool:
        records = self.projection.family_records(seen.state.family)
        after = seen.state
        if len(records) != seen.records:
            after = self._replay(seen.state.family, records, now)
            # what only the cleared may know of must not make anybody else's look a second one in the open log
            if reader.clearance == SEALED or after.place != seen.state.place:
                return False
        return as_recipient(reader, after, self.stage.directory, on_day(now)) == seen.to

    def wait(self) -> None:
        """Return when the projection has all that stands on the topics now. Raises Behind."""
        ends, until = self.ends(), monotonic() + self.patience
        while not self._there(ends):
            if monotonic() > until:
                raise Behind("the record is behind what the hub has taken in: nothing is shown from it")
            sleep(0.05)

    def _there(self, ends: Places) -> bool:
        positions = self.projection.positions()
        return all(positions.get(at, 0) >= end for at, end in ends.items())

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

