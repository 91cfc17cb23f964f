"""The hub's own CloudEvents, as JSON lines, an array or a single object. Ids and sources stand as they are sent."""

from __future__ import annotations

import json
from typing import Any

from agents.partners.documents import documents
from agents.partners.source import Source
from agents.partners.taken import Options, Problem, Read, Taken, refused
from schemas import codec
from schemas.errors import Refusal


def read(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield each event; one that breaks its contract is a problem with the exact path."""
    for part in documents(source):
        if isinstance(part, Problem):
            yield part
            continue
        try:
            yield Taken(part.where, codec.from_json(_with_data(part.value)))
        except Refusal as refusal:
            yield refused(part.where, refusal)


def _with_data(value: Any) -> Any:
    """Some systems send `data` as JSON in a string."""
    if isinstance(value, dict) and isinstance(value.get("data"), str):
        try:
            return {**value, "data": json.loads(value["data"])}
        except (json.JSONDecodeError, RecursionError):
            return value
    return value
