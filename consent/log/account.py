"""The verifier's account of the entries kept beside the tree: each its commitment's own, none planted, none wiped.

An entry without content is whole only where its erasure stands in the log, behind it (consent/log/entry.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from consent.log.entry import Erases, Kept, KeptEntries, commitment, erasure, head
from consent.log.recount import Report
from consent.log.tiles import WIDTH
from schemas.errors import Refusal

MOST_UNSIGNED = 20_000  # rows that a writer, or its crash, may have put behind the head: two of its batches


class Account:
    """Takes the entries bundle by bundle, each with what the log committed to."""

    def __init__(self, kept: KeptEntries, report: Report) -> None:
        self._kept, self._report = kept, report
        self._tombstones: dict[int, str] = {}
        self._erasures: dict[int, Erases] = {}

    def begin(self, size: int) -> None:
        """Look for rows that are no entry of a log of `size`; to be called before the first bundle."""
        try:
            rows = self._kept.rows(size)
        except Refusal as refusal:
            self._report.found(refusal.path, refusal.problem)
            return
        if rows.before:
            self._report.found("entries before 0", f"{rows.before} rows stand where the log has no place: planted")
        if rows.behind > MOST_UNSIGNED or (rows.behind and rows.last != size + rows.behind - 1):
            self._report.found(f"entries from {size}", f"{rows.behind} rows stand behind the signed ones: planted")
        if rows.total - rows.before - rows.behind > size:
            self._report.found(f"entries to {size}", "there are more rows than entries: planted")
        self._report.unsigned = rows.behind

    def bundle(self, index: int, commitments: Sequence[bytes]) -> None:
        """Compare what is kept of entry bundle `index`."""
        by_index = self._read(index)
        if by_index is None:
            return
        for at, expected in enumerate(commitments, index * WIDTH):
            one = by_index.get(at)
            if one is None:
                self._report.found(f"entry {at}", "it is not kept, and has no tombstone")
            elif one.body is None:
                self._tombstones[at] = one.id
            else:
                self._entry(one, one.body, expected)

    def _read(self, index: int) -> dict[int, Kept] | None:
        try:
            return {one.index: one for one in self._kept.kept(index)}
        except Refusal as refusal:
            self._report.found(f"{refusal.path}, entries from {index * WIDTH}", refusal.problem)
            return None

    def _entry(self, one: Kept, body: bytes, expected: bytes) -> None:
        try:
            read = head(body)
        except Refusal as refusal:
            self._report.found(f"entry {one.index}", refusal.problem)
            return
        if len(read.salt) > 255 or commitment(read.salt, body) != expected:
            self._report.found(f"entry {one.index}", "it is not what the log committed to")
            return
        if read.id != one.id:
            self._report.found(f"entry {one.index}", "it is kept under another id than its own")
            return
        self._report.kept += 1
        if read.erases and (erases := erasure(read, one.index)):
            self._erasures[erases.index] = erases

    def finish(self) -> None:
        """Compare every tombstone with the erasures that the log has."""
        for at, entry_id in self._tombstones.items():
            said = self._erasures.get(at)
            if said is None:
                self._report.found(f"entry {at}", "its content is gone, and no erasure of it stands in the log")
            elif said.id != entry_id:
                self._report.found(f"entry {at}", "it was erased, and is kept under another id than its own")
            else:
                self._report.erased += 1
        for at in sorted(self._erasures.keys() - self._tombstones.keys()):
            self._still_kept(self._erasures[at])

    def _still_kept(self, said: Erases) -> None:
        # asked anew: a running writer erases just after it has signed
        now = (self._read(said.index // WIDTH) or {}).get(said.index)
        if now is not None and now.body is not None and now.id == said.id:
            self._report.found(f"entry {said.index}", "its erasure stands in the log, and its content is still kept")
