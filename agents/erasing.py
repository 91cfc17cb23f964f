"""Erasing one entry of a log: two officers, each step in that log before it has any effect.

The sequencer erases it from the log's files once the approval is signed, and the projector takes it out of its tables.
It still stands on the log's topic, which cannot drop a single record (deploy/runbook.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from agents.adapters.log_reader import LogReader
from agents.destroying import Refused
from agents.held_of import HeldOf
from agents.reading import Behind, Reading
from consent import retention
from consent.decision import Decision, decode
from consent.log.entry import Kept
from consent.retention import erasing
from consent.retention.erasing import Proposal, Target
from consent.retention.steps import STAGE as RETENTION
from schemas.people import KnownPractitioner

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Erasing:
    """The tools. `logs` opens each log's reader, by name; `patience` is seconds."""

    reading: Reading
    held: HeldOf
    logs: Mapping[str, Callable[[], LogReader]]
    patience: float = 30.0

    def proposed(self) -> list[Proposal]:
        """Return what stands proposed. Raises Behind."""
        self.reading.wait()
        return list(erasing.proposals(self.held.steps(erasing.STAGE)).values())

    def propose(self, by: KnownPractitioner, decision: str, reason: str, now: datetime) -> Target:
        """Propose that an entry is erased. Raises Refused, NotWritten and Behind."""
        known = retention.reasons().erase
        _unless("" if reason in known else f"no such reason: one of {', '.join(known)}")
        target, standing = self._target(by, decision)
        _unless("proposed already: another officer approves it" if standing else "")
        self.reading.log([erasing.propose(target, reason, by.practitioner, now, self._salt())])
        return target

    def approve(self, by: KnownPractitioner, decision: str, now: datetime) -> Target:
        """Approve what another officer proposed; return when the log's files have it no more. Raises Refused,
        NotWritten and Behind; after the last it is approved, and erased when the log comes to it."""
        target, standing = self._target(by, decision)
        if standing is None:
            raise Refused("nobody has proposed it")
        _unless("another officer must approve than the one who proposed it" if standing.by == by.practitioner else "")
        self.reading.log([erasing.approve(target, standing, by.practitioner, now, self._salt())])
        self._gone(target)
        return target

    def _target(self, by: KnownPractitioner, decision: str) -> tuple[Target, Proposal | None]:
        self.reading.wait()
        log, found = next(((log, kept) for log in self.logs if (kept := self._find(log, decision))), ("", None))
        if found is None:
            raise Refused("no log holds such a decision")
        if found.body is None:
            raise Refused("erased already")
        _unless(erasing.refuses(_read(found.body), self.held.steps(RETENTION), by.person))
        return Target(log, found.index, found.id), erasing.proposals(self.held.steps(erasing.STAGE)).get(found.id)

    def _find(self, log: str, decision: str) -> Kept | None:
        reader = self.logs[log]()
        try:
            return reader.find(decision)
        finally:
            reader.close()

    def _gone(self, target: Target) -> None:
        until = time.monotonic() + self.patience
        while (found := self._find(target.log, target.id)) is not None and found.body is not None:
            if time.monotonic() > until:
                raise Behind("approved; the log did not come to it in time, and erases it when it does")
            time.sleep(_LOOK_SECONDS)

    def _salt(self) -> bytes:
        return self.reading.stage.linking.gate.salt(16)


def _read(body: bytes) -> Decision | None:
    try:
        return decode(body)
    except msgspec.MsgspecError:
        return None


def _unless(why: str) -> None:
    if why:
        raise Refused(why)
