"""Who works with the family, and who leads: the latest word on each practitioner, by its date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from schemas.errors import Refusal
from schemas.ids import EventKey, PractitionerId
from schemas.records import Facts

_TYPES = {
    "hearth.social_care.InvolvementStarted": ("started", "since"),
    "hearth.social_care.InvolvementEnded": ("ended", "on"),
    "hearth.social_care.LeadProfessionalAssigned": ("lead", "on"),
    "hearth.social_care.LeadProfessionalEnded": ("lead-ended", "on"),
}
INVOLVEMENT_TYPES = frozenset(_TYPES)
LEAD_SERVICE = "lead professional"


class Work(msgspec.Struct, frozen=True, array_like=True, tag="w", gc=False):
    """A practitioner's start or end, as worker or as lead. `on` is the first day of its effect."""

    event: EventKey
    kind: str  # started | ended | lead | lead-ended
    practitioner: PractitionerId
    service: str
    on: date
    recorded_at: datetime

    def moment(self) -> tuple[date, datetime, bool, str]:
        """Return what these are ordered by: on one day and at one instant, an end is the later."""
        return self.on, self.recorded_at, self.kind.endswith("ended"), self.event


class Involved(msgspec.Struct, frozen=True, order=True):
    """A practitioner who works with the family now. `since` is the first day."""

    practitioner: PractitionerId
    service: str
    since: date


def work(facts: Facts, event: EventKey) -> Work:
    """Return what an involvement event says. Raises Refusal without a practitioner's pseudonym or a date."""
    kind, day = _TYPES[facts.type]
    try:
        return Work(
            event=event,
            kind=kind,
            practitioner=PractitionerId(str(facts.data["practitioner_id"])),
            service=LEAD_SERVICE if kind.startswith("lead") else str(facts.data.get("service", "")),
            on=date.fromisoformat(facts.data[day]),
            recorded_at=facts.recorded_at,
        )
    except (KeyError, ValueError, TypeError):
        raise Refusal("data", "not-an-involvement", "the practitioner or the day does not read", "Say both") from None


def lead(works: Iterable[Work], on: date) -> PractitionerId | None:
    """Return the lead professional on `on`: the last one assigned, unless theirs has ended since."""
    known = [w for w in works if w.on <= on]
    assigned = max((w for w in known if w.kind == "lead"), key=Work.moment, default=None)
    if assigned is None or any(_ends(w, assigned) for w in known):
        return None
    return assigned.practitioner


def involved(works: Iterable[Work], on: date) -> tuple[Involved, ...]:
    """Return who works with the family on `on`, the lead among them, in the order of their ids."""
    known = [w for w in works if w.on <= on]
    leads = lead(known, on)
    found: dict[tuple[PractitionerId, str], date] = {}
    for start in known:
        begins = start.kind == "started" or (start.kind == "lead" and start.practitioner == leads)
        if begins and not any(_ends(w, start) for w in known):
            place = (start.practitioner, start.service)
            found[place] = min(found.get(place, start.on), start.on)
    return tuple(sorted(Involved(who, service, since) for (who, service), since in found.items()))


def _ends(end: Work, start: Work) -> bool:
    kind = "lead-ended" if start.kind == "lead" else "ended"
    return end.kind == kind and end.practitioner == start.practitioner and end.moment() > start.moment()
