"""Files written for the tests of partner formats, with made-up people, and what the hub reads in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from agents.partners import Options, Problem, Taken, read
from schemas import codec

HERE = Path(__file__).parent
KEY = b"a key that only the tests know.."
UPN, OTHER_UPN = "H801200001001", "R201100018042"
NHS, OTHER_NHS = "9990000018", "9990000026"


def take(content: bytes | str | Path, agency: str, name: str = "", **options: Any) -> tuple[list[Taken], list[Problem]]:
    """Return the events and the problems of a file, or of its text; every event must be ready to be published."""
    said = content.encode() if isinstance(content, str) else content
    parts = list(read(said, name, agency, Options(key=KEY, **options)))
    events = [part for part in parts if isinstance(part, Taken)]
    for part in events:
        codec.encode_binary(part.event)
    return events, [part for part in parts if isinstance(part, Problem)]


def one(content: bytes | str | Path, agency: str, name: str = "", **options: Any) -> Taken:
    """Return the only event of a file that has no problem but empty parts."""
    events, problems = take(content, agency, name, **options)
    assert [p for p in problems if not p.blank] == []
    assert len(events) == 1
    return events[0]


def data(taken: Taken) -> dict[str, Any]:
    """Return the event's own fields, without `about`."""
    return {name: value for name, value in taken.event.data.items() if name != "about"}


def about(taken: Taken) -> dict[str, Any]:
    """Return the event's `about`."""
    found: dict[str, Any] = taken.event.data["about"]
    return found


def person(taken: Taken, role: str = "") -> dict[str, Any]:
    """Return the first person of the event, or the one with that role."""
    found: dict[str, Any] = next(p for p in about(taken)["persons"] if not role or p["role"] == role)
    return found


def codes(parts: Taken | list[Problem]) -> list[str]:
    """Return the codes of an event's remarks, or of problems."""
    return [r.code for r in parts.remarks] if isinstance(parts, Taken) else [p.code for p in parts]


def outside(events: list[Taken], problems: list[Problem]) -> str:
    """Return all that anyone but the hub may see of a file: ids, sources, problems, remarks and where they are."""
    attributes = [(t.where, t.event.id, t.event.source, t.event.extensions, t.remarks) for t in events]
    return msgspec.json.encode([attributes, problems]).decode()
