"""Who reads: a registered practitioner, known by the token they show and by nothing that they say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agents.commands.shell import Exit, Stop
from agents.commands.tools import Tools, shown_token
from agents.ports import NotWritten
from agents.reading import Behind
from consent.sharing import purposes
from schemas.ids import FamilyId, PractitionerId
from schemas.people import KnownPractitioner
from streams.sealed import SEALED

NOTHING = "nothing that you may see, for this purpose"


def reader(tools: Tools) -> KnownPractitioner:
    """Return the practitioner whose token is shown; ends the command where it does not hold, or they left."""
    grant = tools.tokens.grant(shown_token(tools.environ))
    if grant is None or grant.kind != "reader":
        raise Stop(Exit.REFUSED, "this token does not hold for reading")
    found = tools.inside.directory.practitioner(PractitionerId(grant.bearer))
    if found is None or not found.active:
        raise Stop(Exit.REFUSED, "this token's practitioner is not registered here, or has left")
    return found


def cleared(tools: Tools) -> KnownPractitioner:
    """Return the reader whose token is shown; ends the command unless they are cleared for what is sealed."""
    found = reader(tools)
    if found.clearance != SEALED:
        raise Stop(Exit.REFUSED, "this is for those who are cleared for what is sealed")
    return found


def purpose_named(purpose: str) -> str:
    """Return `purpose` if it is one, else end the command."""
    if purpose not in purposes():
        raise Stop(Exit.USAGE, f"no such purpose: one of {', '.join(purposes())}")
    return purpose


def family_named(family: str) -> FamilyId:
    """Return `family` if it looks like a family's id, else end the command."""
    if not (family.startswith("f_") and family.isascii() and family.isprintable() and len(family) < 64):
        raise Stop(Exit.USAGE, "a family's id begins with f_: `hearth find` gives it")
    return FamilyId(family)


@contextmanager
def looking() -> Iterator[None]:
    """Turn what stops a look into the command's end: then nothing is shown."""
    try:
        yield
    except NotWritten:
        raise Stop(Exit.UNREACHABLE, "the log did not acknowledge: nothing is shown") from None
    except Behind as behind:
        raise Stop(Exit.UNREACHABLE, str(behind)) from None


def shown(found: Any) -> Any:
    """Return what a look found; ends the command, in the same words for nothing and nothing allowed."""
    if not found:
        raise Stop(Exit.REFUSED, NOTHING)
    return found
