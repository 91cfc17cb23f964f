"""`hearth up`: runs a hub on this machine."""

from __future__ import annotations

import typer

from agents.commands.shell import Exit, Stop, say
from agents.commands.tools import tools
from schemas.errors import Misconfigured


def up() -> None:
    """Run a hub until Ctrl-C: broker (or the Kafka that HEARTH_KAFKA names), workers, log, projection, HTTP door.

    Keys, tokens and subscribers stand under HEARTH_HOME (.hearth). On loopback unless HEARTH_HTTP_HOST says otherwise.
    """
    from agents import hub  # it takes a while to load, and only this command needs it

    try:
        code = hub.up(tools().settings, say)
    except Misconfigured as wrong:
        raise Stop(Exit.UNREACHABLE, str(wrong)) from None
    raise typer.Exit(code)
