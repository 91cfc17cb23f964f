"""Logs to test on: decisions as the gate writes them, made up, and a log that keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from consent.decision import Decision, Outcome
from consent.log.checkpoint import verifier_key
from consent.log.entry import Erases, LogEntry, erasure_id
from consent.log.recount import Report
from consent.log.verify import verify
from schemas.ids import EventKey, FamilyId
from schemas.records import encode

ORIGIN = "hearth.test/main"
PRIVATE = sha256(b"a signing key for tests").digest()
KEY = verifier_key(ORIGIN, PRIVATE)


def decision(number: int) -> Decision:
    """Return decision `number`."""
    return Decision(
        id=f"d_{number:06}",
        stage="link",
        outcome=list(Outcome)[number % 4],
        family=FamilyId(f"f_{number % 40:026}"),
        recipient="hub",
        role="hub",
        purpose="safeguarding",
        publisher="school",
        category="attendance",
        decided_at=datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=number),
        policy_set="p" * 16,
        register_version="r" * 16,
        rules=("safeguarding-significant-harm",),
        event=EventKey(f"e_{number}"),
        gateway="Children Act 1989 s47",
        agreement_state="none",
        salt=sha256(f"salt {number}".encode()).digest()[:16],
    )


def entry(number: int) -> LogEntry:
    """Return decision `number` as the log takes it."""
    one = decision(number)
    return LogEntry(one.id, one.salt, encode(one))


def erasure(index: int, of: str = "", by: tuple[str, str] = ("pr_one", "pr_two")) -> LogEntry:
    """Return the erasure of the entry at `index`, decision `index` unless said otherwise."""
    erases = Erases(index, of or decision(index).id, "court-order", *by)
    one = replace(decision(0), id=erasure_id(index), stage="erasure", erases=erases)
    return LogEntry(one.id, one.salt, encode(one))


def entries(first: int, end: int) -> list[LogEntry]:
    """Return decisions `first` to `end`, without `end`."""
    return [entry(number) for number in range(first, end)]


def make_log(directory: Path, *ends: int, private: bytes = PRIVATE, shift: int = 0) -> list[bytes]:
    """Write a log batch by batch, each up to an end; return the checkpoints."""
    writer, first, heads = LogWriter(directory, ORIGIN, private), 0, []
    for end in ends:
        writer.append(entries(first + shift, end + shift))
        heads.append(writer.head)
        first = end
    writer.close()
    return heads


def report(directory: Path, *remembered: bytes) -> Report:
    """Verify the log in `directory`, its kept entries too."""
    reader = LogReader(directory)
    try:
        return verify(reader.read, KEY, reader, remembered)
    finally:
        reader.close()
