"""Events on the wire ↔ `CloudEvent`: the one way in for every transport.

On Kafka: binary mode (`ce_*` headers, Confluent-framed Avro) or structured mode (`application/cloudevents+json`).
Everything that is wrong is a `Refusal` with the exact path and a fix, and never holds a value from the record.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import msgspec

from schemas import cloudevents, fields, framing, wire
from schemas.checking import check
from schemas.cloudevents import AVRO, PREFIX, STRUCTURED
from schemas.contract import Contract, contracts
from schemas.errors import Refusal
from schemas.meaning import signs
from schemas.records import CloudEvent, Record

__all__ = ["check", "decode", "digest", "encode_binary", "encode_structured", "from_json", "signs", "to_json"]

_AVRO_TYPES = frozenset(("", AVRO, "avro/binary", "application/vnd.apache.avro+binary", "application/octet-stream"))
_canonical = msgspec.json.Encoder(order="sorted").encode
_UTC = "+00:00"


def decode(record: Record) -> CloudEvent:
    """Return the event that `record` carries. Raises `Refusal`, and nothing else, whatever the bytes."""
    headers = cloudevents.read_headers(record.headers)
    if headers.content_type == STRUCTURED:
        return from_json(_json(record.value))
    event = cloudevents.attributes_of(headers.attributes)
    data = _data(event.type, headers, record)
    return CloudEvent(event.id, event.source, event.type, data, event.time, event.extensions)


def from_json(event: Any) -> CloudEvent:
    """Return a structured-mode event (a JSON object, decoded) as typed data. Raises `Refusal` with the exact path."""
    if type(event) is not dict:
        raise Refusal("event", "wrong-type", "it is not a JSON object", "Send one CloudEvent as a JSON object")
    found = {name: value for name, value in event.items() if name != "data_base64"}
    if len(found) != len(event):
        raise Refusal("data_base64", "not-json-data", "the data is not JSON", "Send JSON data in `data`")
    envelope = cloudevents.attributes_of(cloudevents.attributes_in(found))
    data = _typed(envelope.type, event.get("data"))
    return CloudEvent(envelope.id, envelope.source, envelope.type, data, envelope.time, envelope.extensions)


def to_json(event: CloudEvent) -> dict[str, Any]:
    """Return `event` as a structured-mode JSON object; `from_json` of it is `event`."""
    found: dict[str, Any] = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type}
    if event.time is not None:
        found["time"] = msgspec.to_builtins(event.time)
    return {**found, **event.extensions, "datacontenttype": "application/json", "data": msgspec.to_builtins(event.data)}


def encode_binary(event: CloudEvent, contract: Contract | None = None, topic: str = "") -> Record:
    """Return `event` as a Kafka record without key: `ce_*` headers, Confluent-framed Avro. Raises `Refusal`."""
    contract = contract or contracts().get(event.type)
    if contract is None:
        raise cloudevents.unknown_type(event.type)
    said = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type, **event.extensions}
    if event.time is not None:
        said["time"] = event.time.isoformat().replace(_UTC, "Z")
    headers = [(PREFIX + name, value.encode()) for name, value in said.items()]
    value = framing.frame(contract.schema_id, wire.write(event.type, event.data))
    return Record(topic, None, value, (*headers, ("content-type", AVRO.encode())))


def encode_structured(event: CloudEvent, topic: str = "") -> Record:
    """Return `event` as a Kafka record without key, in structured mode."""
    return Record(topic, None, msgspec.json.encode(to_json(event)), (("content-type", STRUCTURED.encode()),))


def digest(event: CloudEvent) -> str:
    """Return the digest of what `event` says: 32 hex characters of SHA-256 over its type and typed data.

    The same for Avro and JSON, whatever the order of fields; `time` and the other attributes do not count.
    It is unkeyed, so it is only ever stored inside a seal or under an HMAC: by itself it would let someone who
    guesses an event confirm it.
    """
    return hashlib.sha256(_canonical((event.type, event.data))).hexdigest()[:32]


def _data(type: str, headers: cloudevents.Headers, record: Record) -> dict[str, Any]:  # noqa: A002
    if record.value is None:
        raise Refusal("data", "missing", "the record has no value", "To take an event back, retract it")
    if headers.content_type in _AVRO_TYPES:
        schema_id, start = framing.unframe(record.value, headers.schema_id)
        return wire.read(schema_id, type, record.value, start)
    if headers.content_type == "application/json":
        return _typed(type, _json(record.value))
    raise Refusal("content-type", "unknown-content-type", "it is neither Avro nor JSON", f"Send {AVRO} or {STRUCTURED}")


def _typed(type: str, data: Any) -> dict[str, Any]:  # noqa: A002
    if data is None:
        raise Refusal("data", "missing", "the event has no data", "Send the data itself; the hub fetches nothing")
    try:
        found: dict[str, Any] = _reader(type)(data)
    except Refusal as refusal:
        raise fields.inside("data", refusal) from None
    return found


@lru_cache(maxsize=256)
def _reader(type: str) -> fields.Reader:  # noqa: A002
    return fields.compile_reader(contracts()[type].schema)


def _json(value: bytes | None) -> Any:
    try:
        return msgspec.json.decode(value or b"")
    except RecursionError:
        raise Refusal("value", "too-deep", "it is nested too deeply", "Send the contract's own shape") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refusal("value", "not-json", "it is not JSON in UTF-8", "Send one JSON object, UTF-8") from None
