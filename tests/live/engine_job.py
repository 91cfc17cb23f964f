"""A small stage to prove the engine on: it folds events into accounts, decides, says and writes `people`.

Everything that it does can be recounted from the events alone, by `expected`, so a test knows what must be there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from agents.adapters.faust_state import Coder
from consent.decision import Decision
from consent.decision import Outcome as Answer
from schemas.ids import FamilyId, PersonId, Pseudonym
from schemas.people import KnownIdentifier
from schemas.records import Record
from streams.outcome import Emit, Outcome, State

EVENTS, OUTPUTS = "job.events", "job.outputs"
PARTITIONS = 4
EVERY = 12  # one event in so many has an output: 8 %


class Event(msgspec.Struct):
    id: int
    account: str
    amount: int


class Account(msgspec.Struct):
    """`seen` is why a repeat changes nothing."""

    total: int = 0
    count: int = 0
    seen: set[int] = set()


_account = msgspec.msgpack.Decoder(Account).decode
_NONCE = 12  # bytes, as the hub's seals have: what two owners write of the same never looks alike
CODER: Coder[Account] = Coder(
    lambda account: os.urandom(_NONCE) + msgspec.msgpack.encode(account), lambda raw: _account(raw[_NONCE:])
)
_decode = msgspec.json.Decoder(Event).decode


def make(number: int, accounts: int) -> Event:
    return Event(number, f"a{number * 7919 % accounts}", number % 97 + 1)


class Fold:
    """The stage. `dedupe` off is a negative control: it must make the test fail."""

    def __init__(self, dedupe: bool = True) -> None:
        self._dedupe = dedupe

    def __call__(self, records: Sequence[Record], state: State[Account]) -> Outcome:
        outcome = Outcome()
        for record in records:
            self._fold(_decode(record.value or b""), state, outcome)
        return outcome

    def _fold(self, event: Event, state: State[Account], outcome: Outcome) -> None:
        account = state.get(event.account) or Account(seen=set())
        if self._dedupe and event.id in account.seen:
            return
        account.seen.add(event.id)
        account.total += event.amount
        account.count += 1
        state.put(event.account, account)
        if event.id % EVERY == 0:
            outcome.decisions.append(_decision(event))
            outcome.emits.append(Emit(OUTPUTS, event.account, b"%d" % event.id))
        if event.id % (EVERY * 5) == 0:
            pseudonym, person = Pseudonym(event.account), PersonId(str(event.id))
            outcome.people.append(KnownIdentifier(pseudonym, person, account.count))


def expected(events: Iterable[Event]) -> dict[str, Account]:
    """Return what every account must hold in the end."""
    accounts: dict[str, Account] = {}
    for event in events:
        account = accounts.setdefault(event.account, Account(seen=set()))
        account.seen.add(event.id)
        account.total += event.amount
        account.count += 1
    return accounts


def no_quarantine(record: Record, path: str, code: str, problem: str, fix: str) -> list[Emit]:
    return [Emit("quarantine", "", msgspec.json.encode([record.partition, record.offset, code]))]


def _decision(event: Event) -> Decision:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    fields: dict[str, Any] = {"role": "", "purpose": "", "publisher": "", "category": "", "policy_set": ""}
    return Decision(
        str(event.id), "link", Answer.SHARE, FamilyId(event.account), "hub", decided_at=at, register_version="",
        rules=(), **fields,
    )  # fmt: skip
