"""A program written elsewhere (Go's sumdb note and tlog packages) finds the log whole, and what is wrong with it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.adapters.log_files import LogWriter
from agents.commands.audit import app
from consent.log.checkpoint import COSIGNATURE, Checkpoint, open_checkpoint, sign, verifier_key
from consent.log.cosignature import cosign, with_cosignatures
from tests.contract.logs import KEY, ORIGIN, PRIVATE, decision, entries, make_log

SOURCE = Path(__file__).parent.parent / "log_go"
PACKAGES = ("note", "tlog")
WITNESS = bytes(range(32))
WITNESS_KEY = verifier_key("witness.example/w1", WITNESS, COSIGNATURE)
Verify = Callable[..., subprocess.CompletedProcess[str]]


def go() -> str | None:
    return shutil.which("go") or next((str(file) for file in [Path("/usr/local/go/bin/go")] if file.exists()), None)


@pytest.fixture(scope="module")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Verify:
    """The Go program, built from the packages that the Go distribution carries; skipped where there is no Go."""
    command = go()
    if command is None:
        pytest.skip("Go is not installed on this machine: the log was not checked by another implementation")
    build = tmp_path_factory.mktemp("go")
    asked = subprocess.run([command, "env", "GOROOT", "GOVERSION"], check=True, capture_output=True, text=True)
    root, version = asked.stdout.split()[:2]
    carried = Path(root) / "src/cmd/vendor/golang.org/x/mod/sumdb"
    if not all((carried / package).is_dir() for package in PACKAGES):
        pytest.skip("this Go distribution does not carry golang.org/x/mod: the log was not checked by another one")
    for package in PACKAGES:
        shutil.copytree(carried / package, build / "mod/sumdb" / package)
    (build / "mod/go.mod").write_text(f"module golang.org/x/mod\n\ngo {version.removeprefix('go')}\n")
    shutil.copytree(SOURCE, build / "verify")
    with (build / "verify/go.mod").open("a") as file:
        file.write(f"\ngo {version.removeprefix('go')}\n\nreplace golang.org/x/mod => ../mod\n")
    environ = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    subprocess.run([command, "build", "-o", build / "log-verify", "."], cwd=build / "verify",
                   env={**os.environ, **environ}, check=True)  # fmt: skip

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        said = [build / "log-verify", *(str(word) for word in words)]
        return subprocess.run(said, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.parametrize("ends", [(1,), (2,), (100, 255), (256,), (257,), (300, 1000), (65_600,)])
def test_go_finds_the_log_whole_and_counts_the_same_root(verify, tmp_path, ends):
    """Signature, every bundle, every tile up to the signed root, and proofs of growth; at tile edges and beyond."""
    head = open_checkpoint(make_log(tmp_path, *ends)[-1], KEY)
    found = verify(tmp_path, KEY)
    assert found.returncode == 0, found.stderr
    size, root = found.stdout.split()
    assert int(size) == head.size == ends[-1]
    assert root in sign(head, PRIVATE).decode()


def test_go_checks_a_witnesss_cosignature_and_that_the_log_grew_from_there(verify, tmp_path):
    """cosignature/v1 as an implementation of its own reads it."""
    old = make_log(tmp_path, 300)[-1]
    (tmp_path / "cosigned").write_bytes(with_cosignatures(old, [cosign(old, WITNESS_KEY.name, WITNESS, 1_800_000_000)]))
    log = LogWriter(tmp_path, ORIGIN, PRIVATE)
    log.append(entries(300, 700))
    log.close()
    assert verify(tmp_path, KEY, WITNESS_KEY).returncode == 0
    other = sign(Checkpoint(ORIGIN, 300, bytes(32)), PRIVATE)
    for note in (
        old,
        with_cosignatures(old, [cosign(other, WITNESS_KEY.name, WITNESS, 1_800_000_000)]),
        with_cosignatures(other, [cosign(other, WITNESS_KEY.name, WITNESS, 1_800_000_000)]),
    ):
        (tmp_path / "cosigned").write_bytes(note)
        assert verify(tmp_path, KEY, WITNESS_KEY).returncode == 1


@pytest.mark.parametrize("path", ["checkpoint", "tile/entries/000", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_go_finds_a_changed_byte(verify, tmp_path, path):
    """In the head, in a bundle, in a tile of any level."""
    make_log(tmp_path, 300)
    content = bytearray((tmp_path / path).read_bytes())
    content[20] ^= 1
    (tmp_path / path).write_bytes(content)
    assert verify(tmp_path, KEY).returncode == 1


def test_go_checks_the_proof_that_prove_prints(verify, tmp_path):
    """Commitment, inclusion and signature, from the bundle and the public key alone."""
    make_log(tmp_path / "log/main", 300)
    (tmp_path / "key").write_text(f"{KEY}\n")
    words = ["prove", decision(123).id, "--log", "main", "--log-dir", tmp_path / "log", "--name", "hearth.test",
             "--key", tmp_path / "key"]  # fmt: skip
    said = CliRunner().invoke(app, [str(word) for word in words]).stdout
    (tmp_path / "proof").write_text(said)
    assert verify("-proof", tmp_path / "proof", KEY).stdout == "123 of 300\n"
    (tmp_path / "proof").write_text(said.replace("attendance", "attendancf"))
    assert verify("-proof", tmp_path / "proof", KEY).returncode == 1
