"""Durable writes: each file whole or not there, and there after a crash once its directory was synced."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

UNFINISHED = ".tmp"


class Disk:
    """The file-system calls of the log's writer, one method each, so that a test can break any of them."""

    def __init__(self) -> None:
        self._changed: dict[Path, None] = {}  # directories whose entries are not on disk yet

    def doubt(self, directory: Path) -> None:
        """Have `directory` synced with the next ones: somebody before may have changed it and not lived to sync it."""
        self._changed[directory] = None

    def make_directory(self, directory: Path) -> None:
        """Make `directory` and its parents."""
        if not directory.is_dir():
            self.make_directory(directory.parent)
            directory.mkdir(exist_ok=True)
            self._changed[directory.parent] = None

    def write(self, path: Path, content: bytes) -> None:
        """Put `content` at `path`, on disk and under its name at once; its directory is synced later."""
        self.make_directory(path.parent)
        unfinished = path.with_name(path.name + UNFINISHED)
        self.create(unfinished, content)
        self.rename(unfinished, path)
        self._changed[path.parent] = None

    def create(self, path: Path, content: bytes) -> None:
        """Write a file and wait until its content is on disk."""
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        """Give the file its name, replacing what had it."""
        old.replace(new)

    def sync_directories(self) -> None:
        """Wait until every name given or taken so far is on disk."""
        for directory in list(self._changed):
            self.sync(directory)
            del self._changed[directory]

    def sync(self, directory: Path) -> None:
        """Wait until one directory's entries are on disk."""
        if not directory.is_dir():
            return  # removed since
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink(missing_ok=True)
        self._changed[path.parent] = None

    def remove_tree(self, directory: Path) -> None:
        """Remove a directory and what is in it, if it is there."""
        if directory.is_dir():
            shutil.rmtree(directory)
            self._changed[directory.parent] = None

    def commit(self, transaction: Callable[[], None]) -> None:
        """Run a database transaction that is durable on return."""
        transaction()


def hold(lock: Path) -> int | None:
    """Return the handle that holds the file `lock` for this process, None while another one does."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
