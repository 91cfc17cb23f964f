"""The engine of each day: law that is switched on by date is asked from midnight in London on, without a restart.

A decision for a day is made under the law of that day. All the engines that switches.toml names a day for are made
when the hub starts, so that what does not hold together is found then, and not at midnight.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from pathlib import Path

from consent import policy
from consent.engine import Engine


class ByDay(Engine):
    """The engine of the day `today`, which knows those of all other days. Raises Misconfigured."""

    def __init__(self, today: date, folder: Path = policy.HERE) -> None:
        super().__init__(policy.switched_on(today), folder)
        self._days = sorted({one.on_from for one in policy.switches(folder).values() if one.on_from is not None})
        made: dict[tuple[str, ...], Engine] = {policy.switched_on(today): self}
        self._engines: list[Engine] = []
        for day in (date.min, *self._days):
            names = policy.switched_on(day)
            self._engines.append(made.setdefault(names, made.get(names) or Engine(names, folder)))

    def on(self, day: date) -> Engine:
        """Return the engine of the law that stands on `day`."""
        return self._engines[bisect_right(self._days, day)]
