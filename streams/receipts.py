"""The receipt id: what a publisher holds in its hand for one event, made alike by every door and by intake."""

from __future__ import annotations

from consent.seal import Pseudonyms
from schemas.ids import EventKey


def receipt_id(pseudonyms: Pseudonyms, event: EventKey, digest: str) -> str:
    """Return the id of the receipt for `event` with the content that `digest` (schemas/codec.py) stands for.

    The same event sent twice has one receipt id; the same (source, id) with other content has another, so a
    conflict never overwrites the first one's receipt. It is an HMAC: it tells nothing about what was sent.
    """
    return pseudonyms.mint("r", event, digest)
