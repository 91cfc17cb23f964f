"""The keys under which quarantine and reviews are sealed: one a day, destroyed when its time is over."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from agents.ports import Clock, Entropy, KeyStore
from schemas.errors import Unsealable
from schemas.ids import PersonId
from streams.outcome import NewKey

KEPT_DAYS = 90
_SWEPT_DAYS = 30  # how far back behind the limit a sweep looks: longer than a hub stands still
_KEY_BYTES = 32


class QuarantineKeys:
    """Called with an instant, returns (key id, key) of its day. They stand in the key store as `q_<day>`."""

    def __init__(self, keystore: KeyStore, entropy: Entropy, clock: Clock) -> None:
        self._keystore = keystore
        self._entropy = entropy
        self._clock = clock

    def __call__(self, at: datetime) -> tuple[str, bytes]:
        """Return the key of that day; of the day before its end of time for what is older still."""
        today = self._clock().date()
        name = key_id(max(at.date(), today - timedelta(days=KEPT_DAYS - 1)))
        try:
            return name, self._keystore.data_key(name)[1]
        except Unsealable:
            self._keystore.store([NewKey(name, 1, self._entropy(_KEY_BYTES))])
            self.sweep(today)
        return name, self._keystore.data_key(name)[1]  # another process's, when that was first

    def open(self, name: str) -> bytes:
        """Return the key `name`. Raises `Unsealable` when its time is over."""
        return self._keystore.data_key(PersonId(name))[1]

    def sweep(self, today: date) -> int:
        """Destroy the keys whose time is over; return how many there were."""
        first = today - timedelta(days=KEPT_DAYS + _SWEPT_DAYS)
        return sum(self._keystore.destroy(key_id(first + timedelta(days=day))) for day in range(_SWEPT_DAYS))


def key_id(day: date) -> PersonId:
    """Return the name of a day's key."""
    return PersonId(f"q_{day.isoformat()}")
