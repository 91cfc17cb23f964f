"""JSON values of a file, one at a time: an object, an array, a value per line, or JSON that stands in a JSON string."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from agents.partners.source import Source
from agents.partners.taken import Problem

_WRAPS = 3  # JSON in a string in a string
_TRIED = 3  # lines that are tried before a file counts as one document


class Document(msgspec.Struct, frozen=True):
    """A JSON value (no array, no string) and where it stands: `event[3]`, or `line 12` in JSON lines."""

    where: str
    value: Any


def documents(source: Source) -> Iterator[Document | Problem]:
    """Yield each value. A broken line gives a problem with line and column, and the others are read."""
    if _by_line(source):
        yield from _lines(source)
        return
    try:
        text = source.whole()
        if not text.strip("\ufeff \t\r\n\0"):
            yield Problem("file", "", "empty-file", "The file holds nothing", "Export it again", blank=True)
            return
        value = json.loads(text)
    except json.JSONDecodeError as error:
        broken = _broken(error, error.lineno)
        good = [part for part in _lines(source) if isinstance(part, Document)]
        yield from good  # an array with one element on a line, one of them broken
        yield broken
    except RecursionError:
        yield _deep("file")
    else:
        yield from _flat("event", value)


def _by_line(source: Source) -> bool:
    lines = (line.strip("\ufeff \t\r\n") for line in source.lines())
    first = islice(filter(None, lines), _TRIED)
    return any(line[0] in '{"' and _complete(line) for line in first)


def _complete(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict | str)
    except (json.JSONDecodeError, RecursionError):
        return False


def _lines(source: Source) -> Iterator[Document | Problem]:
    for count, line in enumerate(source.lines(), start=1):
        bare = line.strip("\ufeff \t\r\n").removesuffix(",")
        if not bare or bare in "[]":
            continue
        try:
            yield from _flat(f"line {count}", json.loads(bare), single=True)
        except json.JSONDecodeError as error:
            yield _broken(error, count)
        except RecursionError:
            yield _deep(f"line {count}")


def _flat(where: str, value: Any, single: bool = False, wraps: int = _WRAPS) -> Iterator[Document | Problem]:
    if isinstance(value, list):
        for count, element in enumerate(value, start=1):
            yield from _flat(f"{where}[{count}]", element, True, wraps)
    elif isinstance(value, str) and wraps and value.strip()[:1] in ("{", "[", '"'):
        try:
            yield from _flat(where, json.loads(value), single, wraps - 1)
        except json.JSONDecodeError as error:
            yield msgspec.structs.replace(_broken(error, error.lineno), where=f"{where}, inside the string")
        except RecursionError:
            yield _deep(where)
    else:
        yield Document(where if single else f"{where}[1]", value)


def _broken(error: json.JSONDecodeError, line: int) -> Problem:
    return Problem(
        f"line {line}, column {error.colno}",
        "",
        "broken-json",
        "The JSON is not well-formed here",
        "Mend it: a value, a comma or a quote is missing or too many",
    )


def _deep(where: str) -> Problem:
    return Problem(where, "", "too-deep", "The JSON is nested too deeply", "Send the documented shape")
