"""One worker process on the engine's proving job: `python -m tests.live.engine_worker BOOTSTRAP DIRECTORY`.

HEARTH_CONTROL switches a safeguard off, in this process only, to show that the test notices:
`no-dedupe`, `state-before-outputs`, `no-fence`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from agents.adapters.faust_state import PartitionState
from agents.adapters.faust_store import Opening, StageTable
from agents.adapters.fence import Fenced, FencedWriter, OpenWriter
from agents.adapters.kafka import KafkaProducer
from agents.app import Engine, HearthApp, StageSpec, run
from agents.runner import Owned, Runner
from tests.live.engine_job import CODER, EVENTS, PARTITIONS, Fold, no_quarantine

CONTROL = os.environ.get("HEARTH_CONTROL", "")
EMBEDDED = os.environ.get("JOB_BROKER") == "embedded"


class StateFirst(Runner[Any]):
    """A control: state goes to the changelog before the outputs are written."""

    def _write(self, outcome: Any, owned: Owned[Any], still_ours: Any, may_leave: Any) -> None:
        owned.state.done()
        rows = owned.state.leave()
        if rows:
            offset = owned.writer.write([(owned.changelog, owned.number, key, raw) for key, raw in rows.items()])
            owned.state.landed(offset)
        self._boundary("changelog")
        super()._write(outcome, owned, still_ours, may_leave)


def build(bootstrap: str, directory: Path, store: str) -> HearthApp:
    """Return the app of one worker with its own data directory."""
    engine = Engine(
        "job", bootstrap, directory, store=store, batch_records=500, session_seconds=6.0, declare=False,
        transactions=not EMBEDDED,
        checkpoint_seconds=float(os.environ.get("JOB_CHECKPOINT", "0.2")),
    )  # fmt: skip
    app = HearthApp(engine)

    def runner(table: StageTable) -> Runner[Any]:
        def own(number: int) -> Owned[Any]:
            changelog = table.changelog_topic_name
            plain = EMBEDDED or CONTROL == "no-fence"
            writer: Any = OpenWriter(bootstrap) if plain else FencedWriter(bootstrap, f"{changelog}-{number}")
            return Owned(PartitionState(Opening(table, number), CODER, most_live=1000), writer, changelog)

        kind = StateFirst if CONTROL == "state-before-outputs" else Runner
        stage = Fold(dedupe=CONTROL != "no-dedupe")
        producer = KafkaProducer(bootstrap, compression="none")
        return kind("job", stage, producer, None, None, own, no_quarantine, fenced_out=(Fenced,))

    app.add_stage(StageSpec("accounts", (EVENTS,), PARTITIONS, runner))
    return app


if __name__ == "__main__":
    run(build(sys.argv[1], Path(sys.argv[2]), os.environ.get("JOB_STORE", "rocksdb")))
