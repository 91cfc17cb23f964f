"""The light job on Quix Streams, as in its manual: `python -m tests.bench.light_quix BOOTSTRAP DIRECTORY RUN EVENTS`.

Keyed state in RocksDB with a changelog, its own settings throughout (a checkpoint every five seconds among them).
Runs in the environment of its own that `make bench` makes.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from quixstreams import Application

from tests.bench.ground import answer
from tests.bench.light_job import INPUT, light_job, names


def main(bootstrap: str, directory: str, run: str, due: int) -> None:
    app = Application(
        bootstrap, consumer_group=run, auto_offset_reset="earliest", state_dir=directory, loglevel="WARNING"
    )
    raw: dict[str, Any] = {"key_serializer": "bytes", "value_serializer": "bytes"}
    source = app.topic(INPUT, key_deserializer="bytes", value_deserializer="bytes")
    target = app.topic(names(run)[0], **raw)
    seen = outputs = 0
    begun = (0.0, 0.0)

    def job(event: bytes, state: Any) -> bytes | None:
        nonlocal seen, outputs, begun
        if not seen:
            begun = (time.perf_counter(), time.process_time())
        new, output = light_job(event, state.get_bytes("all"))
        state.set_bytes("all", new)
        seen += 1
        outputs += output is not None
        if seen == due:
            _at_last_commit(app, lambda: answer(
                {"seconds": time.perf_counter() - begun[0], "cpu": time.process_time() - begun[1], "outputs": outputs}
            ))  # fmt: skip
            app.stop()
        return output

    stream = app.dataframe(source).apply(job, stateful=True)
    stream = stream.filter(lambda output: output is not None)
    stream.to_topic(target)
    app.run()


def _at_last_commit(app: Any, tell: Any) -> None:
    """Have `tell` called once the checkpoint that `app.stop()` leads to is committed, before anything is closed."""
    context = app._processing_context
    commit = context.commit_checkpoint

    def then_tell(force: bool = False, **more: Any) -> None:
        commit(force=force, **more)
        if force:
            context.commit_checkpoint = commit
            tell()

    context.commit_checkpoint = then_tell


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
