"""What the log commits to: a salted hash of each entry, so that an entry can be erased and the tree still verifies.

The entry itself (the Decision as JSON, its salt among the fields) is kept beside the tree. Without the salt, a hash of
a few codes and pseudonyms could be guessed back; with entry and salt gone, the commitment says nothing.

An erasure is an entry of its own (`Erases`), so that what two people decided to erase and what somebody wiped are not
the same. It stands under an id that follows from the erased entry's index, names nothing of its content, and cannot
be erased itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

import msgspec

from schemas.errors import Refusal

COMMITMENT_TAG = b"hearth/log-entry/v1\n"
ERASURE = "erasure."  # begins the id of every erasure, and of nothing else
_SALT_TAG = b"hearth/log-salt/v1\n"
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


class Rows(msgspec.Struct, frozen=True):
    """How many rows are kept of a log of some size: in all, `before` index 0, `behind` the last; and the `last`."""

    total: int
    before: int
    behind: int
    last: int


class KeptEntries(Protocol):
    """Reads what is kept. Raises `Refusal` where that is damaged."""

    def kept(self, bundle: int) -> Sequence[Kept]:
        """Return what is kept of entry bundle N: log indices 256 N to 256 N + 255, in order."""
        ...

    def rows(self, size: int) -> Rows:
        """Return how many rows there are of a log of `size`."""
        ...


class Erases(msgspec.Struct, frozen=True):
    """Which entry an erasure takes away: its log `index` and decision `id`, a `reason` (code), and the pseudonyms of
    the two officers."""

    index: int
    id: str
    reason: str
    proposed_by: str
    approved_by: str


class Head(msgspec.Struct, frozen=True):
    """The fields of an entry that the log reads."""

    id: str
    salt: bytes = b""
    erases: Erases | None = None


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


def erasure_id(index: int) -> str:
    """Return the id under which the erasure of the entry at `index` stands: there is one place for it."""
    return f"{ERASURE}{index}"


def erasure(read: Head, index: int) -> Erases | None:
    """Return what the entry `read`, which stands at `index`, erases; None where it is no erasure that two people
    decided, of an entry that stands before it and is no erasure itself."""
    said = read.erases
    if said is None or read.id != erasure_id(said.index) or not 0 <= said.index < index:
        return None
    two = said.proposed_by and said.approved_by and said.proposed_by != said.approved_by
    return said if two and not said.id.startswith(ERASURE) else None


def salted(salt: bytes) -> bool:
    """Whether `salt` is one that the log takes."""
    return SALT_AT_LEAST <= len(salt) <= SALT_AT_MOST


def derived_salt(secret: bytes, body: bytes) -> bytes:
    """Return the salt of an entry that came without one: 32 bytes that nobody can guess who has not the log's
    `secret`, and the same whenever the log is made again."""
    return hmac.digest(secret, _SALT_TAG + body, "sha256")


def commitment(salt: bytes, body: bytes) -> bytes:
    """Return the 32 bytes that stand in the log: SHA-256(tag ‖ length of salt, one byte ‖ salt ‖ body)."""
    return sha256(COMMITMENT_TAG + bytes([len(salt)]) + salt + body).digest()
