"""What a person's section tells of how long their record must be kept (consent/retention).

Everything held counts, withheld and held items and sealed ones too; what was taken back does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from consent.retention import ADULT_AT, SCHOOL_ONLY, Life, years_after
from schemas.records import Facts
from streams.timeline import Section, effective, on_day

_OPENED, _CLOSED = "hearth.social_care.EpisodeOpened", "hearth.social_care.EpisodeClosed"
_DIED = "hearth.health.PersonDied"
_ADOPTED, _CLOSED_BY_DEATH = "RC1", "RC2"  # schemas/codes/closure-reasons.toml
_TAKEN_BACK = "U"  # schemas/codes/death-notification.toml
_FILLER_YEAR = 1900  # a year that only fills the field is no evidence (streams/intake_names.py)
_LAST_SCHOOL_DAY = 4  # a week's tally is known by its Monday


def life_of(section: Section) -> Life:
    """Return what decides how long the person is kept, as far as this family's section of theirs tells."""
    standing = [entry.facts for entry in effective(section.entries.values())]
    marked = [date.fromordinal(week + _LAST_SCHOOL_DAY) for book in section.books.values() for week in book.weeks]
    born, died = _born(section), _died(standing)
    days = [on_day(facts.happened_at) for facts in standing] + marked
    statuses = frozenset(_statuses(standing, bool(marked), born, died))
    return Life(born, max(days, default=None), died, statuses, min(days, default=None))


def _born(section: Section) -> date | None:
    born = section.said.birth_date if section.said is not None else None
    return born if born is not None and born.year > _FILLER_YEAR else None


def _died(standing: Iterable[Facts]) -> date | None:
    died = None
    for facts in standing:
        if facts.type == _DIED:
            on = facts.data.get("on")
            on_that_day = date.fromisoformat(on) if on else on_day(facts.happened_at)
            died = None if facts.data.get("notification") == _TAKEN_BACK else on_that_day
        elif facts.type == _CLOSED and facts.data.get("reason") == _CLOSED_BY_DEATH:
            died = date.fromisoformat(facts.data["on"])
    return died


def _statuses(standing: list[Facts], marked: bool, born: date | None, died: date | None) -> set[str]:
    found = {str(facts.data["episode"]) for facts in standing if facts.type in (_OPENED, _CLOSED)}
    if any(facts.type == _CLOSED and facts.data.get("reason") == _ADOPTED for facts in standing):
        found.add("adopted")
    if "looked-after" in found and died is not None and born is not None and died < years_after(born, ADULT_AT):
        found = (found - {"looked-after", "care-leaver"}) | {"looked-after-died"}
    if (marked or standing) and all(facts.agency == "school" for facts in standing):
        found.add(SCHOOL_ONLY)
    return found
