"""What the log commits to: a salted hash of each entry, so that an entry can be erased and the tree still verifies.

The entry itself (the Decision as JSON, its salt among the fields) is kept beside the tree. Without the salt, a hash of
a few codes and pseudonyms could be guessed back; with entry and salt gone, the commitment says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from schemas.errors import Refusal

COMMITMENT_TAG = b"hearth/log-entry/v1\n"
SALT_AT_LEAST = 16  # bytes: 128 bits cannot be searched
SALT_AT_MOST = 255


class Told(msgspec.Struct, frozen=True, gc=False):
    """What of a decision tells whether a register overtook it (consent/overtaken.py)."""

    id: str
    stage: str
    outcome: str
    family: str
    register_version: str
    salt: bytes = b""


class LogEntry(msgspec.Struct, frozen=True):
    """An entry on its way in: the decision's `id` (repeats are dropped by it), its `salt`, and its exact bytes.

    `told` and `place` (of the family's record) where it is to be judged whether a register overtook it.
    """

    id: str
    salt: bytes
    body: bytes
    told: Told | None = None
    place: int = -1


class Kept(msgspec.Struct, frozen=True):
    """An entry as kept: `body` is None once it was erased (the id stays, so that a repeat stays a repeat)."""

    index: int
    id: str
    body: bytes | None


KeptBundle = Callable[[int], Sequence[Kept]]
"""Returns what is kept of entry bundle N: log indices 256 N to 256 N + 255, in order."""


class Head(msgspec.Struct, frozen=True):
    """The two fields of an entry that the log reads."""

    id: str
    salt: bytes = b""


_decode_head = msgspec.json.Decoder(Head).decode
_decode_told = msgspec.json.Decoder(Told).decode


def told(body: bytes) -> Told | None:
    """Return what is read of a decision to judge it; None of what is no whole decision."""
    try:
        return _decode_told(body)
    except msgspec.MsgspecError:
        return None


def head(body: bytes) -> Head:
    """Return the entry's id and salt. Raises `Refusal` when it is no JSON object with an `id`."""
    try:
        return _decode_head(body)
    except msgspec.MsgspecError:
        raise Refusal("entry", "unreadable-entry", "it is no JSON object with id and salt", "Restore it.") from None


def salted(salt: bytes) -> bool:
    """Whether `salt` is one that the log takes."""
    return SALT_AT_LEAST <= len(salt) <= SALT_AT_MOST


def commitment(salt: bytes, body: bytes) -> bytes:
    """Return the 32 bytes that stand in the log: SHA-256(tag ‖ length of salt, one byte ‖ salt ‖ body)."""
    return sha256(COMMITMENT_TAG + bytes([len(salt)]) + salt + body).digest()
