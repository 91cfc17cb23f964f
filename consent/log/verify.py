"""The independent verifier: recounts the whole log from its entry bundles and compares it with all that is stored.

It shares the formats with the writer (tiles.py, entry.py, checkpoint.py) and no code that computes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consent.log import tiles
from consent.log.account import Account
from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from consent.log.entry import KeptEntries
from consent.log.proof import leaf
from consent.log.recount import Recount, Report, stored
from consent.log.tiles import ENTRIES, WIDTH, Read, Tile
from schemas.errors import Refusal


def verify(read: Read, key: VerifierKey, kept: KeptEntries | None = None, remembered: Iterable[bytes] = ()) -> Report:
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
    signed: Checkpoint, earlier: Sequence[Checkpoint], read: Read, kept: KeptEntries | None, report: Report
) -> None:
    for one in earlier:
        if one.size > signed.size:
            problem = f"{one.size} entries were signed before, it has {signed.size}: cut short or rolled back"
            report.found("checkpoint", problem)
    recount, account = Recount(read, report, earlier), Account(kept, report) if kept is not None else None
    if account is not None:
        account.begin(signed.size)
    for index in range(-(-signed.size // WIDTH)):
        commitments = _bundle(tiles.at_size(ENTRIES, index, signed.size), read, report)
        if account is not None:
            account.bundle(index, commitments)
        for committed in commitments:
            recount.add(leaf(committed))
    recount.finish(signed)
    if account is not None:
        account.finish()


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

