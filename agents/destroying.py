"""Ending a person's record: proposed by one officer, approved by another, then carried out, each step logged first.

In order, each acknowledged before the next:

    the approval in the log → its beginning in the log → nothing leads to the person any more (`people`, by the
    resolver) → what was put aside and names them → their keys destroyed → the families told once more → the end in
    the log

A kill in between leaves what the log says: approved or begun, and not done. Approving again, by anybody but the one
who proposed it, takes it up where it stands; every part may be done twice. A legal hold stops it that stands in the
log before the beginning; one that comes after it is refused, so that nothing is ever half held and half destroyed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from agents.faults import boundary
from agents.held_of import HeldOf
from agents.ports import KeyStore
from agents.put_aside import PutAside
from agents.reading import Behind, Reading
from consent import retention
from consent.decision import Decision
from consent.retention import Keeping, Life, Reason
from consent.retention.steps import (
    STAGE,
    Standing,
    Step,
    Taken,
    record,
    refuses_approval,
    refuses_hold,
    refuses_proposal,
    standing,
)
from schemas.errors import HearthError
from schemas.ids import FamilyId, PersonId
from schemas.people import KnownPerson, KnownPractitioner
from schemas.records import Forget, encode
from streams import disclose
from streams.intake_names import every_id
from streams.lifetimes import life_of
from streams.outcome import Emit
from streams.recipients import as_recipient
from streams.timeline import on_day
from streams.topology import IDENTITY_QUEUE

_LOOK_SECONDS = 0.1


class Refused(HearthError):
    """The step is not allowed now; the message says why, without anything about the person."""


class Record(msgspec.Struct, frozen=True):
    """One person's record as far as ending it goes: all their ids, where it is held, its class, and where it stands."""

    persons: tuple[PersonId, ...]
    families: tuple[FamilyId, ...]
    keeping: Keeping
    standing: Standing


@dataclass(frozen=True)
class Destroying:
    """The tools. `reading` waits for the sealed log's topic too, and logs there; `patience` is seconds.

    `requests` gives the persons and families about whom a rights request is open on a day.
    """

    reading: Reading
    held: HeldOf
    keystore: KeyStore
    aside: PutAside
    requests: Callable[[date], Collection[str]]
    patience: float = 30.0
    boundary: Callable[[str], None] = boundary

    # ------------------------------------------------------------------ what stands

    def due(self, now: datetime) -> list[Record]:
        """Return every record whose period has run out, and every one that is held, proposed, approved or begun.

        A machine's check: it shows pseudonyms, classes and dates, and nothing of what is held.
        """
        self.reading.wait()
        lives, steps = self._lives(self.held.families(), now), self._steps()
        found = [(known.erased, self._record(known, lives, steps)) for known in self.held.persons()]
        return [
            one for ended, one in found
            if (one.standing != Standing() and not (ended and one.standing.destroyed))
            or (not ended and one.keeping.has_run_out(on_day(now)))
        ]  # fmt: skip

    def record(self, person: PersonId, now: datetime) -> Record:
        """Return where one person's record stands. Raises Refused where nobody is known by that id."""
        self.reading.wait()
        known = self.reading.projection.person(person)
        if known is None:
            raise Refused("nobody is known by this id")
        first = self.reading.projection.person(every_id(self.reading.projection, person)[0]) or known
        families = {*first.families, *self.held.families((first.person, *first.joined))}
        return self._record(first, self._lives(sorted(families), now), self._steps(), families)

    def _record(
        self, known: KnownPerson, lives: dict[PersonId, dict[FamilyId, Life]], steps: dict[PersonId, Standing],
        also: Iterable[FamilyId] = (),
    ) -> Record:  # fmt: skip
        persons = (known.person, *known.joined)
        mine = [life for one in persons for life in lives.get(one, {}).values()]
        families = {family for one in persons for family in lives.get(one, {})} | {*known.families, *also}
        stands = next((steps[one] for one in persons if one in steps), Standing())
        return Record(persons, tuple(sorted(families)), retention.keeping(retention.together(mine)), stands)

    def _lives(self, families: Iterable[FamilyId], now: datetime) -> dict[PersonId, dict[FamilyId, Life]]:
        found: dict[PersonId, dict[FamilyId, Life]] = {}
        for family in families:
            records = self.reading.projection.family_records(family)
            for person, section in disclose.replay(self.reading.stage, family, records, now).sections.items():
                found.setdefault(person, {})[family] = life_of(section)
        return found

    def _steps(self) -> dict[PersonId, Standing]:
        """Return where each person stands of whom the log has a step, under every id that a step named."""
        of: dict[PersonId, list[Decision]] = {}
        for step in self.held.steps(STAGE):
            for person in step.subjects:
                of.setdefault(person, []).append(step)
        return {person: standing(steps) for person, steps in of.items()}

    # ------------------------------------------------------------------ the steps

    def propose(self, by: KnownPractitioner, person: PersonId, reason: str, now: datetime) -> Record:
        """Propose that a person's record ends. Raises Refused."""
        early, found = self._reason(reason, retention.reasons().propose).early, self._mine(by, person, now)
        requested = self._requested(found, now)
        why = refuses_proposal(found.standing, found.keeping, early, on_day(now), requested)
        self._unless(why or self._ended(found) or self._works(found))
        return self._log("propose", by, found, reason, now)

    def hold(self, by: KnownPractitioner, person: PersonId, reason: str, now: datetime) -> Record:
        """Set a legal hold: what was proposed or approved, and not begun, is proposed anew after it. Raises Refused."""
        self._reason(reason, retention.reasons().hold)
        found = self._mine(by, person, now)
        self._unless(refuses_hold(found.standing))
        found = self._log("hold", by, found, reason, now)
        self._unless(refuses_hold(found.standing))  # the log had the beginning first
        return found

    def lift(self, by: KnownPractitioner, person: PersonId, held: str, reason: str, now: datetime) -> Record:
        """Lift one of the legal holds that stand. Raises Refused."""
        self._reason(reason, retention.reasons().lift)
        found = self._mine(by, person, now)
        self._unless("" if held in found.standing.held else "no such hold stands")
        return self._log("lift", by, found, reason, now, held)

    def approve(self, by: KnownPractitioner, person: PersonId, now: datetime) -> Record:
        """Approve what another officer proposed, and carry it out. Raises Refused, NotWritten and Behind.

        After those two it may stand approved or begun, and not done: approve again.
        """
        found = self._mine(by, person, now)
        self._unless(self._not_approved(by, found, now))
        if not found.standing.approved_by:
            found = self._log("approve", by, found, found.standing.reason, now, found.standing.proposal)
            self.boundary("approved")
        if not found.standing.destroying:
            found = self._begin(by, self.record(person, now), now)
        return self._carry_out(by, found, now)

    def _not_approved(self, by: KnownPractitioner, found: Record, now: datetime) -> str:
        reason = found.standing.reason
        early = self._reason(reason, retention.reasons().propose).early if reason else False
        requested = self._requested(found, now)
        return refuses_approval(found.standing, by.practitioner, found.keeping, early, on_day(now), requested)

    def _begin(self, by: KnownPractitioner, found: Record, now: datetime) -> Record:
        """Log that it begins, where nothing came since that stops it: from there on the log refuses a hold."""
        self._unless(self._not_approved(by, found, now))
        found = self._log("destroying", by, found, found.standing.reason, now, found.standing.proposal)
        self._unless("" if found.standing.destroying else "the log has it otherwise: ask where it stands")
        self.boundary("destroying")
        return found

    def _carry_out(self, by: KnownPractitioner, found: Record, now: datetime) -> Record:
        """End the record: the log has acknowledged that two people decided it, and that it begins."""
        self._forget(found, now)
        self.boundary("forgotten")
        self.aside.destroy(found.persons)  # while their keys still tell what they were known by
        for person in found.persons:
            self.keystore.destroy(person)
        self.boundary("destroyed")
        self._forget(found, now)  # what a worker took in between the two is gone with the key, and dropped now
        return self._log("destroyed", by, found, found.standing.reason, now, found.standing.proposal)

    def _forget(self, found: Record, now: datetime) -> None:
        """Have the resolver let nothing lead to the person; return when it did. Raises NotWritten and Behind."""
        ask = Forget(found.persons, tuple(self.held.identifiers(found.persons)), found.families, now)
        self.reading.producer.send([Emit(IDENTITY_QUEUE, found.persons[0], encode(ask))])
        self.reading.producer.flush()
        until = time.monotonic() + self.patience
        while not self._forgotten(found.persons):
            if time.monotonic() > until:
                raise Behind("the hub did not come to it in time: it stands approved; approve again to have it done")
            time.sleep(_LOOK_SECONDS)

    def _forgotten(self, persons: tuple[PersonId, ...]) -> bool:
        known = [self.reading.projection.person(person) for person in persons]
        return all(one is None or one.erased for one in known) and not self.held.identifiers(persons)

    # ------------------------------------------------------------------ around a step

    def _mine(self, by: KnownPractitioner, person: PersonId, now: datetime) -> Record:
        found = self.record(person, now)
        self._unless("nobody decides on their own record" if by.person in found.persons else "")
        self._unless(self._party(by, found, now))
        return found

    def _party(self, by: KnownPractitioner, found: Record, now: datetime) -> str:
        """Return why not, where the officer, or their manager, is a party to a family of the person."""
        for family in found.families:
            state = self.reading.replayed(family, now)
            if as_recipient(by, state, self.reading.stage.directory, on_day(now)).sealed_party != "none":
                return "nobody decides on a record of a family to which they, or their manager, are a party"
        return ""

    def _requested(self, found: Record, now: datetime) -> bool:
        return not {*found.persons, *found.families}.isdisjoint(self.requests(on_day(now)))

    def _ended(self, found: Record) -> str:
        known = [self.reading.projection.person(person) for person in found.persons]
        return "their record has ended already" if any(one is not None and one.erased for one in known) else ""

    def _works(self, found: Record) -> str:
        """Return why not, where the person works with families: they are known by it until they leave."""
        for person in found.persons:
            known = self.reading.projection.person(person)
            worker = known and known.practitioner and self.reading.projection.practitioner(known.practitioner)
            if worker and worker.active:
                return "a registered practitioner: until they have left"
        return ""

    def _reason(self, reason: str, known: Mapping[str, Reason]) -> Reason:
        self._unless("" if reason in known else f"no such reason: one of {', '.join(known)}")
        return known[reason]

    def _unless(self, why: str) -> None:
        if why:
            raise Refused(why)

    def _log(
        self, step: Step, by: KnownPractitioner, found: Record, reason: str, now: datetime, cause: str = ""
    ) -> Record:
        """Log a step; return where the record stands once the log's topic has acknowledged it, in its own order."""
        taken = Taken(step, found.persons, found.families[0], reason, by.practitioner, cause)
        self.reading.log([record(taken, found.keeping, now, self.reading.stage.linking.gate.salt(16))])
        self.reading.wait()
        return msgspec.structs.replace(found, standing=self._steps().get(found.persons[0], Standing()))
