"""Seals open only with their key and label; pseudonyms say nothing and never collide by accident."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from consent.seal import Pseudonyms, item_label, key_label, open_sealed, seal, seal_to, unseal, unwrap, wrap
from schemas.errors import Misconfigured, Unsealable
from schemas.ids import EventKey, ItemId, PersonId, item_id

KEY = bytes(range(32))
NONCE = bytes(12)
LABEL = item_label(item_id(EventKey("e" * 26), PersonId("p_" + "a" * 26)), 1)


def test_a_seal_opens_with_its_own_key_and_label() -> None:
    """What is sealed comes back as it was."""
    assert unseal(KEY, seal(KEY, NONCE, b"a mark", LABEL), LABEL) == b"a mark"


@pytest.mark.parametrize("spoilt", ["key", "label", "version", "flipped", "cut", "empty"])
def test_a_seal_that_is_not_the_one_made_does_not_open(spoilt: str) -> None:
    """Another key, item or key version, a flipped bit or missing bytes: Unsealable, and never half a plaintext."""
    sealed = seal(KEY, NONCE, b"a mark", LABEL)
    key = bytes(32) if spoilt == "key" else KEY
    label = {"label": item_label(ItemId("x.y"), 1), "version": LABEL[:-1] + b"2"}.get(spoilt, LABEL)
    flipped = bytes([*sealed[:-1], sealed[-1] ^ 1])
    said = {"flipped": flipped, "cut": sealed[:-1], "empty": b""}.get(spoilt, sealed)
    with pytest.raises(Unsealable):
        unseal(key, said, label)


def test_a_wrapped_key_opens_only_for_its_owner_and_version() -> None:
    """A key row moved to another person in the store does not open there."""
    wrapped = wrap(KEY, NONCE, b"k" * 32, key_label("p_1", 1))
    assert unwrap(KEY, wrapped, key_label("p_1", 1)) == b"k" * 32
    for label in (key_label("p_2", 1), key_label("p_1", 2)):
        with pytest.raises(Unsealable):
            unwrap(KEY, wrapped, label)


def test_a_parcel_opens_for_its_subscriber_in_its_context_only() -> None:
    """HPKE: another private key or another context refuses, with the hub's own error."""
    private = X25519PrivateKey.generate()
    parcel = seal_to(private.public_key().public_bytes_raw(), b"alert", b"alerts.mash")
    assert open_sealed(private.private_bytes_raw(), parcel, b"alerts.mash") == b"alert"
    with pytest.raises(Unsealable):
        open_sealed(private.private_bytes_raw(), parcel, b"alerts.other")
    with pytest.raises(Unsealable):
        open_sealed(X25519PrivateKey.generate().private_bytes_raw(), parcel, b"alerts.mash")
    with pytest.raises(Unsealable):
        open_sealed(private.private_bytes_raw(), b"short", b"alerts.mash")


def test_shared_numbers_meet_across_agencies_and_local_numbers_never_do() -> None:
    """An NHS number or UPN is one person whoever says it; an agency's own number is not."""
    p = Pseudonyms(KEY, 1)
    assert p.identifier("nhs-number", "991 200 3888", "health") == p.identifier("nhs-number", "9912003888", "school")
    assert p.identifier("local", "77", "health") != p.identifier("local", "77", "school")
    assert p.identifier("local", "77", "health") != p.identifier("upn", "77", "health")


def test_names_are_opaque_and_follow_from_their_cause_alone() -> None:
    """The same cause gives the same id; the value said shows in none; parts cannot run into each other."""
    p, other = Pseudonyms(KEY, 1), Pseudonyms(bytes(32), 2)
    assert p.mint("p", "a", "bc") == p.mint("p", "a", "bc")
    assert p.mint("p", "a", "bc") != p.mint("p", "ab", "c")
    assert p.mint("p", "a").startswith("p_")
    assert len(p.mint("p", "a")) == 34
    assert p.event("s", "i") != p.event("s", "i", "t")
    assert p.event("s", "i") != other.event("s", "i")
    assert "9912003888" not in p.identifier("nhs-number", "9912003888", "health")
    assert repr(KEY) not in repr(p)


def test_a_derived_nonce_never_serves_two_plaintexts() -> None:
    """One label with two contents (a conflict) must not reuse a nonce: that would break the seal."""
    p = Pseudonyms(KEY, 1)
    assert len(p.nonce(LABEL, b"one")) == 12
    assert len({p.nonce(LABEL, b"one"), p.nonce(LABEL, b"two"), p.nonce(LABEL + b"o", b"ne")}) == 3


def test_a_weak_key_is_refused_at_the_start() -> None:
    """A short key would make pseudonyms guessable."""
    with pytest.raises(Misconfigured):
        Pseudonyms(b"short", 1)


@pytest.mark.parametrize("key", [KEY, b"k" * 64, b"long" * 40])
def test_a_name_is_hmac_sha_256_of_its_parts_with_their_lengths(key: bytes) -> None:
    """Worked out anew by the standard library: names given before stay what they are."""
    expected = hmac.digest(key, "4:mint1:p3:été".encode(), "sha256")[:16].hex()
    assert Pseudonyms(key).mint("p", "été") == f"p_{expected}"
    assert Pseudonyms(key).mint("p", "été") == f"p_{expected}"
