"""How long from a publish to its alert, at a steady 1,000 events/s, a hundredth of which cause an alert.

From the broker's acknowledgement of the publish to the timestamp of the record on `alerts.<subscriber>`; and to the
moment when a subscriber's reader has it. An alert is matched to its event by what it cites.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from datetime import date
from statistics import quantiles

import confluent_kafka

from agents.adapters.kafka import KafkaConsumer
from agents.adapters.keys import FIRST_SUBSCRIBERS, subscriber_private_key
from agents.sending import Framing, Ready
from consent.seal import open_sealed
from schemas.records import Record
from streams import topology
from streams.notice import decode_alert
from tests.bench.feed import Primed, primed
from tests.bench.ground import Failed
from tests.bench.hub import BenchHub, Ends
from tests.bench.report import Figures

EVENTS_PER_SECOND = 1_000
_SLICE_SECONDS = 0.01


def prime(framing: Framing, count: int, today: date) -> Primed:
    """Return `count` families in which one more event raises an alert."""
    return primed(framing, count, today, "primed")


def measure(hub: BenchHub, figures: Figures, ordinary: list[Ready], triggers: list[Ready]) -> None:
    """Publish both at a steady pace to the running hub, and add the times to the alerts that the triggers caused."""
    reader = _Reader(hub)
    reader.start()
    acknowledged = _pace(hub, _mixed(ordinary, triggers), {ready.event for ready in triggers})
    hub.drained()
    received = reader.stop()
    first: dict[str, tuple[float, float]] = {}
    for at, record in received:
        for event in _cited(hub, record) & acknowledged.keys():
            first.setdefault(event, (record.timestamp / 1000, at))
    if len(first) != len(triggers):
        raise Failed(f"{len(triggers)} events should have raised an alert each, and {len(first)} did")
    written = sorted(first[event][0] - acknowledged[event] for event in first)
    read = sorted(first[event][1] - acknowledged[event] for event in first)
    figures.add("publish to alert, p50 ms", _percentile(written, 50) * 1000)
    figures.add("publish to alert, p99 ms", _percentile(written, 99) * 1000, at_most=1000)
    figures.add("publish to alert read by its subscriber, p99 ms", _percentile(read, 99) * 1000)


def _mixed(ordinary: list[Ready], triggers: list[Ready]) -> list[Ready]:
    """Spread the triggers evenly among the rest."""
    every = max(1, len(ordinary) // len(triggers))
    mixed: list[Ready] = []
    for number, trigger in enumerate(triggers):
        mixed += [*ordinary[number * every : (number + 1) * every], trigger]
    return mixed


def _pace(hub: BenchHub, events: list[Ready], wanted: set[str]) -> dict[str, float]:
    """Publish at the steady pace; return when the broker acknowledged each wanted one (Unix time)."""
    producer = confluent_kafka.Producer({"bootstrap.servers": hub.settings.kafka, "linger.ms": 2, "log_level": 0,
                                         "partitioner": "murmur2_random"})  # fmt: skip
    acknowledged: dict[str, float] = {}

    def noted(error: confluent_kafka.KafkaError | None, message: confluent_kafka.Message) -> None:
        key = (message.key() or b"").decode()
        if error is None and key in wanted:
            acknowledged[key] = time.time()

    begun, sent = time.monotonic(), 0
    while sent < len(events):
        due = int((time.monotonic() - begun) * EVENTS_PER_SECOND)
        for ready in events[sent:due]:
            emit = ready.emit
            producer.produce(emit.topic, emit.value, emit.key.encode(), headers=list(emit.headers), on_delivery=noted)
        sent = max(sent, min(due, len(events)))
        producer.poll(_SLICE_SECONDS)
    if producer.flush(60):
        raise Failed("events of the steady pace were not acknowledged")
    return acknowledged


def _cited(hub: BenchHub, record: Record) -> set[str]:
    """Return the keys of the events that an alert cites."""
    private = subscriber_private_key(hub.settings, record.topic.removeprefix(topology.alerts_to("")))
    alert = decode_alert(open_sealed(private, record.value or b"", record.key or b""))
    return {str(reason.item).partition(".")[0] for reason in alert.reasons}


class _Reader:
    """Reads every subscriber's alerts as they come, and notes when."""

    def __init__(self, hub: BenchHub) -> None:
        topics = [topology.alerts_to(name) for name in FIRST_SUBSCRIBERS]
        self._consumer = KafkaConsumer(hub.settings.kafka, topics, start=_ends(hub, topics))
        self._received: list[tuple[float, Record]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[tuple[float, Record]]:
        time.sleep(0.5)
        self._stopping.set()
        self._thread.join()
        self._consumer.close()
        return self._received

    def _read(self) -> None:
        while not self._stopping.is_set():
            for record in self._consumer.poll(1000, 0.1):
                self._received.append((time.time(), record))


def _ends(hub: BenchHub, topics: list[str]) -> dict[tuple[str, int], int]:
    with closing(Ends(hub.settings.kafka, topics)) as ends:
        return ends.now()


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
