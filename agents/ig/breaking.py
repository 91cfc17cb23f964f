"""What was said when a glass was broken: read by the officer who reviews it, logged in their name first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sql

from agents.adapters.database import REVIEW
from agents.ig.access import Access
from agents.ig.cases import Case
from agents.ig.decisions import DecisionLog
from agents.reading import NOBODY
from consent.break_glass import STAGE
from consent.seal import Pseudonyms, unseal
from schemas.records import decode_review
from streams.identity.reviews import break_glass_review
from streams.intake_answers import quarantine_label

READING = f"{STAGE}-review"


def because(
    desk: Access, case: Case, names: Pseudonyms, open_key: Callable[[str], bytes], now: datetime
) -> str | None:
    """Return what the practitioner said; None where there is nothing, or the officer is a party to the family.

    Raises Unsealable once its key was destroyed, and Behind or NotWritten: then nothing is shown.
    """
    decision = DecisionLog(desk.queries, desk.officer).one(case.refers_to[0])
    if not desk.handles(decision.family if decision else NOBODY, READING, case.id, now) or decision is None:
        return None
    found = desk.queries.ask(sql.select(REVIEW.c.body).where(REVIEW.c.id == break_glass_review(names, decision.id)))
    if not found:
        return None
    review = decode_review(found[0].body)
    return unseal(open_key(review.key_id), review.sealed, quarantine_label(review.id)).decode()
