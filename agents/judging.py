"""What a practitioner records about sharing, as an event of their agency: the register of the family takes it in."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import msgspec

from consent.days import LONDON, london_day
from consent.judgements import JUDGEMENT
from consent.seal import Pseudonyms
from schemas.people import KnownPractitioner


class Judged(msgspec.Struct, frozen=True):
    """What was found, in the words of the contract. `until`: first day on which it no longer counts."""

    judgement: str
    purposes: tuple[str, ...]
    circumstances: str
    categories: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    sensitivity: str = ""
    not_told_because: str = ""
    on: date | None = None
    until: date | None = None


def as_event(
    names: Pseudonyms, author: KnownPractitioner, persons: Any, said: Judged, now: datetime, takes_back: str = ""
) -> dict[str, Any]:
    """Return the CloudEvent (structured JSON) by which `author` records it, or takes back the record of that id.

    `persons` are people as a JSON list. A record about a sensitive kind is shared for the purpose that it speaks of.
    """
    on = said.on or london_day(now)
    happened = datetime.combine(on, time(), LONDON).astimezone(UTC)
    about = {
        "persons": persons, "happened_at": _instant(happened), "recorded_at": _instant(now),
        "retracts": takes_back or None, "purpose": said.purposes[0] if said.sensitivity else "",
    }  # fmt: skip
    data = {
        "about": about, "judgement": said.judgement, "said_by": author.practitioner, "purposes": list(said.purposes),
        "categories": list(said.categories), "recipients": list(said.recipients),
        "sensitivity": said.sensitivity or None, "not_told_because": said.not_told_because or None,
        "circumstances": said.circumstances, "on": on.isoformat(),
        "until": said.until.isoformat() if said.until else None,
    }  # fmt: skip
    return {
        "specversion": "1.0", "id": names.mint("g", JUDGEMENT, author.practitioner, said.judgement, _instant(now)),
        "source": f"/hearth/judgements/{author.agency}", "type": JUDGEMENT, "data": data,
    }  # fmt: skip


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
