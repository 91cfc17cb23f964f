"""Restriction of processing (UK GDPR Art 18; Art 21 while an objection is weighed): for whom it stands on a day.

Recorded by information governance officers, under the case of the request. It is for all of a person's information and
every purpose, and only a lift of the same case ends it: no time, no correction and no taking back does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

import msgspec

from schemas.errors import Refusal
from schemas.ids import EventKey, PersonId
from schemas.records import Facts

RESTRICTED = "hearth.sharing.ProcessingRestricted"
LIFTED = "hearth.sharing.RestrictionLifted"
RESTRICTION_TYPES = frozenset((RESTRICTED, LIFTED))


class Restriction(msgspec.Struct, frozen=True, array_like=True, tag="r", gc=False):
    """One word on whether the processing of what is about `whom` is restricted, from the day `on`.

    `ground` is one of Art 18(1) (schemas/codes/restriction-grounds.toml); empty: it is lifted.
    """

    event: EventKey
    case: str
    ground: str
    by: str
    whom: tuple[PersonId, ...]
    on: date
    recorded_at: datetime

    def moment(self) -> tuple[date, datetime, bool, EventKey]:
        """Return what they are ordered by: of two at one instant, the restriction is the later."""
        return self.on, self.recorded_at, bool(self.ground), self.event


def restriction(facts: Facts, event: EventKey, person: PersonId) -> Restriction:
    """Return what such an event says. Raises Refusal where its case or day does not read."""
    data = facts.data
    try:
        return Restriction(
            event=event,
            case=str(data["case"]),
            ground=str(data["on_ground"]) if facts.type == RESTRICTED else "",
            by=str(data["said_by"]),
            whom=tuple(sorted({person, *(p.person for p in facts.parties)})),
            on=date.fromisoformat(data["on"]),
            recorded_at=facts.recorded_at,
        )
    except (KeyError, ValueError, TypeError):
        raise Refusal("data", "not-a-restriction", "which case, whose or from when does not read", "Say all") from None


def restricted(said: Iterable[Restriction], persons: Collection[PersonId], on: date) -> bool:
    """Return whether a restriction stands on `on` for the one person who has these ids: under any case."""
    ours = [one for one in said if one.on <= on and not set(persons).isdisjoint(one.whom)]
    latest = {one.case: one for one in sorted(ours, key=Restriction.moment)}
    return any(one.ground for one in latest.values())
