"""Answers that say what is wrong and how to mend it (RFC 9457), without a value from what was sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from schemas.errors import Refusal

_ROOTS = {"event", "data", "data_base64", "id", "source", "specversion", "type", "time"}
_ROOTS |= {"subject", "dataschema", "datacontenttype"}
STATUS_OF = {"too-large": 413, "source-not-allowed": 403, "not-your-type": 403}
NO_STORE = {"Cache-Control": "no-store"}


class Problem(Exception):
    """An answer other than success. `path` is the field or the part of the request; `fix` how to mend it."""

    def __init__(self, status: int, code: str, detail: str, fix: str, path: str = "", **headers: str) -> None:
        super().__init__(code)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = body(status, code, detail, fix, path)


def refused(refusal: Refusal) -> Problem:
    """Return the answer to an event that breaks the contract: 422, or a nearer status where there is one.

    An extension's name is the publisher's own, so it is not repeated: nobody knows what stands in it.
    """
    status = STATUS_OF.get(refusal.code, 422)
    path = refusal.path if refusal.path.partition(".")[0].partition("[")[0] in _ROOTS else "event"
    return Problem(status, refusal.code, refusal.problem, refusal.fix, path)


def body(status: int, code: str, detail: str, fix: str, path: str) -> dict[str, Any]:
    """Return the members of a problem document."""
    title = HTTPStatus(status).phrase
    members = {"type": f"urn:hearth:problem:{code}", "title": title, "status": status, "detail": detail}
    return members | {"path": path, "fix": fix}


def answer(status: int, content: Any, media_type: str = "application/json", **headers: str) -> Response:
    """Return `content` as JSON that nothing on the way may keep."""
    return Response(msgspec.json.encode(content), status, NO_STORE | headers, media_type)


async def on_problem(_: Request, error: Exception) -> Response:
    """Answer a `Problem` (a Starlette exception handler)."""
    assert isinstance(error, Problem)
    return answer(error.status, error.body, "application/problem+json", **error.headers)


async def on_http_error(_: Request, error: Exception) -> Response:
    """Answer what the framework itself refuses (no such page, wrong method) in the same form."""
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    members = body(error.status_code, code, "The door has nothing like this", "See GET / for what it has", "")
    return answer(error.status_code, members, "application/problem+json", **(error.headers or {}))


async def on_crash(_: Request, __: Exception) -> Response:
    """Answer when the door itself failed: nothing about the cause goes out."""
    fix = "Send it again: an event that was stored already is recognised"
    members = body(500, "internal", "The hub could not work this request through", fix, "")
    return answer(500, members, "application/problem+json")
