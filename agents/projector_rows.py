"""One function per table of the projection: a record as it stands on its topic, its row.

Each raises msgspec's errors for a body that is not what its topic holds; the projector counts those and goes on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from consent.decision import decode as decode_decision
from consent.log.entry import erasure, head
from schemas.errors import Refusal
from schemas.people import decode_people
from schemas.records import Item, Record, Tick, decode_family, decode_quarantined, decode_receipt, decode_review
from streams.notice import decode_alert_record
from streams.topology import DECISIONS, DECISIONS_SEALED, QUARANTINE_SEALED, REVIEW_SEALED

Row = dict[str, Any]
SEALED_REASON = "sealed/"  # begins the reason of what is for those cleared alone (agents/queries.py)


def family_record(record: Record) -> Row | None:
    said = decode_family(record.value or b"")
    if isinstance(said, Tick):  # no family's own; a reader that needs the time says it
        return None
    item = said if isinstance(said, Item) else None
    return {
        "number": record.partition,
        "place": record.offset,
        "family": said.family,
        "kind": said.__struct_config__.tag,
        "item": item.id if item else None,
        "person": getattr(said, "person", None),
        "received_at": _ms(said.received_at),
        "key_version": getattr(said, "key_version", None),
        "body": record.value,
    }


def known(record: Record) -> Row | None:
    if record.value is None:
        return None
    said = decode_people(record.value)
    key, kind = (record.key or b"").decode(), said.__struct_config__.tag
    return {"key": key, "kind": kind, "version": said.version, "body": record.value}


def decision(record: Record) -> Row:
    said = decode_decision(record.value or b"")
    return {
        "id": said.id,
        "log": said.log,
        "stage": said.stage,
        "outcome": said.outcome.value,
        "family": said.family,
        "event": said.event,
        "item": said.items[0] if len(said.items) == 1 else None,
        "recipient": said.recipient,
        "role": said.role,
        "publisher": said.publisher,
        "category": said.category,
        "purpose": said.purpose,
        "decided_at": _ms(said.decided_at),
        "place": record.offset,
        "ground": said.harm_threshold or "none",
        "law": "; ".join(part for part in (said.gateway, said.article_6) if part),
        "rules": f" {' '.join(said.rules)} ",
        "agreement_state": said.agreement_state or "none",
        "decided_by": said.decided_by,
        "body": record.value,
    }


def erased(record: Record) -> str:
    """Return the id of the decision that the erasure `record` takes away; "" where it is no erasure."""
    if record.topic not in (DECISIONS, DECISIONS_SEALED) or b'"erases"' not in (record.value or b""):
        return ""
    try:
        read = head(record.value or b"")
    except Refusal:
        return ""
    said = erasure(read, read.erases.index + 1) if read.erases else None
    return said.id if said else ""


def alert(record: Record) -> Row:
    said = decode_alert_record(record.value or b"")
    return {
        "id": said.id,
        "revision": said.revision,
        "family": said.family,
        "scope": said.scope,
        "subscriber": said.subscriber,
        "recipient": said.recipient,
        "clearance": said.clearance,
        "rule": said.rule,
        "level": said.level,
        "status": said.status,
        "raised_at": _ms(said.raised_at),
        "changed_at": _ms(said.changed_at),
        "body": record.value,
    }


class _OutcomeHead(msgspec.Struct):
    alert: str


_decode_outcome_head = msgspec.json.Decoder(_OutcomeHead).decode


def alert_outcome(record: Record) -> Row:
    said = _decode_outcome_head(record.value or b"")
    place = {"number": record.partition, "place": record.offset}
    return {**place, "alert": said.alert, "at": record.timestamp, "body": record.value}


class _CaseHead(msgspec.Struct):
    case: str
    log: str = "main"


_decode_case_head = msgspec.json.Decoder(_CaseHead).decode


def ig_case(record: Record) -> Row:
    said = _decode_case_head(record.value or b"")
    place = {"number": record.partition, "place": record.offset}
    return {**place, "case": said.case, "log": said.log, "body": record.value}


def receipt(record: Record) -> Row:
    said = decode_receipt(record.value or b"")
    return {
        "id": said.id,
        "status": said.status,
        "agency": said.agency,
        "received_at": _ms(said.received_at),
        "warnings": len(said.warnings),
        "body": record.value,
    }


def quarantined(record: Record) -> Row:
    said = decode_quarantined(record.value or b"")
    return {
        "id": said.id,
        "agency": said.agency,
        "received_at": _ms(said.received_at),
        "path": said.path[:400],
        "code": SEALED_REASON + said.code if record.topic == QUARANTINE_SEALED else said.code,
        "body": record.value,
    }


def review(record: Record) -> Row:
    said = decode_review(record.value or b"")
    at = _ms(said.received_at)
    reason = SEALED_REASON + said.reason if record.topic == REVIEW_SEALED else said.reason
    return {"id": said.id, "event": said.event, "reason": reason, "received_at": at, "body": record.value}


def checkpoint(record: Record) -> Row:
    log = (record.key or b"").decode()
    return {"place": record.offset, "log": log, "written_at": record.timestamp, "body": record.value}


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
