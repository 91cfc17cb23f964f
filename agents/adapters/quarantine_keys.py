"""The keys under which quarantine and reviews are sealed: one for each record, destroyed when its time is over.

Or before it, when the record names somebody whose own record ends (agents/put_aside.py).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from agents.ports import Clock, Entropy, KeyStore
from schemas.errors import KeyDestroyed, Unsealable
from schemas.ids import PersonId
from streams.outcome import NewKey

KEPT_DAYS = 90
PREFIX = "q_"
_KEY_BYTES = 32


class QuarantineKeys:
    """Called with an instant and a record's id, returns (key id, key). It stands in the key store as `q_<day>_<id>`."""

    def __init__(self, keystore: KeyStore, entropy: Entropy, clock: Clock) -> None:
        self._keystore = keystore
        self._entropy = entropy
        self._clock = clock

    def __call__(self, at: datetime, record: str) -> tuple[str, bytes]:
        """Return the record's key, kept from the day `at`; the day before its end of time for what is older still.

        Raises KeyDestroyed where it was destroyed: the record comes again, and stays closed.
        """
        name = key_id(max(at.date(), self._clock().date() - timedelta(days=KEPT_DAYS - 1)), record)
        try:
            return name, self._keystore.data_key(name)[1]
        except KeyDestroyed:
            raise
        except Unsealable:
            self._keystore.store([NewKey(name, 1, self._entropy(_KEY_BYTES))])
        return name, self._keystore.data_key(name)[1]  # another process's, when that was first

    def open(self, name: str) -> bytes:
        """Return the key `name`. Raises `Unsealable` when its time is over."""
        return self._keystore.data_key(PersonId(name))[1]

    def sweep(self) -> int:
        """Destroy every key whose time is over, however long ago that was; return how many there were."""
        first_kept = key_id(self._clock().date() - timedelta(days=KEPT_DAYS), "")
        over = [name for name in self._keystore.names(PREFIX) if name < first_kept]
        return sum(self._keystore.destroy(name) for name in over)


def key_id(day: date, record: str) -> PersonId:
    """Return the name of the key of a record that came on this day."""
    return PersonId(f"{PREFIX}{day.isoformat()}_{record}")
