"""What a family's stage puts where a person decides: an item that was referred, a hold that ends soon.

A reference and the reason, once for each item however often it is asked about; never what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

import msgspec

from consent.decision import Decision, Outcome
from consent.seal import Pseudonyms
from schemas.ids import EventKey, FamilyId, PersonId
from schemas.records import Item, Review, encode
from streams import sealed
from streams.outcome import Emit

_REFERRED = "refer"


def arrived(names: Pseudonyms, item: Item, layer: bool) -> Emit:
    """Return an item that was referred when it came, with what it says still under its person's key."""
    review = _review(names, item.id, item.family, (item.person,), item.received_at)
    return _emit(msgspec.structs.replace(review, event=item.event, sealed=item.sealed, key_id=item.id), layer)


def asked_again(names: Pseudonyms, decisions: Iterable[Decision]) -> Iterator[Emit]:
    """Yield what was referred when it was asked about again: it was decided by rule before, and is not any more."""
    for one in decisions:
        if one.outcome is Outcome.REFER:
            review = _review(names, one.items[0], one.family, one.subjects, one.decided_at)
            yield _emit(msgspec.structs.replace(review, event=one.event or EventKey("")), one.log == sealed.SEALED)


def hold_ends(names: Pseudonyms, family: FamilyId, day: date, at: datetime, layer: bool) -> Emit:
    """Return the reminder that a hold of this family ends on `day`."""
    review = Review(
        id=names.mint("v", family, "hold-ends-soon", day.isoformat(), *("sealed",) * layer),
        event=EventKey(""),
        reason="hold-ends-soon",
        received_at=at,
        sealed=b"",
        key_id="",
        families=(family,),
    )
    return _emit(review, layer)


def _review(names: Pseudonyms, item: str, family: FamilyId, persons: tuple[PersonId, ...], at: datetime) -> Review:
    return Review(
        id=names.mint("v", item, family, _REFERRED),
        event=EventKey(""),
        reason=_REFERRED,
        received_at=at,
        sealed=b"",
        key_id="",
        persons=persons,
        families=(family,),
    )


def _emit(review: Review, layer: bool) -> Emit:
    return Emit(sealed.review_topic(layer), review.id, encode(review))
