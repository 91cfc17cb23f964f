"""One worker of the hub: `python -m tests.live.hub_worker worker DIRECTORY`, as agents.processes runs it.

HEARTH_CONTROL switches a safeguard off, in this process only, to show that the account notices:
`no-dedupe` (intake and the families' records take what they have seen for new), `order-turned-round` (state goes to the
changelog before what comes of it is written, and what is told before the decisions that allow it).
"""

from __future__ import annotations

import os
import sys
from typing import Any

from msgspec.structs import replace

from agents import processes, runner, stages
from agents.owned import Owned
from schemas.ids import ItemId
from schemas.records import Facts, Item
from streams import family, intake
from streams.outcome import Outcome
from streams.timeline import Family


class TurnedRound(runner.Runner[Any]):
    """A control: the order of effects turned round."""

    def _write(self, outcome: Outcome, owned: Owned[Any], still_ours: Any, may_leave: Any) -> None:
        owned.state.done()
        rows = owned.state.leave()
        if rows:
            offset = owned.writer.write([(owned.changelog, owned.number, key, raw) for key, raw in rows.items()])
            owned.state.landed(offset)
        self._boundary("changelog")
        super()._write(replace(outcome, decisions=[]), owned, still_ours, may_leave)
        super()._write(Outcome(decisions=outcome.decisions), owned, still_ours, may_leave)


class Forgetful(intake.Intake):
    """A control: intake remembers no event."""

    def __call__(self, records: Any, state: Any) -> Outcome:
        return super().__call__(records, _Nothing())


class _Nothing:
    def get(self, key: str) -> None:
        return None

    def put(self, key: str, value: object) -> None:
        return None


_fold = family.take_item


def _take_every_item(record: Family, item: Item, facts: Facts, blocks: Any) -> Any:
    """A control: an item that is there already is not known by its id."""
    section = record.sections.get(item.person)
    if section is not None and item.id in section.entries:
        section.entries[ItemId(f"{item.id}#{len(section.entries)}")] = section.entries.pop(item.id)
    return _fold(record, item, facts, blocks)


def turn_off(safeguard: str) -> None:
    """Switch one off in this process. Raises KeyError for one that there is not."""
    if safeguard == "no-dedupe":
        from agents import bootstrap

        bootstrap.Intake, family.take_item = Forgetful, _take_every_item  # type: ignore[misc]
    elif safeguard == "order-turned-round":
        stages.Runner = TurnedRound  # type: ignore[misc]
    elif safeguard:
        raise KeyError(safeguard)


if __name__ == "__main__":
    turn_off(os.environ.get("HEARTH_CONTROL", ""))
    sys.exit(processes.main(sys.argv[1:]))
