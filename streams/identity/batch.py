"""One batch of the resolver at work: who is meant, event by event, and all that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from consent.seal import Pseudonyms
from schemas.errors import HearthError, Unsealable
from schemas.ids import EventKey, FamilyId, PersonId
from schemas.records import Facts, Identifier, Item, Members, Queued, SendSection, encode
from streams import sealed
from streams.identity import practitioners
from streams.identity.directory import Directory
from streams.identity.joining import clusters, is_certain, join, note
from streams.identity.ledger import Ledger
from streams.identity.matching import Said, in_doubt, look_up, take
from streams.identity.relationships import Settled, settle, state
from streams.identity.reviews import Reviews
from streams.intake_answers import QuarantineKey
from streams.intake_names import look_up_key
from streams.intake_split import DataKey, Entropy, Part, Splitter
from streams.outcome import Emit, NewKey, Outcome, State
from streams.topology import FAMILY_ITEMS

RELATIONSHIP = "hearth.social_care.RelationshipStated"
SUPERSEDED = "hearth.health.IdentifierSuperseded"
PRACTITIONERS = frozenset(("hearth.social_care.PractitionerRegistered", "hearth.social_care.PractitionerChanged"))

_OF_PEOPLE = PRACTITIONERS | {RELATIONSHIP, SUPERSEDED}


class Done(msgspec.Struct, frozen=True):
    """What the resolver remembers of an event that it has worked through: all its effects were acknowledged."""

    received_at: datetime


@dataclass(frozen=True)
class Tools:
    """What the resolver is given. `hub_key` (32 bytes) seals practitioners' contact details."""

    names: Pseudonyms
    directory: Directory
    data_key: DataKey
    quarantine_key: QuarantineKey
    entropy: Entropy
    hub_key: bytes


class Batch:
    """One batch at work: its ledger, its new keys and its outcome."""

    def __init__(self, tools: Tools, state: State[Done]) -> None:
        self._tools = tools
        self._state = state
        self._now: set[EventKey] = set()  # worked through in this batch: not acknowledged yet
        self._keys: dict[PersonId, tuple[int, bytes]] = {}
        self._splitter = Splitter(self._key, tools.entropy)
        self._reviews = Reviews(tools.names, tools.quarantine_key, tools.entropy)
        self.ledger = Ledger(tools.directory, tools.names, self._settled)
        self.outcome = Outcome()

    def _settled(self, event: EventKey) -> bool:
        return event not in self._now and self._state.get(event) is not None

    def send_on(self, item: Item) -> None:
        """Send an item that reached the wrong family to those that its person is in."""
        known = self.ledger.people.person(item.person)
        if known is None:
            raise HearthError("an item names a person whom the record of people does not have")
        for family in known.families:
            self.outcome.emits.append(Emit(FAMILY_ITEMS, family, encode(msgspec.structs.replace(item, family=family))))

    def resolve(self, queued: Queued) -> None:
        """Work through one event, unless all its effects were acknowledged before."""
        if self._state.get(queued.event) is not None:
            return
        facts = msgspec.convert(queued.data, Facts)
        if self._work(queued, facts):
            self._now.add(queued.event)
            self._state.put(queued.event, Done(queued.received_at))

    def _work(self, queued: Queued, facts: Facts) -> bool:
        """Return whether the event is done with; what stands in review may be sent again."""
        if not sealed.learns(facts):
            return self._place(queued, facts)
        if queued.type == SUPERSEDED:
            return self._supersede(queued, facts)
        said = look_up(self.ledger, queued)
        if self._in_doubt(queued, facts, said):
            return self._review(queued, "identity-conflict", said)
        unnamed = [one for one in said if not one.keys]
        needed = len(said) if queued.type == RELATIONSHIP else min(len(said), 1)
        if len(said) - len(unnamed) < needed and queued.type not in PRACTITIONERS:
            return self._review(queued, "no-identifier", said)
        if queued.type == RELATIONSHIP:
            return self._relate(queued, facts, said)
        joined = join(self.ledger, queued.event, said)
        self.outcome.emits += [self._reviews.part(queued, one.ordinal) for one in unnamed]
        self._share(queued, facts, [one for one in said if one.keys], joined)
        return True

    def _place(self, queued: Queued, facts: Facts) -> bool:
        """File a sealed event by what is known openly: nothing is learnt from it, of anybody.

        What it says of who is who, and what it says of nobody known yet, waits for a person cleared for it.
        """
        if queued.type in _OF_PEOPLE:
            return self._review(queued, "sealed-identity", ())
        said = look_up(self.ledger, queued)
        if self._in_doubt(queued, facts, said) or any(len(one.found) > 1 for one in said):
            return self._review(queued, "identity-conflict", said)
        known = [one for one in said if one.found]
        if not known:
            return self._review(queued, "sealed-unknown", said)
        self.outcome.emits += [self._reviews.part(queued, one.ordinal) for one in said if not one.found]
        parts = [self._part(next(iter(one.found)), one) for one in known]
        self.outcome.emits += self._splitter.items(queued.event, facts, parts, queued.received_at)
        return True

    def _in_doubt(self, queued: Queued, facts: Facts, said: Sequence[Said]) -> bool:
        """Whether anyone said might be two people, or two people said might be one."""
        together = clusters(said)
        if not all(is_certain(self.ledger, queued.event, facts, cluster) for cluster in together):
            return True
        return in_doubt(self.ledger, facts, [one for cluster in together for one in cluster.as_one()])

    def _review(self, queued: Queued, reason: str, said: Sequence[Said]) -> bool:
        known = sorted({person for one in said for person in one.found})
        self.outcome.emits.append(self._reviews.whole(queued, reason, known))
        return False

    def _share(self, queued: Queued, facts: Facts, said: Sequence[Said], joined: bool) -> None:
        parts = self._settle(queued, facts, said, joined)
        if queued.type not in PRACTITIONERS:
            self.outcome.emits += self._splitter.items(queued.event, facts, parts, queued.received_at)
            return
        themselves = next((part.person for part in parts if part.said.role == "self"), None)
        practitioners.register(self.ledger, facts, themselves, self._tools.hub_key, self._tools.entropy)

    def _relate(self, queued: Queued, facts: Facts, said: Sequence[Said]) -> bool:
        pair = child_first(said)
        if pair is None or len({one.keys for one in pair}) < 2:
            return self._review(queued, "refer", said)
        if len(clusters(said)) < 2 or set(pair[0].keys) & set(pair[1].keys):
            return self._review(queued, "identity-conflict", said)
        join(self.ledger, queued.event, said)
        child, other = (self._take(queued, facts, one) for one in pair)
        state(self.ledger, queued.event, facts, child, other)
        settled = settle(self.ledger, queued.event, (child, other))
        self._tell(queued, settled, (child, other))
        parts = [self._part(child, pair[0]), self._part(other, pair[1])]
        self.outcome.emits += self._splitter.items(queued.event, facts, parts, queued.received_at, only=child)
        return True

    def _supersede(self, queued: Queued, facts: Facts) -> bool:
        """Let a replacing number stand for the same person, and an invalid one for nobody. Its place is `people`."""
        said = facts.data.get("superseded_by")
        new = (msgspec.convert(said, Identifier),) if said else ()
        found = look_up(self.ledger, queued, new)
        if facts.corrects or facts.retracts or len(found) != 1:
            return self._review(queued, "refer", found)
        if self._in_doubt(queued, facts, found):
            return self._review(queued, "identity-conflict", found)
        if facts.data["status"] == "I":
            self._invalidate(queued)
            return True
        if not found[0].keys or not any(look_up_key(self._tools.names, queued.agency, one) for one in new):
            return self._review(queued, "no-identifier", found)
        self._settle(queued, facts, found, join(self.ledger, queued.event, found))
        return True

    def _invalidate(self, queued: Queued) -> None:
        for identifier in queued.persons[0].identifiers:
            key = look_up_key(self._tools.names, queued.agency, identifier)
            if key is not None and identifier.system == "nhs-number" and self.ledger.people.identify(key) != "":
                self.ledger.invalidate(key)

    def _settle(self, queued: Queued, facts: Facts, said: Sequence[Said], joined: bool) -> list[Part]:
        """Return everyone's part, with families of one for those who are new, and one family for those joined."""
        taken = [self._take(queued, facts, one) for one in said]
        unsettled = [person for person in taken if joined or not self.ledger.person(person).families]
        settled = settle(self.ledger, queued.event, unsettled) if unsettled else Settled(set(), [])
        self._tell(queued, settled, taken)
        return [self._part(person, one) for person, one in zip(self._named_once(taken), said, strict=True)]

    def _named_once(self, taken: Sequence[PersonId]) -> list[PersonId]:
        """Return whom an event is filed under: someone said under two of their ids is one person in it."""
        first = {person: self.ledger.ids(person)[0] for person in taken}
        twice = {one for one, count in Counter(first[person] for person in set(taken)).items() if count > 1}
        return [first[person] if first[person] in twice else person for person in taken]

    def _take(self, queued: Queued, facts: Facts, said: Said) -> PersonId:
        person, new = take(self.ledger, queued.event, facts, said)
        if self.ledger.person(person).erased:
            return person
        note(self.ledger, queued.event, facts, said, person)
        if new:
            self._keep_key(person)
        return person

    def _keep_key(self, person: PersonId) -> None:
        """Give a new person a key; one that an interrupted batch stored for them is theirs already."""
        try:
            self._keys[person] = self._tools.data_key(person)
        except Unsealable:
            self._keys[person] = (1, self._tools.entropy(32))
            self.outcome.keys.append(NewKey(person, *self._keys[person]))

    def _key(self, person: PersonId) -> tuple[int, bytes]:
        return self._keys.get(person) or self._tools.data_key(person)

    def _part(self, person: PersonId, said: Said) -> Part:
        return Part(person, said.person, self.ledger.person(person).families)

    def _tell(self, queued: Queued, settled: Settled, persons: Sequence[PersonId]) -> None:
        """Tell families who is in them, and which sections to send, and ask about households that are too large.

        All of it again when the event comes again.
        """
        self.outcome.emits += [self._reviews.household(queued, tie) for tie in settled.too_wide]
        told: set[FamilyId] = set(settled.changed)
        told.update(family for person in persons for family in self.ledger.person(person).families)
        told.update(family for _, move in settled.moves for family in (move.left, move.joined))
        at = queued.received_at
        for family in sorted(told):
            known = self.ledger.people.family(family)
            if known is not None:
                value = encode(Members(family, known.version, known.members, at))
                self.outcome.emits.append(Emit(FAMILY_ITEMS, family, value))
        for person, move in settled.moves:
            value = encode(SendSection(move.left, person, move.joined, move.remove, move.version, at))
            self.outcome.emits.append(Emit(FAMILY_ITEMS, move.left, value))


def child_first(said: Sequence[Said]) -> tuple[Said, Said] | None:
    """Return the child and the other person of a stated relationship; None where it is not about two people."""
    if len(said) != 2:
        return None
    one, other = said
    return (other, one) if other.person.role == "child" and one.person.role != "child" else (one, other)
