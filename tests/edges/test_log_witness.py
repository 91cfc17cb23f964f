"""A witness over HTTP: it never forgets what it cosigned, and a hub gets its cosignature without waiting for it."""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from agents.adapters.disk import Disk
from agents.adapters.log_files import LogWriter
from agents.adapters.log_reader import LogReader
from agents.witness import Witness
from agents.witness_client import Unreachable, ask, fetch
from consent.log.checkpoint import open_checkpoint, sign, split
from consent.log.cosignature import cosignatures
from consent.log.merkle import Tree
from consent.log.witness import Asked, encode
from schemas.errors import Misconfigured
from streams.topology import CHECKPOINTS
from tests.contract.logs import KEY, ORIGIN, PRIVATE, entries, make_log
from tests.edges.log_kit import AT, Hub, answering, policy, running, witness

__all__ = ["running"]
HASH = sha256(ORIGIN.encode()).hexdigest()


def asked(log: Path, note: bytes, old: int) -> bytes:
    size = open_checkpoint(note, KEY).size
    return encode(Asked(old, tuple(Tree(size, LogReader(log).read).consistency(old)), note))


@pytest.fixture
def heads(tmp_path: Path) -> list[bytes]:
    """A log's heads at 100, 250 and 300 decisions; the log stands in `log`."""
    return make_log(tmp_path / "log", 100, 250, 300)


def test_a_head_is_cosigned_shown_and_asked_for_from_the_last_one_on(running, heads, tmp_path):
    """200 with a line that holds; 409 with its size when asked from elsewhere; the last head by the origin's hash."""
    opened, url = running
    assert httpx.get(f"{url}/{HASH}/checkpoint").status_code == 404
    first = httpx.post(f"{url}/add-checkpoint", content=asked(tmp_path / "log", heads[0], 0))
    assert (first.status_code, first.text[0], first.text[-1]) == (200, "—", "\n")
    found = cosignatures(heads[0] + first.content, [opened.key])
    assert [one.time for one in found] == [AT]
    again = httpx.post(f"{url}/add-checkpoint", content=asked(tmp_path / "log", heads[2], 0))
    assert (again.status_code, again.text, again.headers["content-type"]) == (409, "100\n", "text/x.tlog.size")
    assert httpx.post(f"{url}/add-checkpoint", content=asked(tmp_path / "log", heads[2], 100)).status_code == 200
    shown = httpx.get(f"{url}/{HASH}/checkpoint")
    assert open_checkpoint(shown.content, KEY).size == 300
    assert len(cosignatures(shown.content, [opened.key])) == 1
    assert shown.headers["cache-control"] == "no-cache"


def test_whatever_it_refuses_it_does_not_cosign_nor_remember(running, heads, tmp_path):
    """400, 403, 404, 413 and 422 leave the last head as it was, and no answer holds a signature."""
    _, url = running
    good = asked(tmp_path / "log", heads[1], 0)
    assert httpx.post(f"{url}/add-checkpoint", content=good).status_code == 200
    make_log(tmp_path / "other", 300, shift=1)
    forged = (tmp_path / "other/checkpoint").read_bytes()
    wrong = {
        400: b"old 1\nnonsense\n\n" + heads[2],
        403: good.replace(b"old 0", b"old 250").replace(split(heads[1])[0].encode(), split(heads[2])[0].encode()),
        404: encode(Asked(0, (), sign(open_checkpoint(heads[2], KEY), PRIVATE).replace(b"main", b"none", 1))),
        413: b"old 1\n\n" + bytes(200_000),
        422: asked(tmp_path / "other", forged, 250),
    }
    for status, body in wrong.items():
        answer = httpx.post(f"{url}/add-checkpoint", content=body)
        assert (answer.status_code, answer.text) == (status, ""), status
    assert open_checkpoint(httpx.get(f"{url}/{HASH}/checkpoint").content, KEY).size == 250
    assert httpx.get(f"{url}/add-checkpoint").status_code == 405
    assert httpx.get(f"{url}/..%2Fwitness.private/checkpoint").status_code == 404


def test_after_a_restart_it_still_refuses_the_history_it_did_not_see(heads, tmp_path):
    """What it cosigned is on its disk; the rewritten log, signed with the log's own key, gets no cosignature."""
    opened = witness(tmp_path / "witness")
    assert opened.add_checkpoint(asked(tmp_path / "log", heads[1], 0))[0] == 200
    opened.close()
    again = witness(tmp_path / "witness")
    forged = make_log(tmp_path / "other", 250, 300, shift=1)
    assert again.add_checkpoint(asked(tmp_path / "other", forged[1], 0)) == (409, "text/x.tlog.size", "250\n")
    assert again.add_checkpoint(asked(tmp_path / "other", forged[1], 250))[0] == 422
    assert again.add_checkpoint(asked(tmp_path / "log", heads[2], 250))[0] == 200
    again.close()


@pytest.mark.parametrize("call", ["create", "rename", "sync"])
def test_what_it_cannot_save_it_does_not_cosign(heads, tmp_path, call):
    """A disk that fails at any call: no cosignature leaves, and the next request, with the disk well, gets one."""

    class Failing(Disk):
        failing = True

    def fail(self, *args):
        if self.failing:
            raise OSError(28, "No space left on device")
        return getattr(Disk, call)(self, *args)

    setattr(Failing, call, fail)
    disk = Failing()
    opened = witness(tmp_path / "witness", disk=disk)
    with answering(opened) as url:
        body = asked(tmp_path / "log", heads[0], 0)
        answer = httpx.post(f"{url}/add-checkpoint", content=body)
        assert (answer.status_code, answer.text) == (503, "")
        disk.failing = False
        assert httpx.post(f"{url}/add-checkpoint", content=body).status_code == 200


def test_two_heads_at_once_are_cosigned_one_after_the_other(running, heads, tmp_path):
    """Check and save are one: of two requests from the same size one is answered 409, never both 200."""
    _, url = running
    assert httpx.post(f"{url}/add-checkpoint", content=asked(tmp_path / "log", heads[0], 0)).status_code == 200
    bodies = [asked(tmp_path / "log", note, 100) for note in heads[1:]] * 8
    answers: list[int] = []

    def post(body: bytes) -> None:
        answers.append(httpx.post(f"{url}/add-checkpoint", content=body).status_code)

    threads = [threading.Thread(target=post, args=(body,)) for body in bodies]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [200] + [409] * 15


def test_a_witness_whose_memory_is_damaged_stops(heads, tmp_path):
    """It would take the next best history for the first one."""
    opened = witness(tmp_path / "witness")
    assert opened.add_checkpoint(asked(tmp_path / "log", heads[0], 0))[0] == 200
    opened.close()
    file = tmp_path / "witness" / HASH / "checkpoint"
    whole = file.read_bytes()
    for damaged in (b"", whole[:-20], whole.replace(b"\n100\n", b"\n101\n"), heads[0]):
        file.write_bytes(damaged)
        with pytest.raises(Misconfigured, match="damaged"):
            witness(tmp_path / "witness")
    file.write_bytes(whole)
    witness(tmp_path / "witness").close()


def test_only_one_witness_runs_on_a_directory(tmp_path):
    """Two could cosign two histories."""
    first = witness(tmp_path / "witness")
    with pytest.raises(Misconfigured, match="already"):
        witness(tmp_path / "witness")
    first.close()


def test_a_submitters_own_lines_are_not_kept(running, heads, tmp_path):
    """Anybody may put lines under a signed head; a false one under the witness's own name would stop its next start."""
    opened, url = running
    junk = f"— {opened.key.name} {'A' * 8}\n".encode()
    size = open_checkpoint(heads[0], KEY).size
    answer = httpx.post(f"{url}/add-checkpoint", content=encode(Asked(0, (), heads[0] + junk)))
    assert (answer.status_code, size) == (200, 100)
    assert len(split(httpx.get(f"{url}/{HASH}/checkpoint").content)[1]) == 2


# ---------------------------------------------------------------- the hub's side


def cosigned_size(log: Path, *witnesses: Witness) -> int:
    note = (log / "cosigned").read_bytes()
    assert len(cosignatures(note, [one.key for one in witnesses])) == len(witnesses)
    return open_checkpoint(note, KEY).size


def test_the_hub_has_each_newest_head_cosigned_and_publishes_it(running, heads, tmp_path):
    """From nothing, then from the last one on; kept beside the log, and on the topic under a key of its own."""
    opened, url = running
    hub = Hub(tmp_path / "log", policy("any", (opened, url)))
    assert hub.witnessing.step() == 1
    assert cosigned_size(tmp_path / "log", opened) == 300
    assert hub.witnessing.step() == 0
    log = LogWriter(tmp_path / "log", ORIGIN, PRIVATE)
    log.append(entries(300, 700))
    log.close()
    assert hub.witnessing.step() == 1
    assert cosigned_size(tmp_path / "log", opened) == 700
    sent = hub.broker.records(CHECKPOINTS)
    assert [open_checkpoint(one.value, KEY).size for one in sent] == [300, 700]
    assert {one.key for one in sent} == {f"{ORIGIN}#cosigned".encode()}
    again = LogWriter(tmp_path / "log", ORIGIN, PRIVATE, [one.value for one in sent])
    again.close()


def test_a_hub_that_starts_anew_asks_from_where_the_witness_is(running, heads, tmp_path):
    """It remembers nothing of the witness: 409 tells it."""
    opened, url = running
    assert Hub(tmp_path / "log", policy("any", (opened, url))).witnessing.step() == 1
    log = LogWriter(tmp_path / "log", ORIGIN, PRIVATE)
    log.append(entries(300, 301))
    log.close()
    assert Hub(tmp_path / "log", policy("any", (opened, url))).witnessing.step() == 1
    assert cosigned_size(tmp_path / "log", opened) == 301


def test_a_witness_that_is_away_never_stops_the_log(heads, tmp_path):
    """Decisions go on into the log; the witness, asked ever less often, cosigns the newest head once it is back."""
    opened = witness(tmp_path / "witness")
    with answering(opened) as url:
        pass
    calls: list[str] = []

    def counted(where: str, request: Asked) -> tuple[int, bytes]:
        calls.append(where)
        return ask(where, request)

    hub = Hub(tmp_path / "log", policy("any", (opened, url)), ask=counted)
    log = LogWriter(tmp_path / "log", ORIGIN, PRIVATE)
    for end in range(301, 341):
        assert log.append(entries(300, end)) == 1
        assert hub.witnessing.step() == 0
    assert len(calls) < 10
    assert not (tmp_path / "log/cosigned").exists()
    back = witness(tmp_path / "witness")
    with answering(back) as elsewhere:
        hub = Hub(tmp_path / "log", policy("any", (back, elsewhere)))
        assert hub.witnessing.step() == 1
    assert cosigned_size(tmp_path / "log", back) == 340
    log.close()


def test_a_head_counts_as_cosigned_when_the_quorum_has_cosigned_it(running, heads, tmp_path):
    """One of two is not enough where the policy wants both; what was kept before stays until then."""
    opened, url = running
    away = witness(tmp_path / "second", 1)
    with answering(away) as other:
        text = policy("all", (opened, url), (away, other))
        hub = Hub(tmp_path / "log", text)
        assert hub.witnessing.step() == 2
        assert cosigned_size(tmp_path / "log", opened, away) == 300
    log = LogWriter(tmp_path / "log", ORIGIN, PRIVATE)
    log.append(entries(300, 400))
    log.close()
    assert hub.witnessing.step() == 1
    assert cosigned_size(tmp_path / "log", opened, away) == 300


def test_a_witness_that_saw_more_than_the_hub_has_cosigns_nothing(running, heads, tmp_path, capsys):
    """The hub's log was put back to an old copy: that is said loudly, and no cosignature is had for it."""
    opened, url = running
    assert Hub(tmp_path / "log", policy("any", (opened, url))).witnessing.step() == 1
    make_log(tmp_path / "old", 100)
    hub = Hub(tmp_path / "old", policy("any", (opened, url)))
    assert hub.witnessing.step() == 0
    assert not (tmp_path / "old/cosigned").exists()
    assert "witness disagrees" in capsys.readouterr().out
    make_log(tmp_path / "forged", 400, shift=1)
    assert Hub(tmp_path / "forged", policy("any", (opened, url))).witnessing.step() == 0


def test_a_false_cosignature_is_not_kept(running, heads, tmp_path):
    """Whatever answers in the witness's place."""
    opened, url = running
    other = sign(open_checkpoint(heads[0], KEY), PRIVATE).split(b"\n\n")[1]
    for said in (b"", b"nonsense", other, b"\xff", f"— {opened.key.name} {'A' * 104}\n".encode()):
        hub = Hub(tmp_path / "log", policy("any", (opened, url)), ask=lambda *_, said=said: (200, said))
        assert hub.witnessing.step() == 0
    assert not (tmp_path / "log/cosigned").exists()


def test_a_cosigned_head_that_could_not_be_published_is_published_later(running, heads, tmp_path):
    """A broker that is away does not lose it, nor does a restart in between."""
    opened, url = running
    hub = Hub(tmp_path / "log", policy("any", (opened, url)))
    hub.broker.up = False
    assert hub.witnessing.step() == 0
    assert cosigned_size(tmp_path / "log", opened) == 300
    hub.broker.up = True
    hub.witnessing.step()
    assert [open_checkpoint(one.value, KEY).size for one in hub.broker.records(CHECKPOINTS)] == [300]
    later = Hub(tmp_path / "log", policy("any", (opened, url)))
    later.witnessing.step()
    assert len(later.broker.records(CHECKPOINTS)) >= 1


def test_what_does_not_answer_is_unreachable_and_nothing_but_http_is_asked():
    """No answer is never taken for one."""
    with pytest.raises(Unreachable):
        fetch("http://127.0.0.1:1/checkpoint")
    with pytest.raises(Misconfigured):
        fetch("file:///etc/hostname")
