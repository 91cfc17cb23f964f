"""Dying, or falling asleep, at an exact point, for the fault tests. Does nothing unless HEARTH_FAULTS=1.

HEARTH_KILL_AT=name:count sends this process SIGKILL at the count-th passing of that point; name:count:STOP
sends SIGSTOP, as a machine does that pauses.
"""

from __future__ import annotations

import os
import signal


def _armed() -> tuple[str, int, int]:
    if os.environ.get("HEARTH_FAULTS") != "1":
        return "", 0, 0
    name, count, how = f"{os.environ.get('HEARTH_KILL_AT', '')}::".split(":")[:3]
    return name, int(count or "1"), signal.SIGSTOP if how == "STOP" else signal.SIGKILL


_name, _left, _signal = _armed()


def boundary(name: str) -> None:
    """Pass a point of the order of effects: `decisions`, `outputs`, `changelog`, `commit`."""
    global _left  # noqa: PLW0603 - one counter for the process
    if not _name or name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), _signal)
