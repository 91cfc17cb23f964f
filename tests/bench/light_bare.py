"""The light job in a bare confluent-kafka loop: `python -m tests.bench.light_bare BOOTSTRAP RUN EVENTS`.

State in a dict; outputs and the changelog of that state flushed per batch, then the offsets committed. No recovery, no
rebalance, nothing stored on disk: the floor for what a Python program pays for Kafka with the same promises to its
reader.
"""

from __future__ import annotations

import sys
import time

from confluent_kafka import Consumer, Producer

from tests.bench.ground import answer
from tests.bench.light_job import INPUT, light_job, names

_BATCH = 2000


def main(bootstrap: str, run: str, due: int) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": run, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False})  # fmt: skip
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5,
                         "compression.type": "lz4", "partitioner": "murmur2_random"})  # fmt: skip
    consumer.subscribe([INPUT])
    output, changelog = names(run)
    state: dict[bytes, bytes] = {}
    seen = outputs = 0
    begun = (0.0, 0.0)
    while seen < due:
        messages = consumer.consume(_BATCH, 0.2)
        if not messages:
            continue
        if not seen:
            begun = (time.perf_counter(), time.process_time())
        changed = {}
        for message in messages:
            key = message.key()
            changed[key], said = light_job(message.value(), state.get(key))
            state[key] = changed[key]
            if said is not None:
                outputs += 1
                producer.produce(output, said, key)
        producer.flush()
        for key, value in changed.items():
            producer.produce(changelog, value, key)
        producer.flush()
        consumer.commit(asynchronous=False)
        seen += len(messages)
    answer({"seconds": time.perf_counter() - begun[0], "cpu": time.process_time() - begun[1], "outputs": outputs})
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
