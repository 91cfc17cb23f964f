"""A stage's changelog as recovery reads it, and whether it only ever went forward."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.adapters.faust_state import value_of


class Changelog:
    """The newest value of each key. `went_back` counts what an owner wrote who did not know the newest.

    `repeated` counts the newest written again, to the byte: a transaction whose answer was lost, by the same owner.
    Another owner's value of the same version is sealed with other nonces, so it differs. `where` names the places.
    """

    def __init__(self, records: Iterable[Any]) -> None:
        self.newest: dict[str, bytes] = {}
        self.went_back = self.repeated = 0
        self.where: list[str] = []
        versions: dict[str, int] = {}
        for record in records:
            key, (version, raw) = record.key.decode(), value_of(record.value)
            if version == versions.get(key) and raw == self.newest[key]:
                self.repeated += 1
            elif version <= versions.get(key, 0):
                self.went_back += 1
                place = f"partition {record.partition}, offset {record.offset}"
                self.where.append(f"{place}: version {version} behind {versions[key]}")
            versions[key], self.newest[key] = version, raw
