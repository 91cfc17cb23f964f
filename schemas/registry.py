"""The core of a schema registry (Confluent's API): it gives out the pinned schemas and refuses any other.

A stock serializer registers what it is about to write: a POST of a pinned schema returns its id, under whatever
subject the client's naming strategy makes up. Subjects listed here are by record name. Nothing is ever stored.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from fastavro.schema import to_parsing_canonical_form

from schemas.compatibility import LEVEL, canonical, reads_all
from schemas.contract import Written, written

Answer = tuple[int, Any]
Body = dict[str, Any] | None

_TAKE = "Only the pinned schemas are known: take the contract from GET /subjects/{type}/versions/latest"


def answer(method: str, path: str, body: Body) -> Answer:
    """Return (HTTP status, JSON) for one request. An error is `{"error_code", "message"}`, as Confluent's are."""
    parts = tuple(unquote(part) for part in path.partition("?")[0].strip("/").split("/") if part)
    if method == "GET":
        return _get(parts)
    if method == "POST":
        return _post(parts, body)
    return _error(405, 42205, "Schemas are pinned in the hub's repository; nothing is changed through this API")


def _get(parts: tuple[str, ...]) -> Answer:
    match parts:
        case ():
            return 200, {}
        case ("subjects", *rest):
            return _get_subject(tuple(rest))
        case ("schemas", *rest):
            return _get_schema(tuple(rest))
        case ("config",) | ("config", _):
            return 200, {"compatibilityLevel": LEVEL}
        case ("mode",) | ("mode", _):
            return 200, {"mode": "READONLY"}
        case ("contexts",):
            return 200, ["."]
    return _NOTHING_HERE


def _get_subject(parts: tuple[str, ...]) -> Answer:
    match parts:
        case ():
            return 200, sorted(_subjects())
        case (subject, "versions"):
            return _of_subject(subject, lambda versions: [version.version for version in versions])
        case (subject, "versions", version):
            return _of_version(subject, version, _described)
        case (subject, "versions", version, "schema"):
            return _of_version(subject, version, lambda found: found.schema)
        case (subject, "versions", version, "referencedby"):
            return _of_version(subject, version, lambda _: [])
    return _NOTHING_HERE


def _get_schema(parts: tuple[str, ...]) -> Answer:
    match parts:
        case ():
            return 200, [_described(found) for found in written().values()]
        case ("types",):
            return 200, ["AVRO"]
        case ("ids", schema_id, *rest):
            return _by_id(schema_id, tuple(rest))
        case ("guids", guid):
            found = next((version for version in written().values() if _guid(version) == guid.lower()), None)
            return (200, _described(found)) if found else _error(404, 40403, "There is no schema of this GUID")
    return _NOTHING_HERE


def _post(parts: tuple[str, ...], body: Body) -> Answer:
    match parts:
        case ("subjects", subject):
            return _register(subject, body, _error(404, 40403, "This schema is not pinned"))
        case ("subjects", subject, "versions"):
            return _register(subject, body, _error(409, 409, _TAKE))
        case ("compatibility", "subjects", subject, "versions", version):
            return _of_version(subject, version, lambda found: [found], then=lambda found: _compatible(found, body))
        case ("compatibility", "subjects", subject, "versions"):
            return _of_subject(subject, lambda versions: versions, then=lambda found: _compatible(found, body))
    return _error(405, 42205, "Schemas are pinned in the hub's repository; nothing is changed through this API")


# ------------------------------------------------------------------ reading


@lru_cache(maxsize=1)
def _subjects() -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = {}
    for version in sorted(written().values(), key=lambda version: version.version):
        found.setdefault(version.type, []).append(version)
    return found


def _described(found: Written) -> dict[str, Any]:
    text = json.dumps(found.schema)
    named = {"subject": found.type, "version": found.version, "id": found.id, "guid": _guid(found)}
    return {**named, "schemaType": "AVRO", "schema": text}


def _guid(found: Written) -> str:
    """Newer clients ask for one; it is derived from the schema, so it never changes either."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{found.type}/{found.version}"))


def _of_subject(
    subject: str, give: Callable[[list[Written]], Any], then: Callable[[Any], Answer] = lambda found: (200, found)
) -> Answer:
    versions = _subjects().get(subject)
    return then(give(versions)) if versions else _error(404, 40401, "There is no such subject")


def _of_version(
    subject: str, said: str, give: Callable[[Written], Any], then: Callable[[Any], Answer] = lambda found: (200, found)
) -> Answer:
    versions = _subjects().get(subject)
    if not versions:
        return _error(404, 40401, "There is no such subject")
    if said in ("latest", "-1"):
        return then(give(versions[-1]))
    if not _is_number(said):
        return _error(422, 42202, "A version is a number, or latest")
    found = next((version for version in versions if version.version == int(said)), None)
    return then(give(found)) if found else _error(404, 40402, "There is no such version")


def _by_id(said: str, rest: tuple[str, ...]) -> Answer:
    found = written().get(int(said)) if _is_number(said) else None
    if found is None:
        return _error(404, 40403, "There is no schema of this id")
    match rest:
        case ():
            return 200, _described(found)
        case ("schema",):
            return 200, found.schema
        case ("subjects",):
            return 200, [found.type]
        case ("versions",):
            return 200, [{"subject": found.type, "version": found.version}]
    return _NOTHING_HERE


def _is_number(said: str) -> bool:
    return said.isascii() and said.isdecimal() and len(said) < 10


# ------------------------------------------------------------------ what a client wants to register


def _register(subject: str, body: Body, absent: Answer) -> Answer:
    """Return the pinned schema that `body` carries under `subject`; `absent` where it is not pinned there."""
    said = _canonical(body)
    if said is None:
        return _NOT_A_SCHEMA
    found = _pinned().get(said)
    if found is None or (subject in _subjects() and subject != found.type):
        return absent
    return 200, {**_described(found), "subject": subject}


def _canonical(body: Body) -> str | None:
    """Return the canonical form of the schema that `body` carries; None where it carries none."""
    said = body.get("schema") if isinstance(body, dict) else None
    if not isinstance(said, str) or not isinstance(body, dict) or body.get("schemaType", "AVRO") != "AVRO":
        return None
    return canonical(said)


def _compatible(versions: list[Written], body: Body) -> Answer:
    """Say whether the schema sent could read what every one of `versions` wrote."""
    if _canonical(body) is None:
        return _NOT_A_SCHEMA
    return 200, {"is_compatible": reads_all((body or {})["schema"], [json.dumps(v.schema) for v in versions])}


@lru_cache(maxsize=1)
def _pinned() -> dict[str, Written]:
    """Return every pinned schema by its parsing canonical form; of two that are alike there, the newest."""
    ordered = sorted(written().values(), key=lambda version: version.version)
    return {to_parsing_canonical_form(version.schema): version for version in ordered}


def _error(status: int, code: int, message: str) -> Answer:
    return status, {"error_code": code, "message": message}


_NOT_A_SCHEMA = _error(422, 42201, "It is not an Avro schema in the field `schema`")
_NOTHING_HERE = _error(404, 404, "There is nothing at this path")
