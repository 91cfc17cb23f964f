"""A hub's worker or desk as it is, a meter beside it: `python -m tests.bench.hub_process FILE worker|desk NAME`."""

from __future__ import annotations

import sys
from pathlib import Path

from agents import app, bootstrap, logging, memory, processes
from agents.settings import Settings
from tests.bench.meter import Meter, Stage


def main(file: Path, kind: str, name: str) -> int:
    logging.set_up(name)
    settings = Settings.load()
    if kind == "desk":
        Meter(file, {}).start()
        return processes.desk(settings)
    worker = bootstrap.worker(settings, name)
    stages = {}
    for pump in worker.pumps:
        runner = pump.runner
        stages[runner.name] = runner._stage = Stage(runner._stage)
    engine = stages["family"]._stage.linking.gate.engine  # type: ignore[attr-defined]
    Meter(file, stages, lambda: {"hits": engine.hits, "misses": engine.misses}).start()
    memory.settle()
    app.run(worker)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
