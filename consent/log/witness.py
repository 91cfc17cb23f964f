"""What a witness is asked and how it answers: C2SP tlog-witness, `add-checkpoint` (c2sp.org/tlog-witness).

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=        (the consistency proof, a hash a line)

    example.com/behind-the-sofa                         (the checkpoint)
    ...
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint, origin_of
from consent.log.proof import consistent
from schemas.errors import Refusal

MOST_LINES = 63  # of a consistency proof
LARGEST = 128 * 1024  # bytes of a request: sixteen signatures of 5,000 bytes, and a proof
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9]\d{0,18})")
_HASH_BYTES = 32


class Asked(msgspec.Struct, frozen=True):
    """A request: the size of the head that the witness cosigned last, the proof from there, and the new head."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes


class Answer(msgspec.Struct, frozen=True):
    """Why a witness does not cosign: an HTTP status, and for 409 the size that it has."""

    status: int
    body: str = ""


def encode(asked: Asked) -> bytes:
    """Return the request's body."""
    lines = [f"old {asked.old}", *(b64encode(one).decode() for one in asked.proof), "", ""]
    return "\n".join(lines).encode() + asked.note


def decode(body: bytes) -> Asked | None:
    """Return the request in `body`, None when it is written in any other way."""
    head, blank, note = body.partition(b"\n\n")
    try:
        first, *rest = head.decode("ascii").split("\n")
        proof = tuple(b64decode(line, validate=True) for line in rest)
    except ValueError:
        return None
    old = _OLD.fullmatch(first)
    if not blank or old is None or len(proof) > MOST_LINES or any(len(one) != _HASH_BYTES for one in proof):
        return None
    return Asked(int(old[1]), proof, note)


def judge(asked: Asked, logs: Mapping[str, VerifierKey], last: Mapping[str, Checkpoint]) -> Checkpoint | Answer:
    """Return the head to be saved and cosigned, or the answer that refuses it.

    By origin: `logs` are the keys of the logs that this witness knows, `last` the heads that it cosigned last.
    """
    opened = _opened(asked.note, logs)
    if isinstance(opened, Answer):
        return opened
    if asked.old > opened.size:
        return Answer(400)
    seen = last.get(opened.origin, Checkpoint(opened.origin, 0, b""))
    if asked.old != seen.size:
        return Answer(409, f"{seen.size}\n")
    if not _grew(seen, opened, asked.proof):
        return Answer(422)
    return opened


def _opened(note: bytes, logs: Mapping[str, VerifierKey]) -> Checkpoint | Answer:
    try:
        key = logs.get(origin_of(note))
        return open_checkpoint(note, key) if key is not None else Answer(404)
    except Refusal as refusal:
        return Answer(400 if refusal.code == "malformed-note" else 403)


def _grew(seen: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> bool:
    """Whether `new` begins with all of `seen`."""
    if new.size == 0:
        return not proof and new.root == sha256().digest()
    return consistent(seen, new, proof)
