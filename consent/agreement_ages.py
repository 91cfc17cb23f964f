"""What age does to the acts in a register of agreements: consent/sharing/ages.toml says from which birthday.

Of whom no birth date is known, everything counts as it was said. Where several are said, the stricter counts: they are
as old as to decide alone for whoever would decide for them, and as young as to need an assessment for themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

import msgspec

from consent.agreement_acts import Act, Question, with_rights
from consent.agreement_competence import ASSESSED, NOT_COMPETENT
from consent.sharing import HERE
from schemas.errors import Misconfigured

PRESUMED, MAJORITY = "presumed", "majority"
_FROM_16, _ADULT = "young-person-16-or-over", "adult-for-self"


class Age(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which birthday a rule holds (ages.toml)."""

    age: int
    rule: str
    source: str
    checked: bool


@cache
def ages() -> dict[str, Age]:
    """Return the ages by what they are for. Raises Misconfigured."""
    try:
        said = msgspec.toml.decode((HERE / "ages.toml").read_bytes())
        said.pop("source")
        found = msgspec.convert(said, dict[str, Age])
        return {name: found[name] for name in (PRESUMED, MAJORITY)}
    except (msgspec.MsgspecError, KeyError) as wrong:
        raise Misconfigured(f"consent/sharing/ages.toml: {wrong}") from wrong


def reaches(born: date, name: str) -> date:
    """Return the day on which whoever was born then is of that age."""
    year = born.year + ages()[name].age
    try:
        return born.replace(year=year)
    except ValueError:  # 29 February
        return date(year, 3, 1)


def may_be(born: Iterable[date], name: str, on: date) -> bool:
    """Whether, by what is said of their birth, they may have reached that age by `on`."""
    return any(reaches(one, name) <= on for one in born)


def may_be_below(born: Iterable[date], name: str, on: date) -> bool:
    """Whether, by what is said of their birth, they may not have reached that age by `on`."""
    return any(on < reaches(one, name) for one in born)


def birthdays(born: Iterable[date]) -> set[date]:
    """Return the days on which age alone changes what counts."""
    return {reaches(one, name) for one in born for name in ages()}


def counting(acts: Iterable[Act], asked: Question) -> list[Act]:
    """Return what was said by the day asked about, in order, each by the right that the person's age leaves it."""
    known = with_rights(a for a in acts if a.on <= asked.on)
    if not asked.born:
        return known
    adult = may_be(asked.born, MAJORITY, asked.on)
    return [_own(a, asked) if asked.person in a.by else a for a in known if not (adult and _for_another(a, asked))]


def _for_another(act: Act, asked: Question) -> bool:
    """Whether somebody else speaks. What nobody who is named took back may be the person's own."""
    return asked.person not in act.by and (bool(act.by) or act.kind == "given")


def _own(act: Act, asked: Question) -> Act:
    """Return a person's own act by the right that they had on its day, whatever it claims."""
    right, born = act.right, asked.born
    if right.capacity == NOT_COMPETENT:
        outgrown = may_be(born, PRESUMED, asked.on) and may_be_below(born, PRESUMED, right.assessed_on or act.on)
        return _by(act, ASSESSED) if outgrown else act
    if may_be_below(born, PRESUMED, act.on):
        return act if right.capacity == ASSESSED else _by(act, ASSESSED)
    if right.capacity not in ("", ASSESSED, _ADULT):
        return act
    return _by(act, _FROM_16 if may_be_below(born, MAJORITY, act.on) else _ADULT)


def _by(act: Act, capacity: str) -> Act:
    """Return the act by another right; a claim to be of age is nobody's assessment."""
    return msgspec.structs.replace(act, right=msgspec.structs.replace(act.right, capacity=capacity, assessed_by=""))
