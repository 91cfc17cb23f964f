"""A partner's file as bytes, opened as often as need be, and the encoding it is really in."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 16
_HEAD = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source:
    """A file or bytes. `name` is what the publisher calls it; it is never repeated in a problem."""

    def __init__(self, content: str | Path | bytes, name: str) -> None:
        self._content = content
        self.name = name

    def open(self) -> BinaryIO:
        """Return a new reader from the first byte."""
        return io.BytesIO(self._content) if isinstance(self._content, bytes) else Path(self._content).open("rb")

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        with self.open() as file:
            return file.read(_HEAD)

    @cached_property
    def modified(self) -> datetime | None:
        """When the file was last written, UTC; None for bytes."""
        if isinstance(self._content, bytes):
            return None
        return datetime.fromtimestamp(int(Path(self._content).stat().st_mtime), UTC)

    @cached_property
    def encoding(self) -> str:
        """UTF-8 where all of it is, or what its byte-order mark says, or Windows-1252, or ISO-8859-1."""
        for mark, name in _MARKS:
            if self.head.startswith(mark):
                return name
        if wide := _unmarked_utf16(self.head):
            return wide
        return next((name for name in ("utf-8", "cp1252") if self._is(name)), "latin-1")

    def text(self) -> io.TextIOWrapper:
        """Return a text reader; its lines keep their own ends. A mark that stands twice is dropped by `clean`."""
        return io.TextIOWrapper(self.open(), encoding=self.encoding, errors="replace", newline="")

    def whole(self) -> str:
        """Return all of the text, without a byte-order mark."""
        with self.text() as file:
            return file.read().lstrip("\ufeff")

    def lines(self) -> Iterator[str]:
        """Yield lines ended by LF, CRLF or CR, with their ends."""
        with io.TextIOWrapper(self.open(), encoding=self.encoding, errors="replace", newline=None) as file:
            yield from file

    def _is(self, encoding: str) -> bool:
        decoder = codecs.getincrementaldecoder(encoding)()
        with self.open() as file:
            try:
                while chunk := file.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", True)
            except UnicodeDecodeError:
                return False
        return True


def _unmarked_utf16(head: bytes) -> str:
    if len(head) < 4 or b"\0" not in head[:4]:
        return ""
    return "utf-16-le" if head[1] == 0 and head[3] == 0 else "utf-16-be" if head[0] == 0 and head[2] == 0 else ""
