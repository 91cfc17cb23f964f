"""What comes out of a partner's file, and what its reader may be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from schemas.errors import Refusal
from schemas.records import CloudEvent, Remark

if TYPE_CHECKING:
    from agents.partners.source import Source


class Options(msgspec.Struct, frozen=True):
    """What the person who publishes a file says about it.

    `key` (32 bytes or more) makes event ids that hold nothing personal: it must stay the same from file to file, or
    a file published twice is new. `columns` names a column map of agents/partners/columns/, or a TOML file of one's
    own. `establishment` is the school's URN, `stated_on` the day a list stands for, `recorded_at` when the agency
    recorded what a file does not date itself; `today` ends periods that the file itself does not end.
    """

    key: bytes
    format: str | None = None
    columns: str | None = None
    establishment: str | None = None
    stated_on: date | None = None
    recorded_at: datetime | None = None
    today: date | None = None

    def __repr__(self) -> str:
        return f"Options(format={self.format}, columns={self.columns})"


class Taken(msgspec.Struct, frozen=True):
    """One event, where in the file it stands (`row 12`, `Child[3]/CINdetails[1]`), and what should be mended there."""

    where: str
    event: CloudEvent
    remarks: list[Remark] = []


class Problem(msgspec.Struct, frozen=True):
    """One part of the file that gives no event. Never holds a value from the file.

    `blank`: there was nothing to take (an empty row, a supporting resource), so nothing is lost.
    """

    where: str
    path: str
    code: str
    problem: str
    fix: str
    blank: bool = False


class Unused(Exception):
    """This part gives no event; `problem` says why. Raised and caught within agents/partners/ only."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


Read = Iterator[Taken | Problem]
Reader = Callable[["Source", str, Options], Read]


def refused(where: str, refusal: Refusal) -> Problem:
    """Return `refusal` as a problem at `where`."""
    return Problem(where, refusal.path, refusal.code, refusal.problem, refusal.fix)


def with_remarks(parts: Iterable[Taken | Problem], remarks: list[Remark]) -> Read:
    """Yield `parts`; the first event carries `remarks`, which are about the whole file (the list may still grow)."""
    for part in parts:
        if isinstance(part, Taken) and remarks:
            yield Taken(part.where, part.event, [*remarks, *part.remarks])
            remarks = []
        else:
            yield part
