"""One event, split: what it says in common, and each person's part, sealed under that person's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent.seal import Pseudonyms, item_label, seal
from consent.sharing import category, sensitive_roles
from schemas.codec import signs
from schemas.contract import Contract
from schemas.errors import KeyDestroyed
from schemas.ids import EventKey, FamilyId, PersonId, PractitionerId, item_id
from schemas.records import CloudEvent, Facts, Ground, Item, Party, PersonAsKnown, encode
from streams import sealed
from streams.intake_names import event_key
from streams.outcome import Emit
from streams.topology import FAMILY_ITEMS

_TIERS = {"normal": 0, "sensitive": 1, "shielded": 2, "sealed": 3}  # schemas/codes/tiers.toml, in order
_WORKERS = ("practitioner", "manager")

DataKey = Callable[[PersonId], tuple[int, bytes]]
"""Returns (version, key of 32 bytes) of a person's newest data key. Raises `KeyDestroyed`; `Unsealable` if unknown."""

Entropy = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Part:
    """One person's place in an event: who they are, as what they were said, and the families they are in."""

    person: PersonId
    said: PersonAsKnown
    families: tuple[FamilyId, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How an accepted event becomes facts. `typed_sources`: sources whose ids are unique per type only."""

    names: Pseudonyms
    typed_sources: frozenset[str]

    def key(self, event: CloudEvent, agency: str) -> EventKey:
        """Return the event's key."""
        return event_key(self.names, self.typed_sources, agency, event.source, event.id, event.type)

    def facts(self, event: CloudEvent, contract: Contract, agency: str, digest: str) -> Facts:
        """Return what the event says about everyone in it: no role, no parties, nobody said."""
        about = event.data["about"]
        ground, tier = about.get("ground"), about.get("tier") or "normal"
        least = category(contract.category).tier
        return Facts(
            type=event.type,
            agency=agency,
            source=event.source,
            digest=digest,
            happened_at=about["happened_at"],
            recorded_at=about["recorded_at"],
            role="",
            category=contract.category,
            purpose=about.get("purpose") or contract.purpose,
            tier=tier if _TIERS[tier] >= _TIERS[least] else least,
            corrects=self._earlier(event, agency, about.get("corrects")),
            retracts=self._earlier(event, agency, about.get("retracts")),
            ground=Ground(**ground) if ground else None,
            signs=signs(event),
            data=self._own(event.data),
            known_as=self.key(event, agency) if tier == sealed.SEALED else None,
        )

    def _earlier(self, event: CloudEvent, agency: str, id: str | None) -> EventKey | None:  # noqa: A002
        return event_key(self.names, self.typed_sources, agency, event.source, id, event.type) if id else None

    def _own(self, data: Mapping[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in data.items() if name != "about"}
        for field in _WORKERS:
            if field in own:
                worker = own.pop(field)
                if worker:
                    own[f"{field}_id"] = worker_id(self.names, worker)
                    own[f"{field}_agency"] = worker["agency"]
        return own


def worker_id(names: Pseudonyms, worker: Mapping[str, str]) -> PractitionerId:
    """Return the id of a practitioner given as {agency, id}."""
    return names.practitioner(worker["agency"], worker["id"])


@dataclass(frozen=True, slots=True)
class Splitter:
    """Makes a person's items: sealed once, and sent to every family they are in."""

    data_key: DataKey
    entropy: Entropy

    def items(
        self,
        event: EventKey,
        facts: Facts,
        parts: Sequence[Part],
        received_at: datetime,
        only: PersonId | None = None,
    ) -> list[Emit]:
        """Return the items of one event, or `only` one person's.

        A person said twice is one part; their second role stands as a party. So does an informant's only one: what
        they told is about others, and no part of their own family's record.
        """
        if len(parts) == 1 and not _told(parts[0]):
            return self._emits(event, parts[0], part_of(facts, parts[0].said, ()), received_at)
        emits: list[Emit] = []
        done: set[PersonId] = set()
        for place, part in enumerate(parts):
            if part.person not in done and (part.person == only or (only is None and not _told(part))):
                done.add(part.person)
                parties = tuple([Party(p.person, p.said.role) for n, p in enumerate(parts) if n != place])
                emits += self._emits(event, part, part_of(facts, part.said, parties), received_at)
        return emits

    def _emits(self, event: EventKey, part: Part, facts: Facts, received_at: datetime) -> list[Emit]:
        name = item_id(event, part.person)
        try:
            version, key = self.data_key(part.person)
            sealed = seal(key, self.entropy(12), encode(facts), item_label(name, version))
        except KeyDestroyed:
            version, sealed = 0, b""  # a tombstone: there was an event, and what it said is gone
        return [
            Emit(
                FAMILY_ITEMS,
                family,
                encode(Item(name, event, part.person, family, received_at, version, sealed)),
            )
            for family in part.families
        ]


def _told(part: Part) -> bool:
    return part.said.role in sensitive_roles()


def part_of(facts: Facts, said: PersonAsKnown, parties: tuple[Party, ...]) -> Facts:
    """Return an event's facts as one person's: their role, the others, and how they were said."""
    return Facts(
        type=facts.type,
        agency=facts.agency,
        source=facts.source,
        digest=facts.digest,
        happened_at=facts.happened_at,
        recorded_at=facts.recorded_at,
        role=said.role,
        category=facts.category,
        purpose=facts.purpose,
        tier=facts.tier,
        parties=parties,
        corrects=facts.corrects,
        retracts=facts.retracts,
        ground=facts.ground,
        signs=facts.signs,
        data=facts.data,
        said=said,
        known_as=facts.known_as,
    )
