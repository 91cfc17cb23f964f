"""Worker processes that tests start, kill at a boundary, put to sleep and wake."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


class Worker:
    """One worker in its own directory, which a restart finds again unless `forget`. Dies with the test."""

    def __init__(self, module: str, arguments: Sequence[str], directory: Path, environ: Mapping[str, str]) -> None:
        self.dir = directory
        self._command = [sys.executable, "-m", module, *arguments, str(directory)]
        self._environ = {**os.environ, **environ}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, kill_at: str = "", forget: bool = False) -> None:
        """Start the process; `kill_at` (`outputs:3`, `outputs:3:STOP`) arms a boundary, `forget` empties its disk."""
        if forget:
            shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True, exist_ok=True)
        environ = {**self._environ, "HEARTH_FAULTS": "1", "HEARTH_KILL_AT": kill_at} if kill_at else self._environ
        with self.dir.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=PROJECT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def asleep(self) -> bool:
        """Tell whether the process is stopped by SIGSTOP."""
        if not self.alive or self._process is None:
            return False
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def signal(self, number: int) -> None:
        if self.alive and self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self, seconds: float = 20.0) -> int | None:
        """Ask the worker to end; kill it when it does not. Return its exit code, None if it had to be killed."""
        if self._process is None:
            return None
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def log(self) -> str:
        path = self.dir.with_suffix(".log")
        return path.read_text(errors="replace") if path.exists() else ""


def wait_for(what: str, seen: object, seconds: float) -> None:
    """Wait until `seen()` is true. Raises AssertionError naming `what` after `seconds`."""
    until = time.monotonic() + seconds
    while not seen():  # type: ignore[operator]
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.05)
