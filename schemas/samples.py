"""One valid event of each type, as structured-mode JSON: schemas/samples/<agency>.<Name>.json, about made-up people.

NHS numbers are from the range 999…, which is never issued.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "samples"


def sample(type: str) -> dict[str, Any]:  # noqa: A002 - the attribute's name in CloudEvents
    """Return the sample of `type`, a new copy at each call. Raises `KeyError` where there is no such type."""
    path = FOLDER / f"{type.removeprefix('hearth.')}.json"
    if "/" in type or not path.is_file():
        raise KeyError(type)
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found
