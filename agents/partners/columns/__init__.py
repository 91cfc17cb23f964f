"""Column maps: what the columns of a CSV file are called, as TOML beside this file or in a file of one's own.

A map has `form` (`sessions`, `grid`, `class-list`, `encompass`), `day_first` (what 03/04/2024 means), and one table
per field with the `names` that head its column and, where a row is worth nothing without it, `required = true`.
Names are compared by their letters and digits only. A publisher whose columns are called otherwise copies a map,
adds the names, and says `--map FILE`.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

import msgspec

from agents.partners.table import Row
from agents.partners.words import clean, plain
from schemas.errors import Misconfigured

_HERE = Path(__file__).parent


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field: the names its column goes by."""

    names: tuple[str, ...]
    required: bool = False


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column map. `columns` is by field."""

    form: str
    about: str
    columns: dict[str, Column]
    day_first: bool = True


class Header(msgspec.Struct, frozen=True):
    """A header row found: its record number, and the place of each field's column."""

    number: int
    places: dict[str, int]
    others: tuple[int, ...]  # places of columns that the map does not know
    cells: tuple[str, ...]

    def cell(self, row: Row, field: str) -> str:
        """Return a field's cell, cleaned; empty where the row is too short or the file has no such column."""
        return clean(self.raw(row, field))

    def raw(self, row: Row, field: str) -> str:
        """Return a field's cell as it stands."""
        place = self.places.get(field, -1)
        return row.cells[place] if 0 <= place < len(row.cells) else ""


@lru_cache
def columns(name: str) -> Columns:
    """Return the map of that name, or the one in that file. Raises Misconfigured."""
    path = _HERE / f"{name}.toml"
    path = path if name.replace("-", "").isalnum() and path.exists() else Path(name)
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Columns)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the column map cannot be read: {error}") from error


def names() -> list[str]:
    """Return the maps that come with the hub."""
    return sorted(path.stem for path in _HERE.glob("*.toml"))


def match(known: Columns, row: Row) -> Header:
    """Return where the fields of `known` stand in `row`; the first of two columns with one name counts."""
    cells = [plain(cell) for cell in row.cells]
    places: dict[str, int] = {}
    for field, column in known.columns.items():
        for name in map(plain, column.names):
            if name in cells:
                places[field] = cells.index(name)
                break
    taken = set(places.values())
    others = tuple(i for i, cell in enumerate(cells) if cell and i not in taken)
    return Header(row.number, places, others, tuple(clean(cell) for cell in row.cells))


def missing(known: Columns, header: Header) -> list[str]:
    """Return the required fields without a column."""
    return [field for field, column in known.columns.items() if column.required and field not in header.places]
