"""The embedded broker: librdkafka's own in-process Kafka, for trying the hub out without Java.

It speaks Kafka's protocol on loopback, so other processes use it like any broker. What it does not do is said in
`LIMITS`, and the hub says it on start. librdkafka gives no Python call for it: it is driven through ctypes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path

import confluent_kafka

from agents.adapters.topics import Topic
from schemas.errors import Misconfigured

LIMITS = (
    "keeps everything in memory and forgets it when it stops",
    "keeps about 5 MB of each partition and drops what is older",
    "neither compacts topics nor limits who may read and write them",
    "has one node and no transactions to rely on",
)
_PRODUCER = 0
_TEXT = 512


class Embedded:
    """One broker in this process, with its topics. `bootstrap` is `127.0.0.1:port`."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._library = _library()
        self._client = self._new_client()
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            raise Misconfigured("the embedded broker did not start")
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        for topic in topics:
            self.create(topic)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: Topic) -> None:
        """Create a topic with its number of partitions; its other settings have no meaning here."""
        failed = self._library.rd_kafka_mock_topic_create(self._cluster, topic.name.encode(), topic.partitions, 1)
        if failed:
            raise Misconfigured(f"the embedded broker did not make topic {topic.name}")

    def close(self) -> None:
        """Stop the broker; everything on it is gone."""
        cluster, self._cluster = self._cluster, None
        if cluster:
            self._library.rd_kafka_mock_cluster_destroy(cluster)
            self._library.rd_kafka_destroy(self._client)

    def _new_client(self) -> int:
        wrong = ctypes.create_string_buffer(_TEXT)
        conf = self._library.rd_kafka_conf_new()
        # its own log lines would go to stderr in a form of their own
        self._library.rd_kafka_conf_set(conf, b"log_level", b"0", wrong, _TEXT)
        client = self._library.rd_kafka_new(_PRODUCER, conf, wrong, _TEXT)
        if not client:
            raise Misconfigured("librdkafka did not start")
        return int(client)


def _library() -> ctypes.CDLL:
    """Load the librdkafka that the confluent-kafka wheel carries (the same one its extension uses)."""
    here = Path(confluent_kafka.__file__).parent
    found = [*here.parent.glob("confluent_kafka.libs/librdkafka*"), *here.glob(".dylibs/librdkafka*")]
    if not found:
        raise Misconfigured("confluent-kafka carries no librdkafka here: set HEARTH_KAFKA to a real Kafka")
    library = ctypes.CDLL(str(found[0]))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    signatures = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (ctypes.c_int, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [ctypes.c_int, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, ctypes.c_int]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (ctypes.c_int, [pointer, text, ctypes.c_int, ctypes.c_int]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
