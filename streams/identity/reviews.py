"""What a person must decide, put aside with the event sealed. Ids are derived: a replay repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from consent.break_glass import STAGE
from consent.decision import Decision
from consent.seal import Pseudonyms
from schemas.ids import EventKey, PersonId
from schemas.records import Queued, Review, encode
from streams import sealed as tiers
from streams.identity.families import Tie
from streams.intake_answers import QuarantineKey, seal_aside
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

    def break_glass(self, opening: Decision, because: str) -> Emit:
        """Tell that a glass was broken, by its decision's id alone; what was said of it goes along sealed."""
        name = break_glass_review(self.names, opening.id)
        return self._sealed(name, opening.id, STAGE, opening.decided_at, because.encode(), (), False)

    def _emit(self, name: str, queued: Queued, reason: str, persons: Sequence[PersonId]) -> Emit:
        hidden = queued.data.get("tier") == tiers.SEALED
        return self._sealed(name, queued.event, reason, queued.received_at, encode(queued), tuple(persons), hidden)

    def _sealed(
        self, name: str, event: str, reason: str, at: datetime, body: bytes, persons: tuple[PersonId, ...], hidden: bool
    ) -> Emit:
        key_id, sealed = seal_aside(self.quarantine_key, self.entropy, at, name, body)
        review = Review(name, EventKey(event), reason, at, sealed, key_id, persons)
        return Emit(tiers.review_topic(hidden), name, encode(review))


def break_glass_review(names: Pseudonyms, decision: str) -> str:
    """Return the id of the review in which the reason for a break-glass is sealed."""
    return names.mint("v", STAGE, decision)
