"""Tampers with a log of 1,000 decisions at every record, in every way, and counts how often the audit finds it.

    python -m tests.edges.log_tampering [--every N] [--records N]

The auditor has `hearth audit verify`, the public keys, and a head that a witness cosigned, kept aside. The tamperer has
the log's files and, for what is "signed again", the log's private key too. `--every 50` takes every fiftieth record.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner

from agents.adapters.log_entries import FILE, LogEntries
from agents.commands.audit import app
from consent.log import tiles
from consent.log.checkpoint import COSIGNATURE, Checkpoint, sign, verifier_key
from consent.log.cosignature import cosign, with_cosignatures
from consent.log.entry import LogEntry, commitment
from consent.log.merkle import Edge, extend
from consent.log.tiles import ENTRIES, WIDTH
from tests.contract.logs import KEY, ORIGIN, PRIVATE, entries, entry

RECORDS = 1000
WITNESS = bytes(range(32))
STRANGE = 1_000_000  # number of a decision that the log never had
Tamper = Callable[[Path, Sequence[LogEntry], int], None]


# ---------------------------------------------------------------- writing a log as a tamperer would


def write_log(directory: Path, kept: Sequence[LogEntry], note: bytes = b"") -> None:
    """Write a log that fits in itself, signed with the log's own key unless a `note` is given."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    edge, files = extend(Edge(), [commitment(one.salt, one.body) for one in kept])
    files["checkpoint"] = note or sign(Checkpoint(ORIGIN, edge.size, edge.root()), PRIVATE)
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    LogEntries(directory).close()
    rows = [(at, one.id, one.body) for at, one in enumerate(kept)]
    _rows(directory, lambda db: db.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows))


def _rows(directory: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    db = sqlite3.connect(directory / FILE)
    db.execute("PRAGMA synchronous=OFF").fetchall()
    with db:
        change(db)
    db.close()


def _file(directory: Path, level: int, record: int, records: int) -> Path:
    return directory / tiles.path(tiles.at_size(level, record // WIDTH, records))


# ---------------------------------------------------------------- the ways


def flip_entry(log: Path, kept: Sequence[LogEntry], at: int) -> None:
    body = bytearray(kept[at].body)
    body[at % len(body)] ^= 1
    _rows(log, lambda db: db.execute("UPDATE entries SET body = ? WHERE idx = ?", (bytes(body), at)))


def flip_commitment(log: Path, kept: Sequence[LogEntry], at: int) -> None:
    _flip(_file(log, ENTRIES, at, len(kept)), at % WIDTH * 34 + 2 + at % 32)


def flip_hash(log: Path, kept: Sequence[LogEntry], at: int) -> None:
    _flip(_file(log, 0, at, len(kept)), at % WIDTH * 32 + at % 32)


def _flip(file: Path, byte: int) -> None:
    content = bytearray(file.read_bytes())
    content[byte] ^= 1
    file.write_bytes(content)


def delete_entry(log: Path, _: Sequence[LogEntry], at: int) -> None:
    _rows(log, lambda db: db.execute("DELETE FROM entries WHERE idx = ?", (at,)))


def wipe_entry(log: Path, _: Sequence[LogEntry], at: int) -> None:
    _rows(log, lambda db: db.execute("UPDATE entries SET body = NULL WHERE idx = ?", (at,)))


def wipe_and_rename_entry(log: Path, _: Sequence[LogEntry], at: int) -> None:
    _rows(log, lambda db: db.execute("UPDATE entries SET body = NULL, id = 'd_forged' WHERE idx = ?", (at,)))


def wipe_all_from_here(log: Path, _: Sequence[LogEntry], at: int) -> None:
    _rows(log, lambda db: db.execute("UPDATE entries SET body = NULL WHERE idx >= ?", (at,)))


def swap_entries(log: Path, kept: Sequence[LogEntry], at: int) -> None:
    other = at + 1 if at + 1 < len(kept) else 0
    moves = [(STRANGE, at), (at, other), (other, STRANGE)]
    _rows(log, lambda db: db.executemany("UPDATE entries SET idx = ? WHERE idx = ?", moves))


def plant_before(log: Path, _: Sequence[LogEntry], at: int) -> None:
    _plant(log, -1 - at)


def plant_behind(log: Path, kept: Sequence[LogEntry], at: int) -> None:
    _plant(log, len(kept) + 1 + at)


def _plant(log: Path, index: int) -> None:
    def change(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA ignore_check_constraints=ON")
        db.execute("INSERT INTO entries VALUES (?, ?, ?)", (index, entry(STRANGE).id, entry(STRANGE).body))

    _rows(log, change)


def _rewritten(change: Callable[[list[LogEntry], int], list[LogEntry]], *, signed: bool) -> Tamper:
    def tamper(log: Path, kept: Sequence[LogEntry], at: int) -> None:
        note = b"" if signed else (log / "checkpoint").read_bytes()
        write_log(log, change(list(kept), at), note)

    return tamper


def _deleted(kept: list[LogEntry], at: int) -> list[LogEntry]:
    return kept[:at] + kept[at + 1 :]


def _inserted(kept: list[LogEntry], at: int) -> list[LogEntry]:
    return [*kept[:at], entry(STRANGE), *kept[at:]]


def _reordered(kept: list[LogEntry], at: int) -> list[LogEntry]:
    other = at + 1 if at + 1 < len(kept) else 0
    kept[at], kept[other] = kept[other], kept[at]
    return kept


def _replaced(kept: list[LogEntry], at: int) -> list[LogEntry]:
    return [*kept[:at], entry(STRANGE), *kept[at + 1 :]]


def _cut(kept: list[LogEntry], at: int) -> list[LogEntry]:
    return kept[:at]


FILES_ONLY: dict[str, Tamper] = {
    "flip a bit of an entry": flip_entry,
    "flip a bit of a commitment": flip_commitment,
    "flip a bit of a hash": flip_hash,
    "delete an entry": delete_entry,
    "swap two entries": swap_entries,
    "plant a row before the first": plant_before,
    "plant a row behind the last": plant_behind,
    "wipe an entry": wipe_entry,
    "wipe an entry, rename it": wipe_and_rename_entry,
    "wipe all from here on": wipe_all_from_here,
    "delete a record": _rewritten(_deleted, signed=False),
    "insert a record": _rewritten(_inserted, signed=False),
    "reorder two records": _rewritten(_reordered, signed=False),
    "truncate": _rewritten(_cut, signed=False),
}
WITH_THE_KEY: dict[str, Tamper] = {
    "rewrite and sign again": _rewritten(_replaced, signed=True),
    "delete and sign again": _rewritten(_deleted, signed=True),
    "insert and sign again": _rewritten(_inserted, signed=True),
    "reorder and sign again": _rewritten(_reordered, signed=True),
    "restore an old copy": _rewritten(_cut, signed=True),  # what the log was, and had signed, at that record
}


# ---------------------------------------------------------------- the run


class Desk:
    """The auditor's desk: the policy with the public keys, and the head that the witness cosigned."""

    def __init__(self, home: Path, records: int) -> None:
        self.home, self.log = home, home / "log/main"
        self.kept = entries(0, records)
        write_log(home / "whole", self.kept)
        note = (home / "whole/checkpoint").read_bytes()
        witness = verifier_key("witness.example", WITNESS, COSIGNATURE)
        (home / "trusted").write_text(f"log {KEY}\nwitness w {witness}\nquorum w\n")
        (home / "kept").write_bytes(with_cosignatures(note, [cosign(note, witness.name, WITNESS, 1_800_000_000)]))

    def restore(self) -> None:
        shutil.rmtree(self.log, ignore_errors=True)
        shutil.copytree(self.home / "whole", self.log)

    def verify(self, *, witnessed: bool = True) -> int:
        """Return the exit code of `hearth audit verify`."""
        words = ["verify", "--log", "main", "--log-dir", self.home / "log", "--name", ORIGIN.partition("/")[0],
                 "--key", self.home / "trusted"]  # fmt: skip
        kept = ["--witnessed", self.home / "kept"] if witnessed else []
        return CliRunner().invoke(app, [str(word) for word in (*words, *kept)]).exit_code


@contextmanager
def quick_directory() -> Iterator[Path]:
    """Give a directory in memory where there is one: a tamperer does not wait for disks."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as home:
        yield Path(home)


def run(home: Path, every: int, records: int = RECORDS) -> dict[str, tuple[int, int, int]]:
    """Return for each way: how often it was done, found, and found without the cosigned head."""
    desk = Desk(home, records)
    desk.restore()
    assert desk.verify() == 0, "the untouched log must verify"
    counts: dict[str, tuple[int, int, int]] = {}
    for way, tamper in (FILES_ONLY | WITH_THE_KEY).items():
        done = found = alone = 0
        for at in range(0, records, every):
            desk.restore()
            tamper(desk.log, desk.kept, at)
            done, found, alone = done + 1, found + (desk.verify() == 1), alone + (desk.verify(witnessed=False) == 1)
        counts[way] = done, found, alone
    desk.restore()
    assert desk.verify() == 0, "the untouched log must verify"
    return counts


def table(counts: dict[str, tuple[int, int, int]]) -> str:
    """Return the counts as text."""
    lines = [f"{'':30}{'done':>7}{'found':>7}{'found without a witness':>26}"]
    lines += [f"{way:30}{done:7}{found:7}{alone:26}" for way, (done, found, alone) in counts.items()]
    done, found, alone = (sum(column) for column in zip(*counts.values(), strict=True))
    return "\n".join([*lines, f"{'all':30}{done:7}{found:7}{alone:26}   {found / done:.0%} found"])


def main() -> int:
    """Run, print the counts, and return 0 when everything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.edges.log_tampering")
    parser.add_argument("--every", type=int, default=1, help="take every Nth record (%(default)s)")
    parser.add_argument("--records", type=int, default=RECORDS, help="decisions in the log (%(default)s)")
    said = parser.parse_args()
    with quick_directory() as home:
        counts = run(home, said.every, said.records)
    print(table(counts))
    return int(any(done != found for done, found, _ in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
