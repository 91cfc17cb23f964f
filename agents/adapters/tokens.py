"""Bearer tokens, kept as keyed hashes: of agencies (the HTTP door) and of readers (commands).

A token is `hth_<id>_<secret>`; the secret has 256 random bits, so no slow hash is needed to withstand guessing:
what is stored is HMAC-SHA-256 of it under a salt of the row's own, compared in constant time.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine, Row

from agents.ports import Clock, Entropy

_PREFIX = "hth"
_METADATA = sa.MetaData()
_TOKENS = sa.Table(
    "tokens",
    _METADATA,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("bearer", sa.String(64), nullable=False, index=True),
    sa.Column("agency", sa.String(32), nullable=False),
    sa.Column("sources", sa.JSON, nullable=False),
    sa.Column("salt", sa.LargeBinary(32), nullable=False),
    sa.Column("hashed", sa.LargeBinary(32), nullable=False),
    sa.Column("issued_at", sa.DateTime, nullable=False),
    sa.Column("ends_at", sa.DateTime, nullable=False),
)


class Grant(msgspec.Struct, frozen=True):
    """What a token stands for. `kind` is `agency` (bearer: the agency) or `reader` (bearer: a practitioner id).

    `sources` are the CloudEvents sources an agency may use: itself, or itself up to a `/`, `:`, `#` or `?`.
    """

    id: str
    kind: str
    bearer: str
    agency: str
    sources: tuple[str, ...]
    issued_at: datetime
    ends_at: datetime

    def may_use(self, source: str) -> bool:
        """Say whether an event may come from `source`."""
        return any(source == allowed or _under(source, allowed) for allowed in self.sources)


def _under(source: str, allowed: str) -> bool:
    boundary = allowed[-1:] in "/:#?" or source[len(allowed) : len(allowed) + 1] in tuple("/:#?")
    return bool(allowed) and source.startswith(allowed) and boundary


class Tokens:
    """The store of tokens. Two may hold for one bearer at once, so that a rotation has an overlap."""

    def __init__(self, engine: Engine, clock: Clock, entropy: Entropy) -> None:
        self._engine = engine
        self._clock = clock
        self._entropy = entropy
        _METADATA.create_all(engine)

    def issue(
        self, kind: str, bearer: str, agency: str, sources: tuple[str, ...], life: timedelta
    ) -> tuple[str, Grant]:
        """Store a new token; return it (it is shown this once) and what it stands for."""
        now = self._clock()
        grant = Grant(self._entropy(6).hex(), kind, bearer, agency, sources, now, now + life)
        secret = urlsafe_b64encode(self._entropy(32)).decode().rstrip("=")
        salt = self._entropy(32)
        values = {**msgspec.to_builtins(grant), "sources": list(sources), "salt": salt, "hashed": _hashed(salt, secret)}
        values |= {"issued_at": _naive(grant.issued_at), "ends_at": _naive(grant.ends_at)}
        with self._engine.begin() as connection:
            connection.execute(_TOKENS.insert().values(**values))
        return f"{_PREFIX}_{grant.id}_{secret}", grant

    def rotate(self, kind: str, bearer: str, life: timedelta, overlap: timedelta) -> tuple[str, Grant] | None:
        """Issue a token like the bearer's newest; those from before end after `overlap`. None: there was none."""
        earlier = [grant for grant in self.listed() if (grant.kind, grant.bearer) == (kind, bearer)]
        if not earlier:
            return None
        newest = max(earlier, key=lambda grant: grant.issued_at)
        issued = self.issue(kind, bearer, newest.agency, newest.sources, life)
        self._end([grant.id for grant in earlier], self._clock() + overlap)
        return issued

    def revoke(self, *ids: str) -> int:
        """End these tokens now; return how many still held."""
        return self._end(ids, self._clock())

    def grant(self, token: str) -> Grant | None:
        """Return what `token` stands for, or None where it is unknown, wrong or ended."""
        parts = token.split("_", 2)
        if len(parts) != 3 or parts[0] != _PREFIX:
            return None
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_TOKENS).where(_TOKENS.c.id == parts[1])).one_or_none()
        if row is None or not hmac.compare_digest(_hashed(row.salt, parts[2]), row.hashed):
            return None
        found = _grant(row)
        return found if self._clock() < found.ends_at else None

    def listed(self) -> list[Grant]:
        """Return every token that still holds, oldest first, without its secret."""
        alive = sa.select(_TOKENS).where(_TOKENS.c.ends_at > _naive(self._clock())).order_by(_TOKENS.c.issued_at)
        with self._engine.connect() as connection:
            return [_grant(row) for row in connection.execute(alive)]

    def _end(self, ids: tuple[str, ...] | list[str], at: datetime) -> int:
        holding = _TOKENS.c.id.in_(list(ids)) & (_TOKENS.c.ends_at > _naive(at))
        with self._engine.begin() as connection:
            return connection.execute(_TOKENS.update().where(holding).values(ends_at=_naive(at))).rowcount


def _hashed(salt: bytes, secret: str) -> bytes:
    return hmac.digest(salt, secret.encode(), "sha256")


def _naive(at: datetime) -> datetime:
    """SQLite keeps no zone: every stored instant is UTC."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _grant(row: Row) -> Grant:
    sources = tuple(row.sources)
    issued, ends = row.issued_at.replace(tzinfo=UTC), row.ends_at.replace(tzinfo=UTC)
    return Grant(row.id, row.kind, row.bearer, row.agency, sources, issued, ends)
