"""How the hub's processes collect garbage: seldom, and never what was there at the start.

Families, records and decisions hold no cycles: counting references frees them. Python's collector, at its usual pace,
walks tens of thousands of them again and again; decoding a family cost five times as much by it (tests/bench, part d).
It stays on for the few cycles that libraries make.
"""

from __future__ import annotations

import gc

_YOUNG = 100_000  # objects made and not freed before the youngest are looked through; Python's own is 700
_OLDER = (20, 100)  # collections of the younger before one of the older


def settle() -> None:
    """Set the collector for this process: call it once everything is imported and built, before work begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *_OLDER)
