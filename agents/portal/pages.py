"""What the door gives out: receipts, samples, its own state, and what it has."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from agents.portal.body import STRUCTURED
from agents.portal.door import agency_of, door_of
from agents.portal.problem import Problem, answer
from schemas.contract import contracts
from schemas.samples import sample

HAS = {
    "POST /events": "one event or a batch; ?dry-run checks only (token)",
    "GET /receipts/{id}": "what became of an event of yours (token)",
    "GET /samples": "the event types, each with a valid sample at /samples/{type}",
    "GET /subjects, /schemas, /config": "the schema registry (Confluent API, read only)",
    "GET /log/checkpoint, /log/cosigned, /log/tile/...": "the log's signed heads and hashes (C2SP tlog-tiles)",
    "GET /health": "whether the hub can take events",
}


async def get_index(_: Request) -> Response:
    """Say what the door has."""
    return answer(200, HAS)


async def get_receipt(request: Request) -> Response:
    """Return a receipt of the agency whose token this is; another agency's is as if it were not there."""
    grant = await agency_of(request)
    receipts = door_of(request).receipts
    found = await asyncio.to_thread(receipts.receipt, grant.agency, request.path_params["id"])
    if found is None:
        fix = "A receipt follows within seconds of the event: ask again, or check the id"
        raise Problem(404, "no-receipt", "This agency has no receipt under this id", fix, "id", Retry_After="2")
    return answer(200, msgspec.to_builtins(found))


async def get_samples(_: Request) -> Response:
    """List the event types with who may publish them and where a sample is."""
    types = sorted(contracts().items())
    return answer(200, [{"type": name, "agencies": of.agencies, "sample": f"/samples/{name}"} for name, of in types])


async def get_sample(request: Request) -> Response:
    """Return one valid event of a type, about made-up people."""
    name = request.path_params["type"]
    if name not in contracts():
        raise Problem(404, "unknown-type", "There is no event type of this name", "See GET /samples", "type")
    return answer(200, sample(name), STRUCTURED)


async def get_health(request: Request) -> Response:
    """Say whether the hub can take events now: 200, or 503."""
    up = await asyncio.to_thread(door_of(request).reachable)
    return answer(200 if up else 503, {"status": "up" if up else "broker not reachable"})
