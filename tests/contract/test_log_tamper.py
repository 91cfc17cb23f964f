"""Whatever is done to the log's files, the verifier says so and says where."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.adapters.log_files import LogDisagrees, LogWriter
from agents.adapters.log_reader import LogReader
from consent.log import tiles
from consent.log.entry import LogEntry
from tests.contract.logs import ORIGIN, PRIVATE, entry, erasure, make_log, report

BUNDLE, LAST_BUNDLE, TILE = "tile/entries/000", "tile/entries/001.p/44", "tile/0/000"


@pytest.fixture
def log(tmp_path):
    """A log of 300 decisions, signed at 100, 250 and 300."""
    make_log(tmp_path / "log", 100, 250, 300)
    return tmp_path / "log"


def test_an_untouched_log_is_whole(log):
    """300 entries kept, none erased, nothing found."""
    found = report(log)
    assert (found.ok, found.size, found.kept, found.erased) == (True, 300, 300, 0)


def test_every_flipped_byte_in_any_file_is_found(log):
    """One bit in a random byte of every file, 20 times each; the store's rows have tests of their own."""
    chance = random.Random(6962)
    files = [one for one in log.rglob("*") if one.is_file() and one.name not in ("entries.sqlite", "lock")]
    needed = [one for one in files if one.relative_to(log).as_posix() in _needed()]
    assert len(needed) == 6
    for file in needed:
        whole = file.read_bytes()
        for _ in range(20):
            at = chance.randrange(len(whole))
            file.write_bytes(bytes([*whole[:at], whole[at] ^ (1 << chance.randrange(7)), *whole[at + 1 :]]))
            assert not report(log).ok, f"{file} byte {at}"
        file.write_bytes(whole)
    assert report(log).ok


def _needed() -> set[str]:
    return {"checkpoint", BUNDLE, LAST_BUNDLE, TILE, "tile/0/001.p/44", "tile/1/000.p/1"}


@pytest.mark.parametrize("path", sorted(_needed()))
def test_every_missing_or_cut_file_is_found(log, path):
    """A file removed, or cut by one byte, or emptied."""
    whole = (log / path).read_bytes()
    for content in (None, whole[:-1], b"", whole + b"\0"):
        (log / path).unlink(missing_ok=True)
        if content is not None:
            (log / path).write_bytes(content)
        assert not report(log).ok


def _on_bundle(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def tamper(log: Path) -> None:
        for path in (BUNDLE, LAST_BUNDLE):
            bundle = tiles.decode_bundle((log / path).read_bytes())
            (log / path).write_bytes(tiles.encode_bundle(change(bundle)))

    return tamper


def _on_rows(*statements: str) -> Callable[[Path], None]:
    def tamper(log: Path) -> None:
        with sqlite3.connect(log / "entries.sqlite") as db:
            for statement in statements:
                db.execute(statement)

    return tamper


TAMPERING = {
    "a commitment flipped": _on_bundle(lambda one: [*one[:7], bytes(32), *one[8:]]),
    "a commitment deleted": _on_bundle(lambda one: one[:7] + one[8:]),
    "a commitment inserted": _on_bundle(lambda one: [*one[:7], bytes(32), *one[7:]]),
    "commitments reordered": _on_bundle(lambda one: [*one[:7], one[8], one[7], *one[9:]]),
    "the tail cut": _on_bundle(lambda one: one[:-1]),
    "an entry changed": _on_rows("UPDATE entries SET body = replace(body, 'withhold', 'share')"),
    "an entry deleted": _on_rows("DELETE FROM entries WHERE idx = 120"),
    "an entry inserted": _on_rows(
        "UPDATE entries SET idx = idx + 1000 WHERE idx >= 120",
        "UPDATE entries SET idx = idx - 999 WHERE idx >= 1000",
        "INSERT INTO entries VALUES (120, 'd_x', '{\"id\": \"d_x\"}')",
    ),
    "entries reordered": _on_rows(
        "UPDATE entries SET idx = 9999 WHERE idx = 3",
        "UPDATE entries SET idx = 3 WHERE idx = 4",
        "UPDATE entries SET idx = 4 WHERE idx = 9999",
    ),
    "the kept tail cut": _on_rows("DELETE FROM entries WHERE idx >= 290"),
    "an entry under another's id": _on_rows("UPDATE entries SET id = 'd_other' WHERE idx = 9"),
    "an entry that is no JSON": _on_rows("UPDATE entries SET body = 'x' WHERE idx = 9"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_with_entries_is_found(log, name):
    """Flip, delete, insert, reorder, truncate: in the tree's bundles and in the entries kept beside."""
    TAMPERING[name](log)
    assert not report(log).ok


@pytest.mark.parametrize("index", range(0, 300, 13))
def test_the_exact_place_of_a_changed_entry_is_said(log, index):
    """The report names the entry's log index, and nothing else."""
    _on_rows(f"UPDATE entries SET body = replace(body, 'school', 'police') WHERE idx = {index}")(log)
    assert [problem.place for problem in report(log).problems] == [f"entry {index}"]


def test_the_exact_place_of_a_changed_hash_is_said(log):
    """The report names the tile and the hash in it."""
    whole = (log / TILE).read_bytes()
    (log / TILE).write_bytes(whole[:320] + bytes(32) + whole[352:])
    assert [problem.place for problem in report(log).problems] == ["tile/0/000, hash 10"]


def test_a_log_rewritten_and_signed_with_another_key_is_found(log, tmp_path):
    """Everything fits, but the signature is not the log's."""
    shutil.rmtree(log)
    make_log(log, 300, private=bytes(32))
    assert [problem.place for problem in report(log).problems] == ["checkpoint"]


def test_a_log_rewritten_by_someone_who_holds_the_key_is_found_by_an_earlier_checkpoint(tmp_path):
    """Alone it looks whole; a head that somebody remembers shows that the history is another."""
    heads = make_log(tmp_path / "log", 100, 250, 300)
    make_log(tmp_path / "other", 100, 250, 300, shift=1)
    assert report(tmp_path / "other").ok
    for head in heads:
        assert not report(tmp_path / "other", head).ok
        assert report(tmp_path / "log", head).ok


def test_an_old_copy_put_back_is_found_by_a_later_checkpoint(tmp_path):
    """A whole log that ends before a head that was signed was cut short or rolled back."""
    make_log(tmp_path / "log", 100, 250)
    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    heads = make_log(tmp_path / "log", 300)
    assert report(tmp_path / "copy").ok
    found = report(tmp_path / "copy", heads[-1])
    assert [problem.place for problem in found.problems] == ["checkpoint"]
    assert "300 entries were signed before, it has 250" in found.problems[0].problem


def _appended(log: Path, *more: LogEntry) -> int:
    """Append entries as the hub does; return how many the log gained."""
    writer = LogWriter(log, ORIGIN, PRIVATE)
    try:
        return writer.append(more)
    finally:
        writer.close()


def test_an_erased_entry_leaves_a_tombstone_and_the_log_verifies(log):
    """The body and its salt are gone from the disk; tree, root and all other entries still verify."""
    gone = entry(42)
    assert _appended(log, erasure(42)) == 1
    assert LogReader(log).find(gone.id).body is None
    found = report(log)
    assert (found.problems, found.kept, found.erased) == ([], 300, 1)
    assert b"d_000041" in (log / "entries.sqlite").read_bytes()
    assert gone.body not in (log / "entries.sqlite").read_bytes()
    assert b"2026-01-05T00:00:42Z" not in (log / "entries.sqlite").read_bytes()
    assert _appended(log, erasure(42), entry(42)) == 0, "the same erasure, and the erased decision, are known"


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE entries SET body = NULL WHERE idx = 7",),
        ("UPDATE entries SET body = NULL",),
        ("UPDATE entries SET body = NULL, id = 'd_forged' WHERE idx = 7",),
        ("UPDATE entries SET id = 'd_forged' WHERE idx = 42",),
        ("UPDATE entries SET body = NULL WHERE id = 'erasure.42'",),
        ("DELETE FROM entries WHERE idx = 42",),
    ],
)
def test_a_wiped_entry_is_no_erased_one(log, statements):
    """Without its erasure in the log, under the same id, an entry without content was tampered with; and the erasure
    itself cannot be wiped."""
    _appended(log, erasure(42))
    assert report(log).ok
    _on_rows(*statements)(log)
    assert not report(log).ok


@pytest.mark.parametrize(
    "made",
    [
        erasure(42, by=("pr_one", "pr_one")),
        erasure(42, by=("pr_one", "")),
        erasure(42, of="d_other"),
        erasure(9_000),
        erasure(300),
        erasure(-1),
    ],
)
def test_what_two_people_did_not_decide_erases_nothing(log, made):
    """One officer alone, another decision's id, an entry that does not stand before it: all content stays."""
    assert _appended(log, made) == 1
    found = report(log)
    assert (found.problems, found.kept, found.erased) == ([], 301, 0)


def test_an_erasure_is_never_erased(log):
    """What was taken away, and by whom, stands for good."""
    _appended(log, erasure(42))
    _appended(log, erasure(300, of="erasure.42"))
    found = report(log)
    assert (found.problems, found.kept, found.erased) == ([], 301, 1)


def test_content_put_back_after_its_erasure_is_found_and_goes_when_the_writer_starts(log):
    """As when an older copy of the entries is restored."""
    _appended(log, erasure(42))
    with sqlite3.connect(log / "entries.sqlite") as db:
        db.execute("UPDATE entries SET body = ? WHERE idx = 42", (entry(42).body,))
    assert [problem.place for problem in report(log).problems] == ["entry 42"]
    _appended(log)
    assert report(log).ok


PLANTED = {
    "before the first": "INSERT INTO entries VALUES (-1, 'd_000300', 'x')",
    "far behind the last": "INSERT INTO entries VALUES (5000, 'd_000300', 'x')",
    "with a hole": "INSERT INTO entries VALUES (301, 'd_000300', 'x')",
}


@pytest.mark.parametrize("where", PLANTED)
def test_a_planted_row_is_found_and_hides_no_decision(log, where):
    """A row under a future decision's id, where the log has no place: the auditor sees it, and the writer either logs
    the decision all the same or signs nothing."""
    with sqlite3.connect(log / "entries.sqlite") as db:
        db.execute("PRAGMA ignore_check_constraints=ON")
        db.execute(PLANTED[where])
    assert not report(log).ok
    if where == "before the first":
        with pytest.raises(LogDisagrees):
            _appended(log, entry(300))
    else:
        assert _appended(log, entry(300)) == 1
        assert report(log).ok


@pytest.mark.parametrize("where", [*PLANTED, "at the next place", "in another's place"])
def test_a_row_planted_under_a_running_writer_hides_no_decision(log, where):
    """It is not taken for the decision: either the decision gets its place, or nothing more is signed."""
    writer = LogWriter(log, ORIGIN, PRIVATE)
    with sqlite3.connect(log / "entries.sqlite") as db:
        db.execute("PRAGMA ignore_check_constraints=ON")
        more = {"at the next place": "INSERT INTO entries VALUES (300, 'd_000300', 'x')",
                "in another's place": "UPDATE entries SET id = 'd_000300' WHERE idx = 7"}  # fmt: skip
        db.execute((PLANTED | more)[where])
    gained = 0
    for _ in range(3):
        with contextlib.suppress(LogDisagrees, sqlite3.Error):
            gained += writer.append([entry(300)])
    writer.close()
    logged = LogReader(log).find("d_000300")
    assert gained == int(where not in ("before the first", "in another's place"))
    assert not gained or logged.body == entry(300).body


def test_a_log_without_a_head_is_not_whole(log):
    """No checkpoint, no trust."""
    (log / "checkpoint").unlink()
    assert [problem.place for problem in report(log).problems] == ["checkpoint"]
    assert PRIVATE not in b"".join(one.read_bytes() for one in log.rglob("*") if one.is_file())


def test_a_damaged_store_is_found(log):
    """The database's own header is overwritten: said, not crashed on."""
    store = log / "entries.sqlite"
    store.write_bytes(bytes(200) + store.read_bytes()[200:])
    assert {problem.place.split(",")[0] for problem in report(log).problems} == {"entries.sqlite"}
