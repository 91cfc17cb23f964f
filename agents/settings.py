"""What the hub is told from outside, read once from the environment. Secrets never print.

A hub on real Kafka keeps its things in `<home>/hub`. The embedded broker forgets at each start, so each start there
has a run directory of its own, `<home>/runs/<when>`; `<home>/current` names the latest one, and `hub.json` in it tells
other commands where the hub listens.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec

from schemas.errors import Misconfigured

_KEY_OF_LOG = {"main": "log"}  # its key was there before the other logs had keys of their own
STORES = ("rocksdb", "memory")


class Listening(msgspec.Struct, frozen=True):
    """Where a running hub listens: what `hub.json` holds. `http` is a URL without a slash at its end."""

    bootstrap: str
    http: str
    pid: int
    embedded: bool
    started_at: datetime


@dataclass(frozen=True)
class Settings:
    """The hub's settings. Seconds are seconds, sizes are records or bytes as named."""

    home: Path
    kafka: str = ""  # bootstrap servers; empty: the embedded broker
    embedded: bool = True
    run: str = ""  # name of the run directory under <home>/runs; empty: the latest
    database: str = field(default="", repr=False)  # SQLAlchemy URL; empty: SQLite in the run directory
    keystore: str = field(default="", repr=False)  # SQLAlchemy URL of the person keys
    key_encryption_key: str = field(default="", repr=False)  # base64 of 32 bytes; empty: a file of its own
    partitions: int = 4
    replication: int = 1  # copies of each topic on a real Kafka
    workers: int = 1
    http_host: str = "127.0.0.1"
    http_port: int = 0  # 0: a free one
    session_timeout: float = 6.0
    commit_interval: float = 1.0
    batch_records: int = 2000
    max_event_bytes: int = 262_144
    tick_seconds: float = 300.0
    log_patience: float = 60.0  # how far the log may be behind before nothing new is disclosed
    send_seconds: float = 60.0  # what was decided longer ago is decided again before it leaves
    store: str = "rocksdb"
    log_name: str = "hearth"

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings. Raises Misconfigured, naming the variable, never its value."""
        said = _Said(environ)
        kafka = said.text("HEARTH_KAFKA", "")
        store = said.text("HEARTH_STORE", "rocksdb")
        if store not in STORES:
            raise Misconfigured(f"HEARTH_STORE is one of {', '.join(STORES)}")
        return cls(
            home=Path(said.text("HEARTH_HOME", ".hearth")).absolute(),
            kafka=kafka,
            embedded=not kafka or said.text("HEARTH_EMBEDDED", "") == "1",
            run=said.text("HEARTH_RUN", ""),
            database=said.text("HEARTH_DATABASE", ""),
            keystore=said.text("HEARTH_KEYSTORE", ""),
            key_encryption_key=said.text("HEARTH_KEK", ""),
            partitions=said.count("HEARTH_PARTITIONS", 4),
            replication=said.count("HEARTH_REPLICATION", 1),
            workers=said.count("HEARTH_WORKERS", 1),
            http_host=said.text("HEARTH_HTTP_HOST", "127.0.0.1"),
            http_port=said.count("HEARTH_HTTP_PORT", 0, least=0),
            session_timeout=said.seconds("HEARTH_SESSION_TIMEOUT", 6.0),
            commit_interval=said.seconds("HEARTH_COMMIT_INTERVAL", 1.0),
            batch_records=said.count("HEARTH_BATCH", 2000),
            max_event_bytes=said.count("HEARTH_MAX_EVENT_BYTES", 262_144),
            tick_seconds=said.seconds("HEARTH_TICK_SECONDS", 300.0),
            log_patience=said.seconds("HEARTH_LOG_PATIENCE", 60.0),
            send_seconds=said.seconds("HEARTH_SEND_SECONDS", 60.0),
            store=store,
            log_name=said.text("HEARTH_LOG_NAME", "hearth"),
        )

    def environ(self) -> dict[str, str]:
        """Return the variables from which a child process loads these same settings."""
        said = {
            "HEARTH_HOME": str(self.home),
            "HEARTH_KAFKA": self.kafka,
            "HEARTH_EMBEDDED": "1" if self.embedded else "",
            "HEARTH_RUN": self.run,
            "HEARTH_DATABASE": self.database,
            "HEARTH_KEYSTORE": self.keystore,
            "HEARTH_KEK": self.key_encryption_key,
            "HEARTH_PARTITIONS": str(self.partitions),
            "HEARTH_REPLICATION": str(self.replication),
            "HEARTH_WORKERS": str(self.workers),
            "HEARTH_HTTP_HOST": self.http_host,
            "HEARTH_HTTP_PORT": str(self.http_port),
            "HEARTH_SESSION_TIMEOUT": str(self.session_timeout),
            "HEARTH_COMMIT_INTERVAL": str(self.commit_interval),
            "HEARTH_BATCH": str(self.batch_records),
            "HEARTH_MAX_EVENT_BYTES": str(self.max_event_bytes),
            "HEARTH_TICK_SECONDS": str(self.tick_seconds),
            "HEARTH_LOG_PATIENCE": str(self.log_patience),
            "HEARTH_SEND_SECONDS": str(self.send_seconds),
            "HEARTH_STORE": self.store,
            "HEARTH_LOG_NAME": self.log_name,
        }
        return {name: value for name, value in said.items() if value}

    # ------------------------------------------------------------------ where things are

    @property
    def run_dir(self) -> Path:
        """The directory of this hub's projection, log and state."""
        if not self.embedded:
            return self.home / "hub"
        return self.home / "runs" / (self.run or _latest(self.home))

    @property
    def keys_dir(self) -> Path:
        return self.home / "keys"

    def log_private_key(self, log: str) -> Path:
        """File of a log's Ed25519 signing key: base64 of its 32 raw bytes, mode 0600."""
        return self.keys_dir / f"{_KEY_OF_LOG.get(log, f'log-{log}')}.private"

    def log_public_key(self, log: str) -> Path:
        """File of a log's Ed25519 public key: base64 of its 32 raw bytes."""
        return self.keys_dir / f"{_KEY_OF_LOG.get(log, f'log-{log}')}.public"

    def log_origin(self, log: str) -> str:
        """What a log calls itself. Each run of the embedded broker has logs of its own: no two go by one name."""
        return "/".join([self.log_name, *([self.run_dir.name] if self.embedded else []), log])

    @property
    def subscribers_file(self) -> Path:
        return self.home / "subscribers.toml"

    @property
    def log_dir(self) -> Path:
        """Directory of both Merkle logs: `main/` and `sealed/` in it, each in tlog-tiles layout."""
        return self.run_dir / "log"

    def witness_policy(self, log: str) -> Path:
        """File that names the witnesses of a log (consent/log/trust.py). The sealed log has one of its own: whoever
        cosigns it learns how large it is."""
        return self.home / f"witnesses-{log}.policy"

    @property
    def state_dir(self) -> Path:
        """Directory of the engine's tables."""
        return self.run_dir / "state"

    @property
    def hub_file(self) -> Path:
        return self.run_dir / "hub.json"

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.run_dir / 'projection.db'}"

    @property
    def keystore_url(self) -> str:
        return self.keystore or f"sqlite:///{self.run_dir / 'person-keys.db'}"

    # ------------------------------------------------------------------ a running hub

    def begin_run(self, now: datetime) -> Settings:
        """Make the run directory of a hub that starts `now` and return the settings that name it."""
        begun = self
        if self.embedded and not self.run:
            begun = replace(self, run=_unused(self.home, now.strftime("%Y%m%dT%H%M%S")))
        for directory in (begun.run_dir, begun.log_dir, begun.state_dir, begun.keys_dir):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if begun.run:
            _replace_text(self.home / "current", begun.run)
        return begun

    def listen(self, listening: Listening) -> None:
        """Tell other commands where this hub listens."""
        _replace_text(self.hub_file, msgspec.json.encode(listening).decode())

    def listening(self) -> Listening | None:
        """Return where the hub listens, or None when none runs."""
        try:
            found = msgspec.json.decode(self.hub_file.read_bytes(), type=Listening)
        except FileNotFoundError:
            return None
        return found if Path(f"/proc/{found.pid}").exists() or not Path("/proc").exists() else None

    def joined(self) -> Settings:
        """Return the settings with the running hub's address in them. Raises Misconfigured when none runs."""
        if self.kafka:
            return self
        found = self.listening()
        if found is None:
            raise Misconfigured("no hub runs here: start one with `hearth up`, or name a Kafka in HEARTH_KAFKA")
        return replace(self, kafka=found.bootstrap)


class _Said:
    """The environment, with errors that name the variable and not what it holds."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "") or default

    def count(self, name: str, default: int, least: int = 1) -> int:
        said = self.text(name, str(default))
        if not said.isdecimal() or int(said) < least:
            raise Misconfigured(f"{name} is a whole number of at least {least}")
        return int(said)

    def seconds(self, name: str, default: float) -> float:
        said = self.text(name, str(default))
        try:
            seconds = float(said)
        except ValueError:
            seconds = 0.0
        if not 0.0 < seconds < 86_400.0:
            raise Misconfigured(f"{name} is a number of seconds above 0")
        return seconds


def _latest(home: Path) -> str:
    current = home / "current"
    return current.read_text().strip() if current.exists() else "none"


def _unused(home: Path, name: str) -> str:
    taken = home / "runs"
    return next(run for run in (name, *(f"{name}-{n}" for n in range(2, 1000))) if not (taken / run).exists())


def _replace_text(path: Path, text: str) -> None:
    # whoever reads meanwhile sees the old file or the new one, never half of it
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        new.write(text)
    Path(new.name).replace(path)
