"""A witness's two addresses: `POST /add-checkpoint` for logs, `GET /<SHA-256 of origin>/checkpoint` for everybody."""

from __future__ import annotations

import asyncio

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agents.portal.serve import listen_on
from agents.witness import TEXT, Witness
from consent.log.witness import LARGEST

_FRESH = {"Cache-Control": "no-cache"}


def app(witness: Witness) -> Starlette:
    """Return the witness as an ASGI application."""
    routes = [
        Route("/add-checkpoint", _add_checkpoint, methods=["POST"]),
        Route("/{origin_hash}/checkpoint", _checkpoint, methods=["GET"]),
    ]
    made = Starlette(routes=routes)
    made.state.witness = witness
    return made


def server(witness: Witness) -> uvicorn.Server:
    """Return the server, not yet started."""
    made = uvicorn.Config(
        app(witness), access_log=False, log_config=None, server_header=False, limit_concurrency=100, http="h11",
        ws="none", lifespan="off", h11_max_incomplete_event_size=16_384,
    )  # fmt: skip
    return uvicorn.Server(made)


def serve(witness: Witness, host: str, port: int) -> None:
    """Serve until the process is told to stop (SIGTERM, SIGINT). Raises `Misconfigured` when the port is taken."""
    with listen_on(host, port) as bound:
        server(witness).run(sockets=[bound])


async def _add_checkpoint(request: Request) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return PlainTextResponse("", 413)
    try:
        status, media, said = await asyncio.to_thread(request.app.state.witness.add_checkpoint, body)
    except OSError:  # its disk: nothing was cosigned, and the log asks again
        return PlainTextResponse("", 503)
    return Response(said, status, {"Content-Type": media})  # exactly so: Starlette would add a charset


async def _checkpoint(request: Request) -> Response:
    note = await asyncio.to_thread(request.app.state.witness.checkpoint, request.path_params["origin_hash"])
    return Response("", 404) if note is None else Response(note, 200, _FRESH, TEXT)
