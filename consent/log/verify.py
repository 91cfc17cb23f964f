"""The independent verifier: recounts the whole log from its entry bundles and compares it with all that is stored.

It shares the formats with the writer (tiles.py, entry.py, checkpoint.py) and no code that computes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consent.log import tiles
from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from consent.log.entry import Kept, KeptBundle, commitment, head
from consent.log.proof import leaf
from consent.log.recount import Recount, Report, stored
from consent.log.tiles import ENTRIES, WIDTH, Read, Tile
from schemas.errors import Refusal


def verify(read: Read, key: VerifierKey, kept: KeptBundle | None = None, remembered: Iterable[bytes] = ()) -> Report:
    """Recount the log and report.

    `remembered` are checkpoints signed earlier and kept elsewhere (the topic, a witness, an auditor): only they show
    a log that was cut short, rolled back, or rewritten and signed again by someone who holds the key.
    """
    report = Report(key.name)
    signed = _opened("checkpoint", read("checkpoint"), key, report)
    earlier = [_opened(f"remembered checkpoint {n}", note, key, report) for n, note in enumerate(remembered)]
    if signed is not None:
        report.size, report.root = signed.size, signed.root.hex()
        report.remembered = max((one.size for one in earlier if one), default=0)
        _verify_tree(signed, [one for one in earlier if one], read, kept, report)
    return report


def _opened(place: str, note: bytes | None, key: VerifierKey, report: Report) -> Checkpoint | None:
    try:
        if note is not None:
            return open_checkpoint(note, key)
        report.found(place, "it is missing")
    except Refusal as refusal:
        report.found(place, refusal.problem)
    return None


def _verify_tree(
    signed: Checkpoint, earlier: Sequence[Checkpoint], read: Read, kept: KeptBundle | None, report: Report
) -> None:
    for one in earlier:
        if one.size > signed.size:
            problem = f"{one.size} entries were signed before, it has {signed.size}: cut short or rolled back"
            report.found("checkpoint", problem)
    recount = Recount(read, report, earlier)
    for index in range(-(-signed.size // WIDTH)):
        commitments = _bundle(tiles.at_size(ENTRIES, index, signed.size), read, report)
        if kept is not None:
            _verify_kept(index, commitments, kept, report)
        for committed in commitments:
            recount.add(leaf(committed))
    recount.finish(signed)


def _bundle(tile: Tile, read: Read, report: Report) -> list[bytes]:
    found, content = stored(tile, read, report)
    place = tiles.path(found)
    if content is None:
        report.found(place, "it is missing")
        return []
    try:
        entries = tiles.decode_bundle(content)
    except Refusal as refusal:
        report.found(f"{place}, {refusal.path}", refusal.problem)
        return []
    if len(entries) != found.width:
        report.found(place, f"it holds {len(entries)} entries, not {found.width}")
    return entries[: tile.width]


def _verify_kept(index: int, commitments: Sequence[bytes], kept: KeptBundle, report: Report) -> None:
    try:
        by_index = {one.index: one for one in kept(index)}
    except Refusal as refusal:
        report.found(f"{refusal.path}, entries from {index * WIDTH}", refusal.problem)
        return
    for at, expected in enumerate(commitments, index * WIDTH):
        one = by_index.get(at)
        if one is None:
            report.found(f"entry {at}", "it is not kept, and has no tombstone")
        elif one.body is None:
            report.erased += 1
        else:
            _verify_entry(one, one.body, expected, report)


def _verify_entry(one: Kept, body: bytes, expected: bytes, report: Report) -> None:
    try:
        read = head(body)
    except Refusal as refusal:
        report.found(f"entry {one.index}", refusal.problem)
        return
    if len(read.salt) > 255 or commitment(read.salt, body) != expected:
        report.found(f"entry {one.index}", "it is not what the log committed to")
    elif read.id != one.id:
        report.found(f"entry {one.index}", "it is kept under another id than its own")
    else:
        report.kept += 1
