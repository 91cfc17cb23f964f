"""Asks witnesses over HTTP, and fetches what they, or a hub, show of a log. Standard library only."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable

from consent.log import witness as protocol
from consent.log.witness import Asked
from schemas.errors import Misconfigured

_SECONDS = 5.0
_LARGEST = 1_000_000  # bytes of an answer

Ask = Callable[[str, Asked], tuple[int, bytes]]
"""Puts a request to the witness at a submission prefix; returns its HTTP status and the body."""


class Unreachable(Exception):
    """No answer came."""


class _Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Go nowhere else: a redirected POST would be a GET."""


_open = urllib.request.build_opener(_Straight()).open


def ask(url: str, asked: Asked) -> tuple[int, bytes]:
    """Return (HTTP status, body) of the witness's answer. Raises `Unreachable`."""
    return _answer(urllib.request.Request(_checked(f"{url}/add-checkpoint"), protocol.encode(asked), method="POST"))  # noqa: S310 checked


def fetch(url: str) -> bytes | None:
    """Return what stands at `url`, None when there is nothing. Raises `Unreachable`, also for any other answer."""
    status, body = _answer(urllib.request.Request(_checked(url)))  # noqa: S310 checked
    if status == 200:
        return body
    if status == 404:
        return None
    raise Unreachable(f"HTTP status {status}")


def _answer(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with _open(request, timeout=_SECONDS) as answer:
            return answer.status, answer.read(_LARGEST)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read(_LARGEST)
    except (OSError, http.client.HTTPException) as why:
        raise Unreachable(type(why).__name__) from None


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise Misconfigured("The address of a witness, or of a log, begins with https:// or http://.")
    return url
