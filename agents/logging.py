"""How the hub's processes log: one JSON object a line, on stderr, names and numbers only.

An exception's text may hold what a record said, so what crashes a process is told by its type and place alone.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

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
    logging.basicConfig(level=logging.WARNING, handlers=[_Passing()], force=True)
    logging.setLogRecordFactory(_wordless)
    sys.excepthook = _crashed
    threading.excepthook = lambda said: _crashed(said.exc_type, said.exc_value, said.exc_traceback)


class _Passing(logging.Handler):
    """Passes on what libraries say, as one of our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        place = f"{record.module}:{record.lineno}"
        structlog.get_logger().warning("library", library=record.name, place=place, said=record.msg)


def _wordless(
    name: str, level: int, path: str, line: int, said: object, values: object, wrong: object, *rest: Any, **_: Any
) -> logging.LogRecord:
    """Make a library's log record without its values: they, and an exception's text, may quote a partner's record.

    What is left is the constant text, where it stands apart from its values, and the exception's type. It is done
    where records are made, so it holds for whatever handlers a library installs.
    """
    kind = wrong[0] if isinstance(wrong, tuple) and wrong else type(wrong) if wrong else None
    text = str(said) if values else ""
    left = " ".join(filter(None, (text, kind.__name__ if isinstance(kind, type) else "")))
    return logging.LogRecord(name, level, path, line, left, None, None, *rest[:1])


def _crashed(kind: type[BaseException], wrong: BaseException | None, trace: TracebackType | None) -> None:
    del wrong
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in traceback.extract_tb(trace)[-_FRAMES:]]
    structlog.get_logger().critical("crashed", error=kind.__name__, places=places)
