"""The log as static files: hashes and signed heads for everybody, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from agents.portal.door import Door
from agents.portal.serve import serving
from consent.log.checkpoint import open_checkpoint
from consent.log.merkle import Tree
from consent.log.proof import consistent
from tests.contract.logs import KEY, ORIGIN, PRIVATE, entries, entry, make_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 300 decisions in `main`, one of 10 in `sealed`."""
    make_log(tmp_path / "log/main", 100, 300)
    make_log(tmp_path / "log/sealed", 10, shift=5000)
    return tmp_path / "log/main"


@pytest.fixture
def client(log) -> Iterator[httpx.Client]:
    yield from door(log)


def door(log: Path | None) -> Iterator[httpx.Client]:
    with serving(Door(None, None, None, None, log_dir=log)) as url, httpx.Client(base_url=url) as client:
        yield client


def test_whoever_has_the_key_proves_over_http_that_the_log_only_grew(client, log):
    """The signed head and the hashes are enough, and no token is asked for."""
    old = open_checkpoint(client.get("/log/checkpoint").content, KEY)
    writer = LogWriter(log, ORIGIN, PRIVATE)
    writer.append(entries(300, 900))
    writer.close()
    new = open_checkpoint(client.get("/log/checkpoint").content, KEY)

    def read(path: str) -> bytes | None:
        answer = client.get(f"/log/{path}")
        return answer.content if answer.status_code == 200 else None

    assert (old.size, new.size) == (300, 900)
    assert consistent(old, new, Tree(900, read).consistency(300))
    assert Tree(900, read).root() == new.root


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000"])
def test_what_never_changes_may_be_kept_for_ever(client, log, path):
    """Tiles and bundles, partial ones too: c2sp.org/tlog-tiles."""
    answer = client.get(f"/log/{path}")
    assert (answer.status_code, answer.content) == (200, (log / path).read_bytes())
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("name", ["checkpoint", "cosigned"])
def test_the_head_is_asked_for_anew_each_time(client, log, name):
    """A kept head would hide what came since."""
    (log / "cosigned").write_bytes((log / "checkpoint").read_bytes())
    answer = client.get(f"/log/{name}")
    assert (answer.status_code, answer.content) == (200, (log / "checkpoint").read_bytes())
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_what_no_head_covers_is_not_there(client, log):
    """A crash left it: it was never signed, and other content may come in its place, while caches keep it for ever."""
    for path in ("tile/0/001.p/45", "tile/0/002", "tile/1/000.p/2", "tile/entries/001.p/50"):
        (log / path).parent.mkdir(parents=True, exist_ok=True)
        (log / path).write_bytes(bytes(32))
        answer = client.get(f"/log/{path}")
        assert answer.status_code == 404
        assert answer.headers.get("cache-control") != "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "entries.sqlite", "lock", "tile/entries.sqlite", "tile/0/..%2F..%2Fentries.sqlite",
        "tile/%2E%2E/entries.sqlite", "tile/0/000.tmp", "tile/0/0", "tile//0/000", "../sealed/checkpoint",
        "%2E%2E/sealed/checkpoint", "sealed/checkpoint", "tile/../../sealed/checkpoint", "",
    ],
)  # fmt: skip
def test_entries_and_the_sealed_log_are_never_given_out(client, path):
    """Neither decisions with their pseudonyms, nor so much as the sealed log's size."""
    plain = HTTPConnection(client.base_url.host, client.base_url.port)
    plain.request("GET", f"/log/{path}")  # as it stands: other clients tidy paths up
    assert plain.getresponse().status == 404
    plain.close()


def test_nothing_of_an_entry_stands_in_what_is_given_out(client, log):
    """Not its id, not its words, not its salt: only hashes."""
    given = b"".join(
        client.get(f"/log/{file.relative_to(log).as_posix()}").content
        for file in log.rglob("*")
        if file.is_file() and file.parent != log
    )
    assert len(given) > 300 * 64
    reader = LogReader(log)
    for kept in reader.kept(0):
        one = entry(kept.index)
        assert all(part not in given for part in (kept.id.encode(), one.body[:40], one.salt))


def test_a_door_without_a_log_has_none(tmp_path):
    """Nor one whose log has not begun."""
    for directory in (None, tmp_path):
        for client in door(directory):
            assert client.get("/log/checkpoint").status_code == 404
            assert client.get("/log/tile/0/000").status_code == 404
