"""`hearth record-of-processing`: made from the files that the hub runs on; it needs neither a hub nor a token."""

from __future__ import annotations

from typing import Annotated

import typer

from agents.adapters.keys import FIRST_SUBSCRIBERS, load_subscribers
from agents.commands.shell import AsJson, give, line
from agents.commands.tools import now
from agents.settings import Settings
from streams.timeline import on_day


def record_of_processing(
    dpia: Annotated[bool, typer.Option("--dpia", help="The facts that an impact assessment needs, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the record of processing (UK GDPR Art 30) as a page of Markdown, from the files that the hub runs on.

    It holds nothing about any person. What those files cannot tell is named as missing.
    """
    from agents.ig import processing  # it reads every file of the hub

    on, settings = on_day(now()), Settings.load()
    to = load_subscribers(settings) if settings.subscribers_file.exists() else FIRST_SUBSCRIBERS
    made = processing.impact_facts(on, to) if dpia else processing.record(on, to)
    give(made) if as_json else line(processing.markdown(made))
