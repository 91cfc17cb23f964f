"""XML from partners: no entity tricks, any encoding, namespaces ignored, wrapped in SOAP or not."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import IO, Any, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from agents.partners.source import Source
from agents.partners.taken import Problem, Unused
from agents.partners.words import clean

_DECLARED = re.compile(rb"^<\?xml[^>]*encoding=[\"']([A-Za-z0-9_.-]+)[\"']")
_MOST_WHOLE = 64 << 20  # bytes of a document that is read as a whole
_WRAPS = 3  # SOAP in SOAP in SOAP


def elements(source: Source, names: tuple[str, ...]) -> Iterator[Element]:
    """Yield each element of one of `names` when it ends, as a stream; namespaces are taken off.

    Raises Unused at the first byte that is no XML, or on any entity or document type.
    """
    try:
        depth: list[Element] = []
        for what, element in ElementTree.iterparse(cast(IO[Any], _Stripped(source)), ("start", "end"), _parser(source)):
            if what == "start":
                depth.append(element)
                continue
            depth.pop()
            if local(element) in names:
                yield element
                element.clear()
                if depth:
                    depth[-1].remove(element)  # or memory grows with the file
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unused(_broken(error)) from None


def whole(source: Source) -> Element:
    """Return the root of a document; out of a SOAP envelope, and of XML escaped as text in it. Raises Unused."""
    try:
        with source.open() as file:
            return _unwrapped(_parsed(file.read(_MOST_WHOLE), source.encoding), _WRAPS)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unused(_broken(error)) from None


def unwrapped(source: Source) -> Source:
    """Return the document inside a SOAP envelope as a source of its own, or `source` where there is none."""
    if not re.search(rb"<(?:[A-Za-z0-9_.-]+:)?Envelope[\s>]", source.head[:4096]):
        return source
    return Source(ElementTree.tostring(whole(source)), source.name)


def local(element: Element) -> str:
    """Return the name of `element` without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: Element | None, *names: str) -> Element | None:
    """Return the child at the path `names`; only direct children count."""
    for name in names:
        element = next((e for e in element if local(e) == name), None) if element is not None else None
    return element


def children(element: Element | None, name: str) -> list[Element]:
    """Return the direct children called `name`."""
    return [e for e in element if local(e) == name] if element is not None else []


def text(element: Element | None, *names: str) -> str:
    """Return the text of the first child of `element` under one of `names`, cleaned; text after it does not count."""
    found = (child(element, name) for name in names)
    return next((clean(e.text) for e in found if e is not None and clean(e.text)), "")


def _parser(source: Source) -> Any:
    """Where the file is not in the encoding it declares, the encoding that it is really in overrides."""
    with source.open() as file:
        declared = _DECLARED.match(file.read(300).lstrip(b"\xef\xbb\xbf \t\r\n"))
    said = declared[1].decode().lower() if declared else "utf-8"
    override = (
        source.encoding if said in ("utf-8", "utf8", "us-ascii") and source.encoding in ("cp1252", "latin-1") else None
    )
    return ElementTree.DefusedXMLParser(encoding=override, forbid_dtd=True)


def _parsed(content: bytes, encoding: str) -> Element:
    source = Source(content.lstrip(b"\xef\xbb\xbf \t\r\n") if not encoding.startswith("utf-16") else content, "")
    parser = _parser(source)
    parser.feed(source.open().read())
    return cast(Element, parser.close())


def _unwrapped(root: Element, left: int) -> Element:
    if local(root) != "Envelope" or not left:
        return root
    body = child(root, "Body")
    for element in body.iter() if body is not None else ():
        if local(element) in ("Message", "Bundle"):
            return element
        if (element.text or "").lstrip().startswith("<"):
            return _unwrapped(_parsed((element.text or "").strip().encode(), "utf-8"), left - 1)
    return root


def _broken(error: Exception) -> Problem:
    if isinstance(error, DefusedXmlException):
        return Problem(
            "file",
            "",
            "forbidden-xml",
            "The XML has a document type or entities, which can be used to attack",
            "Take the document type and the entities out",
        )
    line, column = getattr(error, "position", (0, 0))
    where = f"line {line}, column {column + 1}" if line else "file"
    return Problem(
        where,
        "",
        "broken-xml",
        "The XML breaks off or is not well-formed here; what stands before was read",
        "Export it again",
    )


class _Stripped(io.RawIOBase):
    """The file without a mark or white space before its first element."""

    def __init__(self, source: Source) -> None:
        self._file = source.open()
        head = source.head[:4096]
        if not head.startswith((b"\xff\xfe", b"\xfe\xff")):
            self._file.seek(len(head) - len(head.lstrip(b"\xef\xbb\xbf \t\r\n")))

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()
        super().close()
