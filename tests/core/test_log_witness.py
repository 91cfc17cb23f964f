"""What a witness is asked and answers, as c2sp.org/tlog-witness says."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.log.checkpoint import Checkpoint, sign, verifier_key
from consent.log.merkle import Edge, Tree, extend
from consent.log.witness import Answer, Asked, decode, encode, judge

PRIVATE = bytes(range(32))
ORIGIN = "hearth.example/main"
LOGS = {ORIGIN: verifier_key(ORIGIN, PRIVATE)}
LEAVES = [sha256(b"%d" % number).digest() for number in range(400)]


def grown(size: int, leaves: list[bytes] = LEAVES) -> tuple[Checkpoint, Tree]:
    edge, files = extend(Edge(), leaves[:size])
    return Checkpoint(ORIGIN, size, edge.root()), Tree(size, files.get)


def asked(old: int, size: int, leaves: list[bytes] = LEAVES, **changes: object) -> Asked:
    head, tree = grown(size, leaves)
    proof = tuple(tree.consistency(old)) if old <= size else ()
    said = {"old": old, "proof": proof, "note": sign(head, PRIVATE)}
    return Asked(**{**said, **changes})


def answer(one: Asked, seen: int) -> int | Checkpoint:
    found = judge(one, LOGS, {ORIGIN: grown(seen)[0]} if seen else {})
    return found.status if isinstance(found, Answer) else found


def test_a_request_is_written_as_the_specification_says():
    """Old size, a hash a line in base64, an empty line, the checkpoint; and read back."""
    one = asked(100, 300)
    lines = encode(one).decode().split("\n")
    assert lines[0] == "old 100"
    assert all(len(line) == 44 for line in lines[1 : 1 + len(one.proof)])
    assert lines[1 + len(one.proof) : 4 + len(one.proof)] == ["", ORIGIN, "300"]
    assert decode(encode(one)) == one
    assert decode(encode(asked(0, 300))) == asked(0, 300)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 1",
        b"old 01\n\nnote",
        b"old -1\n\nnote",
        b"old  1\n\nnote",
        b"OLD 1\n\nnote",
        b"old 1\nshort\n\nnote",
        b"old 1\nQUJD\n\nnote",
        b"old 1\n" + b"A" * 43 + b"=\n" * 64 + b"\nnote",
        b"old 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\nnote",
        b"old 1\r\n\r\nnote",
        b"\xff\n\nnote",
    ],
)
def test_a_request_written_in_any_other_way_is_none(body):
    """More than 63 proof lines, leading zeroes, other line ends, other encodings."""
    assert decode(body) is None


@settings(max_examples=40)
@given(st.integers(0, 400), st.integers(0, 400))
def test_a_head_that_only_adds_to_the_last_one_is_cosigned(one, other):
    """From nothing, from the same size again, from any size to any larger one."""
    old, new = sorted((one, other))
    assert answer(asked(old, new), old) == grown(new)[0]


def test_another_old_size_than_the_witnesss_own_is_answered_with_its_own():
    """409 and the size that it has, so that the log can send the right proof."""
    found = judge(asked(0, 300), LOGS, {ORIGIN: grown(200)[0]})
    assert found == Answer(409, "200\n")
    assert judge(asked(100, 300), LOGS, {}) == Answer(409, "0\n")


def test_a_log_that_was_cut_short_is_refused():
    """A head smaller than the one cosigned: its old size is above its own (400), or not the witness's (409)."""
    assert answer(asked(300, 200), 300) == 400
    assert answer(asked(200, 200), 300) == 409


def test_a_log_that_was_rewritten_and_signed_again_is_refused():
    """With the log's own key, with whatever proof: of another size, and of the same one."""
    other = [*LEAVES[:50], sha256(b"another").digest(), *LEAVES[51:]]
    assert answer(asked(100, 300, other), 100) == 422
    assert answer(asked(300, 300, other), 300) == 422
    assert answer(asked(100, 300, proof=()), 100) == 422
    assert answer(asked(100, 300, proof=asked(101, 300).proof), 100) == 422
    assert answer(asked(0, 300, proof=(bytes(32),)), 0) == 422


def test_an_empty_log_has_the_empty_trees_root():
    """Any other root of size zero is refused."""
    assert answer(asked(0, 0, note=sign(Checkpoint(ORIGIN, 0, bytes(32)), PRIVATE)), 0) == 422


def test_unknown_logs_and_unknown_keys_are_told_apart():
    """404 for an origin that the witness does not know; 403 where the log's key did not sign; 400 for no checkpoint."""
    assert answer(asked(0, 1, note=sign(Checkpoint("other/log", 1, bytes(32)), PRIVATE)), 0) == 404
    assert answer(asked(0, 1, note=sign(Checkpoint(ORIGIN, 1, bytes(32)), bytes(32))), 0) == 403
    good = asked(0, 1).note
    assert answer(asked(0, 1, note=good.replace(b"\n1\n", b"\n2\n", 1)), 0) == 403
    assert answer(asked(0, 1, note=b"nonsense"), 0) == 400
