"""The policies as files, read and checked: Cedar text, its schema, and what each policy says of itself.

Every policy carries @id, @basis, @source, @effective and @note; a forbid its @outcome; a permit its @article_6,
@condition and @gateway. It may say @review, the days within which a person looks at such a decision afterwards, and
@checked("false") where its law was written down from memory; and @reads, a word that counts only while it is in
force. Anything else raises Misconfigured, so the hub does not
start on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import date
from hashlib import sha256
from pathlib import Path

import cedarpy
import msgspec

from consent import minimise, sharing
from consent.decision import Outcome
from schemas.errors import Misconfigured

HERE = Path(__file__).parent
_ALWAYS = ("id", "basis", "source", "effective", "note")
_PERMIT = ("article_6", "condition", "gateway")
# Life first, then duties, harm, and what rests on a power or on agreement; what only forbids comes last.
_ORDER = ("vital-interests", "duties", "duty-to-disclose", "significant-harm", "registers", "early-help", "powers")
_ENUM = re.compile(r"entity (\w+) enum \[(.*?)\]", re.DOTALL)


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Law that is made and not yet in force (switches.toml). Off without a date."""

    policy: str
    source: str
    on_from: date | None = None


class Policy(msgspec.Struct, frozen=True):
    """What one policy says of itself. `outcome` is SHARE for a permit, and a forbid's own otherwise."""

    id: str
    outcome: Outcome
    basis: str
    source: str
    effective: str
    note: str
    article_6: str = ""
    condition: str = ""
    gateway: str = ""
    review: int = 0
    checked: bool = True
    reads: str = ""


class Policies(msgspec.Struct, frozen=True):
    """The policies in force, and what they take out of what they share. `by_number` is in Cedar's own numbering;
    `words` are each enumeration's values."""

    text: str
    schema: str
    by_number: dict[str, Policy]
    words: dict[str, frozenset[str]]
    digest: str
    minimising: minimise.Rules


def switches(folder: Path = HERE) -> dict[str, Switch]:
    """Return every dated switch by its name. Raises Misconfigured where the file does not hold together."""
    try:
        return msgspec.toml.decode((folder / "switches.toml").read_bytes(), type=dict[str, Switch])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as wrong:
        raise Misconfigured(f"switches.toml: {wrong}") from wrong


def switched_on(on: date, folder: Path = HERE) -> tuple[str, ...]:
    """Return the switches that stand on this day by switches.toml."""
    return tuple(sorted(name for name, s in switches(folder).items() if s.on_from is not None and s.on_from <= on))


def load(on: Collection[str] = (), folder: Path = HERE) -> Policies:
    """Read the policies, and those behind the switches named in `on`. Raises Misconfigured if any does not hold."""
    paths = sorted([*folder.glob("*.cedar"), *_behind(on, folder)], key=_place)
    text = "\n".join(p.read_text("utf-8") for p in paths)
    schema, minimising = (folder / "hearth.cedarschema").read_text("utf-8"), minimise.read(folder)
    return read(text, schema, _digest(folder, paths), minimising)


def read(text: str, schema: str, digest: str = "", minimising: minimise.Rules | None = None) -> Policies:
    """Check policies against their schema, and return them. Raises Misconfigured if any does not hold.

    They take out what `minimising` says; what the hub's own rules do where it is left out.
    """
    try:
        checked = cedarpy.validate_policies(text, schema)
        said = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    except ValueError as wrong:
        raise Misconfigured(f"the policies cannot be read: {wrong}") from wrong
    if not checked.validation_passed:
        raise Misconfigured("the policies do not fit hearth.cedarschema: " + "; ".join(map(str, checked.errors)))
    by_number = {number: _policy(one) for number, one in said.items()}
    if len({p.id for p in by_number.values()}) != len(by_number):
        raise Misconfigured("two policies have one @id")
    return Policies(text, schema, by_number, _words(schema), digest, minimising or minimise.rules())


def _place(path: Path) -> tuple[int, str]:
    """Return a file's place in the order of thought: where several permits hold, the record names the first's."""
    return _ORDER.index(path.stem) if path.stem in _ORDER else len(_ORDER), path.name


def _behind(on: Collection[str], folder: Path) -> list[Path]:
    known = switches(folder)
    if unknown := set(on) - set(known):
        raise Misconfigured(f"no such switch in consent/policy/switches.toml: {sorted(unknown)}")
    return [folder / "switched" / known[name].policy for name in sorted(on) if known[name].policy]


def _policy(said: dict[str, object]) -> Policy:
    notes = said.get("annotations")
    permits = said["effect"] == "permit"
    asked = _ALWAYS + (_PERMIT if permits else ("outcome",))
    if not isinstance(notes, dict) or any(not notes.get(name) for name in asked):
        named = notes.get("id", "?") if isinstance(notes, dict) else "?"
        raise Misconfigured(f"policy {named}: it must say each of {', '.join('@' + a for a in asked)}")
    outcome = "share" if permits else notes["outcome"]
    try:
        return msgspec.convert({**notes, "outcome": outcome}, Policy, strict=False)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"policy {notes['id']}: {wrong}") from wrong


def _words(schema: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(re.findall(r'"([^"]+)"', values)) for name, values in _ENUM.findall(schema)}


def _digest(folder: Path, paths: Collection[Path]) -> str:
    """Return the SHA-256 over every file that a ruling rests on: policies, schema, minimisation, agreements."""
    every = [*paths, folder / "hearth.cedarschema", folder / "minimise.toml", *sharing.files()]
    digest = sha256()
    for path in every:
        content = path.read_bytes()
        digest.update(f"{path.name}:{len(content)}:".encode() + content)
    return digest.hexdigest()
