"""A witness: cosigns a log's head once it is shown that the log only grew since the last one (c2sp.org/tlog-witness).

It runs elsewhere, in other hands than the hub's; one process of it on a directory:

    <witness>/witness.private                 its Ed25519 key, base64, mode 0600
    <witness>/<SHA-256 of origin>/checkpoint  the last head that it cosigned of each log, with both signatures
    <witness>/lock                            held by the process

A head is on disk before its cosignature leaves. An old copy of the directory must never be put back: a witness that
forgot what it saw would cosign a second history. Give the new start another key instead.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from agents.adapters.disk import Disk, hold
from agents.adapters.keys import made_once
from agents.adapters.log_reader import CHECKPOINT, read_file
from consent.log import witness as protocol
from consent.log.checkpoint import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    VerifierKey,
    signed_by,
    unverified,
    verifier_key,
)
from consent.log.cosignature import cosign, cosignatures, with_cosignatures
from consent.log.witness import SIZE_TYPE, Answer
from schemas.errors import Misconfigured, Refusal

TEXT = "text/plain; charset=utf-8"
PRIVATE_KEY = "witness.private"


def load_key(directory: Path) -> bytes:
    """Return the witness's private key, made at its first start. Raises `Misconfigured` for a file that holds none."""
    return made_once(directory / PRIVATE_KEY)


def place_of(origin: str) -> str:
    """Return under which path a witness keeps, and shows, the last head that it cosigned of the log `origin`."""
    return f"{sha256(origin.encode()).hexdigest()}/{CHECKPOINT}"


class Witness:
    """One witness. Thread-safe; a second one on the same directory is refused."""

    def __init__(
        self,
        directory: Path,
        name: str,
        private_key: bytes,
        logs: Sequence[VerifierKey],
        clock: Callable[[], int],
        disk: Disk | None = None,
    ) -> None:
        """`logs` are the keys of the logs that it watches, one each, `clock` gives seconds since 1970. Raises
        `Misconfigured` when another one runs here, or what it saw last is damaged."""
        self.key = verifier_key(name, private_key, COSIGNATURE)
        self._directory, self._private, self._clock = directory, private_key, clock
        self._logs = {key.name: key for key in logs if key.kind == ED25519}
        self._disk, self._alone = disk or Disk(), threading.Lock()
        lock = hold(directory / "lock")
        if lock is None:
            raise Misconfigured("Another witness runs on this directory already.")
        self._lock = lock
        try:
            self._last = {name: seen for name in self._logs if (seen := self._load(name)) is not None}
        except Misconfigured:
            self.close()
            raise

    def add_checkpoint(self, body: bytes) -> tuple[int, str, str]:
        """Answer one request: status, media type, body. Raises `OSError` when what it saw cannot be saved: then it
        has cosigned nothing."""
        asked = protocol.decode(body)
        if asked is None:
            return 400, TEXT, ""
        with self._alone:
            judged = protocol.judge(asked, self._logs, self._last)
            if isinstance(judged, Answer):
                return judged.status, SIZE_TYPE if judged.body else TEXT, judged.body
            return 200, TEXT, self._cosigned(judged, asked.note)

    def _cosigned(self, head: Checkpoint, note: bytes) -> str:
        line = cosign(note, self.key.name, self._private, self._clock())
        own = signed_by(note, self._logs[head.origin])  # whatever else stood on it may be anybody's
        self._disk.write(self._directory / place_of(head.origin), with_cosignatures(own, [line]))
        self._disk.sync_directories()
        self._last[head.origin] = head
        return line

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """Return the last head cosigned of the log whose origin has this SHA-256 (hexadecimal), None without one."""
        known = {sha256(name.encode()).hexdigest() for name in self._logs}
        return read_file(self._directory, f"{origin_hash}/{CHECKPOINT}") if origin_hash in known else None

    def close(self) -> None:
        """Let the next one in."""
        os.close(self._lock)

    def _load(self, origin: str) -> Checkpoint | None:
        note = read_file(self._directory, place_of(origin))
        if note is None:
            return None
        try:
            seen = unverified(note)
            if cosignatures(note, [self.key]) and seen.origin == origin:
                return seen  # by its own word: the log's key may have changed since
        except Refusal:
            pass
        raise Misconfigured(f"What this witness saw last of {origin} is damaged, or another witness's: it stops.")
