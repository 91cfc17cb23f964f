"""From one event to the record that is written for it: what every way in does before `in.<agency>`.

The HTTP door and `hearth publish` both come through here, so that an event is refused, keyed and framed alike
whichever way it came.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from consent.seal import Pseudonyms
from schemas import codec
from schemas.framing import LARGEST_EVENT, check_size
from schemas.ids import EventKey
from schemas.records import CloudEvent, Remark
from streams.intake_names import event_key
from streams.outcome import Emit
from streams.receipts import receipt_id
from streams.topology import inbound


class Ready(msgspec.Struct, frozen=True):
    """An event that may be written: the record, the id of the receipt it will get, and what should be mended."""

    event: EventKey
    receipt: str
    emit: Emit
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Framing:
    """Frames events for the topics. `typed_sources` are those whose ids are unique per type only (as intake's)."""

    pseudonyms: Pseudonyms
    typed_sources: frozenset[str] = frozenset()
    largest: int = LARGEST_EVENT

    def ready(self, event: CloudEvent, agency: str) -> Ready:
        """Check `event` against its contract and frame it for `agency`'s topic. Raises `Refusal`.

        The key is the event's pseudonym. The `ce_id`, `ce_source` and `ce_subject` headers stand in the clear on
        this topic alone, which keeps records for days and which only its agency may write.
        """
        remarks = codec.check(event, agency)
        record = codec.encode_binary(event)
        value = record.value or b""
        check_size(value, self.largest)
        key = event_key(self.pseudonyms, self.typed_sources, agency, event.source, event.id, event.type)
        receipt = receipt_id(self.pseudonyms, key, codec.digest(event))
        return Ready(key, receipt, Emit(inbound(agency), key, value, record.headers), tuple(remarks))
