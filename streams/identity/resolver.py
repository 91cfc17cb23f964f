"""Second stage: who is meant, where intake was not sure. The only place that mints persons and families.

One partition, one worker. Whoever runs it gives it a directory that holds everything in `people`, and applies to that
directory what an outcome writes to `people` before the next batch: it then sees all that it ever wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from schemas.records import Item, Record, decode_forget, decode_queued
from streams.identity.batch import Batch, Done, Tools
from streams.identity.forgetting import forget
from streams.outcome import Outcome, State


class _Kind(msgspec.Struct):
    kind: str = ""


_kind = msgspec.json.Decoder(_Kind).decode
_item = msgspec.json.Decoder(Item).decode


@dataclass(frozen=True)
class Resolver(Tools):
    """The stage. `state`: event key → `Done`.

    It takes `Queued` events, `Item`s that reached a family which their person has left, and asks to `Forget`.
    """

    def __call__(self, records: Sequence[Record], state: State[Done]) -> Outcome:
        """Work through the records of `identity.queue`, in order."""
        batch = Batch(self, state)
        for record in records:
            value = record.value or b""
            kind = _kind(value).kind
            if kind == "item":
                batch.send_on(_item(value))
            elif kind == "forget":
                batch.outcome.emits += forget(decode_forget(value), batch.ledger)
            else:
                batch.resolve(decode_queued(value))
        batch.outcome.people += batch.ledger.records()
        return batch.outcome
