"""Which format a file is in, by what stands in it: its name may lie (XML is often called .json)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from agents.partners import encompass
from agents.partners.documents import Document, documents
from agents.partners.sheet import form_of
from agents.partners.signal_forms import is_signal
from agents.partners.source import Source

UNKNOWN = "unknown"
_ROOT = re.compile(r"<(?:[A-Za-z0-9_.-]+:)?([A-Za-z][A-Za-z0-9_.-]*)[\s>/]")
_SHEETS = {
    "sessions": "register-csv",
    "grid": "register-csv",
    "class-list": "class-list-csv",
    "encompass": "encompass-csv",
}
_XML = {"Message": "cin-census", "Bundle": "nhs-nems"}
_TRIED = 3


def format_of(source: Source, columns: str | None = None) -> str:
    """Return the name of a file's format, `unknown` where none fits."""
    head = source.head.decode(source.encoding, "replace").lstrip("\ufeff \t\r\n\0")
    if not head:
        return "register-csv" if source.name.lower().endswith(".csv") else UNKNOWN
    if head.startswith("<"):
        return _xml(head)
    if head[0] in '{["' and (found := _json(source, head)):
        return found
    return _SHEETS.get(form_of(source, columns), UNKNOWN)


def _xml(head: str) -> str:
    """The first element that is a format's root; in a SOAP envelope it may be escaped as text."""
    names = _ROOT.findall(head.replace("&lt;", "<").replace("&gt;", ">"))
    return next((_XML[name] for name in names if name in _XML), UNKNOWN)


def _json(source: Source, head: str) -> str:
    for value in _values(source, head):
        if is_signal(value):
            return "nhs-mns"
        if isinstance(value, dict):
            if "resourceType" in value or _has_patches(value):
                return "fhir"
            if "specversion" in value:
                return "cloudevents"
            if encompass.is_notice(value):
                return "encompass-json"
    # broken JSON is still JSON: its problem should be told as such
    return (
        ""
        if head[0] == '"' and not head.startswith('"{') and not head.startswith('"[') and "," in head
        else _by_words(head)
    )


def _values(source: Source, head: str) -> Iterator[Any]:
    """The first values of the file, as far as its head goes."""
    if len(source.head) < 1 << 16:
        parts = [part for part in documents(source) if isinstance(part, Document)]
        yield from (part.value for part in parts[:_TRIED])
        return
    start = re.search(r"[{]", head)
    text = head[start.start() :] if start else ""
    try:
        yield json.JSONDecoder().raw_decode(text)[0]
    except (json.JSONDecodeError, RecursionError):
        return


def _has_patches(value: dict[str, Any]) -> bool:
    return isinstance(value.get("patches"), list)


def _by_words(head: str) -> str:
    for word, name in (
        ('"resourceType"', "fhir"),
        ('"specversion"', "cloudevents"),
        ('"nhsNumber"', "nhs-mns"),
        ('"dataref"', "nhs-mns"),
        ('"persons"', "encompass-json"),
    ):
        if word in head.replace('\\"', '"'):
            return name
    return "cloudevents"
