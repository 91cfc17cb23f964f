"""`hearth audit` with what was kept elsewhere: cosigned heads, proofs that others check, a watch that never forgets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from agents.adapters.log_files import LogWriter
from agents.commands.audit import app
from agents.portal.door import Door
from agents.portal.serve import serving
from consent.log.checkpoint import sign, unverified
from consent.log.cosignature import with_cosignatures
from tests.contract.logs import KEY, ORIGIN, PRIVATE, decision, entries, make_log
from tests.edges.log_kit import AT, Hub, answering, policy, secret, witness


class Office:
    """An auditor's desk: the log, the witness's address, and files of their own."""

    def __init__(self, home: Path, opened, url: str) -> None:
        self.home, self.witness, self.url = home, opened, url
        self.log, self.key = home / "log/main", home / "trusted"
        self.key.write_text(policy("any", (opened, url)))
        make_log(self.log, 100, 250, 300)

    def cosign(self, log: Path | None = None) -> Path:
        """Have the log's head cosigned and keep it apart."""
        assert Hub(log or self.log, self.key.read_text()).witnessing.step() == 1
        kept = self.home / "kept"
        kept.write_bytes(((log or self.log) / "cosigned").read_bytes())
        return kept

    def run(self, *words: object, key: bool = True) -> Result:
        named = ["--key", self.key] if key else []
        return CliRunner().invoke(app, [str(word) for word in (*words, *named)])

    def verify(self, *words: object) -> Result:
        return self.run("verify", "--log", "main", "--log-dir", self.home / "log", "--name", "hearth.test", *words)

    def watch(self, source: object, *words: object) -> Result:
        return self.run("watch", source, "--once", "--name", "hearth.test", "--remember", self.home / "mine", *words)

    def rewrite(self, *ends: int, shift: int = 0) -> None:
        """Put another log, signed with the log's own key, in place of the log."""
        shutil.rmtree(self.log)
        make_log(self.log, *ends, shift=shift)

    def grow(self, end: int) -> None:
        log = LogWriter(self.log, ORIGIN, PRIVATE)
        log.append(entries(log.size, end))
        log.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = witness(tmp_path / "witness")
    with answering(opened) as url:
        yield Office(tmp_path, opened, url)


# ---------------------------------------------------------------- verify


def test_a_whole_log_fits_the_cosigned_head_kept_aside(office):
    """From a file, and asked of the witness itself; a log that grew since fits too."""
    kept = office.cosign()
    office.grow(400)
    for where in (kept, office.url):
        found = office.verify("--witnessed", where, "--json")
        assert found.exit_code == 0, found.stderr
        report = msgspec.json.decode(found.stdout)[0]
        assert (report["size"], report["remembered"]) == (400, 300)


@pytest.mark.parametrize(("ends", "shift"), [((299,), 0), ((100,), 0), ((), 0), ((300,), 1), ((500,), 1)])
def test_a_log_cut_short_or_rewritten_and_signed_again_is_found_by_the_cosigned_head(office, ends, shift):
    """Without it the log looks whole: every signature on it is by its own key."""
    kept = office.cosign()
    office.rewrite(*ends, shift=shift)
    assert office.verify().exit_code == 0
    for where in (kept, office.url):
        found = office.verify("--witnessed", where)
        assert found.exit_code == 1
        assert "TAMPERED WITH" in found.stdout


def test_the_cosigned_head_beside_the_log_is_compared_without_being_asked_for(office):
    """Whoever rewrites the log and leaves that file is found at once."""
    office.cosign()
    beside = (office.log / "cosigned").read_bytes()
    office.rewrite(300, shift=1)
    (office.log / "cosigned").write_bytes(beside)
    assert office.verify().exit_code == 1


def test_a_head_that_no_known_witness_cosigned_is_no_witnessed_head(office):
    """The log's own signature is not enough, nor a witness's that the policy does not name, nor a false one."""
    kept = office.cosign()
    note = kept.read_bytes()
    for wrong in (
        (office.log / "checkpoint").read_bytes(),
        note.replace(b"w0.example", b"w9.example"),
        note[:-6] + b"AAAA=\n",
        sign(unverified(note), PRIVATE) + b"nonsense",
    ):
        kept.write_bytes(wrong)
        assert office.verify("--witnessed", kept).exit_code == 2
    assert office.verify("--witnessed", office.home / "nowhere").exit_code == 2
    assert office.verify("--witnessed", "http://127.0.0.1:1").exit_code == 3


def test_a_witnessed_head_of_another_log_proves_nothing_here(office):
    """Taken for this log's it would make any log look whole."""
    kept = office.cosign()
    found = office.run("verify", "--log-dir", office.home / "log", "--name", "hearth.test", "--log", "main")
    assert found.exit_code == 0
    make_log(office.home / "log/sealed")
    office.key.write_text(office.key.read_text() + f"log {msgspec.structs.replace(KEY, name='hearth.test/sealed')}\n")
    (office.home / "log/sealed/checkpoint").unlink()
    found = office.run("verify", "--log-dir", office.home / "log", "--name", "hearth.test", "--log", "sealed",
                       "--witnessed", kept)  # fmt: skip
    assert found.exit_code == 2


# ---------------------------------------------------------------- prove and check


def test_a_proof_carries_the_witnesses_words_and_is_checked_offline(office):
    """The bundle and the public keys are enough: the log is gone, the witness does not answer."""
    office.cosign()
    office.grow(400)
    log = ("--log-dir", office.home / "log", "--name", "hearth.test")
    (office.home / "proof").write_text(office.run("prove", decision(123).id, *log).stdout)
    (office.home / "later").write_text(office.run("prove", decision(350).id, *log).stdout)
    shutil.rmtree(office.log)
    found = office.run("check", office.home / "proof")
    assert found.exit_code == 0, found.stderr
    assert "Entry 123 of 300 in hearth.test/main: the proof holds." in found.stdout
    assert "Cosigned by w0.example at 2027-01-15 08:00:00 UTC." in found.stdout
    said = msgspec.json.decode(office.run("check", office.home / "proof", "--json").stdout)
    assert said["cosigned"] == [{"witness": "w0.example", "at": AT}]
    assert office.run("check", office.home / "later").exit_code == 1
    office.key.write_text(f"{KEY}\n")
    assert office.run("check", office.home / "later").exit_code == 0


def test_a_proof_with_a_false_cosignature_does_not_hold(office):
    """One that names a known witness must be the witness's."""
    office.cosign()
    log = ("--log-dir", office.home / "log", "--name", "hearth.test")
    proof = msgspec.json.decode(office.run("prove", decision(1).id, *log).stdout)
    proof["checkpoint"] = proof["checkpoint"][:-6] + "AAAA=\n"
    (office.home / "proof").write_bytes(msgspec.json.encode(proof))
    assert office.run("check", office.home / "proof").exit_code == 1


# ---------------------------------------------------------------- watch


@pytest.fixture(params=["directory", "http"])
def source(request, office):
    """The log as a directory, or as static files at its hub's door."""
    if request.param == "directory":
        yield office.log
        return
    with serving(Door(None, None, None, None, log_dir=office.log)) as url:
        yield f"{url}/log"


def test_a_watch_keeps_the_last_head_and_proves_each_new_one_against_it(office, source):
    """Nothing is taken on trust but the first head."""
    office.cosign()
    first = office.watch(source)
    assert first.exit_code == 0, first.stderr
    office.grow(1000)
    found = msgspec.json.decode(office.watch(source, "--json").stdout)
    assert found == {"origin": ORIGIN, "size": 1000, "before": 300, "cosigned": 300, "witnesses": 1}


@pytest.mark.parametrize(("ends", "shift"), [((299,), 0), ((300,), 1), ((1000,), 1)])
def test_a_watch_finds_a_log_that_did_not_only_grow(office, source, ends, shift):
    """Cut short, rewritten, rewritten and gone on: signed with the log's own key, and found; the old head stays."""
    office.key.write_text(f"{KEY}\n")
    assert office.watch(source).exit_code == 0
    office.rewrite(*ends, shift=shift)
    found = office.watch(source)
    assert found.exit_code == 1
    assert "do not begin with the 300" in found.stderr
    assert office.watch(source).exit_code == 1


def test_a_watch_finds_a_log_that_its_witnesses_did_not_cosign(office, source):
    """No cosigned head at all, one by nobody known, one that the log does not begin with."""
    assert office.watch(source).exit_code == 1
    office.cosign()
    assert office.watch(source).exit_code == 0
    stranger = with_cosignatures((office.log / "checkpoint").read_bytes(), [])
    cosigned = (office.log / "cosigned").read_bytes()
    (office.log / "cosigned").write_bytes(stranger)
    assert office.watch(source).exit_code == 1
    office.rewrite(400, shift=1)
    (office.log / "cosigned").write_bytes(cosigned)
    shutil.rmtree(office.home / "mine")
    assert office.watch(source).exit_code == 1


def test_a_watch_says_when_nobody_answers(office):
    """3 and not 1: no answer is no proof of anything."""
    assert office.watch("http://127.0.0.1:1/log").exit_code == 3
    assert secret(0) != secret(1)
