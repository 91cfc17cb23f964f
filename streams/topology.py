"""Every topic's name, in one place, and what stands on it. Agencies and subscribers are data."""

from __future__ import annotations

IN_FORWARDED = "in.forwarded"  # events that came with a key that is not ours, and quarantine retries; hub writes
IDENTITY_QUEUE = "identity.queue"  # one partition; plaintext, retention of days
PEOPLE = "people"  # one partition, compacted: the record of identity facts
FAMILY_ITEMS = "family.items"  # key: family; the record
DECISIONS = "decisions"  # one partition; the log is made from it
DECISIONS_SEALED = "decisions.sealed"  # decisions on sealed items: a log of their own
CHECKPOINTS = "checkpoints"  # signed heads of the log
CHECKPOINTS_SEALED = "checkpoints.sealed"  # those of the sealed log: how often one comes would tell of it
QUARANTINE = "quarantine"
QUARANTINE_SEALED = "quarantine.sealed"  # what says of itself that it is sealed, and breaks the contract
REVIEW = "review"
REVIEW_SEALED = "review.sealed"  # what waits for a person who is cleared for what is sealed
ALERTS = "alerts"  # the hub's own record of alerts, sealed; feeds the projection
ALERT_OUTCOMES = "alert.outcomes"  # acknowledged, handed over, acted on
IG_CASES = "ig.cases"  # rights requests and what behaviour watch found, by reference: the IG queue


def inbound(agency: str) -> str:
    """Topic on which `agency` alone may write its events."""
    return f"in.{agency}"


def receipts(agency: str) -> str:
    """Topic on which `agency` alone may read its receipts."""
    return f"receipts.{agency}"


def alerts_to(subscriber: str) -> str:
    """Topic of alerts sealed to `subscriber`'s key."""
    return f"alerts.{subscriber}"


def decisions_for(log: str) -> str:
    """Topic of the decisions that belong in `log` (`main` or `sealed`)."""
    return DECISIONS_SEALED if log == "sealed" else DECISIONS


def checkpoints_of(origin: str) -> str:
    """Topic of the signed heads of the log that calls itself so (`.../main` or `.../sealed`)."""
    return CHECKPOINTS_SEALED if origin.rpartition("/")[2] == "sealed" else CHECKPOINTS
