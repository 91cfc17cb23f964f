"""`POST /events`: one event or a batch, acknowledged only after the broker acknowledged.

Answers: 202 all stored · 207 (a list, by index) some stored, some refused · 422 (or 403, 413) none could be ·
400, 408, 413, 415 the request cannot be framed · 401, 403 whose token is this · 429, 503 with Retry-After.
A refused event was never taken in: its publisher has the answer in hand and sends it again, mended, under the same id.
With `?dry-run` everything is checked and nothing is written: 200 in place of 202.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from agents.adapters.tokens import Grant
from agents.portal import body
from agents.portal.door import Door, agency_of, door_of
from agents.portal.problem import Problem, answer, refused
from agents.sending import Ready
from schemas.codec import from_json
from schemas.errors import Refusal

Judged = Ready | Refusal


async def post_events(request: Request) -> Response:
    """Take in the events of one request."""
    grant, door = await agency_of(request), door_of(request)
    media = body.form(request)
    content = await body.read(request, door.pressure, grant.agency, door.body_limit)
    try:
        said = body.events(request, media, content)
        judged = await asyncio.to_thread(lambda: [judge(one, grant, door) for one in said])
        dry = "dry-run" in request.query_params
        if not dry:
            await _write(door, judged)
        return _single(judged[0], dry) if media != body.BATCH else _batch(judged, dry)
    finally:
        door.pressure.give(grant.agency, len(content))


def judge(said: Any, grant: Grant, door: Door) -> Judged:
    """Return the record to write for one event as sent, or why there is none."""
    try:
        event = from_json(said)
        if not grant.may_use(event.source):
            fix = "Use a source that this token was issued for, or ask for a token with this source"
            raise Refusal("source", "source-not-allowed", "This token does not speak for this source", fix)
        return door.framing.ready(event, grant.agency)
    except Refusal as refusal:
        return refusal


async def _write(door: Door, judged: Sequence[Judged]) -> None:
    emits = [one.emit for one in judged if isinstance(one, Ready)]
    if emits:
        await door.writer.write(emits)


def _single(judged: Judged, dry: bool) -> Response:
    if isinstance(judged, Refusal):
        raise refused(judged)
    if dry:
        return answer(200, _taken(judged, dry))
    return answer(202, _taken(judged, dry), Location=f"/receipts/{judged.receipt}")


def _batch(judged: Sequence[Judged], dry: bool) -> Response:
    events = [{"index": index} | _one(one, dry) for index, one in enumerate(judged)]
    failed = sum(isinstance(one, Refusal) for one in judged)
    if failed and failed == len(judged):
        raise _all_refused(events)
    return answer(207 if failed else 200 if dry else 202, {"events": events})


def _one(judged: Judged, dry: bool) -> dict[str, Any]:
    if isinstance(judged, Refusal):
        return {"status": "refused", "problem": refused(judged).body}
    return _taken(judged, dry)


def _taken(ready_event: Ready, dry: bool) -> dict[str, Any]:
    """Say what was stored: `status` is `stored`, or `valid` on a dry run. What becomes of it is in its receipt."""
    status = "valid" if dry else "stored"
    return {"status": status, "receipt": ready_event.receipt, "warnings": msgspec.to_builtins(ready_event.remarks)}


def _all_refused(events: list[dict[str, Any]]) -> Problem:
    problem = Problem(422, "all-refused", "No event of this batch could be taken", "See each event's problem", "body")
    problem.body["events"] = events
    return problem
