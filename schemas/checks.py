"""Check digits: which identifiers may be used as keys. One that fails is kept as said, and never used as a key."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from operator import mul
from pathlib import Path

# Characters that show nothing, left behind by spreadsheets and web pages: zero-width ones, BOM, soft hyphen.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"))
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\t"), " ")
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-")
_TIDY = {**_INVISIBLE, **_SPACES, **_HYPHENS}

_NHS = re.compile(r"([0-9]{3})([ -]?)([0-9]{3})\2([0-9]{4})")
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # the 23 check letters: no I, O, S
_UPN = re.compile(f"[{_UPN_LETTERS}][0-9]{{11}}[0-9{_UPN_LETTERS}]")
_AUTHORITIES = Path(__file__).parent / "codes" / "local-authorities.toml"


def nhs_number(said: str) -> str | None:
    """Return the ten digits of an NHS number that may be used as a key, else None.

    Modulus 11 over weights 10 to 2 (NHS Data Dictionary, NHS NUMBER). Spaces or hyphens are tolerated in the printed
    grouping 3-3-4 only. Ten equal digits, and the digits counted up, pass the sum and are refused: they fill a box.
    """
    grouped = _NHS.fullmatch(_tidy(said))
    if grouped is None:
        return None
    digits = grouped[1] + grouped[3] + grouped[4]
    if digits.count(digits[0]) == 10 or digits == _COUNTING:
        return None
    check = 11 - sum(map(mul, map(int, digits), _WEIGHTS)) % 11
    return digits if check != 10 and check % 11 == int(digits[9]) else None


def upn(said: str) -> str | None:
    """Return a unique pupil number that may be used as a key, in capitals, else None. See `upn_fault`."""
    return None if upn_fault(said) else _upn_tidy(said)


def upn_fault(said: str) -> str:
    """Return why a unique pupil number may not be a key: `shape`, `check-letter`, `local-authority`; empty when it may.

    DfE, "A guide to unique pupil numbers": a check letter, three digits of the local authority, eight digits, and a
    last character that is a letter for a temporary number. The letter is the weighted sum (weights 2 to 13; a
    letter counts as its place in the alphabet of 23) modulo 23.
    """
    number = _upn_tidy(said)
    if not _UPN.fullmatch(number):
        return "shape"
    if number[0] != upn_check_letter(number[1:]):
        return "check-letter"
    return "" if number[1:4] in local_authorities() else "local-authority"


def upn_check_letter(rest: str) -> str:
    """Return the check letter for the twelve characters after it."""
    total = sum(map(mul, map(_UPN_VALUES.__getitem__, rest), _UPN_WEIGHTS))
    return _UPN_LETTERS[total % 23]


def snomed_ok(said: str) -> bool:
    """Return whether `said` is a SNOMED CT identifier: 6 to 18 digits that pass the Verhoeff check."""
    if not (6 <= len(said) <= 18 and said.isascii() and said.isdecimal()) or said[0] == "0":
        return False
    check = 0
    for place, digit in enumerate(reversed(said)):
        check = _VERHOEFF[check][_PERMUTED[place % 8][int(digit)]]
    return check == 0


@lru_cache(maxsize=1)
def local_authorities() -> frozenset[str]:
    """Return the local authority codes that unique pupil numbers may hold: schemas/codes/local-authorities.toml."""
    return frozenset(tomllib.loads(_AUTHORITIES.read_text(encoding="utf-8"))["codes"])


def _upn_tidy(said: str) -> str:
    return _tidy(said).upper()


def _tidy(said: str) -> str:
    """Return `said` without what shows nothing, with plain spaces and hyphens, and no spaces around."""
    return (said if said.isascii() else said.translate(_TIDY)).strip()


_COUNTING = "0123456789"
_WEIGHTS = range(10, 1, -1)  # of the first nine digits
_UPN_WEIGHTS = range(2, 14)
_UPN_VALUES = {**{str(n): n for n in range(10)}, **{letter: n for n, letter in enumerate(_UPN_LETTERS)}}


def _dihedral(a: int, b: int) -> int:
    """Multiplication in the dihedral group of order 10, which Verhoeff's check uses."""
    if a < 5:
        return (a + b) % 5 if b < 5 else (a + b - 5) % 5 + 5
    return (a - 5 - b) % 5 + 5 if b < 5 else (a - b) % 5


_VERHOEFF = [[_dihedral(a, b) for b in range(10)] for a in range(10)]
_PERMUTED = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _PERMUTED.append([_PERMUTED[1][digit] for digit in _PERMUTED[-1]])
