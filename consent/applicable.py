"""Which policies can hold for a request at all, so that Cedar need not be asked about the others.

A policy holds when all its conditions do. Where one of them looks at one word of the request only (for this action,
for one of these purposes, unless on one of these grounds), the policy cannot hold for another word, whatever else it
says. Cedar is asked about the policies that are left, and decides alone, as it would about all: a policy that does not
hold changes nothing. One that could fail, rather than hold or not, is always left: its error is a reason to refer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import cedarpy

from schemas.errors import Misconfigured

Json = dict[str, Any]
_MOST_PARTS = 4_000  # kept parsed; all the cases and all their neighbours in one word ask for 1,740
_SCOPES = {"principal": "role", "action": "action", "resource": "category"}  # what each is in a request
_TYPES = {"role": "Role", "action": "Action", "category": "Category"}
# A policy's text up to its semicolon; inside a text or a comment one ends nothing.
_STATEMENT = re.compile(r'(?>"(?:[^"\\]|\\.)*+"|//[^\n]*|[^";])*+;')


class Part(NamedTuple):
    """Policies to ask Cedar about: parsed, with their numbers in the whole set, and the context that they read."""

    policies: cedarpy.PolicySet
    numbers: tuple[str, ...]
    reads: tuple[str, ...]


class _About(NamedTuple):
    """What is known of one policy: its number and text, for which words of which fields it may hold, what it reads."""

    number: str
    text: str
    only: Mapping[str, frozenset[str]]
    reads: frozenset[str]


class Parts:
    """The parts of one policy set, each parsed when it is first asked for."""

    def __init__(self, text: str, words: Mapping[str, frozenset[str]]) -> None:
        """`text` has plain words in the context; `words` are those of each field of a request.

        Raises Misconfigured when the text cannot be told apart into policies.
        """
        said: dict[str, Json] = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
        numbers, texts = sorted(said, key=place), _STATEMENT.findall(text)
        if len(texts) != len(numbers):
            raise Misconfigured("the policies' text cannot be told apart into policies")
        self._words = words
        self._every = [self._about(n, said[n], one) for n, one in zip(numbers, texts, strict=True)]
        self._may_hold = {field: self._by_word(field) for field in words}
        self._made: dict[int, Part] = {}

    def of(self, said: Mapping[str, str]) -> Part:
        """Return the part for a request's words. Raises KeyError when one is missing or not known."""
        left = -1
        for field, holding in self._may_hold.items():
            left &= holding[said[field]]
        part = self._made.get(left)
        return part or self._make(left)

    def _make(self, left: int) -> Part:
        chosen = [one for at, one in enumerate(self._every) if left >> at & 1]
        read = frozenset[str]().union(*(one.reads for one in chosen))
        policies = cedarpy.PolicySet.from_str("\n".join(one.text for one in chosen))
        if len(self._made) >= _MOST_PARTS:
            self._made.clear()
        self._made[left] = Part(policies, tuple(one.number for one in chosen), tuple(sorted(read)))
        return self._made[left]

    def _by_word(self, field: str) -> dict[str, int]:
        """Return, for each word of a field, the policies that may hold for it, one bit each."""
        choosy = [(1 << at, one.only[field]) for at, one in enumerate(self._every) if field in one.only]
        others = (1 << len(self._every)) - 1 - sum(bit for bit, _ in choosy)
        return {word: others + sum(bit for bit, only in choosy if word in only) for word in self._words[field]}

    def _about(self, number: str, said: Json, text: str) -> _About:
        bodies, context = [clause["body"] for clause in said["conditions"]], self._words.keys() - _TYPES.keys()
        read = frozenset(_read(bodies))
        if not read <= context or not all(_holds_or_not(body) for body in bodies):
            return _About(number, text, {}, frozenset(context))
        only: dict[str, frozenset[str]] = {}
        for field, words in self._needed(said):
            only[field] = only.get(field, words) & words
        return _About(number, text, only, read)

    def _needed(self, said: Json) -> Iterator[tuple[str, frozenset[str]]]:
        for scope in _SCOPES:
            yield from _scoped(scope, said[scope])
        for clause in said["conditions"]:
            yield from self._conjuncts(clause["body"], denied=clause["kind"] == "unless")

    def _conjuncts(self, node: Json, *, denied: bool) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield, for each conjunct about one field, the words for which it is true (false where `denied`)."""
        ((operator, inside),) = node.items()
        if operator == "!":
            yield from self._conjuncts(inside["arg"], denied=not denied)
        elif operator == ("||" if denied else "&&"):
            for side in ("left", "right"):
                yield from self._conjuncts(inside[side], denied=denied)
        elif (found := _compared(operator, inside)) is not None:
            field, words, differs = found
            yield field, self._words[field] - words if differs != denied else words


def place(number: str) -> int:
    """Return where in the text Cedar found the policy that it numbered so."""
    return int(number.removeprefix("policy"))


def _scoped(scope: str, said: Json) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what a policy's scope asks for. Nothing is in anything else here: Cedar is told of no entities."""
    if said["op"] in ("==", "in"):
        named = [said["entity"]] if "entity" in said else said["entities"]
        field = _SCOPES[scope]
        yield field, frozenset(one["id"] for one in named if one["type"] == _TYPES[field])


def _compared(operator: str, inside: Json) -> tuple[str, frozenset[str], bool] | None:
    """Return a field, the words that it is compared with, and whether it must differ; None for all else."""
    if operator in ("==", "!="):
        one, others = inside["left"], [inside["right"]]
    elif operator == "contains" and "Set" in inside["left"]:
        one, others = inside["right"], inside["left"]["Set"]
    else:
        return None
    field = _field(one)
    words = [_word(field, other) for other in others]
    return (field, frozenset(w for w in words if w), operator == "!=") if field and all(words) else None


def _field(node: Json) -> str:
    """Return the field of a request that this is; nothing for all else."""
    if "Var" in node:
        return _SCOPES.get(node["Var"], "")
    inside = node.get(".", {})
    return str(inside["attr"]) if inside.get("left") == {"Var": "context"} else ""


def _word(field: str, node: Json) -> str:
    """Return the word that this is, where the field has such words; nothing for all else."""
    said = node.get("Value")
    if field in _TYPES:
        named = said.get("__entity", {}) if isinstance(said, dict) else {}
        return str(named["id"]) if named.get("type") == _TYPES[field] else ""
    return said if isinstance(said, str) else ""


def _holds_or_not(node: Json) -> bool:
    """Whether this is true or false for every request: comparisons with words, and what joins them."""
    ((operator, inside),) = node.items()
    if operator == "!":
        return _holds_or_not(inside["arg"])
    if operator in ("&&", "||"):
        return _holds_or_not(inside["left"]) and _holds_or_not(inside["right"])
    if operator in ("==", "!="):
        return _plain(inside["left"]) and _plain(inside["right"])
    if operator == "contains":
        return "Set" in inside["left"] and _plain(inside["right"]) and all(map(_plain, inside["left"]["Set"]))
    return False


def _plain(node: Json) -> bool:
    said = node.get("Value")
    return bool(_field(node)) or isinstance(said, str) or (isinstance(said, dict) and "__entity" in said)


def _read(node: Any) -> Iterator[str]:
    """Yield the fields of the context that occur anywhere in this."""
    if isinstance(node, dict):
        if "." in node and (field := _field(node)):
            yield field
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _read(one)
