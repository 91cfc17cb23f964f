"""What a person must decide, put aside with the event sealed. Ids are derived: a replay repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from consent.seal import Pseudonyms, seal
from schemas.ids import PersonId
from schemas.records import Queued, Review, encode
from streams import sealed as tiers
from streams.identity.families import Tie
from streams.intake_answers import QuarantineKey, quarantine_label
from streams.intake_split import Entropy
from streams.outcome import Emit


@dataclass(frozen=True)
class Reviews:
    """Makes reviews, each sealed under a key that expires, to the label of `quarantine_label(review.id)`."""

    names: Pseudonyms
    quarantine_key: QuarantineKey
    entropy: Entropy

    def whole(self, queued: Queued, reason: str, persons: Sequence[PersonId]) -> Emit:
        """Put a whole event aside: nothing in it was joined to anything."""
        return self._emit(self.names.mint("v", queued.event, reason), queued, reason, persons)

    def part(self, queued: Queued, ordinal: int) -> Emit:
        """Put aside the part about one person, who has no usable identifier. The others' parts go on."""
        alone = msgspec.structs.replace(queued, persons=(queued.persons[ordinal],))
        return self._emit(self.names.mint("v", queued.event, "no-identifier", str(ordinal)), alone, "no-identifier", ())

    def household(self, queued: Queued, tie: Tie) -> Emit:
        """Ask about a tie between too many people: one review for one tie, however many events speak of it."""
        reason = "household-too-large"
        return self._emit(self.names.mint("v", reason, *tie), queued, reason, tie)

    def _emit(self, name: str, queued: Queued, reason: str, persons: Sequence[PersonId]) -> Emit:
        key_id, key = self.quarantine_key(queued.received_at)
        sealed = seal(key, self.entropy(12), encode(queued), quarantine_label(name))
        review = Review(name, queued.event, reason, queued.received_at, sealed, key_id, tuple(persons))
        return Emit(tiers.review_topic(queued.data.get("tier") == tiers.SEALED), name, encode(review))
