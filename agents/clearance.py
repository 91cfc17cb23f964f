"""What of the projection is left out for whoever is not cleared for what is sealed: each table's one question."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from agents.adapters import database as tables
from agents.projector_rows import SEALED_REASON
from streams.sealed import SEALED


def open_decisions(query: sql.Select[Any], cleared: bool) -> sql.Select[Any]:
    """Leave out the sealed log's decisions."""
    return query if cleared else query.where(tables.DECISIONS.c.log != SEALED)


def open_alerts(query: sql.Select[Any], cleared: bool) -> sql.Select[Any]:
    """Leave out the alerts that rest on sealed items: they go to recipients cleared for them, and to nobody else."""
    return query if cleared else query.where(tables.ALERTS.c.clearance != SEALED)


def open_reviews(query: sql.Select[Any], cleared: bool) -> sql.Select[Any]:
    """Leave out what waits for a person who is cleared."""
    return query if cleared else query.where(tables.REVIEW.c.reason.not_like(SEALED_REASON + "%"))


def open_quarantine(query: sql.Select[Any], cleared: bool) -> sql.Select[Any]:
    """Leave out what says of itself that it is sealed."""
    return query if cleared else query.where(tables.QUARANTINE.c.code.not_like(SEALED_REASON + "%"))


def open_cases(query: sql.Select[Any], cleared: bool) -> sql.Select[Any]:
    """Leave out the cases of the IG queue that refer to sealed decisions."""
    return query if cleared else query.where(tables.IG_CASES.c.log != SEALED)
