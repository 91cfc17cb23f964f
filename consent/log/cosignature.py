"""A witness's word that a log only ever grew: C2SP tlog-cosignature, Ed25519 (cosignature/v1), as a line on a
checkpoint (c2sp.org/tlog-cosignature).

The blob of the line is key id ‖ timestamp (8 bytes, big-endian seconds since 1970) ‖ signature (64 bytes).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consent.log.checkpoint import COSIGNATURE, SIGNATURE_LINE, VerifierKey, split, verifier_key
from schemas.errors import Refusal

LATEST = 2**63 - 1  # seconds; the specification's bound
_BLOB_BYTES = 4 + 8 + 64


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
    text, signatures = split(note)
    known = {(key.name, key.id): key for key in witnesses if key.kind == COSIGNATURE}
    found = ((known.get((name, blob[:4])), blob) for name, blob in signatures)
    return [_checked(text, blob, key) for key, blob in found if key is not None]


def _checked(text: str, blob: bytes, key: VerifierKey) -> Cosignature:
    time = int.from_bytes(blob[4:12], "big")
    try:
        if len(blob) != _BLOB_BYTES or time > LATEST:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(key.public).verify(blob[12:], _message(text, time))
    except InvalidSignature:
        problem = "a known witness's cosignature does not hold"
        raise Refusal("checkpoint", "bad-cosignature", problem, "Treat it as forged.") from None
    return Cosignature(key, time, _line(key.name, blob))


def with_cosignatures(note: bytes, lines: Iterable[str]) -> bytes:
    """Return `note` with signature `lines` put behind its own."""
    return note + "".join(lines).encode()
