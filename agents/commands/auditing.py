"""What the audit commands share: where the logs and keys are, finding a decision, its proof, and printing."""

from __future__ import annotations

import sys
from base64 import b64decode
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import typer

from agents.adapters.disk import Disk
from agents.adapters.log_reader import CHECKPOINT, LogReader
from agents.settings import Settings
from consent.log import proof as proofs
from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint, origin_of, parse_verifier_keys
from consent.log.entry import Kept, head
from consent.log.merkle import Tree
from consent.log.proof import Proof
from consent.log.recount import Report
from consent.log.verify import verify
from schemas.errors import HearthError, Misconfigured, Refusal

LOGS = ("main", "sealed")
_PUBLIC_KEY_BYTES = 32


class Place:
    """The logs' directory, public key and name, as given or as this hub's settings say."""

    def __init__(self, log_dir: Path | None, key: Path | None, name: str | None) -> None:
        self._log_dir, self._key_file, self._name = log_dir, key, name

    def verify(self, log: str, remember: Path | None) -> Report:
        """Recount one log. With `remember`, also against the head kept there; a log found whole leaves its own."""
        key = self._key(self._origin(log))
        reader = self._reader(log)
        note = reader.read(CHECKPOINT)  # read once: a running hub may sign another meanwhile
        kept = remember / f"{key.name.replace('/', '_')}.checkpoint" if remember else None
        earlier = [kept.read_bytes()] if kept and kept.exists() else []
        report = verify(lambda path: note if path == CHECKPOINT else reader.read(path), key, reader.kept, earlier)
        reader.close()
        if kept and report.ok and note:
            disk = Disk()
            disk.write(kept, note)
            disk.sync_directories()
        return report

    def check(self, proof: Proof) -> Checkpoint:
        """Return the checkpoint under which `proof` holds. Raises `Refusal`."""
        return proofs.check(proof, [self._key(origin_of(proof.checkpoint.encode()))])

    def proof(self, decision: str, log: str | None) -> Proof:
        """Return a decision's proof, checked. Ends the command with 1 when there is none."""
        proofs_found = (self._look(decision, one) for one in ([named(log)] if log else LOGS))
        found = next((proof for proof in proofs_found if proof), None)
        return found or fail("There is no such decision in the log.", 1)

    def _look(self, decision: str, log: str) -> Proof | None:
        reader = self._reader(log)
        try:
            found = reader.find(decision)
            return self._proof(reader, found, self._key(self._origin(log))) if found else None
        except HearthError as wrong:
            fail(f"{self._origin(log)}: {wrong}", 1)
        finally:
            reader.close()

    def _proof(self, reader: LogReader, found: Kept, key: VerifierKey) -> Proof:
        note = reader.read(CHECKPOINT) or b""
        size = open_checkpoint(note, key).size
        if found.index >= size:
            raise Refusal("checkpoint", "not-yet", "the decision is not under a signed head yet", "Ask again shortly.")
        if found.body is None:
            raise Refusal("entry", "erased", f"entry {found.index} was erased; its place in the log stays", "")
        path = Tree(size, reader.read).inclusion(found.index)
        proof = Proof(found.body.decode(), head(found.body).salt, found.index, tuple(path), note.decode())
        proofs.check(proof, [key])
        return proof

    def _reader(self, log: str) -> LogReader:
        directory = (self._log_dir or Settings.load().log_dir) / log
        try:
            return LogReader(directory)
        except FileNotFoundError:
            fail(f"There is no log in {directory}. Name one with --log-dir.", 2)

    def _origin(self, log: str) -> str:
        return f"{self._name or Settings.load().log_name}/{log}"

    def _key(self, origin: str) -> VerifierKey:
        """Read the key file: `name+id+base64` lines, or the bare key in base64 (then it has any name)."""
        file = self._key_file or Settings.load().log_public_key
        try:
            text = file.read_text("utf-8")
            raw = _bare_key(text)
            keys = [VerifierKey(origin, raw)] if raw else parse_verifier_keys(text)
        except (OSError, UnicodeDecodeError, Misconfigured) as wrong:
            fail(f"{file} holds no public key of a log ({type(wrong).__name__}). Name one with --key.", 2)
        known = next((key for key in keys if key.name == origin), None)
        if known is None:
            fail(f"{file} holds no key for log {origin}.", 2)
        return known


def _bare_key(text: str) -> bytes | None:
    try:
        raw = b64decode(text.strip(), validate=True)
    except ValueError:
        return None
    return raw if len(raw) == _PUBLIC_KEY_BYTES else None


def origin(proof: Proof) -> str:
    """Return the name of the log that a checked proof is about."""
    return origin_of(proof.checkpoint.encode())


def named(log: str) -> str:
    """Return `log` if there is a log of that name; else end the command with 2."""
    if log not in LOGS:
        fail(f"--log is one of {', '.join(LOGS)}.", 2)
    return log


def read_proof(file: Path) -> Proof:
    """Read a proof as `prove` prints it; end the command with 2 when it is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Proof)
    except (OSError, msgspec.MsgspecError):
        fail(f"{file} holds no proof as `hearth audit prove` prints it.", 2)


def write(text: str) -> None:
    """Print data."""
    sys.stdout.write(f"{text}\n")


def write_json(data: Any) -> None:
    """Print data as JSON."""
    write(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())


def say(text: str) -> None:
    """Print a message."""
    sys.stderr.write(f"{text}\n")


def fail(text: str, code: int) -> NoReturn:
    """Print a message and end the command."""
    say(text)
    raise typer.Exit(code)
