"""The hub's desk with a disk under its logs that fails when told: `python -m tests.live.hub_desk desk DIRECTORY`.

HEARTH_LOG_CONTROL names the directory in which it is told (tests/live/log_volume.py).
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from agents import bootstrap, processes
from agents.adapters.log_files import LogWriter
from tests.live.log_volume import FailingDisk


@cache
def disk_of(_log: Path) -> FailingDisk:
    """Return a log's disk: one, however often the log is opened, so that the calls that fail are counted on."""
    return FailingDisk(Path(os.environ["HEARTH_LOG_CONTROL"]))


def opened(directory: Path, *args: Any) -> LogWriter:
    return LogWriter(directory, *args, disk=disk_of(directory))


if __name__ == "__main__":
    bootstrap.LogWriter = opened  # type: ignore[misc, assignment]
    processes.PAUSE_SECONDS = 0.1  # more calls fail in the same time
    sys.exit(processes.main(sys.argv[1:]))
