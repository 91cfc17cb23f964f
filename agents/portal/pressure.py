"""How much the door takes in at once: a bound for all, and a share of it for each agency."""

from __future__ import annotations

from agents.portal.problem import Problem

RETRY_AFTER = "2"  # seconds


class Pressure:
    """Bytes of request bodies in memory, not yet acknowledged by the broker."""

    def __init__(self, most: int) -> None:
        """`most` is the bound for all, in bytes; one agency may hold half of it."""
        self._most = most
        self._held: dict[str, int] = {}

    def take(self, agency: str, size: int) -> None:
        """Count `size` bytes in, or raise the answer 429 (this agency's share is full) or 503 (all of it is)."""
        mine = self._held.get(agency, 0) + size
        if mine > self._most // 2:
            raise _busy(429, "too-many-requests", "This agency has as much under way as the door takes at once")
        if sum(self._held.values()) + size > self._most:
            raise _busy(503, "under-pressure", "The hub has as much under way as it takes at once")
        self._held[agency] = mine

    def give(self, agency: str, size: int) -> None:
        """Count `size` bytes out again."""
        self._held[agency] = self._held.get(agency, 0) - size


def _busy(status: int, code: str, detail: str) -> Problem:
    return Problem(status, code, detail, "Send it again after Retry-After seconds", "", Retry_After=RETRY_AFTER)
