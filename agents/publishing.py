"""Publishing a partner's files: read, framed as at the HTTP door, written, acknowledged, and their receipts awaited."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec

from agents.partners import Options, Problem, Taken, read
from agents.ports import Producer
from agents.sending import Framing, Ready
from schemas.errors import Refusal
from schemas.records import Receipt, Record, Remark, decode_receipt

AT_ONCE = 2000  # events between two waits for the broker
KEPT = 1000  # refused parts that are told one by one; all are counted


class Refused(msgspec.Struct, frozen=True):
    """A part of a file that gave no event, and how to mend it. `file` is its number among those given."""

    file: int
    where: str
    path: str
    code: str
    problem: str
    fix: str


class Tally(msgspec.Struct):
    """How many went where, and why. `answered` counts receipts by status; `unanswered` had none in time.

    `refused` are the first 1,000 refused parts, `refused_by` all of them by code; `warned_by` counts remarks by code;
    `later` are the receipts that say what is wrong (quarantined, conflict).
    """

    events: int = 0
    valid: int = 0
    sent: int = 0
    blank: int = 0
    refused_by: Counter[str] = msgspec.field(default_factory=Counter)
    warned_by: Counter[str] = msgspec.field(default_factory=Counter)
    answered: Counter[str] = msgspec.field(default_factory=Counter)
    unanswered: int = 0
    refused: list[Refused] = []
    warned: dict[str, Remark] = {}
    later: list[Receipt] = []

    @property
    def all_taken(self) -> bool:
        """Whether nothing was refused, here or by the hub."""
        return not self.refused_by and not self.later


class Answers(Protocol):
    """Reads the agency's receipts from before the first event was written."""

    def poll(self, most: int, seconds: float) -> list[Record]: ...


@dataclass
class Publishing:
    """One run over some files. `told` is called now and then with the tally so far."""

    agency: str
    framing: Framing
    options: Options
    told: Callable[[Tally], None]

    def __post_init__(self) -> None:
        self.tally = Tally()
        self._waiting: Counter[str] = Counter()

    def events(self, files: Iterable[Path]) -> Iterator[Ready]:
        """Yield what may be written of each file in turn; everything else goes into the tally."""
        for number, file in enumerate(files, start=1):
            for part in read(file, file.name, self.agency, self.options):
                ready = self._ready(number, part)
                if ready is not None:
                    yield ready

    def check(self, files: Iterable[Path]) -> Tally:
        """Go through the files and write nothing."""
        for count, _ in enumerate(self.events(files)):
            self._tell(count)
        return self.tally

    def send(self, files: Iterable[Path], producer: Producer) -> Tally:
        """Write the files' events. Raises NotWritten: what was acknowledged until then is in the tally."""
        ready = self.events(files)
        while batch := list(islice(ready, AT_ONCE)):
            producer.send(one.emit for one in batch)
            producer.flush()
            self.tally.sent += len(batch)
            self._waiting.update(one.receipt for one in batch)
            self.told(self.tally)
        return self.tally

    def wait(self, answers: Answers, seconds: float) -> Tally:
        """Count the receipts of what was written, for at most `seconds`."""
        until = time.monotonic() + seconds
        while self._waiting and time.monotonic() < until:
            for record in answers.poll(5000, 0.2):
                self._answer(decode_receipt(record.value or b""))
            self.told(self.tally)
        self.tally.unanswered = self._waiting.total()
        return self.tally

    def _ready(self, number: int, part: Taken | Problem) -> Ready | None:
        if isinstance(part, Problem):
            self._refuse(number, part.where, part.path, part.code, part.problem, part.fix, blank=part.blank)
            return None
        self.tally.events += 1
        for remark in part.remarks:
            self.tally.warned_by[remark.code] += 1
            self.tally.warned.setdefault(remark.code, remark)
        try:
            ready = self.framing.ready(part.event, self.agency)
        except Refusal as why:
            self._refuse(number, part.where, why.path, why.code, why.problem, why.fix)
            return None
        self.tally.valid += 1
        return ready

    def _refuse(
        self, file: int, where: str, path: str, code: str, problem: str, fix: str, blank: bool = False
    ) -> None:
        if blank:
            self.tally.blank += 1
            return
        self.tally.refused_by[code] += 1
        if len(self.tally.refused) < KEPT:
            self.tally.refused.append(Refused(file, where, path, code, problem, fix))

    def _answer(self, receipt: Receipt) -> None:
        if receipt.id not in self._waiting:
            return  # another publisher's
        self._waiting[receipt.id] -= 1
        if not self._waiting[receipt.id]:
            del self._waiting[receipt.id]
        self.tally.answered[receipt.status] += 1
        if receipt.status in ("quarantined", "conflict") and len(self.tally.later) < KEPT:
            self.tally.later.append(receipt)

    def _tell(self, count: int) -> None:
        if count % AT_ONCE == 0:
            self.told(self.tally)
