"""Code lists: schemas/codes/*.toml, each with its source. What a code means to the hub stands beside it, as signs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from schemas.checks import snomed_ok
from schemas.errors import Misconfigured

FOLDER = Path(__file__).parent / "codes"
_EXTRA = frozenset(("class", "provisional", "sector", "replaced_by"))
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """One code. `since` (in the file: `from`) is the first day it may be used, `until` the first day it may not.

    `signs` are what it means to the hub (schemas/codes/signs.toml). `checked` is false where no source has been read.
    `extra` holds what one list says beside: `class` (how an attendance code counts: present | authorised |
    unauthorised | not-possible | unable), `provisional` (true: a correction is expected), `sector` (of a practitioner
    role: statutory | voluntary), `replaced_by` (another code of the list).
    """

    label: str
    code: str = ""
    signs: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    checked: bool = True
    extra: dict[str, Any] = {}

    def valid(self, on: date) -> bool:
        """Return whether it may be used on `on`."""
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)


class CodeList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One list. `open` lets in codes that do not stand in it: `name` any kebab-case name, `snomed` any SNOMED CT id.

    `dated` is set where a code of it has a first or last day. `includes` names lists whose codes belong to it too.
    """

    source: str
    codes: dict[str, Code] = {}
    name: str = ""
    about: str = ""
    open: str = ""
    includes: tuple[str, ...] = ()
    dated: bool = False

    def get(self, code: str, on: date) -> Code | None:
        """Return the code that `code` stands for on `on`; None when there is none, or not on that day."""
        found = self.codes.get(code)
        if found is None:
            return Code(label="", code=code, checked=False) if self.lets_in(code) else None
        return found if found.valid(on) else None

    def lets_in(self, code: str) -> bool:
        """Return whether the list is open to `code`, which need not stand in it."""
        test = _OPEN.get(self.open)
        return test(code) if test else False


def kebab(code: str) -> bool:
    """Return whether `code` is a kebab-case name of at most 64 characters."""
    return len(code) <= 64 and _NAME.fullmatch(code) is not None


_OPEN: dict[str, Callable[[str], bool]] = {"name": kebab, "snomed": snomed_ok}


@lru_cache(maxsize=256)
def code_list(name: str) -> CodeList:
    """Return the list of schemas/codes/<name>.toml, read once. Raises `Misconfigured`."""
    return load(FOLDER, name, vocabulary())


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Return every sign that a code may have: schemas/codes/signs.toml."""
    return frozenset(load(FOLDER, "signs", None).codes)


def names() -> tuple[str, ...]:
    """Return the names of all lists, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(folder: Path, name: str, signs: frozenset[str] | None) -> CodeList:
    """Read one list; with `signs`, refuse any other sign in it. Raises `Misconfigured`."""
    try:
        table = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
        table["codes"] = {code: _entry(code, entry) for code, entry in table["codes"].items()}
        found = msgspec.convert(table, CodeList)
    except (OSError, ValueError, LookupError, AttributeError) as error:
        raise Misconfigured(f"code list {name}: {error}") from error
    if found.open and found.open not in _OPEN:
        raise Misconfigured(f"code list {name}: open is none of {', '.join(_OPEN)}")
    codes = found.codes
    for other in found.includes:
        codes = {**load(folder, other, signs).codes, **codes}
    _check(name, codes, signs)
    dated = any(code.since or code.until for code in codes.values())
    return msgspec.structs.replace(found, name=name, codes=codes, dated=dated)


def _entry(code: str, said: dict[str, Any]) -> dict[str, Any]:
    extra = {key: value for key, value in said.items() if key in _EXTRA}
    return {**{key: value for key, value in said.items() if key not in _EXTRA}, "code": code, "extra": extra}


def _check(name: str, codes: dict[str, Code], signs: frozenset[str] | None) -> None:
    for code, entry in codes.items():
        unknown = set(entry.signs) - signs if signs is not None else set()
        if unknown:
            raise Misconfigured(f"code list {name}: {code} has signs that signs.toml does not: {sorted(unknown)}")
        if entry.extra.get("replaced_by", code) not in codes:
            raise Misconfigured(f"code list {name}: {code} is replaced by a code that is not in it")
