"""Whom an auditor trusts: logs, witnesses, and how many of these must have cosigned (c2sp.org/tlog-policy).

    log hearth/main+5c2f3c1e+Ab…
    witness ig    ig.example/witness+c6a1d0b2+BJ…  https://ig.example/witness
    witness audit audit.example/w1+08f1a9cc+BA…
    group both 2 ig audit
    quorum both

Lines start with their kind; `#` starts a comment line; a URL is where a witness takes checkpoints in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from consent.log.checkpoint import COSIGNATURE, COSIGNATURE_ML_DSA, ED25519, VerifierKey, parse_verifier_key
from consent.log.cosignature import Cosignature, cosignatures
from schemas.errors import Misconfigured, Refusal

_ADDRESS = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")
NOBODY = "none"  # the quorum that asks for no cosignature
_KINDS = ("log", "witness", "group", "quorum")


class Witness(msgspec.Struct, frozen=True):
    """A witness: its name in the policy, its key, and its submission prefix, "" where it is only checked."""

    name: str
    key: VerifierKey
    url: str = ""


class Group(msgspec.Struct, frozen=True):
    """At least `least` of `members` (witnesses or groups, by name)."""

    name: str
    least: int
    members: tuple[str, ...]


class Trust(msgspec.Struct, frozen=True):
    """A policy as read. `groups` stand in order: each names only what stands before it."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NOBODY

    def cosigned(self, note: bytes) -> list[Cosignature]:
        """Return the known witnesses' cosignatures on `note`. Raises `Refusal`: too-few-witnesses when they are not
        the quorum, bad-cosignature when one does not hold."""
        found = cosignatures(note, (witness.key for witness in self.witnesses))
        if not self.enough(found):
            problem = "too few of the known witnesses cosigned it"
            raise Refusal("checkpoint", "too-few-witnesses", problem, "Ask for one that they cosigned.")
        return found

    def enough(self, found: Iterable[Cosignature]) -> bool:
        """Whether these cosignatures are the quorum."""
        by = [one.key for one in found]
        seen = {witness.name for witness in self.witnesses if witness.key in by} | {NOBODY}
        for group in self.groups:
            if sum(member in seen for member in group.members) >= group.least:
                seen.add(group.name)
        return self.quorum in seen


def is_policy(text: str) -> bool:
    """Whether `text` is a policy, not a plain list of keys."""
    return any(line.split()[0] in _KINDS for line in text.splitlines() if line.strip())


def parse_trust(text: str) -> Trust:
    """Read a policy. Raises `Misconfigured` with the number of the line that is wrong, never its content."""
    read = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        words = re.split(r"[ \t]+", line.strip(" \t\r"))
        if words[0] and not words[0].startswith("#"):
            try:
                read.line(words)
            except (ValueError, Misconfigured):
                raise Misconfigured(f"Line {number} of the witness policy is wrong.") from None
    return read.trust()


class _Reading:
    def __init__(self) -> None:
        self._logs: list[VerifierKey] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._quorum: list[str] = []
        self._named: set[str] = set()

    def line(self, words: Sequence[str]) -> None:
        match words:
            case ["log", key] | ["log", key, _]:
                self._log(key)
            case ["witness", name, key, *url] if len(url) <= 1:
                self._witness(name, key, *url)
            case ["group", name, least, *members]:
                self._group(name, least, tuple(members))
            case ["quorum", name]:
                self._set_quorum(name)
            case _:
                raise ValueError

    def _log(self, key: str) -> None:
        self._logs.append(self._new_key(key, (ED25519,), self._logs))

    def _witness(self, name: str, key: str, url: str = "") -> None:
        if url and not _ADDRESS.fullmatch(url):
            raise ValueError
        read = self._new_key(key, (COSIGNATURE, COSIGNATURE_ML_DSA), [one.key for one in self._witnesses])
        self._witnesses.append(Witness(self._new_name(name), read, url.rstrip("/")))

    def _group(self, name: str, least: str, members: tuple[str, ...]) -> None:
        count = {"any": 1, "all": len(members)}.get(least) or int(least)
        if not 1 <= count <= len(members) or not self._named.issuperset(members) or len(set(members)) != len(members):
            raise ValueError
        self._groups.append(Group(self._new_name(name), count, members))

    def _set_quorum(self, name: str) -> None:
        if self._quorum or name not in {*self._named, NOBODY}:
            raise ValueError
        self._quorum.append(name)

    def _new_key(self, line: str, kinds: Sequence[bytes], others: Sequence[VerifierKey]) -> VerifierKey:
        key = parse_verifier_key(line)
        if key.kind not in kinds or key.public in [other.public for other in others]:  # one must never count twice
            raise ValueError
        return key

    def _new_name(self, name: str) -> str:
        if name in self._named or name == NOBODY:
            raise ValueError
        self._named.add(name)
        return name

    def trust(self) -> Trust:
        if len(self._quorum) != 1:
            raise Misconfigured("A witness policy has exactly one line `quorum NAME` (or `quorum none`).")
        return Trust(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum[0])
