"""A professional's look at a family's register of agreements: decided event by event, and logged before it is shown.

An agreement is shown to whoever may see every event that made it. What it says of how it stands is the whole register's
answer, so that nobody relies on a yes because they were not shown the no.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from consent.agreement_list import Agreement, shown
from consent.decision import Decision
from consent.minimise import minimise
from schemas.ids import EventKey, FamilyId
from schemas.people import KnownPractitioner
from streams.family import FamilyStage
from streams.gate import Answer
from streams.recipients import as_recipient
from streams.sight import person_of, see
from streams.timeline import Entry, Family, members_of, on_day, same_people

CATEGORY = "agreement"


class Agreements(msgspec.Struct, frozen=True):
    """What one reader is shown of a family's agreements, as they stand on the day of `shown_at`."""

    family: FamilyId
    purpose: str
    shown_at: datetime
    known_at: datetime
    agreements: tuple[Agreement, ...]


def look_at_agreements(
    stage: FamilyStage, family: Family, reader: KnownPractitioner, purpose: str, now: datetime, known_at: datetime
) -> tuple[list[Decision], Agreements | None]:
    """Decide what `reader` may see of the family's agreements as the hub knew them at `known_at`.

    Return the decisions, to be logged before anything is shown, and what is shown; None when that is nothing. Who may
    see it is decided as things are now.
    """
    on = on_day(now)
    gate = stage.linking.gate
    seen = see(family, gate, as_recipient(reader, family, stage.directory, on), on, purpose)
    visible: dict[EventKey, tuple[Entry, Answer]] = {
        entry.event: (entry, seen.answers[item])
        for item, entry in seen.entries.items()
        if entry.facts.category == CATEGORY
    }
    members = members_of(family)
    decisions: dict[EventKey, Decision] = {}
    found = []
    for one in family.register.as_known(known_at).agreements(on, same_people(family)):
        if not all(step.event in visible for step in one.steps):
            continue
        answers = [visible[step.event][1] for step in one.steps]
        found.append(shown(one, {field for answer in answers for field in answer.ruling.removed}, members))
        for step in one.steps:
            entry, answer = visible[step.event]
            decisions[step.event] = gate.record(
                answer,
                stage="look",
                family=family.family,
                to=seen.recipient,
                items=(entry.item,),
                event=entry.event,
                subjects=(person_of(entry.item),),
                register=family.register,
                place=family.place,
                at=now,
                cause=f"agreements.{now.isoformat()}",
                minimal=minimise(entry.facts, answer.ruling.removed, members),
            )
    if not found:
        return [stage.linking.nothing_shown(family, seen.recipient, purpose, now)], None
    return list(decisions.values()), Agreements(family.family, purpose, now, known_at, tuple(found))
