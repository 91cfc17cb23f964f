"""How the hub's processes log: one JSON object a line, on stderr, names and numbers only.

An exception's text may hold what a record said, so what crashes a process is told by its type and place alone.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

import structlog

_FRAMES = 6


def set_up(process: str, level: int = logging.INFO) -> None:
    """Log as `process` from now on, uncaught exceptions included."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=logging.WARNING, handlers=[_Quiet()], force=True)
    sys.excepthook = _crashed
    threading.excepthook = lambda said: _crashed(said.exc_type, said.exc_value, said.exc_traceback)


class _Quiet(logging.Handler):
    """Passes on that a library complained, and where; never its words, which may quote a record."""

    def emit(self, record: logging.LogRecord) -> None:
        place = f"{record.module}:{record.lineno}"
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        structlog.get_logger().warning("library", library=record.name, place=place, error=kind)


def _crashed(kind: type[BaseException], wrong: BaseException | None, trace: TracebackType | None) -> None:
    del wrong
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in traceback.extract_tb(trace)[-_FRAMES:]]
    structlog.get_logger().critical("crashed", error=kind.__name__, places=places)
