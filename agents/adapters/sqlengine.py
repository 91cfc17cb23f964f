"""Opening a SQL database the way the hub needs it: SQLite with a write-ahead log, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Engine, make_url

from schemas.errors import Misconfigured

_BUSY_MS = 15_000  # another process writes: wait, do not fail


def open_engine(url: str, erase: bool = False) -> Engine:
    """Return an engine on `url` (`sqlite:///file` or `postgresql+psycopg://…`); it connects at first use.

    `erase`: what is deleted is overwritten, and a commit is on disk before it returns (the key store).
    Raises Misconfigured for any other kind of database, without showing the URL.
    """
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        return sql.create_engine(parsed, pool_pre_ping=True)
    if kind != "sqlite":
        raise Misconfigured("the database is sqlite:///file or postgresql+psycopg://…")
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sql.create_engine(parsed, connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False})
    sql.event.listen(engine, "connect", _PRAGMAS_ERASING if erase else _PRAGMAS)
    return engine


def ready(engine: Engine, metadata: sql.MetaData, section: str) -> None:
    """Make the tables in SQLite where they are missing; elsewhere raise Misconfigured unless migrations made them."""
    if engine.dialect.name == "sqlite":
        try:
            metadata.create_all(engine)
        except sql.exc.OperationalError:  # another process made them between the look and the making
            metadata.create_all(engine)
        return
    present = set(sql.inspect(engine).get_table_names())
    if missing := sorted(set(metadata.tables) - present):
        raise Misconfigured(
            f"the database lacks {', '.join(missing)}: "
            f"run `alembic -c deploy/migrations/alembic.ini -n {section} upgrade head`"
        )


def _pragmas(*lines: str) -> Any:
    def connect(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for line in ("journal_mode=WAL", f"busy_timeout={_BUSY_MS}", *lines):
            cursor.execute(f"PRAGMA {line}")
        cursor.close()

    return connect


_PRAGMAS = _pragmas("synchronous=NORMAL", "temp_store=MEMORY")  # rebuilt from topics, so the last commit may be lost
_PRAGMAS_ERASING = _pragmas("synchronous=FULL", "secure_delete=ON")
