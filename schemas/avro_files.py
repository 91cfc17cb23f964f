"""Reading the .avsc files: names inlined at first use, so that each contract stands by itself, and fingerprints."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from schemas.errors import Misconfigured

FOLDER = Path(__file__).parent / "avro"
COMMON = "hearth.common"
_PART_OF_FINGERPRINT = ("type", "name", "namespace", "fields", "items", "logicalType", "default")


def read_all(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Return every current contract by full name, self-contained. Raises `Misconfigured`."""
    files = [read(path) for path in sorted(folder.rglob("*.avsc")) if path.parent.name != "previous"]
    named = {full_name(schema): schema for schema in files}
    if len(named) != len(files):
        raise Misconfigured("two .avsc files define one name")
    return {name: _inline(schema, named, set()) for name, schema in named.items() if not _is_common(name)}


def read_previous(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Return the earlier versions that are kept: self-contained as they stand."""
    return [read(path) for path in sorted((folder / "previous").glob("*.avsc"))]


def read(path: Path) -> dict[str, Any]:
    """Return one .avsc file. Raises `Misconfigured` when it is not a record in JSON."""
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Misconfigured(f"{path.name}: not JSON ({error})") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise Misconfigured(f"{path.name}: not an Avro record")
    return schema


def full_name(schema: dict[str, Any]) -> str:
    """Return `namespace.name`, which is the CloudEvents type too."""
    return f"{schema['namespace']}.{schema['name']}"


def fingerprint(schema: dict[str, Any]) -> str:
    """Return SHA-256 (hex) of what readers and writers depend on: docs and the hub's own properties do not count."""
    text = json.dumps(_bare(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_common(name: str) -> bool:
    return name.rpartition(".")[0] == COMMON


def _inline(schema: Any, named: dict[str, dict[str, Any]], seen: set[str]) -> Any:
    if isinstance(schema, str) and schema in named:
        if schema in seen:
            return schema
        seen.add(schema)
        return _inline(named[schema], named, seen)
    if isinstance(schema, list):
        return [_inline(branch, named, seen) for branch in schema]
    if isinstance(schema, dict):
        return {key: _inline_part(key, value, named, seen) for key, value in schema.items()}
    return schema


def _inline_part(key: str, value: Any, named: dict[str, dict[str, Any]], seen: set[str]) -> Any:
    if key == "fields":
        return [{**field, "type": _inline(field["type"], named, seen)} for field in value]
    return _inline(value, named, seen) if key in ("type", "items") else value


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(branch) for branch in schema]
    if isinstance(schema, dict):
        return {key: _bare(schema[key]) for key in _PART_OF_FINGERPRINT if key in schema}
    return schema


def records(schema: Any) -> dict[str, dict[str, Any]]:
    """Return every record in a self-contained schema by full name."""
    found: dict[str, dict[str, Any]] = {}
    if isinstance(schema, list):
        for branch in schema:
            found |= records(branch)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            found[full_name(schema)] = schema
        for part in [schema.get("items"), *(field["type"] for field in schema.get("fields", ()))]:
            found |= records(part)
    return found


def plain(schema: Any, named: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return `schema` as a mapping with "type": names looked up, `[null, X]` as X."""
    if isinstance(schema, list):
        return plain(next(branch for branch in schema if branch != "null"), named)
    if isinstance(schema, str):
        return named.get(schema, {"type": schema})
    inner: dict[str, Any] = schema
    return inner
