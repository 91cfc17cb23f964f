"""Whether a text names a person: asked once, when their record ends, of what was put aside without knowing whose it is.

In doubt it does: what is named wrongly is put aside for good, and its publisher has it still. What names nobody but by
a short number of an agency's own, or by words inside an encoding that cannot be read, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from schemas.records import PersonAsKnown

_WORD = re.compile(r"[^\W\d_]+")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_LONG_NUMBER = 6  # characters: a shorter one stands in any text by chance, and counts beside the family name alone


class Names(msgspec.Struct, frozen=True):
    """What someone was known by: numbers without gaps, and (words of the family name, a given name or birth date)."""

    numbers: frozenset[str]
    names: frozenset[tuple[frozenset[str], str]]


def names_of(said: Iterable[PersonAsKnown]) -> Names:
    """Return what a person was known by, whoever said it."""
    numbers: set[str] = set()
    names: set[tuple[frozenset[str], str]] = set()
    for one in said:
        own = {_plain(identifier.value) for identifier in one.identifiers}
        numbers |= {number for number in own if len(number) >= _LONG_NUMBER}
        family = frozenset(_words(one.family_name or ""))
        given = _words(one.given_names or "")[:1]
        born = [one.birth_date.isoformat()] if one.birth_date is not None else []
        short = [number for number in own if number and len(number) < _LONG_NUMBER]
        names |= {(family, second) for second in (*given, *born, *short) if family}
    return Names(frozenset(numbers), frozenset(names))


def named(text: str, names: Names) -> bool:
    """Whether one of their numbers stands in the text, or their family name with something else of theirs."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    plain, words, small = _plain(text), set(_words(text)), text.casefold()
    if any(number in plain for number in names.numbers):
        return True
    return any(family <= words and (second in words or _stands(second, small)) for family, second in names.names)


def _stands(number: str, text: str) -> bool:
    """Whether a date or a number stands there by itself; a word is one of the text's words, or is not there."""
    return not number.isalpha() and re.search(rf"(?<!\w){re.escape(number)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return "".join(text.split()).replace("-", "").casefold()


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
