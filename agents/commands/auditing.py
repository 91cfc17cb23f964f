"""What the audit commands share: where the logs and keys are, finding a decision, its proof, and printing."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

import msgspec

from agents.adapters.keys import LOGS
from agents.adapters.log_reader import CHECKPOINT, COSIGNED, LogReader
from agents.commands.heads import Memory, cosigned_at
from agents.commands.saying import fail
from agents.settings import Settings
from consent.log import proof as proofs
from consent.log.checkpoint import (
    ED25519,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    origin_of,
    parse_verifier_keys,
)
from consent.log.cosignature import Cosignature
from consent.log.entry import Kept, erasure_id, head
from consent.log.merkle import Tree
from consent.log.proof import Proof
from consent.log.recount import Report
from consent.log.trust import Trust, is_policy, parse_trust
from consent.log.verify import verify
from schemas.errors import HearthError, Misconfigured, Refusal

SEALED = LOGS[1]
_PUBLIC_KEY_BYTES = 32


class Place:
    """The logs' directory, public keys and name, as given or as this hub's settings say."""

    def __init__(self, log_dir: Path | None, key: Path | None, name: str | None) -> None:
        self._log_dir, self._key_file, self._name = log_dir, key, name
        self.of_use: set[str] = set()  # which of the cosigned heads were about one of these logs

    def verify(self, log: str, remember: Path | None, witnessed: Sequence[str] = ()) -> Report:
        """Recount one log, also against the cosigned heads `witnessed` (files, or witnesses' addresses) and, with
        `remember`, the head kept there; a log found whole leaves its own."""
        key, trust = self._key(self.origin(log)), self.trust(log)
        reader = self._reader(log)
        memory = Memory(remember, key.name) if remember else None
        earlier = [memory.note if memory else b"", reader.read(COSIGNED) or b""]
        earlier += [self._witnessed(where, trust, key.name) for where in witnessed]
        note = reader.read(CHECKPOINT)  # once, for a running hub may sign another; and last, for the others are older

        def read(path: str) -> bytes | None:
            return note if path == CHECKPOINT else reader.read(path)

        report = verify(read, key, reader, filter(None, earlier))
        reader.close()
        if memory and report.ok and note:
            memory.keep(note)
        return report

    def _witnessed(self, where: str, trust: Trust, origin: str) -> bytes:
        """Return a head that the quorum cosigned, or that at least one witness did where the policy asks for none;
        nothing where it is about another log."""
        note = cosigned_at(where, origin)
        try:
            if not note or origin_of(note) != origin:
                return b""
            if trust.cosigned(note):
                self.of_use.add(where)
                return note
            problem = "no witness whose key is known here cosigned it"
        except Refusal as refusal:
            problem = refusal.problem
        return fail(f"{where}: {problem}. Name the witnesses' keys in a policy, with --key.", 2)

    def check(self, proof: Proof) -> tuple[Checkpoint, list[Cosignature]]:
        """Return the checkpoint under which `proof` holds, and the known witnesses' words for it. Raises `Refusal`."""
        note = proof.checkpoint.encode()
        checkpoint = proofs.check(proof, [self._key(origin_of(note))])
        return checkpoint, self.trust(checkpoint.origin.rpartition("/")[2]).cosigned(note)

    def proof(self, decision: str, log: str | None) -> Proof:
        """Return a decision's proof, checked. Ends the command with 1 when there is none."""
        proofs_found = (self._look(decision, one) for one in self.logs(log))
        found = next((proof for proof in proofs_found if proof), None)
        return found or fail("There is no such decision in the log.", 1)

    def _look(self, decision: str, log: str) -> Proof | None:
        reader = self._reader(log)
        try:
            found = reader.find(decision)
            return self._proof(reader, found, self._key(self.origin(log))) if found else None
        except HearthError as wrong:
            fail(f"{self.origin(log)}: {wrong}", 1)
        finally:
            reader.close()

    def _proof(self, reader: LogReader, found: Kept, key: VerifierKey) -> Proof:
        note = reader.read(COSIGNED) or b""  # what witnesses cosigned proves more than what only the hub signed
        if not note or open_checkpoint(note, key).size <= found.index:
            note = reader.read(CHECKPOINT) or b""
        size = open_checkpoint(note, key).size
        if found.index >= size:
            raise Refusal("checkpoint", "not-yet", "the decision is not under a signed head yet", "Ask again shortly.")
        if found.body is None:
            if reader.find(erasure_id(found.index)) is None:
                raise Refusal("entry", "wiped", f"the content of entry {found.index} is gone, and nobody erased it", "")
            raise Refusal("entry", "erased", f"entry {found.index} was erased; its place in the log stays", "")
        path = Tree(size, reader.read).inclusion(found.index)
        proof = Proof(found.body.decode(), head(found.body).salt, found.index, tuple(path), note.decode())
        proofs.check(proof, [key])
        return proof

    def logs(self, log: str | None) -> tuple[str, ...]:
        """Return the log asked for; else this hub's main log, or both of a copy that is read with a key of its own."""
        if log:
            return (named(log),)
        return LOGS if self._is_copy else LOGS[:1]

    @property
    def _is_copy(self) -> bool:
        return bool(self._log_dir and self._key_file)

    def _reader(self, log: str) -> LogReader:
        if not self._is_copy:
            may_read(log)
        directory = (self._log_dir or Settings.load().log_dir) / log
        try:
            return LogReader(directory)
        except FileNotFoundError:
            fail(f"There is no log in {directory}. Name one with --log-dir.", 2)

    def origin(self, log: str) -> str:
        """Return what the log calls itself."""
        return f"{self._name}/{log}" if self._name else Settings.load().log_origin(log)

    def _key(self, origin: str) -> VerifierKey:
        """Read the key file: `name+id+base64` lines, a witness policy, or the bare key in base64 (then it has any
        name)."""
        file, text = self._keys(origin.rpartition("/")[2])
        raw = _bare_key(text)
        keys = [VerifierKey(origin, raw)] if raw else self._read(file, text).logs
        known = next((key for key in keys if key.name == origin), None)
        if known is None:
            fail(f"{file} holds no key for log {origin}.", 2)
        return known

    def key(self, log: str) -> VerifierKey:
        """Return a log's public key; end the command with 2 where there is none."""
        return self._key(self.origin(log))

    def trust(self, log: str) -> Trust:
        """Return the witnesses that the key file names; of this hub's own key, those that the hub asks."""
        if self._key_file is None:
            own = Settings.load().witness_policy(log)
            return self._read(own, own.read_text("utf-8")) if own.exists() else Trust()
        file, text = self._keys(log)
        return Trust() if _bare_key(text) else self._read(file, text)

    def _keys(self, log: str) -> tuple[Path, str]:
        file = self._key_file or Settings.load().log_public_key(log)
        try:
            return file, file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as wrong:
            fail(f"{file} holds no public key of a log ({type(wrong).__name__}). Name one with --key.", 2)

    @staticmethod
    def _read(file: Path, text: str) -> Trust:
        try:
            if is_policy(text):
                return parse_trust(text)
            return Trust(logs=tuple(key for key in parse_verifier_keys(text) if key.kind == ED25519))
        except Misconfigured as wrong:
            fail(f"{file} holds no public key of a log: {wrong} Name one with --key.", 2)


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


def may_read(log: str) -> None:
    """End the command unless this hub's log may be read by whoever runs it: the sealed one by those cleared for it."""
    if log == SEALED:
        from agents.commands import readers  # they take long to load, and most questions are about the main log
        from agents.commands.tools import tools

        readers.cleared(tools())


def read_proof(file: Path) -> Proof:
    """Read a proof as `prove` prints it; end the command with 2 when it is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Proof)
    except (OSError, msgspec.MsgspecError):
        fail(f"{file} holds no proof as `hearth audit prove` prints it.", 2)
