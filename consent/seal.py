"""Sealing and pseudonyms: bytes in, bytes out. Keys, nonces and where they are kept are the caller's.

A seal is AES-256-GCM: 12 bytes of nonce, the ciphertext, 16 bytes of tag. The label says what the seal is for and is
checked on opening, so that sealed bytes moved to another item do not open. A parcel for another system is HPKE
(RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; 32 bytes of encapsulated key, then the ciphertext.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from schemas.errors import Misconfigured, Unsealable
from schemas.ids import EventKey, ItemId, PractitionerId, Pseudonym

KEY_BYTES = 32
NONCE_BYTES = 12
_TAG_BYTES = 16
_PSEUDONYM_BYTES = 16  # 128 bits: 32 characters of hex
_SHARED_SYSTEMS = ("nhs-number", "upn")  # one number for one person, whoever says it
_HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class Pseudonyms(msgspec.Struct, frozen=True):
    """Names that cannot be turned back, under the hub's key (32 bytes or more) of one `version`.

    All are HMAC-SHA-256 cut to 128 bits, 32 characters of hex. Each kind of name is worked out over
    its own word, so that no two kinds can coincide. Raises Misconfigured for a key that is too short.
    """

    key: bytes
    version: int = 1

    def __post_init__(self) -> None:
        if len(self.key) < KEY_BYTES:
            raise Misconfigured("the pseudonym key is shorter than 32 bytes")

    def __repr__(self) -> str:
        return f"Pseudonyms(version={self.version})"

    def event(self, source: str, id: str, type: str | None = None) -> EventKey:  # noqa: A002 (CloudEvents' names)
        """Return the key of one event: (source, id), and its type where a publisher's ids need it."""
        return EventKey(self._name("event", source, id) if type is None else self._name("event", source, id, type))

    def identifier(self, system: str, value: str, agency: str) -> Pseudonym:
        """Return the look-up key of an identifier. An agency's own (`local`) number differs from agency to agency."""
        if system in _SHARED_SYSTEMS:
            return Pseudonym(self._name("identifier", system, _plain(value)))
        return Pseudonym(self._name("identifier", system, value.strip(), agency))

    def practitioner(self, agency: str, id: str) -> PractitionerId:  # noqa: A002
        """Return the id of the practitioner whom `agency` knows by the staff number `id`."""
        return PractitionerId("w_" + self._name("practitioner", agency, id.strip()))

    def mint(self, prefix: str, *parts: str) -> str:
        """Return the opaque id `<prefix>_<32 characters>` that its cause (`parts`) always gives."""
        return f"{prefix.removesuffix('_')}_{self._name('mint', prefix.removesuffix('_'), *parts)}"

    def nonce(self, label: bytes, plaintext: bytes) -> bytes:
        """Return 12 bytes for `seal` that differ whenever the label or the plaintext does, and need no randomness."""
        return hmac.digest(self.key, b"nonce" + len(label).to_bytes(4) + label + plaintext, "sha256")[:NONCE_BYTES]

    def _name(self, *parts: str) -> str:
        # lengths, so that ("ab", "c") is not ("a", "bc")
        message = "".join([f"{len(part)}:{part}" for part in parts]).encode("utf-8", "surrogatepass")
        name = _keyed(self.key).copy()
        name.update(message)
        return name.digest()[:_PSEUDONYM_BYTES].hex()


@lru_cache(maxsize=16)
def _keyed(key: bytes) -> hmac.HMAC:
    """Return the HMAC before its message, to be copied: hashing the key in anew costs as much as a short message."""
    return hmac.new(key, digestmod="sha256")


def _plain(value: str) -> str:
    return "".join(value.split()).replace("-", "").upper()


@lru_cache(maxsize=65536)
def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise Misconfigured("a sealing key is 32 bytes")
    return AESGCM(key)


def item_label(item: ItemId, key_version: int) -> bytes:
    """Return the label of an item's facts: what they are sealed to."""
    return f"hearth.item|{item}|{key_version}".encode()


def key_label(owner: str, version: int) -> bytes:
    """Return the label of a wrapped data key: whose it is and which version."""
    return f"hearth.key|{owner}|{version}".encode()


def seal(key: bytes, nonce: bytes, plaintext: bytes, label: bytes) -> bytes:
    """Seal `plaintext` to `label` under a 32-byte key. A nonce (12 bytes) must never serve twice under one key."""
    return nonce + _cipher(key).encrypt(nonce, plaintext, label)


def unseal(key: bytes, sealed: bytes, label: bytes) -> bytes:
    """Open what `seal` sealed. Raises Unsealable for another key, another label, or altered or cut bytes."""
    if len(sealed) < NONCE_BYTES + _TAG_BYTES:
        raise Unsealable("too short to be a seal")
    try:
        return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label)
    except InvalidTag:
        raise Unsealable("the key or the label is not the one it was sealed with") from None


def wrap(kek: bytes, nonce: bytes, key: bytes, label: bytes) -> bytes:
    """Wrap a data key (32 bytes) under the key-encryption key, for storage. `label` is `key_label(...)`."""
    return seal(kek, nonce, key, label)


def unwrap(kek: bytes, wrapped: bytes, label: bytes) -> bytes:
    """Return the data key that `wrap` wrapped. Raises Unsealable."""
    return unseal(kek, wrapped, label)


def seal_to(public_key: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Seal `plaintext` to the holder of a raw 32-byte X25519 public key; `info` is bound in as the context."""
    return _HPKE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public_key), info)


def open_sealed(private_key: bytes, sealed: bytes, info: bytes) -> bytes:
    """Open what `seal_to` sealed, with the raw 32-byte private key. Raises Unsealable."""
    try:
        return _HPKE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private_key), info)
    except (InvalidTag, ValueError):
        raise Unsealable("not sealed to this key, or to this context") from None
