"""What those see who work with families, those who publish, and those who count: of one world."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from agents.alerting import AlertSaid
from agents.breaking import BreakGlass
from agents.commands.held import told_to
from agents.rehearsal import TYPED_SOURCES
from consent.agreement_record import consent_records
from consent.log.merkle import complete_root, leaf_hash
from consent.seal import Pseudonyms
from schemas import records
from schemas.codec import decode, digest, encode_binary
from schemas.ids import FamilyId
from schemas.people import KnownPractitioner
from streams import topology
from streams.identity.reviews import Reviews
from streams.intake_names import as_known, event_key
from streams.receipts import receipt_id
from tests.worlds.desk import Desk, zeros
from tests.worlds.history import AGENCIES, PURPOSES, Script

SUBSCRIBERS = ("duty", "early-help", "health", "school", "ig")


def shown(desk: Desk) -> Iterator[tuple[str, Any]]:
    """Yield each thing that is shown to somebody, with its name."""
    yield from _looks(desk)
    yield "people, families and practitioners", _plain(desk, topology.PEOPLE)
    yield "quarantine", _plain(desk, topology.QUARANTINE)
    yield "review", _plain(desk, topology.REVIEW)
    for subscriber in SUBSCRIBERS:
        every = desk.hub.trace.topics[topology.alerts_to(subscriber)]
        told = [(r.key, r.headers, len(r.value or b""), desk.hub.open_alert(r)) for r in every]
        yield f"alerts to {subscriber}", told
    hidden = _hidden_receipts(desk.hub.names, desk.script)
    for agency in AGENCIES:
        every = [records.decode_receipt(r.value or b"") for r in desk.hub.trace.topics[topology.receipts(agency)]]
        yield f"receipts to {agency}", [r for r in every if r.id not in hidden]
    yield "decisions", [r.value for r in desk.hub.trace.topics[topology.DECISIONS]]
    yield "checkpoint", _head(desk)
    known = {one.encode() for one in _every_alert(desk)}
    yield "what became of alerts", [r.value for r in desk.hub.trace.topics[topology.ALERT_OUTCOMES] if r.key in known]
    yield from _counts(desk)


# ------------------------------------------------------------------ practitioners


def _looks(desk: Desk) -> Iterator[tuple[str, Any]]:
    """What everybody does here; of those cleared only what the open log keeps of it."""
    for number, worker in enumerate(desk.script.cast.workers):
        reader = desk.hub.people.practitioner(desk.hub.names.practitioner(worker.agency, worker.id))
        if reader is None:
            continue
        told = [*_timelines(desk, reader, number), *_finds(desk, reader, number), *_alerts(desk, reader)]
        if number == desk.script.breaks_glass:
            told += _breaks_glass(desk, reader)
        if worker not in desk.script.cast.cleared:
            yield f"what {reader.role} of {reader.subscriber} sees", told
    desk.project()


def _timelines(desk: Desk, reader: KnownPractitioner, number: int) -> Iterator[Any]:
    """Every family's, for one purpose or the other; and the agreements of some."""
    now = desk.script.end
    for place, family in enumerate(families(desk), number):
        yield desk.reading.look(reader, family, PURPOSES[place % 2], now)
        if place % 3 == 0:
            agreed = desk.reading.agreements(reader, family, PURPOSES[0], now, now)
            every = agreed.agreements if agreed else ()
            yield agreed, [consent_records(family, one, now.date(), now) for one in every]


def _finds(desk: Desk, reader: KnownPractitioner, number: int) -> Iterator[Any]:
    people = desk.script.cast.people
    (said,) = as_known([people[number % len(people)].said(reader.agency, "subject")])
    for purpose, reason in ((PURPOSES[0], "cannot-be-reached"), (PURPOSES[1], "")):
        yield desk.reading.find(reader, said, purpose, desk.script.end, reason)


def _alerts(desk: Desk, reader: KnownPractitioner) -> Iterator[Any]:
    """Those that stand with them, what each says, and what they say of it; those of others are not there."""
    now, mine = desk.script.end + timedelta(minutes=1), desk.alerting.mine(reader)
    yield mine
    yield [desk.alerting.of(reader, one) for one in _every_alert(desk)]
    for one in mine:
        yield desk.alerting.open(reader, one, now)
        desk.alerting.say(AlertSaid(one.id, one.revision, "acknowledged", reader.practitioner, now))


def _every_alert(desk: Desk) -> list[str]:
    """The ids of all alerts that anybody not cleared could have heard of."""
    return sorted(one.id for one in desk.queries.alerts_for() if one.clearance != "sealed")


def _breaks_glass(desk: Desk, reader: KnownPractitioner) -> Iterator[Any]:
    glass = BreakGlass(
        desk.reading, desk.queries, Reviews(desk.hub.names, lambda _, __: ("quarantine", bytes(32)), zeros)
    )
    for family in families(desk):
        yield glass.open(reader, family, "life-at-risk", "Not breathing", desk.script.end)
        desk.project()
        yield glass.again(reader, family, desk.script.end)


def families(desk: Desk) -> list[FamilyId]:
    """Return the families of the people in the history, as they are known openly."""
    found: dict[FamilyId, None] = {}
    for person in desk.script.cast.people:
        name = desk.hub.people.identify(desk.hub.names.identifier("nhs-number", person.nhs, "health"))
        known = desk.hub.people.person(name) if name else None
        found |= dict.fromkeys(known.families if known else ())
    return list(found)


# ------------------------------------------------------------------ topics and counts


def _counts(desk: Desk) -> Iterator[tuple[str, Any]]:
    queries = desk.queries
    yield "burden", queries.burden()
    yield "standing", queries.standing()
    yield "decided", queries.decided()
    yield "in review", (queries.review(), queries.review_counts())
    yield "in quarantine", (queries.quarantine(), queries.quarantine_counts())
    yield "held", told_to(queries.held(), "normal")
    yield "families", queries.families()
    for agency in sorted(set(AGENCIES) - desk.script.publishers()):
        yield f"receipts counted for {agency}", queries.receipt_counts(agency)


def _plain(desk: Desk, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    return [(r.key, r.value) for r in desk.hub.trace.topics[topic]]


def _head(desk: Desk) -> tuple[int, bytes]:
    leaves = [leaf_hash(r.value or b"") for r in desk.hub.trace.topics[topology.DECISIONS]]
    size = 1
    while size < len(leaves):
        size *= 2
    return len(leaves), complete_root(leaves + [bytes(32)] * (size - len(leaves)))


def _hidden_receipts(names: Pseudonyms, script: Script) -> set[str]:
    """The receipts of the sealed events: their publisher's own."""
    hidden = [(t.agency, decode(encode_binary(t.event, topic="in"))) for t in script.told if t.hidden]
    keys = [(event_key(names, TYPED_SOURCES, a, e.source, e.id, e.type), digest(e)) for a, e in hidden]
    return {receipt_id(names, key, content) for key, content in keys}
