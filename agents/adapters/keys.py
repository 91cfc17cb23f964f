"""The hub's own keys and its subscribers' public keys, as files under HEARTH_HOME.

Made on first start, mode 0600, loaded ever after. Each is base64 of raw bytes on one line. The pseudonym key's file
name carries its version (`pseudonym-1.key`): the highest is in use, older ones stay for looking up what they named.
"""

from __future__ import annotations

import base64
import binascii
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from agents.settings import Settings
from schemas.errors import Misconfigured

_KEY_BYTES = 32
LOGS = ("main", "sealed")
CLEARANCES = ("normal", "sensitive", "shielded", "sealed")
FIRST_SUBSCRIBERS = ("duty", "named-professional", "early-help", "social-care")
"""What a new hub has: its two queues and two teams, without a bound of their own on the tier of what they are sent:
each reader's own clearance decides. More by `hearth subscriber add`."""


class Keys(msgspec.Struct, frozen=True):
    """The hub's secrets: raw 32-byte keys. `repr` shows none."""

    pseudonym: bytes
    pseudonym_version: int
    encryption: bytes  # wraps person keys
    hub: bytes  # seals what is the hub's own: practitioners' contact details
    logs: dict[str, bytes]  # Ed25519, by log: signs its checkpoints. No two logs share one

    def __repr__(self) -> str:
        return f"Keys(pseudonym_version={self.pseudonym_version})"


class Subscriber(msgspec.Struct, frozen=True):
    """Who may receive alerts: `public_key` is raw X25519, 32 bytes; `clearance` bounds the tier of what they see."""

    name: str
    public_key: bytes
    clearance: str = "normal"


def load_keys(settings: Settings) -> Keys:
    """Load the hub's keys, making those that do not exist. Raises Misconfigured for a file that holds no key."""
    directory = settings.keys_dir
    version = max([int(path.stem.removeprefix("pseudonym-")) for path in directory.glob("pseudonym-*.key")], default=1)
    return Keys(
        pseudonym=_key(directory / f"pseudonym-{version}.key"),
        pseudonym_version=version,
        encryption=_encryption_key(settings),
        hub=_key(directory / "hub.key"),
        logs={log: _log_key(settings, log) for log in LOGS},
    )


def load_subscribers(settings: Settings) -> dict[str, Subscriber]:
    """Load the registry of subscribers; a new hub gets `FIRST_SUBSCRIBERS` with key pairs of their own."""
    if not settings.subscribers_file.exists():
        _write_registry(settings.subscribers_file, [_first(settings, name) for name in FIRST_SUBSCRIBERS])
    with settings.subscribers_file.open("rb") as file:
        said = tomllib.load(file)
    return {name: _subscriber(name, table) for name, table in said.items()}


def add_subscriber(settings: Settings, subscriber: Subscriber) -> None:
    """Add a subscriber, or give one a new key or clearance. Raises Misconfigured for what is neither."""
    known = load_subscribers(settings)
    table = {"public_key": base64.b64encode(subscriber.public_key).decode(), "clearance": subscriber.clearance}
    known[subscriber.name] = _subscriber(subscriber.name, table)
    _write_registry(settings.subscribers_file, known.values())


def subscriber_private_key(settings: Settings, name: str) -> bytes:
    """Return the private key that the hub made for one of its first subscribers. Raises Misconfigured without one."""
    path = settings.keys_dir / f"subscriber-{name}.key"
    if not path.exists():
        raise Misconfigured(f"the private key of subscriber {name} is not kept here")
    return _read(path)


def _first(settings: Settings, name: str) -> Subscriber:
    private = _key(settings.keys_dir / f"subscriber-{name}.key", _new_x25519)
    public = X25519PrivateKey.from_private_bytes(private).public_key()
    return Subscriber(name, public.public_bytes(Encoding.Raw, PublicFormat.Raw), "sealed")


def _subscriber(name: str, table: dict[str, str]) -> Subscriber:
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise Misconfigured("a subscriber's name is letters, digits and hyphens: it names a topic")
    if table.get("clearance", "normal") not in CLEARANCES:
        raise Misconfigured(f"the clearance of subscriber {name} is one of {', '.join(CLEARANCES)}")
    return Subscriber(name, _decoded(table.get("public_key", ""), f"public key of {name}"), table["clearance"])


def _write_registry(path: Path, subscribers: Iterable[Subscriber]) -> None:
    lines = ["# Who may receive alerts: an X25519 public key (base64) and a clearance each.\n"]
    for one in subscribers:
        lines.append(f'\n[{one.name}]\npublic_key = "{base64.b64encode(one.public_key).decode()}"\n')
        lines.append(f'clearance = "{one.clearance}"\n')
    fresh = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_text("".join(lines))
    fresh.replace(path)


def _encryption_key(settings: Settings) -> bytes:
    if settings.key_encryption_key:
        return _decoded(settings.key_encryption_key, "HEARTH_KEK")
    return _key(settings.keys_dir / "encryption.key")


def _log_key(settings: Settings, log: str) -> bytes:
    private = _key(settings.log_private_key(log), _new_ed25519)
    if not settings.log_public_key(log).exists():
        public = Ed25519PrivateKey.from_private_bytes(private).public_key()
        _write_once(settings.log_public_key(log), public.public_bytes(Encoding.Raw, PublicFormat.Raw), 0o644)
    return private


def made_once(path: Path) -> bytes:
    """Return the 32-byte secret in the file, made when there is none. Raises Misconfigured for a file without one."""
    return _key(path)


def _key(path: Path, make: object = None) -> bytes:
    if not path.exists():
        _write_once(path, make() if callable(make) else os.urandom(_KEY_BYTES), 0o600)
    return _read(path)


def _read(path: Path) -> bytes:
    return _decoded(path.read_text().strip(), f"file {path.name}")


def _decoded(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise Misconfigured(f"{what}: not base64 of a {_KEY_BYTES}-byte key")
    return raw


def _write_once(path: Path, raw: bytes, mode: int) -> None:
    # two processes may start together: a whole file is linked into place, and the first one stands
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(raw).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _new_ed25519() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def _new_x25519() -> bytes:
    return X25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
