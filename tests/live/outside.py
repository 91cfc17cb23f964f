"""Everything that a hub has written: what stands on every topic, and every file of its home, also unpacked."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import kafka
import rocksdict

from tests.live.running_hub import Reader, RunningHub


def topics(hub: RunningHub) -> dict[str, bytes]:
    """Return all that stands on each topic of the broker, with its name."""
    asked = kafka.KafkaConsumer(bootstrap_servers=hub.settings.kafka)
    names = sorted(asked.topics())
    asked.close()
    return {name: b"\n".join([name.encode(), *map(_record, records(hub, name))]) for name in names}


def records(hub: RunningHub, topic: str) -> list[Any]:
    """Return every record that stands on the topic now."""
    reader = Reader(hub.settings.kafka, topic)
    try:
        return reader.all()
    finally:
        reader.close()


def _record(record: Any) -> bytes:
    headers = [part for name, value in record.headers or () for part in (name.encode(), value or b"")]
    return b"\n".join([record.key or b"", *headers, record.value or b""])


def files(home: Path, copies: Path) -> dict[str, bytes]:
    """Return every file under `home`, its path in front: as it lies there, and what is in it where it is a database."""
    found: dict[str, bytes] = {}
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        place = str(path.relative_to(home))
        held = path.read_bytes()
        found[place] = place.encode() + b"\n" + held
        if held[:16] == b"SQLite format 3\0":
            found[f"rows of {place}"] = b"\n".join(_rows(path))
        if held[:2] == b"\x1f\x8b":
            found[f"unpacked {place}"] = gzip.decompress(held)
        if path.name == "CURRENT":
            copy = copies / str(len(found))
            shutil.copytree(path.parent, copy)
            found[f"state in {path.parent.relative_to(home)}"] = b"\n".join(_state(copy))
    return found


def _rows(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield b"\t".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)


def _state(path: Path) -> Iterator[bytes]:
    """Return keys and values of a copied RocksDB: its own files hold them packed."""
    (path / "LOCK").unlink(missing_ok=True)
    opened = rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True))
    try:
        for key, value in opened.items():
            yield key + b"\n" + value
    finally:
        opened.close()
