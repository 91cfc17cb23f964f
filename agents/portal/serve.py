"""Runs the door: uvicorn, on loopback unless HEARTH_HTTP_HOST says otherwise."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from agents.portal.app import app
from agents.portal.door import Door
from schemas.errors import Misconfigured

_START_SECONDS = 15.0
_QUIET_SECONDS = 10  # what a request may still take when the hub stops


def listen_on(host: str, port: int) -> socket.socket:
    """Bind a socket (port 0: a free one). Raises Misconfigured when it is taken."""
    try:
        return socket.create_server((host, port), backlog=512)
    except OSError:
        raise Misconfigured("HEARTH_HTTP_PORT is taken, or HEARTH_HTTP_HOST is not an address here") from None


def url_of(bound: socket.socket) -> str:
    """Return the address of a bound socket as a URL without a slash at its end."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(door: Door) -> uvicorn.Server:
    """Return the server, not yet started. It logs nothing: addresses hold ids, and the runner logs what matters."""
    made = uvicorn.Config(
        app(door), access_log=False, log_config=None, server_header=False, date_header=False,
        timeout_graceful_shutdown=_QUIET_SECONDS, limit_concurrency=1000, h11_max_incomplete_event_size=16_384,
        http="h11", ws="none", lifespan="off",
    )  # fmt: skip
    return uvicorn.Server(made)


def serve(door: Door, host: str, port: int) -> None:
    """Serve until the process is told to stop (SIGTERM, SIGINT)."""
    with listen_on(host, port) as bound:
        server(door).run(sockets=[bound])


@contextmanager
def serving(door: Door, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread of this process; gives the URL. Stops the server on leaving."""
    with listen_on(host, port) as bound:
        running = server(door)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, name="hearth-door", daemon=True)
        thread.start()
        _wait_until(running, thread)
        try:
            yield url_of(bound)
        finally:
            running.should_exit = True
            thread.join(_QUIET_SECONDS + 5)


def _wait_until(running: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(_START_SECONDS / 0.02)):
        if running.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.02)
    raise Misconfigured("the HTTP door did not start")
