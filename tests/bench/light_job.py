"""The light job that every engine in the benchmark runs: one pure function, bytes in, bytes out.

A family's state is how many events it had and their sum; for about 8 % of the events there is an output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

EVENTS = 100_000
FAMILIES = 10_000
PARTITIONS = 4
INPUT = "bench.light.in"
_OUTPUT_BELOW = 8  # of 100


def names(run: str) -> tuple[str, str]:
    """Return a run's own output and changelog topics (the latter named as Faust names it)."""
    return f"{run}.out", f"{run}-light-changelog"


def light_job(event: bytes, state: bytes | None) -> tuple[bytes, bytes | None]:
    """Fold one event (JSON, 200 bytes) into its family's state; return the new state, and an output or None."""
    said = json.loads(event)
    count, total = (int(part) for part in state.split(b",")) if state else (0, 0)
    new = b"%d,%d" % (count + 1, total + said["amount"])
    output = b'{"family":"%s","id":%d,"total":"%s"}' % (said["family"].encode(), said["id"], new)
    return new, output if said["id"] * 2654435761 % 2**32 % 100 < _OUTPUT_BELOW else None


def events(count: int = EVENTS, families: int = FAMILIES) -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, event of 200 bytes)."""
    for number in range(count):
        family = f"family-{number * 7919 % families:06d}"
        event = {"id": number, "family": family, "kind": "AttendanceRecorded", "amount": number % 97, "pad": ""}
        event["pad"] = "x" * (200 - len(json.dumps(event)))
        yield family.encode(), json.dumps(event).encode()
