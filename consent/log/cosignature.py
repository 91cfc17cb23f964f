"""A witness's word that a log only ever grew, as a line on a checkpoint (c2sp.org/tlog-cosignature): Ed25519, which our
own witness gives, and ML-DSA-44, which is read only.

The blob of the line is key id ‖ timestamp (8 bytes, big-endian seconds since 1970) ‖ signature (64 or 2,420 bytes).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from consent.log.checkpoint import (
    COSIGNATURE,
    COSIGNATURE_ML_DSA,
    SIGNATURE_LINE,
    Checkpoint,
    VerifierKey,
    split,
    unverified,
    verifier_key,
)
from schemas.errors import Refusal

LATEST = 2**63 - 1  # seconds; the specification's bound
_SIGNATURE_BYTES = {COSIGNATURE: 64, COSIGNATURE_ML_DSA: 2420}
_SUBTREE = b"subtree/v1\n\0"


class Cosignature(msgspec.Struct, frozen=True):
    """That the witness with `key` saw this head, and none larger, at `time` (seconds since 1970); its `line`."""

    key: VerifierKey
    time: int
    line: str


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(note: bytes, name: str, private_key: bytes, time: int) -> str:
    """Return the line, newline included, by which witness `name` signs the text of `note` at `time` (above 0)."""
    key = verifier_key(name, private_key, COSIGNATURE)
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_message(split(note)[0], time))
    return _line(name, key.id + time.to_bytes(8, "big") + signature)


def _line(name: str, blob: bytes) -> str:
    return f"{SIGNATURE_LINE}{name} {b64encode(blob).decode()}\n"


def cosignatures(note: bytes, witnesses: Iterable[VerifierKey]) -> list[Cosignature]:
    """Return the cosignatures of those `witnesses` that are on `note`; unknown keys' signatures are passed over.

    Raises `Refusal`: malformed-note, or bad-cosignature where one that names a known witness's key does not hold.
    """
    known = {(key.name, key.id): key for key in witnesses if key.kind in _SIGNATURE_BYTES}
    found = ((known.get((name, blob[:4])), blob) for name, blob in split(note)[1])
    return [_checked(note, blob, key) for key, blob in found if key is not None]


def _ml_dsa_message(head: Checkpoint, name: str, time: int) -> bytes:
    """Return `cosigned_message` of a whole tree: it names the witness too, and no further lines of the note."""
    cosigner, origin = (bytes([len(said.encode())]) + said.encode() for said in (name, head.origin))
    stamped, start, end = (number.to_bytes(8, "big") for number in (time, 0, head.size))
    return _SUBTREE + cosigner + stamped + origin + start + end + head.root


def _checked(note: bytes, blob: bytes, key: VerifierKey) -> Cosignature:
    time, signature = int.from_bytes(blob[4:12], "big"), blob[12:]
    try:
        if len(signature) != _SIGNATURE_BYTES[key.kind] or time > LATEST:
            raise InvalidSignature
        if key.kind == COSIGNATURE:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, _message(split(note)[0], time))
        else:
            said = _ml_dsa_message(unverified(note), key.name, time)
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, said)
    except InvalidSignature:
        problem = "a known witness's cosignature does not hold"
        raise Refusal("checkpoint", "bad-cosignature", problem, "Treat it as forged.") from None
    return Cosignature(key, time, _line(key.name, blob))


def with_cosignatures(note: bytes, lines: Iterable[str]) -> bytes:
    """Return `note` with signature `lines` put behind its own."""
    return note + "".join(lines).encode()
