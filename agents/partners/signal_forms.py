"""The forms a signal comes in: CloudEvents style, the older object without `specversion`, the FHIR history bundle."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from agents.partners.words import clean

VERSIONED = re.compile(r"(?P<stem>[a-z][a-z-]{0,62}[a-z])-(?P<version>\d{1,3})")


class Signal(msgspec.Struct, frozen=True):
    """A signal, whichever form it came in."""

    id: str
    type: str
    source: str
    time: str
    subject: dict[str, Any]
    dataref: str
    data: dict[str, Any]


def is_signal(value: Any) -> bool:
    """Tell whether a JSON value is a signal, or the history bundle that one comes in."""
    if not isinstance(value, dict):
        return False
    if value.get("resourceType") == "Bundle":
        return _notification(value) is not None
    said = value.get("type")
    if isinstance(said, str) and said.startswith("hearth."):
        return False
    old = isinstance(value.get("subject"), dict) and "nhsNumber" in value["subject"]
    return isinstance(said, str) and (old or "dataref" in value or VERSIONED.fullmatch(said) is not None)


def signal_in(value: Any) -> Signal | None:
    """Return the signal in a JSON value, None where there is none."""
    if not isinstance(value, dict):
        return None
    if value.get("resourceType") == "Bundle":
        return _from_bundle(value)
    subject, data = value.get("subject"), value.get("data")
    known = subject if isinstance(subject, dict) else {"nhsNumber": subject}
    data = data if isinstance(data, dict) else {}
    dataref = clean(value.get("dataref") or data.get("fullUrl"))
    return Signal(
        clean(value.get("id")),
        clean(value.get("type")),
        _uri(value.get("source")),
        clean(value.get("time")),
        known,
        dataref,
        data,
    )


def _uri(source: Any) -> str:
    """The older form's source is an object with an identifier; the newer form writes that as system/value."""
    if not isinstance(source, dict):
        return clean(source)
    identifier = source.get("identifier")
    identifier = identifier if isinstance(identifier, dict) else {}
    return f"{clean(identifier.get('system'))}/{clean(identifier.get('value'))}"


def _from_bundle(bundle: dict[str, Any]) -> Signal | None:
    parts = _notification(bundle)
    if parts is None:
        return None
    subject = _part(parts.get("subject"), "valueReference", "identifier")
    focus = _part(parts.get("focus"), "valueReference")
    time = clean(_part(parts.get("timestamp")).get("valueInstant")) or clean(bundle.get("timestamp"))
    return Signal(
        clean(bundle.get("id")),
        clean(_part(parts.get("event-type")).get("valueString")),
        clean(_part(parts.get("source")).get("valueUri")),
        time,
        {"nhsNumber": subject.get("value")},
        clean(focus.get("reference")),
        {},
    )


def _notification(bundle: dict[str, Any]) -> dict[str, Any] | None:
    """Return the parts of the bundle's notification by name, or None where it is another bundle."""
    for entry in _list(bundle.get("entry")):
        resource = _part(entry, "resource")
        if resource.get("resourceType") == "Parameters":
            parts = [p for parameter in _list(resource.get("parameter")) for p in _list(_part(parameter).get("part"))]
            named = {p["name"]: p for p in parts if isinstance(p, dict) and isinstance(p.get("name"), str)}
            if "event-type" in named:
                return named
    return None


def _part(value: Any, *names: str) -> dict[str, Any]:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
