"""`hearth audit rebuild`: a log whose disk was lost, made again from its topic, under the heads that were published."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from agents.adapters.kafka import KafkaConsumer
from agents.adapters.log_again import LogAgain
from agents.adapters.log_files import LogDisagrees
from agents.commands.auditing import named
from agents.commands.shell import Exit, Stop, say
from agents.commands.tools import now, tools
from agents.rebuilding import Unshared
from agents.rebuilding import rebuild as make_again
from agents.settings import Settings
from consent.log.entry import derived_salt
from schemas.errors import Misconfigured

LogName = Annotated[str, typer.Argument(metavar="LOG", help="main or sealed.", show_default=False)]


def rebuild(log: LogName) -> None:
    """Make a lost log again from its topic. The desk must not run, and the log's directory holds no log any more.

    Nothing is signed: what comes out must begin with everything that was published, and carries the last published
    head. Otherwise nothing is put in place.
    """
    try:
        size = rebuilt(tools().joined, named(log))
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    except LogDisagrees as wrong:
        raise Stop(Exit.REFUSED, f"not made again: {wrong}") from None
    say(f"made again: {size} entries; start the desk, which adds what came since")


def rebuilt(settings: Settings, log: str) -> int:
    """Return the size of the log made again. Raises Misconfigured where one stands there, LogDisagrees where what
    comes out is not what was published."""
    from agents import bootstrap

    private = bootstrap.load_keys(settings).logs[log]
    seen = KafkaConsumer(settings.kafka, [bootstrap.topology.checkpoints_of(settings.log_origin(log))])
    consumer = KafkaConsumer(settings.kafka, [bootstrap.topology.decisions_for(log)])
    try:
        again = LogAgain(settings.log_dir / log, settings.log_origin(log), private, bootstrap.heads_since(seen))
        ends, alone = consumer.end_offsets(), Unshared(consumer)
        sequencer = bootstrap.Sequencer(again, alone, alone, now, partial(derived_salt, private))
        return make_again(again, sequencer, lambda: all(consumer.reached.get(at, 0) >= end for at, end in ends.items()))
    finally:
        seen.close()
        consumer.close()
