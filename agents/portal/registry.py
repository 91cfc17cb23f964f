"""The schema registry (Confluent API): pinned schemas are given out, any other is refused (design: contracts).

Read without a token, for it holds no personal data; it listens where the door listens, which is loopback by default.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from agents.portal.problem import Problem, answer
from schemas import registry

MEDIA = "application/vnd.schemaregistry.v1+json"
LARGEST = 256 * 1024  # bytes of a schema


async def ask_registry(request: Request) -> Response:
    """Answer a stock registry client."""
    said = await _said(request)
    query = request.url.query
    path = request.url.path + (f"?{query}" if query else "")
    status, content = registry.answer(request.method, path, said)
    return answer(status, content, MEDIA)


async def _said(request: Request) -> Any:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST:
            raise Problem(413, "too-large", "The schema is above the limit", f"Send at most {LARGEST} bytes", "body")
    try:
        return msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, RecursionError):
        raise Problem(422, "not-json", "The body is not JSON", "Send JSON in UTF-8", "body") from None
