"""The log's formats are C2SP's, so that tools written elsewhere read them."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.log import tiles
from consent.log.checkpoint import (
    Checkpoint,
    open_checkpoint,
    origin_of,
    parse_verifier_key,
    parse_verifier_keys,
    sign,
    verified_text,
    verifier_key,
)
from consent.log.entry import commitment
from consent.log.tiles import ENTRIES, Tile
from schemas.errors import Misconfigured, Refusal

# the key and note in the documentation of golang.org/x/mod/sumdb/note
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_PRIVATE = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

PRIVATE = bytes(range(32))
KEY = verifier_key("hearth.example/main", PRIVATE)
HEAD = Checkpoint("hearth.example/main", 300, bytes(32))


def test_paths_are_those_of_the_specification():
    """1234067 is x001/x234/067; a partial tile ends in .p/<width>; bundles stand under tile/entries."""
    assert tiles.path(Tile(0, 1234067)) == "tile/0/x001/x234/067"
    assert tiles.path(Tile(1, 0, 17)) == "tile/1/000.p/17"
    assert tiles.path(Tile(ENTRIES, 67, 255)) == "tile/entries/067.p/255"
    assert tiles.path(Tile(63, 1000)) == "tile/63/x001/000"


@given(st.integers(-1, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_a_path_names_one_tile(level, index, width):
    """Writing and reading a path are each other's opposite."""
    assert tiles.parse(tiles.path(Tile(level, index, width))) == Tile(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/67",
        "tile/0/x000/067",
        "tile/00/067",
        "tile/64/067",
        "tile/0/067.p/256",
        "tile/0/067.p/0",
        "tile/0/067.p/01",
        "tile/0/001/067",
        "tile/0/../067",
        "tile/0/067.tmp",
        "tile/data/067",
        "tile/0/067\n",
    ],
)
def test_a_path_written_any_other_way_is_none(path):
    """There is one way to write each path, so no two files can claim to be one tile."""
    assert tiles.parse(path) is None


def test_bundle_entries_stand_behind_their_length_as_two_bytes_big_endian():
    """The format of c2sp.org/tlog-tiles, and back."""
    entries = [b"", b"a", bytes(300)]
    assert tiles.encode_bundle(entries) == b"\0\0" + b"\0\1a" + b"\x01\x2c" + bytes(300)
    assert tiles.decode_bundle(tiles.encode_bundle(entries)) == entries


@pytest.mark.parametrize("torn", [b"\0", b"\0\2a", b"\0\1a\0"])
def test_a_torn_bundle_is_refused(torn):
    """A bundle that ends inside an entry is no bundle."""
    with pytest.raises(Refusal, match="middle of an entry"):
        tiles.decode_bundle(torn)


def test_a_note_signed_by_go_is_read_and_signed_alike():
    """Key id, signature and layout agree with the Go note package's published example."""
    key = parse_verifier_key(GO_KEY)
    assert verified_text(GO_NOTE, key) == GO_TEXT
    assert str(verifier_key("PeterNeumann", GO_PRIVATE)) == GO_KEY == str(key)


def test_a_checkpoint_is_three_lines_a_blank_one_and_a_signature():
    """Origin, size, base64 root; em dash, name, base64 of key id and 64 bytes."""
    text, blank, signature = sign(HEAD, PRIVATE).decode().partition("\n\n")
    assert text == f"hearth.example/main\n300\n{'A' * 43}="
    dash, name, encoded = signature.rstrip("\n").split(" ")
    assert (blank, dash, name) == ("\n\n", "—", "hearth.example/main")
    assert b64decode(encoded)[:4] == KEY.id
    assert len(b64decode(encoded)) == 68


def test_a_signed_checkpoint_opens_under_its_own_key_only():
    """Another key, under whatever name, does not open it."""
    note = sign(HEAD, PRIVATE)
    assert open_checkpoint(note, KEY) == HEAD
    assert origin_of(note) == HEAD.origin
    for other in (verifier_key(KEY.name, bytes(32)), verifier_key("other", PRIVATE)):
        with pytest.raises(Refusal) as refused:
            open_checkpoint(note, other)
        assert refused.value.code == "unsigned"


def test_every_changed_byte_of_a_checkpoint_is_refused():
    """Whatever byte is flipped, the note no longer opens."""
    note = sign(HEAD, PRIVATE)
    for at in range(len(note)):
        changed = bytes([*note[:at], note[at] ^ 1, *note[at + 1 :]])
        with pytest.raises(Refusal):
            open_checkpoint(changed, KEY)


def test_signatures_of_other_keys_are_passed_over():
    """A witness's line beside the log's own does not disturb."""
    note = sign(HEAD, PRIVATE)
    witness = sign(Checkpoint("witness.example", 1, bytes(32)), bytes(32)).decode().splitlines()[-1]
    assert open_checkpoint(note + f"{witness}\n".encode(), KEY) == HEAD


def test_the_head_of_one_log_is_not_taken_for_anothers():
    """A note signed by the right key, whose origin is not the key's name, is refused."""
    other = sign(Checkpoint("hearth.example/sealed", 5, bytes(32)), PRIVATE)
    with pytest.raises(Refusal):
        open_checkpoint(other, KEY)


def test_a_key_file_may_hold_keys_of_several_logs():
    """One key a line; comments and blank lines are passed over; a damaged key stops it."""
    assert parse_verifier_keys(f"# the hub's logs\n\n{KEY}\n{GO_KEY}\n") == [KEY, parse_verifier_key(GO_KEY)]
    for damaged in ("nonsense", GO_KEY.replace("c74f", "c74e"), GO_KEY[:-4]):
        with pytest.raises(Misconfigured):
            parse_verifier_keys(damaged)


def test_a_commitment_tells_salt_and_entry_apart():
    """Moving a byte between salt and entry makes another commitment; so does another salt."""
    salt = bytes(16)
    assert commitment(salt, b"a") != commitment(salt + b"a", b"")
    assert commitment(salt, b"a") != commitment(bytes(15) + b"\1", b"a")
    assert len(commitment(salt, b"a")) == 32
