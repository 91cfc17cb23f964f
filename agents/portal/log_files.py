"""The main log as static files, laid out as c2sp.org/tlog-tiles says, for whoever watches it: `/log/checkpoint`,
`/log/cosigned`, `/log/tile/...`.

Everybody may read them. Bundles and tiles hold hashes of salted entries, which tell nothing of whom an entry is about;
the entries themselves, with their pseudonyms, are never given out here. Nor is anything of the sealed log: its size
alone would tell that something was sealed. What no checkpoint covers is not there yet: a crash may take it back.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agents.adapters.log_reader import CHECKPOINT, COSIGNED, read_file
from agents.portal.door import door_of
from agents.portal.problem import Problem
from consent.log import tiles
from consent.log.checkpoint import unverified

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-cache"}


async def get_head(request: Request) -> Response:
    """Return the log's signed head, or the newest one that witnesses cosigned."""
    name = COSIGNED if request.url.path.endswith(COSIGNED) else CHECKPOINT
    note = await asyncio.to_thread(read_file, _directory(request), name)
    if note is None:
        raise _nothing()
    return Response(note, 200, FRESH, "text/plain; charset=utf-8")


async def get_tile(request: Request) -> Response:
    """Return a tile or bundle that the signed head covers."""
    content = await asyncio.to_thread(_tile, _directory(request), f"tile/{request.path_params['path']}")
    if content is None:
        raise _nothing()
    return Response(content, 200, FOR_EVER, "application/octet-stream")


ROUTES = (
    Route("/log/checkpoint", get_head, methods=["GET"]),
    Route("/log/cosigned", get_head, methods=["GET"]),
    Route("/log/tile/{path:path}", get_tile, methods=["GET"]),
)


def _directory(request: Request) -> Path:
    directory = door_of(request).log_dir
    if directory is None:
        raise _nothing()
    return directory


def _tile(directory: Path, path: str) -> bytes | None:
    tile, note = tiles.parse(path), read_file(directory, CHECKPOINT)
    if tile is None or note is None or not tiles.covered(tile, unverified(note).size):
        return None
    return read_file(directory, path)


def _nothing() -> Problem:
    return Problem(404, "no-log-file", "The log has no such file", "See GET / for what it has", "path")
