"""Databases for the contract suites: SQLite, and a real PostgreSQL where this machine has one."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """SQLAlchemy URL of a PostgreSQL server without its database name; skipped where PostgreSQL is not installed."""
    if shutil.which("initdb") is None or shutil.which("pg_ctl") is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    with tempfile.TemporaryDirectory(prefix="hearth-pg-") as directory:
        as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(directory, "nobody")
            as_user = ["setpriv", "--reuid", "nobody", "--clear-groups"]
        data = Path(directory) / "data"

        def run(*command: str) -> None:
            subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=directory)

        run("initdb", "-D", str(data), "-U", "hearth", "--auth", "trust", "--no-sync")
        options = f"-c listen_addresses='' -k {directory} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-l", f"{directory}/log", "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://hearth@/{{name}}?host={directory}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    server = request.getfixturevalue("postgres")
    name = f"test{next(_numbers)}"
    engine = sql.create_engine(server.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name=name)


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """URL of a database with the tables of the projection and of the key store, made by the migrations."""
    for section in ("projection", "keys"):
        migrate(database_url, section)
    return database_url


def migrate(url: str, section: str, to: str = "head") -> None:
    """Run the migrations of `section` on `url`."""
    from alembic import command
    from alembic.config import Config

    config = Config("deploy/migrations/alembic.ini", ini_section=section)
    config.attributes["url"] = url
    (command.downgrade if to == "base" else command.upgrade)(config, to)
