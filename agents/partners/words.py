"""Cells and texts as partners' systems write them: invisible characters, spoiled numbers, many ways to say yes."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
)
_NOTHING = {"", "-", "--", "n/a", "na", "none", "null", "nil", "nan", "unknown", "not known", "#n/a", "(blank)"}
_WHOLE = re.compile(r"[+-]?\d+\.0+")
_POWER = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_TRUE = {"1", "1.0", "true", "t", "yes", "y", "x", "\u2713", "\u2714"}
_FALSE = {"0", "0.0", "false", "f", "no", "n"}


def clean(said: object) -> str:
    """Return `said` in NFC without invisible or control characters, its white space as single spaces."""
    text = str(said if said is not None else "")
    if not (text.isascii() and text.isprintable()):  # nearly every cell is, and has nothing to take out
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
        text = "".join(c if c.isspace() or unicodedata.category(c) != "Cc" else "" for c in text)
    return " ".join(text.split())


def lines(said: object) -> str:
    """Return a multi-line text (an address) on one line, its lines separated by commas."""
    parts = (clean(part).strip(" ,") for part in re.split(r"[\r\n]+", str(said if said is not None else "")))
    return ", ".join(part for part in parts if part)


def or_none(said: object) -> str | None:
    """Return `said` cleaned, or None where it says nothing (blank, `-`, `N/A`, `unknown`)."""
    text = clean(said)
    return None if text.casefold() in _NOTHING else text


def number(said: object) -> tuple[str | None, bool]:
    """Return a number or code without what a spreadsheet did to it, and whether the spreadsheet destroyed it.

    `133.0` gives ("133", False). `2.6E+34` lost its digits for good: (None, True). `0` and `-1` say nothing.
    """
    text = or_none(said)
    if text is None or _POWER.fullmatch(text):
        return None, text is not None
    text = text.split(".")[0] if _WHOLE.fullmatch(text) else text
    return (None if text in {"0", "-1"} else text), False


def truth(said: object) -> bool | None:
    """Return what a flag says (`True`, `1`, `yes`, `x`; `0`, `false`, `no`), None where it says neither."""
    word = clean(said).casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def plain(said: object) -> str:
    """Return `said` for comparing: case-folded letters and digits only (`Pupil's U.P.N.` is `pupilsupn`)."""
    return "".join(c for c in clean(said).casefold() if c.isalnum())
