"""Checking proofs: that an entry is in a signed tree, and that one signed tree begins with another (RFC 9162 §2.1).

The verifier's side: it shares no code with the writer, who builds the proofs (merkle.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint, origin_of
from consent.log.entry import commitment, head
from schemas.errors import Refusal

FORMAT = "hearth-inclusion/1"


class Proof(msgspec.Struct, frozen=True):
    """All that is needed to check, with the log's public key alone, that an entry stands in the log.

    `entry` is the exact text that was committed to, `salt` its salt, `index` its place from 0, `inclusion` the
    sibling hashes, lowest first, `checkpoint` the signed note.
    """

    entry: str
    salt: bytes
    index: int
    inclusion: tuple[bytes, ...]
    checkpoint: str
    format: str = FORMAT


def leaf(entry: bytes) -> bytes:
    """Return the leaf hash of a log entry."""
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two children."""
    return sha256(b"\x01" + left + right).digest()


def included(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` leads from the leaf at `index` to the `root` of a tree of `size` leaves (§2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> bool:
    """Whether `path` shows that the `new` tree begins with the whole `old` one (§2.1.4.2)."""
    if old.size == new.size or old.size == 0:
        return not path and (old.size == 0 or old.root == new.root)
    if old.size > new.size or not path:
        return False
    hashes = [old.root, *path] if old.size & (old.size - 1) == 0 else list(path)
    at, last = old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_root = new_root = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_root, new_root = node(sibling, old_root), node(sibling, new_root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new_root = node(new_root, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old_root == old.root and new_root == new.root


def check(proof: Proof, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint under which `proof` holds. Raises `Refusal` naming the part that does not."""
    note, body = proof.checkpoint.encode(), proof.entry.encode()
    if proof.format != FORMAT:
        raise Refusal("format", "unknown-format", "it is another kind of proof", f"Give one of {FORMAT}.")
    key = next((key for key in keys if key.name == origin_of(note)), None)
    if key is None:
        raise Refusal("checkpoint", "unknown-log", "no key is for the log that it names", "Give that log's key.")
    checkpoint = open_checkpoint(note, key)
    if head(body).salt != proof.salt:
        raise Refusal("salt", "other-salt", "it is not the entry's own salt", "Ask for the proof again.")
    hashed = leaf(commitment(proof.salt, body))
    if not included(hashed, proof.index, checkpoint.size, proof.inclusion, checkpoint.root):
        raise Refusal("inclusion", "not-included", "the entry is not in the signed tree", "Treat it as forged.")
    return checkpoint
