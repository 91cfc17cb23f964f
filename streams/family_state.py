"""A family's state as bytes, and back: every section and every attendance block sealed under its person's key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from consent.seal import seal, unseal
from schemas.errors import Unsealable
from schemas.ids import FamilyId, PersonId
from schemas.records import Members
from streams import sealed as sealed_layer
from streams.attendance import Block
from streams.timeline import Family, Section, Sent


class _StoredFamily(msgspec.Struct, frozen=True, tag="f", array_like=True):
    family: FamilyId
    members: Members | None
    alerts: dict[str, Sent]
    gone: dict[PersonId, tuple[FamilyId, int]]
    copies: dict[PersonId, dict[FamilyId, int]]
    register_version: str
    as_of: datetime | None
    next_on: date | None
    sections: dict[PersonId, tuple[int, bytes]]
    sealed_as_of: datetime | None = None
    sealed_next_on: date | None = None
    place: int = -1


class _StoredBlock(msgspec.Struct, frozen=True, tag="b", array_like=True):
    person: PersonId
    name: str
    key_version: int
    sealed: bytes


class Due(msgspec.Struct, tag="d", array_like=True):
    """Families for which something changes by time alone on one day (or, under `due`, the days that have any)."""

    names: set[str] = set()


Value = Family | Block | Due

_DECODER = msgspec.msgpack.Decoder(_StoredFamily | _StoredBlock | Due)
_SECTION = msgspec.msgpack.Decoder(Section)
_SLOTS = msgspec.msgpack.Decoder(dict[int, bytes])
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class FamilyCodec:
    """Turns state values into bytes and back. `data_key` gives a person's newest key, or the one of a version."""

    data_key: Callable[..., tuple[int, bytes]]
    entropy: Callable[[int], bytes]

    def encode(self, value: Value) -> bytes:
        """Seal what changed, and return the value as bytes."""
        if isinstance(value, Due):
            return _encode(value)
        if isinstance(value, Block):
            return self._encode_block(value)
        for person in value.changed & value.sections.keys():
            try:
                version, key = self.data_key(person)
            except Unsealable:
                value.erased.add(person)
                continue
            label = _label("section", f"{value.family}/{person}", version)
            value.sealed[person] = (version, seal(key, self.entropy(12), _encode(value.sections[person]), label))
        value.changed.clear()
        for person in value.erased:
            value.sections.pop(person, None)
        sections = {p: s for p, s in value.sealed.items() if p in value.sections}
        return _encode(
            _StoredFamily(
                value.family,
                value.members,
                value.alerts,
                value.gone,
                value.copies,
                value.register_version,
                value.as_of,
                value.next_on,
                sections,
                value.sealed_as_of,
                value.sealed_next_on,
                value.place,
            )
        )

    def decode(self, stored: bytes) -> Value:
        """Return the value. A person whose key was destroyed is a tombstone: no section, an empty block."""
        value = _DECODER.decode(stored)
        if isinstance(value, Due):
            return value
        if isinstance(value, _StoredBlock):
            return self._block(value)
        family = Family(
            value.family,
            members=value.members,
            alerts=value.alerts,
            gone=value.gone,
            copies=value.copies,
            register_version=value.register_version,
            as_of=value.as_of,
            next_on=value.next_on,
            sealed=value.sections,
            sealed_as_of=value.sealed_as_of,
            sealed_next_on=value.sealed_next_on,
            place=value.place,
        )
        for person, (version, sealed) in value.sections.items():
            try:
                _, key = self.data_key(person, version)
                plain = unseal(key, sealed, _label("section", f"{value.family}/{person}", version))
            except Unsealable:
                family.erased.add(person)
                continue
            family.sections[person] = _SECTION.decode(plain)
        for section in family.sections.values():
            for entry in section.entries.values():
                if sealed_layer.registers(entry.facts):
                    family.register.apply(entry.facts, entry.item, entry.received_at)
        return family

    def _encode_block(self, block: Block) -> bytes:
        try:
            version, key = self.data_key(block.person)
            sealed = seal(key, self.entropy(12), _encode(block.slots), _label("block", block.name, version))
        except Unsealable:
            block.slots.clear()
            version, sealed = 0, b""
        return _encode(_StoredBlock(block.person, block.name, version, sealed))

    def _block(self, stored: _StoredBlock) -> Block:
        try:
            _, key = self.data_key(stored.person, stored.key_version)
            plain = unseal(key, stored.sealed, _label("block", stored.name, stored.key_version))
        except Unsealable:
            return Block(stored.person, stored.name)
        return Block(stored.person, stored.name, _SLOTS.decode(plain))


def _label(kind: str, name: str, version: int) -> bytes:
    return f"hearth.{kind}|{name}|{version}".encode()


class Moved(msgspec.Struct, frozen=True):
    """A section on its way to another family: what `schemas.records.Section` seals."""

    section: Section
    blocks: dict[str, dict[int, bytes]]  # `<book number>/<month>` → slots


_MOVED = msgspec.msgpack.Decoder(Moved)


def pack_moved(moved: Moved) -> bytes:
    """Return the plaintext of a moved section."""
    return _encode(moved)


def unpack_moved(plain: bytes) -> Moved:
    """Read the plaintext of a moved section."""
    return _MOVED.decode(plain)
