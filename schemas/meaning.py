"""What an event's type and codes mean to the hub: signs, in which the risk rules are written."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from schemas.codes import code_list
from schemas.contract import Coded, contracts
from schemas.records import CloudEvent

Meanings = tuple[tuple[tuple[str, ...], dict[str, tuple[str, ...]]], ...]
"""(path of a coded field, its codes' signs), for each coded field whose codes mean something."""


def signs(event: CloudEvent) -> tuple[str, ...]:
    """Return what `event`'s type and codes mean to the hub (schemas/codes/signs.toml), each once, in order."""
    always, coded = _meanings(event.type)
    if not coded:
        return always
    found = dict.fromkeys(always)
    for path, meanings in coded:
        for code in _values(event.data, path):
            found.update(dict.fromkeys(meanings.get(code, ())))
    return tuple(found)


@lru_cache(maxsize=256)
def _meanings(type: str) -> tuple[tuple[str, ...], Meanings]:  # noqa: A002
    contract = contracts()[type]
    coded = ((field.path, _signs_of(field)) for field in contract.coded if field.means)
    return contract.signs, tuple((path, meanings) for path, meanings in coded if meanings)


def _signs_of(field: Coded) -> dict[str, tuple[str, ...]]:
    return {code: entry.signs for code, entry in code_list(field.codes).codes.items() if entry.signs}


def _values(value: Any, path: tuple[str, ...]) -> list[str]:
    """Return the codes that stand at `path`; `*` is each element of a list."""
    found = [value]
    for step in path:
        if step == "*":
            found = [element for inner in found for element in inner]
        else:
            found = [inner[step] for inner in found if inner is not None]
    return [code for code in found if code is not None]
