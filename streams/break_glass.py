"""Break-glass: the minimum, for somebody who does not work with the family, on their own word that a life is at stake.

Decided by the same policies (consent/policy/vital-interests.cedar). The giving of a reason is a decision of its own, to
which the notice to information governance refers; every item shown is one more, as at any look.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from consent.break_glass import STAGE, terms
from consent.decision import Decision, Outcome
from schemas.ids import PersonId
from schemas.people import KnownPractitioner
from schemas.records import Facts
from streams.disclose import View, show
from streams.family import FamilyStage
from streams.gate import Recipient
from streams.recipients import as_recipient
from streams.sight import book_facts
from streams.timeline import Family, on_day


def opening(
    stage: FamilyStage, family: Family, reader: KnownPractitioner, reason: str, now: datetime
) -> Decision:
    """Decide whether `reader` may break the glass for this `reason` (a code of break_glass.toml), before any look."""
    gate, on = stage.linking.gate, on_day(now)
    to = _in_emergency(stage, family, reader, reason, on)
    return gate.record(
        gate.disclose(_family_itself(on), (PersonId(""),), family.register, on, to, terms().purpose),
        stage=STAGE,
        family=family.family,
        to=to,
        items=(),
        event=None,
        subjects=(),
        register=family.register,
        place=family.place,
        at=now,
        cause=now.isoformat(),
    )


def open_and_look(
    stage: FamilyStage, family: Family, reader: KnownPractitioner, reason: str, now: datetime
) -> tuple[list[Decision], View | None]:
    """Return the decisions to be logged, the opening first, and the view; None where nothing may be shown."""
    opened = opening(stage, family, reader, reason, now)
    if opened.outcome is not Outcome.SHARE:
        return [opened], None
    decisions, view = look_again(stage, family, reader, reason, now)
    return [opened, *decisions], view


def look_again(
    stage: FamilyStage, family: Family, reader: KnownPractitioner, reason: str, now: datetime
) -> tuple[list[Decision], View | None]:
    """Look on what was opened before for this `reason`: everything is decided anew."""
    return show(stage, family, _in_emergency(stage, family, reader, reason, on_day(now)), terms().purpose, now)


def _in_emergency(
    stage: FamilyStage, family: Family, reader: KnownPractitioner, reason: str, on: date
) -> Recipient:
    """Resolve the reader: they stand on their own word, and on nothing else that they may be to the family."""
    to = as_recipient(reader, family, stage.directory, on)
    return msgspec.structs.replace(to, involved=False, emergency=reason if reader.active else "")


def _family_itself(on: date) -> Facts:
    """The facts of which the opening is asked: who is in the family, as the authority keeps it."""
    return msgspec.structs.replace(book_facts(on), type="", agency="social-care", category="relationships")
