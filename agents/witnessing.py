"""Has a log's newest head cosigned by its witnesses, beside the sequencer and never in its way.

A witness that is away is asked again later, about the head that is the newest by then. Once the policy's quorum has
cosigned a head, the note stands in `<log>/cosigned` and goes to where its heads go, under the key `<origin>#cosigned`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from agents.adapters.disk import Disk
from agents.adapters.log_reader import CHECKPOINT, COSIGNED, read_file
from agents.ports import NotWritten, Producer
from agents.witness_client import Ask, Unreachable, ask
from consent.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from consent.log.cosignature import Cosignature, cosignatures, with_cosignatures
from consent.log.merkle import Tree
from consent.log.trust import Trust, Witness
from consent.log.witness import Asked
from schemas.errors import Refusal
from streams.outcome import Emit
from streams.topology import checkpoints_of

_EVERY_SECONDS = 1.0
_LONGEST_PAUSE = 60.0  # before a witness that gave no cosignature is asked again
_log = structlog.get_logger("hearth.witnessing")


class _Standing(msgspec.Struct):
    """How it stands with one witness: the size that it cosigned last, and when it may be asked again."""

    size: int = 0
    pause: float = 0.0
    again_at: float = 0.0


class Witnessing:
    """One log's witnesses. Whoever runs it calls `step` again and again, in one thread."""

    def __init__(
        self,
        directory: Path,
        key: VerifierKey,
        trust: Trust,
        producer: Producer,
        ask: Ask = ask,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`directory` holds the log, `key` is its public key."""
        self._directory, self._key, self._trust, self._producer = directory, key, trust, producer
        self._ask, self._pause, self._clock, self._disk = ask, pause, clock, Disk()
        self._standing = {one.name: _Standing() for one in trust.witnesses if one.url}
        self._text, self._lines = b"", dict[str, Cosignature]()  # the head in hand, and who cosigned it
        self._unpublished = read_file(directory, COSIGNED) or b""  # perhaps: it is the same note again then

    def step(self) -> int:
        """Ask each witness that has not cosigned the newest head; wait a second; return how many did now."""
        gained = 0
        try:
            gained = self._round()
        except (OSError, Refusal, NotWritten) as wrong:  # a full disk, a broker away: the next step takes it up
            _log.warning("cosigned head not kept", error=type(wrong).__name__)
        self._pause(_EVERY_SECONDS)
        return gained

    def _round(self) -> int:
        self._publish()
        note = read_file(self._directory, CHECKPOINT)
        head = open_checkpoint(note, self._key) if note else None
        if not note or not head or not head.size:
            return 0
        if note != self._text:
            self._disk.sync(self._directory)  # a head that a power cut could take back must not be cosigned
            self._text, self._lines = note, {}
        before = len(self._lines)
        for witness in self._trust.witnesses:
            standing = self._standing.get(witness.name)
            if standing and witness.name not in self._lines and self._clock() >= standing.again_at:
                self._ask_one(witness, standing, note, head)
        gained = len(self._lines) - before
        if gained and self._trust.enough(self._lines.values()):
            self._keep(with_cosignatures(note, (one.line for one in self._lines.values())))
        return gained

    def _ask_one(self, witness: Witness, standing: _Standing, note: bytes, head: Checkpoint) -> None:
        try:
            status, said = self._put(witness, standing, note, head)
            if status == 409 and said.strip().isdigit():  # it knows better what it saw last
                standing.size = int(said)
                if standing.size <= head.size:
                    status, said = self._put(witness, standing, note, head)
            given = _given(witness, note, said) if status == 200 else None
        except Unreachable:
            status, given = 0, None
        if given is None:
            self._refused(witness, standing, status, standing.size > head.size)
            return
        standing.size, standing.pause, standing.again_at = head.size, 0.0, 0.0
        self._lines[witness.name] = given

    def _put(self, witness: Witness, standing: _Standing, note: bytes, head: Checkpoint) -> tuple[int, bytes]:
        old = min(standing.size, head.size)
        proof = Tree(head.size, lambda path: read_file(self._directory, path)).consistency(old)
        return self._ask(witness.url, Asked(old, tuple(proof), note))

    def _refused(self, witness: Witness, standing: _Standing, status: int, ahead: bool) -> None:
        standing.pause = min(max(1.0, standing.pause * 2), _LONGEST_PAUSE)
        standing.again_at = self._clock() + standing.pause
        if ahead or status == 422:  # it saw another history of this log than the one that is here
            _log.error("witness disagrees", witness=witness.name, log=self._key.name, status=status, ahead=ahead)
        else:
            _log.warning("witness gave no cosignature", witness=witness.name, log=self._key.name, status=status)

    def _keep(self, note: bytes) -> None:
        self._unpublished = note
        self._disk.write(self._directory / COSIGNED, note)
        self._disk.sync_directories()
        self._publish()

    def _publish(self) -> None:
        if self._unpublished:
            self._producer.send([Emit(checkpoints_of(self._key.name), f"{self._key.name}#cosigned", self._unpublished)])
            self._producer.flush()
            self._unpublished = b""


def _given(witness: Witness, note: bytes, said: bytes) -> Cosignature | None:
    """Return the witness's cosignature among the lines `said`, None when there is none that holds."""
    try:
        return next(iter(cosignatures(note + said, [witness.key])), None)
    except Refusal:
        return None
