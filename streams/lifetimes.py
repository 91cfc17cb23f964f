"""What a person's sections tell of how long their record must be kept (consent/retention), whichever family holds them.

Everything held counts, withheld and held items and sealed ones too; what was taken back does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from consent.retention import ADULT_AT, Life, years_after
from schemas.records import Facts
from streams.timeline import Section, effective, on_day

_OPENED, _CLOSED = "hearth.social_care.EpisodeOpened", "hearth.social_care.EpisodeClosed"
_DIED = "hearth.health.PersonDied"
_ADOPTED, _CLOSED_BY_DEATH = "RC1", "RC2"  # schemas/codes/closure-reasons.toml
_TAKEN_BACK = "U"  # schemas/codes/death-notification.toml
_FILLER_YEAR = 1900  # a year that only fills the field is no evidence (streams/intake_names.py)
_LAST_SCHOOL_DAY = 4  # a week's tally is known by its Monday


def life_of(sections: Iterable[Section]) -> Life:
    """Return what decides how long the one person is kept whom all these sections are about."""
    held = list(sections)
    standing = [entry.facts for section in held for entry in effective(section.entries.values())]
    standing.sort(key=lambda facts: (facts.recorded_at, facts.type))
    marked = [date.fromordinal(week + _LAST_SCHOOL_DAY) for section in held for week in _weeks(section)]
    born, died = _born(held), _died(standing)
    days = [on_day(facts.happened_at) for facts in standing] + marked
    return Life(born, max(days, default=None), died, frozenset(_statuses(standing, bool(marked), born, died)))


def _weeks(section: Section) -> Iterator[int]:
    for book in section.books.values():
        yield from book.weeks


def _born(sections: Iterable[Section]) -> date | None:
    """Return the birth date that was last said, if one was."""
    said = [(s.said_at, s.said.birth_date) for s in sections if s.said_at and s.said and s.said.birth_date]
    born = max(said)[1] if said else None
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
        found.add("school-only")
    return found
