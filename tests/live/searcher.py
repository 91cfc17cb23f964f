"""Finds planted text in any bytes, in the forms in which text escapes: as it is, spaced, encoded, and hashed.

Thousands of forms are sought at once: every eight bytes of what is searched are looked up in a set of how the forms
begin, and only what begins like one is compared.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode, b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from urllib.parse import quote

_GRAM = 8
_HASHES = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "blake2b": hashlib.blake2b,
    "blake2b-64": partial(hashlib.blake2b, digest_size=8),
    "blake2b-128": partial(hashlib.blake2b, digest_size=16),
    "blake2b-256": partial(hashlib.blake2b, digest_size=32),
}
_SYSTEMS = ("nhs-number", "upn", "local")
Form = tuple[str, bytes]  # what it is a form of and which, and its bytes


def spellings(text: str) -> set[str]:
    """Return `text` as it may be written: as it is, in one case, without spaces, spaced, grouped as numbers are."""
    bare = "".join(c for c in text if c.isalnum())
    found = {text, bare, " ".join(bare), text.replace(" ", "-"), text.replace(" ", "_")}
    if bare.isdigit() and len(bare) == 10:
        found |= {f"{bare[:3]}{gap}{bare[3:6]}{gap}{bare[6:]}" for gap in " -"}
    found |= {one.lower() for one in found} | {one.upper() for one in found}
    return {one for one in found if len(one) >= _GRAM}


def forms(text: str) -> Iterator[Form]:
    """Return every form of `text` that is sought."""
    for spelling in spellings(text):
        raw = spelling.encode()
        yield "as it is", raw
        yield "in UTF-16", spelling.encode("utf-16-le")
        yield "hex", raw.hex().encode()
        yield "hex", raw.hex().upper().encode()
        yield "URL-encoded", quote(spelling, safe="").encode()
        yield "URL-encoded", quote(spelling, safe="").lower().encode()
        yield "URL-encoded", "".join(f"%{byte:02X}" for byte in raw).encode()
        yield from _in_base64(raw)
    for hashed in _hashable(text):
        yield from _hashed(hashed.encode())


def _in_base64(raw: bytes) -> Iterator[Form]:
    """Return what stands in the base64 of anything that holds `raw`: three alignments, without its ends."""
    for ahead in range(3):
        held = b64encode(b"\0" * ahead + raw)
        inside = held[-(-ahead * 8 // 6) : len(held) - 4 if (ahead + len(raw)) % 3 else len(held)]
        yield f"base64 at {ahead}", inside
        yield f"base64 at {ahead}", inside.translate(bytes.maketrans(b"+/", b"-_"))
    yield "base32", b32encode(raw)[: len(raw) * 8 // 5]


def _hashable(text: str) -> set[str]:
    """Return the texts that a careless hash would be taken of."""
    bare = "".join(c for c in text if c.isalnum())
    plain = {text, text.lower(), text.upper(), text.strip(), bare, bare.lower(), bare.upper()}
    return plain | {f"{system}{gap}{one}" for one in plain for system in _SYSTEMS for gap in ":|/"}


def _hashed(raw: bytes) -> Iterator[Form]:
    """Return the hashes in hex, base64, base32 and as bytes. Those that are cut short begin alike: so do these."""
    for name, make in _HASHES.items():
        digest = make(raw).digest()
        written = {"hex": digest.hex().encode()[:16], "base32": b32encode(digest)[:12], "bytes": digest[:8]}
        written["base64"] = b64encode(digest)[:10]
        written["base64 for URLs"] = written["base64"].translate(bytes.maketrans(b"+/", b"-_"))
        written["HEX"] = written["hex"].upper()
        written["base32 in small"] = written["base32"].lower()
        for how, form in written.items():
            yield f"{name} in {how}", form


class Searcher:
    """Seeks all forms of `planted` at once."""

    def __init__(self, planted: Iterable[str]) -> None:
        self._forms: dict[int, list[tuple[str, str, bytes]]] = defaultdict(list)
        for text in planted:
            for name, form in set(forms(text)):
                if len(form) >= _GRAM:
                    self._forms[_grams(form[:_GRAM])[0]].append((text, name, form))
        self._begins = frozenset(self._forms)

    def found(self, held: bytes) -> set[tuple[str, str]]:
        """Return (planted text, form) of all that stands in `held`, whatever the case of letters."""
        return self._exactly(held) | {hit for hit in self._exactly(held.lower()) if hit[1] in _CASELESS}

    def _exactly(self, held: bytes) -> set[tuple[str, str]]:
        begun: set[int] = set()
        for start in range(_GRAM):
            begun |= self._begins.intersection(_grams(held[start:]))
        return {(text, name) for gram in begun for text, name, form in self._forms[gram] if form in held}


_CASELESS = frozenset(("as it is", "hex", "URL-encoded"))


def _grams(held: bytes) -> memoryview:
    whole = len(held) // _GRAM * _GRAM
    return memoryview(held[:whole]).cast("Q")
