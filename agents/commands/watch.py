"""`hearth audit watch`: keeps the last head of a log, and has every newer one prove that it begins with it.

It reads hashes only, O(log n) of them for each new head, from the log's directory or over HTTP from its hub.
Exit code 0: it only grew; 1: it did not, or a signature does not hold; 2: asked wrongly; 3: no answer (--once).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agents.adapters.log_reader import CHECKPOINT, COSIGNED, read_file
from agents.commands.heads import Memory
from agents.commands.saying import fail, say, write, write_json
from agents.witness_client import Unreachable, fetch
from consent.log import proof
from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from consent.log.merkle import Tree
from consent.log.tiles import Read
from consent.log.trust import Trust
from schemas.errors import Refusal

Source = Annotated[
    str | None,
    typer.Argument(help="The log's address (https://hub/log) or directory; else this hub's.", show_default=False),
]
KeepIn = Annotated[Path, typer.Option("--remember", help="Directory of your own, where the last head is kept.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="File with the log's public key, or a witness policy; else this hub's.")
]
LogName = Annotated[str, typer.Option("--log", help="main or sealed.")]
LogsName = Annotated[str | None, typer.Option("--name", help="What the logs call themselves; else this hub's name.")]
Once = Annotated[bool, typer.Option("--once", help="Look once and end: for cron.")]
Every = Annotated[float, typer.Option(min=1.0, help="Seconds between two looks.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, a document for each new head.")]


class Seen(msgspec.Struct, frozen=True):
    """A head that was found to hold: how many entries, how many of them were known before, how many witnesses
    cosigned of the log, and how many witnesses that were."""

    origin: str
    size: int
    before: int
    cosigned: int
    witnesses: int


def watch(
    source: Source = None,
    remember: KeepIn = Path("watched"),
    key: KeyFile = None,
    log: LogName = "main",
    name: LogsName = None,
    once: Once = False,
    every: Every = 60.0,
    as_json: AsJson = False,
) -> None:
    """Keep the last head of a log and prove, for each new one, that the log only grew; say so when it did not.

    With a witness policy (--key) the witnesses must have cosigned, too.
    """
    from agents.commands.auditing import Place, may_read, named  # it knows this module's commands' place

    if source is None or key is None:
        may_read(named(log))
    place = Place(None, key, name)
    read = reader(source) if source else _own(named(log))
    look = Look(read, place.key(named(log)), place.trust(log), Memory(remember, place.origin(log)))
    while True:
        _look(look, as_json, once)
        if once:
            return
        time.sleep(every)


def _look(look: Look, as_json: bool, once: bool) -> None:
    try:
        seen = look()
    except Unreachable:
        say("The log does not answer.")
        if once:
            raise typer.Exit(3) from None
        return
    except Refusal as refusal:
        fail(f"{refusal.path}: {refusal.problem}. {refusal.fix}", 1)
    if seen and as_json:
        write_json(seen)
    elif seen:
        write(
            f"{seen.origin}: {seen.size} entries, which begin with the {seen.before} seen before; "
            f"{seen.cosigned} of them cosigned by {seen.witnesses} witnesses"
        )


def reader(source: str) -> Read:
    """Return what reads the log's files at an address, or in a directory."""
    if source.startswith(("http://", "https://")):
        return lambda path: fetch(f"{source.rstrip('/')}/{path}")
    return lambda path: read_file(Path(source), path)


def _own(log: str) -> Read:
    from agents.settings import Settings

    return reader(str(Settings.load().log_dir / log))


class Look:
    """One look after another at a log, from what was remembered on."""

    def __init__(self, read: Read, key: VerifierKey, trust: Trust, memory: Memory) -> None:
        self._read, self._key, self._trust, self._memory = read, key, trust, memory
        self._first = True

    def __call__(self) -> Seen | None:
        """Return what is new, None where nothing is. Raises `Refusal` where the log did not only grow, where a
        signature does not hold, or too few witnesses cosigned; `Unreachable`."""
        cosigned = self._read(COSIGNED)  # before the head, which it must not outrun
        note = self._read(CHECKPOINT)
        if note is None:
            raise Refusal("checkpoint", "missing", "the log has none", "Ask its hub.")
        head = open_checkpoint(note, self._key)
        before = open_checkpoint(self._memory.note, self._key) if self._memory.note else None
        checked, witnesses = self._cosigned(cosigned)
        for old in (before, checked):
            self._begins_with(head, old)
        self._memory.keep(note)
        again, self._first = before == head and not self._first, False
        if again:
            return None
        return Seen(head.origin, head.size, before.size if before else 0, checked.size if checked else 0, witnesses)

    def _cosigned(self, note: bytes | None) -> tuple[Checkpoint | None, int]:
        if note is None:
            if not self._trust.enough([]):
                raise Refusal("cosigned", "missing", "no head of it is cosigned", "Ask its hub.")
            return None, 0
        return open_checkpoint(note, self._key), len(self._trust.cosigned(note))

    def _begins_with(self, head: Checkpoint, old: Checkpoint | None) -> None:
        """Have the tree prove that it begins with `old`: whatever gives the proof, it is checked apart."""
        if old is None:
            return
        path = Tree(head.size, self._read).consistency(old.size) if old.size <= head.size else []
        if not proof.consistent(old, head, path):
            problem = f"its {head.size} entries do not begin with the {old.size} that were signed before"
            raise Refusal("checkpoint", "not-grown", problem, "Keep both heads: they prove that the log was changed.")
