"""How an information governance officer restricts processing, or lifts that: as an event of their agency, under a case.

The register of each family that the person is in takes it in (consent/restrictions.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec

from agents.ig.access import Access
from agents.ig.cases import Case, NotSo
from consent.days import LONDON, london_day
from consent.restrictions import LIFTED, RESTRICTED
from consent.seal import Pseudonyms
from schemas.ids import PersonId
from schemas.people import KnownPractitioner
from schemas.records import PersonAsKnown
from streams.intake_names import every_id, usable

STEP = "restriction"


class Word(msgspec.Struct, frozen=True):
    """A restriction on a ground of Art 18(1); without one its lift, of which the person was told on `told_on`."""

    because: str
    on_ground: str = ""
    told_on: date | None = None
    on: date | None = None


def handles(desk: Access, case: Case, said: Sequence[PersonAsKnown], now: datetime) -> bool:
    """Log that the officer takes this step, in each family of those who are said, and return whether they may.

    Raises NotSo where those are not whom the case is about, and Behind or NotWritten.
    """
    desk.reading.wait()
    directory = desk.reading.projection
    every = _named(desk, said)
    known = [one for one in map(directory.person, every) if one is not None]
    if case.about.startswith("p_"):
        theirs = set(every) == {every_id(directory, PersonId(case.about))[0]}
    else:
        theirs = bool(every) and all(case.about in one.families for one in known)
    if not theirs:
        raise NotSo("--persons names somebody whom the case is not about, or whom nobody here knows beyond doubt")
    families = sorted({family for one in known for family in one.families})
    return bool(families) and all(desk.handles(family, STEP, case.id, now) for family in families)


def _named(desk: Access, said: Sequence[PersonAsKnown]) -> list[PersonId]:
    """Return each person whom all their identifiers name, by the first of their ids; none where one is in doubt."""
    directory, names = desk.reading.projection, desk.reading.stage.pseudonyms
    found = []
    for person in said:
        each = {directory.identify(key) for key in usable(names, desk.officer.agency, person)}
        first = {every_id(directory, one)[0] if one else None for one in each}
        one = first.pop() if len(first) == 1 else None
        if one is None:
            return []
        found.append(one)
    return found


def as_event(
    names: Pseudonyms, officer: KnownPractitioner, persons: Any, case: str, word: Word, now: datetime
) -> dict[str, Any]:
    """Return the CloudEvent (structured JSON) by which `officer` says so. `persons` are people as a JSON list."""
    kind, on = RESTRICTED if word.on_ground else LIFTED, word.on or london_day(now)
    happened = datetime.combine(on, time(), LONDON).astimezone(UTC)
    about = {"persons": persons, "happened_at": _instant(min(happened, now)), "recorded_at": _instant(now)}
    own = {"on_ground": word.on_ground} if word.on_ground else {"told_on": word.told_on}
    data = {"about": about, "case": case, "said_by": officer.practitioner, "because": word.because, "on": on, **own}
    event = {
        "specversion": "1.0", "id": names.mint("g", kind, case, officer.practitioner, _instant(now)),
        "source": f"/hearth/restrictions/{officer.agency}", "type": kind, "data": data,
    }  # fmt: skip
    said: dict[str, Any] = msgspec.to_builtins(event)
    return said


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
