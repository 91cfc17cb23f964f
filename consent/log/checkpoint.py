"""The log's signed head: C2SP tlog-checkpoint in a C2SP signed-note, Ed25519 (c2sp.org/signed-note).

    hearth.example/main
    300
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — hearth.example/main Az3grlgtzPICa5OS8npVmf1Myq/5IZ...

A key's name is the log's origin. Public keys are written as Go's note package does: `name+id+base64`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import Misconfigured, Refusal

ED25519 = b"\x01"  # signed-note's signature types
COSIGNATURE = b"\x04"
COSIGNATURE_ML_DSA = b"\x06"  # ML-DSA-44 (FIPS 204): holds against quantum computers too
_KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, COSIGNATURE_ML_DSA: 1312}
SIGNATURE_LINE = "— "
LONGEST_NOTE = 1_000_000  # bytes; sixteen post-quantum signatures are 80,000


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree's head: the log's `origin`, the number of leaves, the 32-byte root."""

    origin: str
    size: int
    root: bytes


class VerifierKey(msgspec.Struct, frozen=True):
    """A public key (raw bytes) and its owner's name. `kind`, signed-note's signature type, tells a log's (ED25519) from
    a witness's (COSIGNATURE, or COSIGNATURE_ML_DSA)."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ newline ‖ kind ‖ public key)."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(self.kind + self.public).decode()}"


def verifier_key(name: str, private_key: bytes, kind: bytes = ED25519) -> VerifierKey:
    """Return the public half of the 32-byte Ed25519 `private_key` under the `name` of a log, or of a witness."""
    if not name or any(sign.isspace() or sign == "+" for sign in name):
        raise Misconfigured("The name of a log or a witness must not be empty, nor hold spaces or plus signs.")
    return VerifierKey(name, Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw(), kind)


def parse_verifier_key(line: str) -> VerifierKey:
    """Read `name+id+base64`. Raises `Misconfigured` when it is of no known kind or its id is not its own."""
    try:
        name, said, encoded = line.strip().split("+", 2)
        raw = b64decode(encoded, validate=True)
    except ValueError:
        raise Misconfigured("A public key of a log or a witness is written name+id+base64.") from None
    key = VerifierKey(name, raw[1:], raw[:1])
    if len(key.public) != _KEY_BYTES.get(key.kind) or key.id.hex() != said:
        raise Misconfigured("A public key of a log or a witness is of no known kind, or its id does not fit it.")
    return key


def parse_verifier_keys(text: str) -> list[VerifierKey]:
    """Read a key file: one key a line, one for each log or witness; `#` starts a comment line."""
    lines = (line.strip() for line in text.splitlines())
    return [parse_verifier_key(line) for line in lines if line and not line.startswith("#")]


def _text(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode()}\n"


def sign(checkpoint: Checkpoint, private_key: bytes) -> bytes:
    """Return the signed note. The same checkpoint and key always give the same bytes (RFC 8032)."""
    text = _text(checkpoint)
    key = verifier_key(checkpoint.origin, private_key)
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(text.encode())
    return f"{text}\n{SIGNATURE_LINE}{key.name} {b64encode(key.id + signature).decode()}\n".encode()


def verified_text(note: bytes, key: VerifierKey) -> str:
    """Return the text of a signed note once `key`'s signature on it holds; signatures of other keys are passed over.

    Raises `Refusal`: malformed-note, unsigned (none by this key), bad-signature.
    """
    text, signatures = split(note)
    own = [blob for name, blob in signatures if name == key.name and blob[:4] == key.id]
    if not own:
        raise Refusal("checkpoint", "unsigned", "no signature on it is by the log's key", "Ask for the log's key.")
    try:
        for blob in own:
            Ed25519PublicKey.from_public_bytes(key.public).verify(blob[4:], text.encode())
    except InvalidSignature:
        raise Refusal("checkpoint", "bad-signature", "its signature does not hold", "Treat it as forged.") from None
    return text


def open_checkpoint(note: bytes, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint in `note`, its signature by `key` and its origin checked. Raises `Refusal`."""
    checkpoint = _parse(verified_text(note, key))
    if checkpoint.origin != key.name:
        raise Refusal("checkpoint", "other-log", "it is the head of another log", "Restore this log's own.")
    return checkpoint


def signed_by(note: bytes, key: VerifierKey) -> bytes:
    """Return the note with those signatures only that name `key`. They are not checked here. Raises `Refusal`."""
    text, signatures = split(note)
    own = [f"{SIGNATURE_LINE}{name} {b64encode(blob).decode()}\n" for name, blob in signatures
           if name == key.name and blob[:4] == key.id]  # fmt: skip
    return f"{text}\n{''.join(own)}".encode()


def origin_of(note: bytes) -> str:
    """Return what the note says its log is, unchecked: only to choose the key that checks it."""
    return split(note)[0].split("\n", 1)[0]


def unverified(note: bytes) -> Checkpoint:
    """Return what the note says, unchecked: only for files of one's own. Raises `Refusal` malformed-note."""
    return _parse(split(note)[0])


def split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the note's text, and each signature as (key name, key id ‖ signature). Raises `Refusal` malformed-note."""
    try:
        whole = note[:LONGEST_NOTE].decode()
        text, signed = whole[: whole.rindex("\n\n") + 1], whole[whole.rindex("\n\n") + 2 :]
        if not signed.endswith("\n") or any(sign < " " and sign != "\n" for sign in whole):
            raise ValueError
        return text, list(_signatures(signed[:-1].split("\n")))
    except ValueError:
        raise _malformed() from None


def _signatures(lines: Iterable[str]) -> Iterable[tuple[str, bytes]]:
    for line in lines:
        name, encoded = line.removeprefix(SIGNATURE_LINE).split(" ")
        blob = b64decode(encoded, validate=True)
        if not line.startswith(SIGNATURE_LINE) or not name or len(blob) < 5:
            raise ValueError
        yield name, blob


def _parse(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), b64decode(lines[2], validate=True)
    except (ValueError, IndexError):
        raise _malformed() from None
    if not all(lines) or size < 0 or str(size) != lines[1] or len(root) != 32:
        raise _malformed()
    return Checkpoint(origin, size, root)


def _malformed() -> Refusal:
    return Refusal("checkpoint", "malformed-note", "it is no signed checkpoint", "Restore it from the topic.")
