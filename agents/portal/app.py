"""Every address of the door in one table."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from agents.portal.door import Door
from agents.portal.log_files import ROUTES as LOG_FILES
from agents.portal.pages import get_health, get_index, get_receipt, get_sample, get_samples
from agents.portal.posting import post_events
from agents.portal.problem import Problem, on_crash, on_http_error, on_problem
from agents.portal.registry import ask_registry

REGISTRY = ("/subjects", "/schemas", "/config", "/mode", "/compatibility", "/contexts")
ROUTES = (
    Route("/", get_index, methods=["GET"]),
    Route("/events", post_events, methods=["POST"]),
    Route("/receipts/{id}", get_receipt, methods=["GET"]),
    Route("/samples", get_samples, methods=["GET"]),
    Route("/samples/{type}", get_sample, methods=["GET"]),
    Route("/health", get_health, methods=["GET"]),
    *LOG_FILES,
    *(Route(root + rest, ask_registry, methods=["GET", "POST", "PUT", "DELETE"])
      for root in REGISTRY for rest in ("", "/{rest:path}")),
)  # fmt: skip


def app(door: Door) -> Starlette:
    """Return the door as an ASGI application."""
    handlers = {Problem: on_problem, HTTPException: on_http_error, Exception: on_crash}
    made = Starlette(routes=list(ROUTES), exception_handlers=handlers)
    made.state.door = door
    return made
