"""Many families of two school years, made from a few: a family that the hub's own stages worked out is copied under
other ids of the same length, each copy's persons with keys of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec

from agents.demo.county import County
from agents.rehearsal import Rehearsal
from schemas.ids import EventKey, FamilyId, PersonId, item_id
from schemas.records import Facts, Item
from streams.attendance import Block
from streams.family_state import Value
from streams.timeline import ATTENDANCE, Family

WEEKS = 78  # two school years of 39 weeks
SCHOOL = "900001"
_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Family).decode
_WANTED = 40  # families to copy from


@dataclass(frozen=True)
class Pattern:
    """A family to copy: packed, with its blocks, and the ids to be replaced. `pupils` have attendance."""

    packed: bytes
    blocks: list[Block]
    ids: list[str]
    pupils: list[int]


@dataclass(frozen=True)
class Crowd:
    """A people directory and the patterns that its families are made from."""

    rehearsal: Rehearsal
    patterns: list[Pattern]
    today: date

    def family(self, number: int) -> FamilyId:
        return FamilyId(self._ids(number)[0])

    def pupil(self, number: int, which: int) -> PersonId:
        """Return one of the family's pupils: the `which`th, as often as it takes."""
        pupils = self._pattern(number).pupils
        return PersonId(self._ids(number)[pupils[which % len(pupils)]])

    def persons(self, number: int) -> list[PersonId]:
        return [PersonId(name) for name in self._ids(number)[1:]]

    def values(self, number: int) -> Iterator[tuple[str, Value]]:
        """Return the state of family `number`: (key, value) pairs, every section to be sealed."""
        pattern, new = self._pattern(number), self._ids(number)
        packed = pattern.packed
        for old, name in zip(pattern.ids, new, strict=True):
            packed = packed.replace(old.encode(), name.encode())
        family = _unpack(packed)
        family.changed = set(family.sections)
        yield family.family, family
        renamed = dict(zip(pattern.ids, new, strict=True))
        for block in pattern.blocks:
            _, _, book, month = block.name.split("/")
            person = PersonId(renamed[block.person])
            name = f"{family.family}/{person}/{book}/{month}"
            yield name, Block(person, name, block.slots)

    def mark(self, number: int, nth: int, seal_facts: SealFacts) -> Item:
        """Return a mark that the family has not had yet: its `nth`, of a school day after the two years."""
        person, day = self.pupil(number, nth), _school_day(self.today, nth // 2)
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        code = "O" if (number + nth * 7) % 16 == 0 else "/"  # about 6 % of sessions are missed
        session = "PM" if nth % 2 else "AM"
        data = {"session_date": day.isoformat(), "session": session, "code": code, "establishment": SCHOOL}
        event = EventKey(hashlib.sha256(f"{number}/{nth}".encode()).hexdigest()[:32])
        facts = Facts(
            type=ATTENDANCE, agency="school", source="hearth:demo/school", digest="", happened_at=at, recorded_at=at,
            role="subject", category="attendance", purpose="early-help", data=data,
        )  # fmt: skip
        version, sealed = seal_facts(person, event, facts)
        return Item(item_id(event, person), event, person, self.family(number), at, version, sealed)

    def _pattern(self, number: int) -> Pattern:
        return self.patterns[number % len(self.patterns)]

    def _ids(self, number: int) -> list[str]:
        return [_another(old, number) for old in self._pattern(number).ids]


class SealFacts:
    """Seals facts as intake does: (person, event, facts) → (key version, sealed)."""

    def __call__(self, person: PersonId, event: EventKey, facts: Facts) -> tuple[int, bytes]:
        raise NotImplementedError


def crowd(today: date, weeks: int = WEEKS, wanted: int = _WANTED) -> Crowd:
    """Work `wanted` made-up families with pupils out in memory, by the hub's own stages, to make others from."""
    rehearsal = Rehearsal()
    at = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    rehearsal.publish(County(wanted * 2, today, weeks=weeks).events(), at)
    values = rehearsal.pipeline.states["family"].values
    blocks: dict[str, list[Block]] = {}
    for value in values.values():
        if isinstance(value, Block):
            blocks.setdefault(value.name.split("/")[0], []).append(value)
    found = [v for v in values.values() if isinstance(v, Family) and v.family in blocks]
    return Crowd(rehearsal, [_pattern(family, blocks[family.family]) for family in found[:wanted]], today)


def _pattern(family: Family, blocks: Iterable[Block]) -> Pattern:
    members = {member.person for member in family.members.members} if family.members else set()
    ids = [family.family, *sorted(members | family.sections.keys())]
    pupils = [number for number, name in enumerate(ids) if number and family.sections.get(PersonId(name)) is not None
              and family.sections[PersonId(name)].books]  # fmt: skip
    bare = msgspec.structs.replace(family, sealed={}, changed=set())
    return Pattern(_pack(bare), list(blocks), [str(name) for name in ids], pupils)


def _another(old: str, number: int) -> str:
    """Return another id of the same length and beginning."""
    digest = hashlib.blake2b(f"{old}/{number}".encode(), digest_size=32).hexdigest()
    return old[:2] + digest[: len(old) - 2]


def _school_day(after: date, nth: int) -> date:
    weeks, days = divmod(nth, 5)
    monday = after + timedelta(days=7 - after.weekday())
    return monday + timedelta(weeks=weeks, days=days)
