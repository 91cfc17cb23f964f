"""What a history is: who there is, and what is told of them, some of it sealed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from agents.demo.people import Professional, Somebody
from schemas.records import CloudEvent

TODAY = date(2026, 6, 30)
AGENCIES = ("school", "health", "police", "social-care")
PURPOSES = ("early-help", "safeguarding")
NIGHT = timedelta(days=1, hours=4, minutes=30)  # from an evening to the next night: looks at night are looked into


class Told(msgspec.Struct):
    """One event of the history, when it is received, and whether it is one of the sealed ones."""

    agency: str
    event: CloudEvent
    at: datetime
    hidden: bool


class Cast(msgspec.Struct):
    """Who there is: people, and who works with them. `cleared` may see what is sealed."""

    people: list[Somebody]
    workers: list[Professional]
    cleared: list[Professional]
    staff: Professional | None = None  # the officer of information governance; else one of the workers

    @property
    def officer(self) -> tuple[str, str]:
        """Agency and number of the officer who is not cleared."""
        one = self.staff or next(w for w in self.workers if w not in self.cleared)
        return one.agency, one.id

    @property
    def named(self) -> tuple[str, str]:
        """Agency and number of the first who is cleared."""
        return self.cleared[0].agency, self.cleared[0].id


class Script(msgspec.Struct):
    """A generated history."""

    cast: Cast
    told: list[Told]
    ticks: list[datetime]
    end: datetime
    held_up: timedelta = timedelta()  # how long every alert waits for the broker before it leaves
    breaks_glass: int = 0  # which of the workers does

    def publishers(self) -> set[str]:
        return {one.agency for one in self.told if one.hidden}
