"""The disk that a running hub's logs stand on, and its faults: a volume of their own that fills up or comes back
read-only, and calls that fail one after another.

The volume is a tmpfs where this process may mount one: the kernel itself refuses then. Elsewhere the disk of the desk's
log writers (`hub_desk.py`) refuses instead; `kind` says which it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.adapters.disk import Disk
from agents.adapters.log_reader import CHECKPOINT

ROOM = 2**31  # bytes of the volume when nothing is wrong
CALLS = ("create", "rename", "sync", "remove", "remove_tree", "commit")
IN_TURN = ("commit", "create", "rename", "sync")  # those that every batch makes


class LogVolume:
    """One fault at a time. `control` is a directory in which the desk is told what fails, and says what did."""

    def __init__(self, directory: Path, control: Path) -> None:
        self._directory, self._control = directory, control
        control.mkdir(parents=True, exist_ok=True)
        directory.mkdir(parents=True, exist_ok=True)
        self._mounted = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", directory)
        self.kind = "tmpfs" if self._mounted else "imitated"

    def fill(self, left: int) -> None:
        """Leave `left` bytes free."""
        used = shutil.disk_usage(self._directory).used
        self._refuse(errno.ENOSPC, f"remount,size={used + left}")

    def read_only(self) -> bool:
        """Let nothing be written; return False while somebody has a file open for writing."""
        return self._refuse(errno.EROFS, "remount,ro")

    def break_calls(self) -> None:
        """Have calls fail one by one: the first of each kind in turn, then the second of each, and so on."""
        (self._control / "fault").write_text(f"{errno.EIO} 1")

    def heal(self) -> None:
        """Let everything work again."""
        (self._control / "fault").unlink(missing_ok=True)
        if self._mounted:
            assert _mount("-o", f"remount,rw,size={ROOM}", self._directory)

    def goes_on(self) -> Callable[[], bool]:
        """Return what tells whether the main log was signed anew since now."""
        head = self._directory / "main" / CHECKPOINT
        before = head.read_bytes() if head.exists() else b""
        return lambda: head.exists() and head.read_bytes() != before

    def _refuse(self, number: int, options: str) -> bool:
        if self._mounted:
            return _mount("-o", options, self._directory)
        (self._control / "fault").write_text(f"{number} 0")
        return True

    def close(self) -> None:
        """Take the volume away, and what is on it."""
        if self._mounted:
            subprocess.run(["umount", "-l", str(self._directory)], check=True)
            self._mounted = False

    def failed(self) -> Counter[str]:
        """Return how often which call of the log's writers failed, and of what."""
        return Counter(line for file in self._control.glob("failed-*") for line in file.read_text().splitlines())


def _mount(*words: object) -> bool:
    try:
        return subprocess.run(["mount", *map(str, words)], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class FailingDisk(Disk):
    """The log writers' disk in the desk: does what `LogVolume` asks for, and says which calls failed of what."""

    def __init__(self, control: Path) -> None:
        super().__init__()
        self._control, self._done, self._failed = control, 0, 0

    def _told(self) -> tuple[int, bool]:
        """Return with which error this call fails, 0 for none."""
        try:
            number, walking = map(int, (self._control / "fault").read_text().split())
        except (FileNotFoundError, ValueError):
            self._done = self._failed = 0
            return 0, False
        return number, bool(walking)

    def _due(self, name: str) -> int:
        number, walking = self._told()
        if not walking:
            return number
        gap, turn = divmod(self._failed, len(IN_TURN))
        if name != IN_TURN[turn]:
            return 0
        self._done += 1
        if self._done <= gap:
            return 0
        self._done, self._failed = 0, self._failed + 1
        return number

    def _say(self, name: str, what: str) -> None:
        with (self._control / f"failed-{os.getpid()}").open("a") as file:
            file.write(f"{what} at {name}\n")

    def call(self, name: str, work: Callable[..., Any], *args: Any) -> Any:
        """Make one call of the writer's, or fail it."""
        number = self._due(name)
        try:
            if number and name == "commit":
                raise sqlite3.OperationalError("disk I/O error")
            if number:
                raise OSError(number, os.strerror(number))
            return work(self, *args)
        except OSError as wrong:
            self._say(name, errno.errorcode.get(wrong.errno or 0, "OSError"))
            raise
        except sqlite3.Error:
            self._say(name, "SQLite")
            raise


def _failing(name: str) -> Callable[..., Any]:
    work = getattr(Disk, name)
    return lambda self, *args: self.call(name, work, *args)


for _name in CALLS:
    setattr(FailingDisk, _name, _failing(_name))
