"""From a request to the events in it, as structured CloudEvents: what can be framed, and nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.requests import ClientDisconnect, Request

from agents.portal.pressure import Pressure
from agents.portal.problem import Problem

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BINARY = "application/json"
SLOWEST = 30.0  # seconds in which a body must have arrived


async def read(request: Request, pressure: Pressure, agency: str, limit: int) -> bytes:
    """Return the body, counted as it arrives. The caller gives what it took back to `pressure`."""
    if _declared(request) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(SLOWEST):
            return await _gathered(request.stream(), pressure, agency, limit)
    except (TimeoutError, ClientDisconnect):
        fix = f"Send the whole body within {SLOWEST:.0f} seconds"
        raise Problem(408, "too-slow", "The body did not arrive in time", fix, "body") from None


async def _gathered(chunks: AsyncIterator[bytes], pressure: Pressure, agency: str, limit: int) -> bytes:
    taken, parts = 0, []
    try:
        async for chunk in chunks:
            if taken + len(chunk) > limit:
                raise _too_large(limit)
            pressure.take(agency, len(chunk))
            taken += len(chunk)
            parts.append(chunk)
    except BaseException:
        pressure.give(agency, taken)
        raise
    return b"".join(parts)


def form(request: Request) -> str:
    """Return which of the three content types this is, or raise the answer 415."""
    media, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    media = media.strip()
    if not media and "ce-specversion" in request.headers:
        media = BINARY  # stock clients leave it out where the event names no datacontenttype
    charset = parameters.partition("charset=")[2].split(";")[0].strip(' "') or "utf-8"
    known = media in (STRUCTURED, BATCH) or (media == BINARY and "ce-specversion" in request.headers)
    if known and charset in ("utf-8", "utf8", "us-ascii") and "content-encoding" not in request.headers:
        return media
    fix = f"Send {STRUCTURED} or {BATCH} in UTF-8, or {BINARY} with ce-* headers; not compressed"
    raise Problem(415, "content-type", "The door does not read this content type", fix, "headers.content-type")


def events(request: Request, media: str, content: bytes) -> list[Any]:
    """Return what should be events: one, or a batch's list. Raises the answer 400 where it is not JSON."""
    try:
        said = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        raise Problem(400, "not-json", "The body is not JSON", "Send JSON in UTF-8 (RFC 8259)", "body") from None
    if media == BINARY:
        return [_attributes(request) | {"data": said}]
    if media == BATCH and not isinstance(said, list):
        raise Problem(400, "not-a-batch", "A batch is a JSON array", f"Send one event as {STRUCTURED}", "body")
    return said if media == BATCH else [said]


def _attributes(request: Request) -> dict[str, Any]:
    """Return the attributes of binary mode (CloudEvents HTTP binding 1.0.2 §3.1.3: percent-encoded)."""
    prefix = "ce-"
    said = {name: value for name, value in request.headers.items() if name.startswith(prefix)}
    return {name[len(prefix) :]: unquote(value) for name, value in said.items()} | {"datacontenttype": BINARY}


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _too_large(limit: int) -> Problem:
    fix = f"Send at most {limit} bytes at once; split a batch"
    return Problem(413, "too-large", "The body is above the limit", fix, "body", Connection="close")
