"""`hearth held`: what waits for an agreement. Pseudonyms and codes only."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from agents.commands import readers
from agents.commands.shell import AsJson, Exit, Stop, give, table
from agents.commands.tools import tools
from agents.ig.own import own_families
from consent.decision import Decision

IG_ROLE = "ig-officer"


def held(
    family: Annotated[str, typer.Option("--family", help="Of this family only.")] = "",
    as_json: AsJson = False,
) -> None:
    """List what is held until an agreement arrives: for information governance staff, who see decisions only.

    What a practitioner may not see is not counted for them either, so this is not for those who work with families.
    Decisions on sealed items are listed for those cleared for them alone, and none on the officer's own families.
    """
    kit = tools()
    reader = readers.reader(kit)
    if reader.role != IG_ROLE:
        raise Stop(Exit.REFUSED, "held items are listed for information governance staff only")
    found = kit.queries.held(readers.family_named(family) if family else None)
    own = own_families(kit.queries, reader)
    cleared = [one for one in told_to(found, reader.clearance) if not own.hides(one.family, one.log)]
    if as_json:
        names = ("id", "family", "items", "publisher", "category", "purpose", "agreement_state", "rules", "decided_at")
        give([{name: msgspec.to_builtins(getattr(one, name)) for name in names} for one in cleared])
        return
    rows = [
        (one.id, one.family, one.publisher, one.category, one.purpose, one.agreement_state, one.decided_at.date())
        for one in cleared
    ]
    table("Held", ("decision", "family", "from", "category", "purpose", "agreement", "since"), rows)


def told_to(found: list[Decision], clearance: str) -> list[Decision]:
    """Leave out decisions on sealed items for whoever is not cleared for them."""
    return [one for one in found if one.log != "sealed" or clearance == "sealed"]
