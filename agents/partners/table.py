"""Rows of a CSV file, whatever its delimiter, its line ends and its quotes. One broken row never swallows others."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain

import msgspec

from agents.partners.source import Source
from agents.partners.words import clean

_DELIMITERS = ",;\t|"
_LONGEST = 30  # lines one quoted cell may span before its quote is taken for a stray one
csv.field_size_limit(1 << 20)


class Row(msgspec.Struct, frozen=True):
    """A record and its number as a spreadsheet shows it (the first record is 1)."""

    number: int
    cells: list[str]

    @property
    def empty(self) -> bool:
        return not any(clean(cell) for cell in self.cells)


def rows(source: Source) -> Iterator[Row]:
    """Yield every record of the file, empty ones too, reading it as a stream."""
    delimiter = delimiter_of(source)
    for count, cells in enumerate(
        chain.from_iterable(_parsed(record, delimiter) for record in _records(source)), start=1
    ):
        yield Row(count, cells)


def delimiter_of(source: Source) -> str:
    """Return the delimiter that stands most often in the first lines."""
    text = source.head.decode(source.encoding, "replace")
    first = "\n".join(text.splitlines()[:5])
    return max(_DELIMITERS, key=first.count)


def _parsed(record: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(record, delimiter=delimiter))
    except csv.Error:  # a cell above the limit
        return [[""]]


def _records(source: Source) -> Iterator[list[str]]:
    """Yield the lines of one record at a time; where a quote is never closed, its line stands alone."""
    lines, waiting = source.lines(), list[str]()
    while True:
        line = waiting.pop(0) if waiting else next(lines, None)
        if line is None:
            return
        record, quotes = [line], line.count('"')
        while quotes % 2 and len(record) < _LONGEST:
            more = waiting.pop(0) if waiting else next(lines, None)
            if more is None:
                break
            record.append(more)
            quotes += more.count('"')
        if quotes % 2 and len(record) > 1:
            waiting = record[1:] + waiting
            record = [line]
        yield record
