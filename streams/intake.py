"""First stage: an agency's event against its contract; seen before or not; whose it is, where that is known.

What is known beyond doubt goes on, sealed, to the families' records. Everything else goes to the resolver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from consent.seal import Pseudonyms
from consent.sharing import category, sensitive_roles
from schemas.codec import check, decode, digest
from schemas.contract import Contract, contracts
from schemas.errors import Refusal
from schemas.framing import LARGEST_EVENT, check_size
from schemas.ids import EventKey, PersonId, PractitionerId
from schemas.people import KnownPerson
from schemas.records import CloudEvent, Facts, PersonAsKnown, Queued, Record, Remark, encode
from streams import sealed
from streams.intake_answers import AGREEMENT_EVIDENCE_MISSING, CONFLICT, Answers, Origin, QuarantineKey
from streams.intake_names import Directory, as_known, birth, usable
from streams.intake_split import DataKey, Entropy, Part, Reading, Splitter
from streams.outcome import Emit, Outcome, State
from streams.receipts import receipt_id
from streams.topology import IDENTITY_QUEUE, IN_FORWARDED

_HUB = "hearth_"  # headers that only the hub writes; a publisher's are dropped
AGENCY_HEADER = _HUB + "agency"
RECEIVED_HEADER = _HUB + "received_at"  # milliseconds since 1970, UTC
PLACE_HEADER = _HUB + "place"  # topic/partition/offset at which it first came


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What intake remembers of an event: its receipt's id, and where it came (topic, partition, offset).

    The receipt's id is an HMAC of the content's digest: the same for the same content, and telling nothing of it.
    """

    digest: str
    place: tuple[str, int, int]


@dataclass(frozen=True)
class Intake:
    """The stage. `state`: key → `Seen`, by what an event is filed under. Refusals go to quarantine; nothing else is
    caught.

    `typed_sources`: sources whose ids are unique per type of event only (their adapters say so). `largest`: bytes of
    a record's value, at which every way in stops, also one that comes by Kafka past the door.
    """

    names: Pseudonyms
    directory: Directory
    data_key: DataKey
    quarantine_key: QuarantineKey
    entropy: Entropy
    typed_sources: frozenset[str] = frozenset()
    largest: int = LARGEST_EVENT
    _reading: Reading = field(init=False)
    _splitter: Splitter = field(init=False)
    _answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reading", Reading(self.names, self.typed_sources))
        object.__setattr__(self, "_splitter", Splitter(self.data_key, self.entropy))
        object.__setattr__(self, "_answers", Answers(self.names, self.quarantine_key, self.entropy))

    def __call__(self, records: Sequence[Record], state: State[Seen]) -> Outcome:
        """Work through one partition's records of `in.<agency>` or `in.forwarded`, in order."""
        emits: list[Emit] = []
        for record in records:
            origin = origin_of(record)
            try:
                check_size(record.value, self.largest)
                event = decode(record)
            except Refusal as refusal:
                emits += self._answers.refused(record, origin, refusal, "", "quarantined")
            else:
                emits += self._read(record, origin, event, state)
        return Outcome(emits=emits)

    def _read(self, record: Record, origin: Origin, event: CloudEvent, state: State[Seen]) -> list[Emit]:
        key = self._reading.key(event, origin.agency)
        if record.key != key.encode():
            return [forward(record, origin, key)]
        content = digest(event)
        receipt = receipt_id(self.names, key, content)
        try:
            remarks = check(event, origin.agency)
            check_author(event, origin.agency, self.directory)
            _about_somebody(event)
        except Refusal as refusal:
            return self._answers.refused(record, origin, refusal, receipt, "quarantined", tier_of(event))
        now = Seen(receipt, origin.place)
        filed = sealed.filed_as(self.names, key, tier_of(event))
        before = state.get(filed)
        if before is None and filed != key:  # a sealed one may conflict with an open one, never the other way round
            before = state.get(key)
        if before is not None:
            return self._again(record, origin, receipt, before, now, tier_of(event))
        state.put(filed, now)
        return self._accept(origin, event, filed, content, receipt, remarks)

    def _again(
        self, record: Record, origin: Origin, receipt: str, before: Seen, now: Seen, tier: str
    ) -> list[Emit]:
        if before.digest != now.digest:
            return self._answers.refused(record, origin, CONFLICT, receipt, "conflict", tier)
        if before.place == now.place:
            return []
        return [self._answers.receipt(receipt, "duplicate", origin)]

    def _accept(
        self, origin: Origin, event: CloudEvent, key: EventKey, content: str, receipt: str, remarks: list[Remark]
    ) -> list[Emit]:
        contract = contracts()[event.type]
        facts = self._reading.facts(event, contract, origin.agency, content)
        said = as_known(event.data["about"]["persons"])
        parts = None if contract.goes == "people" else self._parts(origin.agency, said)
        if parts:
            emits = self._splitter.items(key, facts, parts, origin.received_at)
        else:
            emits = [queue(key, facts, said, origin.received_at)]
        if lacks_agreement(contract, facts, event):
            remarks = [*remarks, AGREEMENT_EVIDENCE_MISSING]
        emits.append(self._answers.receipt(receipt, "accepted", origin, tuple(remarks)))
        return emits

    def _parts(self, agency: str, said: tuple[PersonAsKnown, ...]) -> list[Part] | None:
        """Return everyone's part when everyone is known beyond doubt, and nobody twice; else None."""
        found = []
        for person in said:
            known = self._known(agency, person)
            if known is None:
                return None
            found.append(known)
        if len(found) > 1 and len({known.same_as or known.person for known in found}) < len(found):
            return None
        return [Part(known.person, person, known.families) for known, person in zip(found, said, strict=True)]

    def _known(self, agency: str, said: PersonAsKnown) -> KnownPerson | None:
        """Return who is said, beyond doubt and with a family."""
        found: set[PersonId] = set()
        for pseudonym in usable(self.names, agency, said):
            person = self.directory.identify(pseudonym)
            if person is None:
                return None
            if person:  # else declared invalid: not a key any more
                found.add(person)
        known = self._one(found)
        if known is None or known.erased or not known.families:
            return None
        born = birth(self.names, known.person, said)
        return known if born is None or born in known.born else None

    def _one(self, found: set[PersonId]) -> KnownPerson | None:
        """Return the one person whom all these ids stand for: of several ids the one that stands for the others."""
        each = [self.directory.person(person) for person in found]
        firsts = {known.same_as or known.person if known else None for known in each}
        if len(firsts) != 1:
            return None
        return each[0] if len(each) == 1 else self.directory.person(firsts.pop() or PersonId(""))


def check_author(event: CloudEvent, agency: str, directory: Directory) -> None:
    """Check what one role alone may say. Raises Refusal where the author is not of it, or says it in no such way."""
    by, about = contracts()[event.type].by, event.data["about"]
    if not by:
        return
    known = directory.practitioner(PractitionerId(event.data["said_by"]))
    if known is None or not known.active or (known.role, known.agency) != (by, agency):
        fix = f"Name a registered {by} of your agency, by their pseudonym at the hub"
        raise Refusal("data.said_by", "not-theirs-to-say", f"no {by} of yours who is known here says it", fix)
    if about["corrects"] or about["retracts"] or tier_of(event) == sealed.SEALED:
        fix = "Send it open, and say what ended it in an event of its own"
        raise Refusal("data.about", "stands-openly", "it is neither mended, taken back nor sealed", fix)


def tier_of(event: CloudEvent) -> str:
    """The tier that an event says it has; empty where it says none."""
    return str(event.data["about"].get("tier") or "")


def _about_somebody(event: CloudEvent) -> None:
    """Raise Refusal for an event that names nobody but who told of it: it would have no place in any record."""
    roles = {person["role"] for person in event.data["about"]["persons"]}
    if roles and roles <= sensitive_roles():
        raise Refusal("data.about.persons", "no-person", "it names nobody that it is about", "Name whom it is about")


def lacks_agreement(contract: Contract, facts: Facts, event: CloudEvent) -> bool:
    """Whether the event is shared for early help on an agreement that it does not refer to: by what was sent alone."""
    if facts.purpose != "early-help" or facts.ground is not None or not category(contract.category).welfare:
        return False
    return contract.goes == "timeline" and not event.data["about"].get("agreement_reference")


def origin_of(record: Record) -> Origin:
    """Return where, when and from whom a record first came. On `in.forwarded` only the hub says so."""
    place = (record.topic, record.partition, record.offset)
    if record.topic != IN_FORWARDED:
        return Origin(record.topic.removeprefix("in."), place, _instant(record.timestamp))
    said = {name: value.decode() for name, value in record.headers if name.startswith(_HUB)}
    if PLACE_HEADER in said:
        topic, partition, offset = said[PLACE_HEADER].rsplit("/", 2)
        place = (topic, int(partition), int(offset))
    return Origin(said[AGENCY_HEADER], place, _instant(int(said[RECEIVED_HEADER])))


def forward(record: Record, origin: Origin, key: EventKey) -> Emit:
    """Return the record as it came, under the key that its event has, with what the hub knows of its origin."""
    topic, partition, offset = origin.place
    kept = tuple([header for header in record.headers if not header[0].startswith(_HUB)])
    ours = (
        (AGENCY_HEADER, origin.agency.encode()),
        (RECEIVED_HEADER, str(round(origin.received_at.timestamp() * 1000)).encode()),
        (PLACE_HEADER, f"{topic}/{partition}/{offset}".encode()),
    )
    return Emit(IN_FORWARDED, key, record.value or b"", kept + ours)


def queue(key: EventKey, facts: Facts, said: tuple[PersonAsKnown, ...], received_at: datetime) -> Emit:
    """Return the event for the resolver. Its `data` is what the event says in common (`Facts`), in the clear."""
    queued = Queued(
        event=key,
        agency=facts.agency,
        source=facts.source,
        type=facts.type,
        digest=facts.digest,
        received_at=received_at,
        data=msgspec.to_builtins(facts),
        persons=said,
    )
    return Emit(IDENTITY_QUEUE, key, encode(queued))


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
