"""What the HTTP door stands on, and who may come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from starlette.requests import Request

from agents.adapters.tokens import Grant
from agents.portal.pressure import Pressure
from agents.portal.problem import Problem
from agents.portal.writer import Writer
from agents.sending import Framing
from schemas.records import Receipt

BODY_LIMIT = 1024 * 1024  # bytes of one request
IN_FLIGHT = 64 * 1024 * 1024  # bytes of all requests not yet acknowledged


class KnowsTokens(Protocol):
    def grant(self, token: str) -> Grant | None: ...


class KnowsReceipts(Protocol):
    def receipt(self, agency: str, id: str) -> Receipt | None:  # noqa: A002 (the record's own name)
        """Return the receipt `id` if `agency` may see it, else None."""
        ...


@dataclass
class Door:
    """The tools of the door, given by agents/bootstrap.py. `reachable` asks whether the broker answers."""

    tokens: KnowsTokens
    framing: Framing
    writer: Writer
    receipts: KnowsReceipts
    body_limit: int = BODY_LIMIT
    in_flight: int = IN_FLIGHT
    reachable: Callable[[], bool] = lambda: True
    log_dir: Path | None = None  # of the log that is shown to everybody
    pressure: Pressure = field(init=False)

    def __post_init__(self) -> None:
        self.pressure = Pressure(self.in_flight)


def door_of(request: Request) -> Door:
    """Return the door that `request` came to."""
    door = request.app.state.door
    assert isinstance(door, Door)
    return door


async def agency_of(request: Request) -> Grant:
    """Return whose token `request` shows, or raise the answer 401 or 403."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    grant = None
    if scheme.lower() == "bearer" and token.strip():
        grant = await asyncio.to_thread(door_of(request).tokens.grant, token.strip())
    if grant is None:
        fix = "Send Authorization: Bearer with a token from `hearth token issue`"
        raise _no(401, "no-token", "No token, or one that does not hold", fix, WWW_Authenticate='Bearer realm="hearth"')
    if grant.kind != "agency":
        raise _no(403, "not-an-agency", "This token is not an agency's", "Use the token issued to your agency")
    return grant


def _no(status: int, code: str, detail: str, fix: str, **headers: str) -> Problem:
    return Problem(status, code, detail, fix, "headers.authorization", **headers)
