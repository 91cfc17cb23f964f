"""Every topic of a hub with its settings, and making them on a real Kafka (kafka-python's admin client)."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from agents.adapters.kafka import LARGEST_RECORD
from schemas.errors import Misconfigured
from streams import topology

_DAY_MS = 86_400_000
_KNOWN_SECONDS = 30.0
_PLAINTEXT_DAYS = 7  # plaintext stands on inbound topics and the resolver's queue only, and for days
_ASIDE_DAYS = 90  # quarantine, receipts and subscribers' alerts: long enough to act on, no second record
_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1"}  # the retention period ends by destroying keys
# Kafka's own bound for a batch, so that whatever a stock client writes at once fits. The hub's records may be twice as
# large: one that breaks the contract is put aside sealed, in base64 twice over.
_INBOUND_SIZE = {"max.message.bytes": "1048588"}
_HUB_SIZE = {"max.message.bytes": str(LARGEST_RECORD)}
_COMPACTED = {"cleanup.policy": "compact"}  # never a time limit as well: it breaks the engine's recovery
# a look-up key that was taken away is gone from the disk within days too, however quiet the topic
_FORGETTING = {**_COMPACTED, "max.compaction.lag.ms": str(_PLAINTEXT_DAYS * _DAY_MS)}
# Kafka deletes whole segments, of a week unless told: plaintext would stand for twice its days on a quiet topic
_PLAINTEXT_SEGMENTS = {"segment.ms": str(_DAY_MS)}


class Topic(msgspec.Struct, frozen=True):
    """A topic as the hub wants it: `config` in Kafka's own names."""

    name: str
    partitions: int = 1
    config: dict[str, str] = {}


def hub_topics(agencies: Iterable[str], subscribers: Iterable[str], partitions: int) -> list[Topic]:
    """Return all topics of a hub with these agencies and subscribers; `partitions` for the keyed ones."""
    plain = {**_days(_PLAINTEXT_DAYS), **_PLAINTEXT_SEGMENTS}
    stamped = {**plain, "message.timestamp.type": "LogAppendTime"}  # received_at: nobody can backdate
    # read by others: no stock client lacks the codec of what is not compressed
    outbound = {**_days(_ASIDE_DAYS), "compression.type": "uncompressed"}
    # sealed to keys that the hub cannot destroy: of each alert the last telling alone stays, which names nobody whose
    # record has ended (streams/moving.py); what was told before goes within the days that plaintext has
    told = {**outbound, **_FORGETTING, "cleanup.policy": "compact,delete", **_PLAINTEXT_SEGMENTS}
    named = [
        *(Topic(topology.inbound(agency), partitions, {**stamped, **_INBOUND_SIZE}) for agency in agencies),
        *(Topic(topology.receipts(agency), 1, outbound) for agency in agencies),
        *(Topic(topology.alerts_to(subscriber), 1, told) for subscriber in subscribers),
    ]
    ours = [
        Topic(topology.IN_FORWARDED, partitions, stamped),
        Topic(topology.IDENTITY_QUEUE, 1, plain),
        Topic(topology.PEOPLE, 1, _FORGETTING),
        Topic(topology.FAMILY_ITEMS, partitions, _FOR_EVER),
        Topic(topology.DECISIONS, 1, _FOR_EVER),
        Topic(topology.DECISIONS_SEALED, 1, _FOR_EVER),
        Topic(topology.CHECKPOINTS, 1, _FOR_EVER),
        Topic(topology.CHECKPOINTS_SEALED, 1, _FOR_EVER),
        Topic(topology.IG_CASES, 1, _FOR_EVER),
        Topic(topology.QUARANTINE, 1, _days(_ASIDE_DAYS)),
        Topic(topology.QUARANTINE_SEALED, 1, _days(_ASIDE_DAYS)),
        Topic(topology.REVIEW, 1, _FOR_EVER),
        Topic(topology.REVIEW_SEALED, 1, _FOR_EVER),
        Topic(topology.ALERTS, partitions, _FOR_EVER),
        Topic(topology.ALERT_OUTCOMES, partitions, _FOR_EVER),
    ]
    return [*named, *(Topic(one.name, one.partitions, {**one.config, **_HUB_SIZE}) for one in ours)]


def changelog(name: str, partitions: int) -> Topic:
    """Return the topic behind an engine table: compacted only."""
    return Topic(name, partitions, {**_COMPACTED, "min.cleanable.dirty.ratio": "0.3"})


def ensure(bootstrap: str, topics: Iterable[Topic], replication: int = 1) -> list[str]:
    """Create those topics that a real Kafka does not have yet; return their names.

    Raises Misconfigured when one exists with another number of partitions: keys would change partition.
    """
    admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="hearth-topics")
    try:
        wanted = {topic.name: topic for topic in topics}
        present = set(admin.list_topics()) & set(wanted)
        _check_partitions(admin, [wanted[name] for name in sorted(present)])
        missing = [topic for name, topic in wanted.items() if name not in present]
        made = [topic.name for topic in missing if _create(admin, topic, replication)]
        _await(admin, set(wanted))
        return made
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, topic: Topic, replication: int) -> bool:
    try:
        admin.create_topics([NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config)])
    except TopicAlreadyExistsError:
        return False  # another hub process made it just now, or it is not in the brokers' lists yet
    return True


def _await(admin: KafkaAdminClient, names: set[str]) -> None:
    # a topic is made before every broker knows it: whoever writes at once would be told that there is none
    until = time.monotonic() + _KNOWN_SECONDS
    while names - set(admin.list_topics()):
        if time.monotonic() > until:
            raise Misconfigured("Kafka made the topics and does not list them")
        time.sleep(0.1)


def _check_partitions(admin: KafkaAdminClient, topics: list[Topic]) -> None:
    if not topics:
        return
    found = {said["name"]: len(said["partitions"]) for said in admin.describe_topics([topic.name for topic in topics])}
    for topic in topics:
        if found.get(topic.name, topic.partitions) != topic.partitions:
            raise Misconfigured(
                f"topic {topic.name} has {found[topic.name]} partitions and HEARTH_PARTITIONS asks for "
                f"{topic.partitions}: keep the number it was made with"
            )


def _days(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}
