"""Witnesses' cosignatures are C2SP's cosignature/v1, and only those of known witnesses count."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from msgspec.structs import replace

from consent.log.checkpoint import (
    COSIGNATURE,
    COSIGNATURE_ML_DSA,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_verifier_key,
    sign,
    signed_by,
    verifier_key,
)
from consent.log.cosignature import Cosignature, cosign, cosignatures, with_cosignatures
from consent.log.trust import Trust, Witness, is_policy, parse_trust
from schemas.errors import Misconfigured, Refusal

LOG, SECRET = bytes(range(32)), bytes(range(1, 33))
KEY = verifier_key("hearth.example/main", LOG)
WITNESS = verifier_key("witness.example/w1", SECRET, COSIGNATURE)
NOTE = sign(Checkpoint(KEY.name, 300, bytes(32)), LOG)
AT = 1_679_315_147
PUBLISHED_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"  # a witness in public use


def cosigned(at: int = AT, secret: bytes = SECRET, name: str = WITNESS.name, note: bytes = NOTE) -> bytes:
    return with_cosignatures(note, [cosign(note, name, secret, at)])


def test_a_witness_key_in_public_use_is_read_and_its_id_fits():
    """Key id and encoding (type 0x04) agree with a key made by another implementation."""
    key = parse_verifier_key(PUBLISHED_KEY)
    assert (key.kind, key.id.hex(), str(key)) == (COSIGNATURE, "da77ade7", PUBLISHED_KEY)


def test_the_signed_message_and_the_line_are_those_of_the_specification():
    """`cosignature/v1`, `time <seconds>`, then the checkpoint's text; blob: key id, eight bytes of time, signature."""
    dash, name, encoded = cosign(NOTE, WITNESS.name, SECRET, AT).rstrip("\n").split(" ")
    blob = b64decode(encoded)
    text = NOTE.partition(b"\n\n")[0].decode() + "\n"
    message = f"cosignature/v1\ntime 1679315147\n{text}".encode()
    assert (dash, name, len(blob)) == ("—", "witness.example/w1", 76)
    assert blob[:4] == WITNESS.id
    assert int.from_bytes(blob[4:12], "big") == AT
    Ed25519PrivateKey.from_private_bytes(SECRET).public_key().verify(blob[12:], message)


def test_a_cosigned_checkpoint_still_opens_under_the_logs_key():
    """The witness's line stands beside the log's own, which must hold."""
    note = cosigned()
    assert open_checkpoint(note, KEY).size == 300
    assert [(one.key, one.time) for one in cosignatures(note, [WITNESS])] == [(WITNESS, AT)]
    assert signed_by(note, KEY) == NOTE


def test_signatures_of_unknown_witnesses_are_passed_over():
    """Another name, another key, or the log's own key as a witness: none counts, and none disturbs."""
    note = cosigned(name="witness.example/other")
    assert cosignatures(note, [WITNESS]) == []
    assert cosignatures(cosigned(secret=bytes(32)), [WITNESS]) == []
    assert cosignatures(NOTE, [KEY]) == []


def test_a_log_key_is_no_witness_key_though_the_bytes_are_the_same():
    """The kind is in the key's id, so that a log's signature never passes for a witness's."""
    same = verifier_key(KEY.name, LOG, COSIGNATURE)
    assert same.id != KEY.id
    assert cosignatures(NOTE, [same]) == []


def test_every_changed_byte_of_a_known_witnesss_signature_is_found():
    """Time and signature alike; a changed name or id makes it an unknown one's."""
    line = cosign(NOTE, WITNESS.name, SECRET, AT)
    blob = b64decode(line.split(" ")[2])
    for at in range(4, len(blob)):
        changed = b64encode(bytes([*blob[:at], blob[at] ^ 1, *blob[at + 1 :]])).decode()
        with pytest.raises(Refusal, match="does not hold"):
            cosignatures(NOTE + f"— {WITNESS.name} {changed}\n".encode(), [WITNESS])


def test_a_cosignature_of_another_head_does_not_hold():
    """It is not a word about the log but about this head."""
    other = sign(Checkpoint(KEY.name, 301, bytes(32)), LOG)
    with pytest.raises(Refusal, match="does not hold"):
        cosignatures(with_cosignatures(other, [cosign(NOTE, WITNESS.name, SECRET, AT)]), [WITNESS])


def ml_dsa(at: int = AT, name: str = "pq.example/w") -> tuple[VerifierKey, bytes]:
    """Return a witness that signs with ML-DSA-44, and the head that it cosigned, laid out as specified."""
    secret = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    key = VerifierKey(name, secret.public_key().public_bytes_raw(), COSIGNATURE_ML_DSA)
    message = b"subtree/v1\n\x00" + bytes([len(name)]) + name.encode() + at.to_bytes(8, "big")
    message += bytes([len(KEY.name)]) + KEY.name.encode() + bytes(8) + (300).to_bytes(8, "big") + bytes(32)
    blob = key.id + at.to_bytes(8, "big") + secret.sign(message)
    return key, with_cosignatures(NOTE, [f"— {name} {b64encode(blob).decode()}\n"])


def test_a_witness_that_signs_with_ml_dsa_counts():
    """Type 0x06 of the specification, which new witnesses are to use; a changed time, or another's name, does not."""
    key, note = ml_dsa()
    assert parse_trust(f"log {KEY}\nwitness w {key}\nquorum w\n").cosigned(note)[0].time == AT
    with pytest.raises(Refusal, match="does not hold"):
        cosignatures(_at_another_time(note), [key])
    assert cosignatures(note, [replace(key, name="pq.example/v")]) == []


def _at_another_time(note: bytes) -> bytes:
    head, _, line = note.rstrip(b"\n").rpartition(b" ")
    blob = bytearray(b64decode(line))
    blob[11] ^= 1
    return head + b" " + b64encode(bytes(blob)) + b"\n"


# ---------------------------------------------------------------- whom an auditor trusts


def keys(count: int) -> list[str]:
    return [str(verifier_key(f"w{number}.example", bytes([number] * 32), COSIGNATURE)) for number in range(count)]


def policy(quorum: str, *groups: str) -> Trust:
    witnesses = [f"witness W{number} {key} https://w{number}.example/" for number, key in enumerate(keys(4))]
    return parse_trust("\n".join(["# ours", f"log {KEY}", "", *witnesses, *groups, f"quorum {quorum}"]))


def words(trust: Trust, *numbers: int) -> list[Cosignature]:
    return [Cosignature(trust.witnesses[number].key, AT, "") for number in numbers]


def test_a_policy_names_logs_witnesses_and_where_they_are():
    """The format of c2sp.org/tlog-policy."""
    trust = policy("none")
    assert trust.logs == (KEY,)
    assert trust.witnesses[1] == Witness("W1", parse_verifier_key(keys(2)[1]), "https://w1.example")
    assert is_policy(f"# c\n\nlog {KEY}\n")
    assert not is_policy(f"# c\n{KEY}\n")


@pytest.mark.parametrize(
    ("quorum", "groups", "enough", "too_few"),
    [
        ("none", [], [()], []),
        ("W1", [], [(1,), (0, 1)], [(), (0, 2, 3)]),
        ("g", ["group g any W0 W1"], [(0,), (1,)], [(), (2, 3)]),
        ("g", ["group g all W0 W1"], [(0, 1)], [(0,), (1, 2, 3)]),
        ("g", ["group g 2 W0 W1 W2"], [(0, 2), (0, 1, 2)], [(0,), (1, 3)]),
        ("b", ["group x 1 W0 W1", "group y all W2 W3", "group b all x y"], [(0, 2, 3)], [(0, 1, 2), (2, 3)]),
    ],
)
def test_the_quorum_is_what_the_policy_says(quorum, groups, enough, too_few):
    """One witness, any, all, so many of a group, groups of groups."""
    trust = policy(quorum, *groups)
    assert all(trust.enough(words(trust, *numbers)) for numbers in enough)
    assert not any(trust.enough(words(trust, *numbers)) for numbers in too_few)


def test_a_checkpoint_that_too_few_cosigned_is_refused():
    """The signature of a witness that is not in the quorum is not enough, though it holds."""
    trust = Trust(witnesses=(Witness("w", WITNESS), Witness("v", parse_verifier_key(PUBLISHED_KEY))), quorum="w")
    assert trust.cosigned(cosigned())[0].key == WITNESS
    with pytest.raises(Refusal, match="too few"):
        trust.cosigned(NOTE)
    with pytest.raises(Refusal, match="too few"):
        Trust(witnesses=trust.witnesses, quorum="v").cosigned(cosigned())


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["quorum W9"],
        ["quorum none", "quorum none"],
        ["witness W0 {0}", "witness W0 {1}", "quorum none"],
        ["witness W0 {0}", "witness W1 {0}", "quorum none"],
        ["witness none {0}", "quorum none"],
        ["witness W0 {log}", "quorum none"],
        ["log {0}", "quorum none"],
        ["log {log}", "log {log}", "quorum none"],
        ["witness W0 {0}", "group g 2 W0", "quorum g"],
        ["witness W0 {0}", "group g 0 W0", "quorum g"],
        ["witness W0 {0}", "group g 2 W0 W0", "quorum g"],
        ["witness W0 {0}", "group g", "quorum g"],
        ["group g any W0", "witness W0 {0}", "quorum g"],
        ["trust everybody", "quorum none"],
        ["witness W0 nonsense", "quorum none"],
        ["witness W0 {0} https://w.example more", "quorum none"],
        ["witness W0 {0} w.example", "quorum none"],
        ["witness W0 {0} ftp://w.example", "quorum none"],
        ["witness W0 {0} https://", "quorum none"],
        ["log {log}", "log {again}", "quorum none"],
    ],
)
def test_a_policy_that_says_something_else_is_refused(lines):
    """A line that is misread could ask for fewer witnesses than were meant."""
    text = "\n".join(lines).format(*keys(2), log=KEY, again=verifier_key("hearth.example/sealed", LOG))
    with pytest.raises(Misconfigured):
        parse_trust(text)
