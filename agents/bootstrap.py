"""Puts the hub together: the only module that names real adapters. Nothing here connects before it is called.

The engine, which takes as long to load as all the rest, is loaded by what makes a worker alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sql

from agents.adapters.directory import Replica
from agents.adapters.kafka import KafkaConsumer, KafkaProducer, read_all
from agents.adapters.keys import LOGS as LOGS
from agents.adapters.keys import Keys, Subscriber, load_keys, load_subscribers
from agents.adapters.keystore import SqlKeyStore
from agents.adapters.log_files import LogWriter
from agents.adapters.log_watch import LogWatch
from agents.adapters.quarantine_keys import QuarantineKeys
from agents.adapters.sqlengine import open_engine
from agents.projector import Projector, projected_topics
from agents.queries import Queries
from agents.reachable import DUTY, Reachable
from agents.sending import Framing
from agents.sequencer import Sequencer
from agents.settings import Settings
from agents.witnessing import Witnessing
from consent import sharing
from consent.days import london_day
from consent.engine import Engine
from consent.engine_by_day import ByDay
from consent.log.checkpoint import verifier_key
from consent.log.entry import derived_salt
from consent.log.trust import parse_trust
from consent.seal import Pseudonyms
from schemas.codec import decode
from schemas.errors import Refusal
from schemas.people import KnownPractitioner
from schemas.records import Record
from streams import topology
from streams.again import decide_again
from streams.alert import Alerts
from streams.family import FamilyStage
from streams.family_state import FamilyCodec
from streams.gate import Gate
from streams.identity.batch import Done
from streams.identity.directory import Directory
from streams.identity.practitioners import Contact, contact_of
from streams.identity.resolver import Resolver
from streams.intake import Intake, Seen, origin_of, tier_of
from streams.intake_answers import Answers, Origin
from streams.linking import Linking
from streams.outcome import Emit
from streams.recipients import Queue
from streams.risk.rules import rule_book
from streams.sealed import SEALED

if TYPE_CHECKING:
    from agents import stages
    from agents.adapters.topics import Topic
    from agents.app import HearthApp
    from agents.ig.agreements_due import AgreementsDue
    from agents.portal.door import Door

ENGINE_NAME = "hearth"
QUEUES = (
    Queue("duty", DUTY, "social-care", "shielded"),
    Queue("named-professional", "named-professional", "social-care", "sealed"),
)
TYPED_SOURCES: frozenset[str] = frozenset()  # sources whose ids are unique per type only: none of ours is
LOG_GROUP = "hearth-log-"  # the sequencers' consumer groups
UNKNOWN_TIER = "?"  # of a record of the hub's own, whose seal is not opened to put it aside


@dataclass(frozen=True)
class Tools:
    """What the stages and the commands are built from, opened for one process."""

    settings: Settings
    keys: Keys
    names: Pseudonyms
    keystore: SqlKeyStore
    subscribers: dict[str, Subscriber]
    directory: Directory
    policies: Engine

    def contact(self, worker: KnownPractitioner) -> Contact:
        """Open how to reach a practitioner."""
        return contact_of(worker, self.keys.hub)

    def public_key(self, subscriber: str) -> bytes | None:
        found = self.subscribers.get(subscriber)
        return found.public_key if found is not None else None

    @property
    def quarantine_keys(self) -> QuarantineKeys:
        return QuarantineKeys(self.keystore, os.urandom, now)


def now() -> datetime:
    """Return the instant, UTC."""
    return datetime.now(UTC)


def open_tools(settings: Settings, directory: Directory) -> Tools:
    """Open the keys, the key store and the policies over `directory` (the engine's replica, or `Queries`)."""
    keys = load_keys(settings)
    keystore = SqlKeyStore(settings.keystore_url, keys.encryption)
    keystore.create()
    subscribers = load_subscribers(settings)
    names = Pseudonyms(keys.pseudonym, keys.pseudonym_version)
    policies = ByDay(london_day(now()))
    return Tools(settings, keys, names, keystore, subscribers, Reachable(directory, subscribers), policies)


def open_queries(settings: Settings) -> Queries:
    """Open the projection for reading."""
    return Queries(open_engine(settings.database_url))


def family_stage(tools: Tools) -> FamilyStage:
    """Return the family stage: what the engine runs, and what a look at a timeline replays."""
    gate = Gate(tools.policies, os.urandom)
    alerts = Alerts(gate, tools.directory, tools.names, tools.public_key, tools.contact)
    return FamilyStage(
        Linking(gate), alerts, rule_book(), tools.directory, tools.names, QUEUES, tools.keystore.data_key, os.urandom
    )


def hub_stages(tools: Tools, people_ready: Callable[[], None]) -> stages.Hub:
    """Return the three stages with the coders of their state."""
    from agents import stages
    from agents.adapters.faust_state import Coder

    def plain(kind: type[msgspec.Struct]) -> Coder[msgspec.Struct]:
        return Coder(msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(kind).decode)

    data_key, aside = tools.keystore.data_key, tools.quarantine_keys
    codec, family = FamilyCodec(data_key, os.urandom), family_stage(tools)
    return stages.Hub(
        agencies=sharing.agencies(),
        partitions=tools.settings.partitions,
        intake=Intake(
            tools.names, tools.directory, data_key, aside, os.urandom, TYPED_SOURCES, tools.settings.max_event_bytes
        ),
        intake_state=plain(Seen),
        resolver=Resolver(tools.names, tools.directory, data_key, aside, os.urandom, tools.keys.hub),
        resolver_state=plain(Done),
        family=family,
        family_state=Coder(codec.encode, codec.decode),
        family_again=partial(decide_again, family),
        people_ready=people_ready,
    )


def worker(settings: Settings, name: str) -> HearthApp:
    """Build a worker's Faust app; its replica of `people` is filled before this returns."""
    from agents import stages
    from agents.app import Engine as StreamEngine
    from agents.app import HearthApp

    replica = Replica(lambda: KafkaConsumer(settings.kafka, [topology.PEOPLE])).start()
    tools = open_tools(settings, replica)
    app = HearthApp(
        StreamEngine(
            name=ENGINE_NAME,
            bootstrap=settings.kafka,
            data=settings.state_dir / name,
            store=settings.store,
            session_seconds=settings.session_timeout,
            commit_seconds=settings.commit_interval,
            batch_records=settings.batch_records,
            transactions=not settings.embedded,
            declare=not settings.embedded,
        )
    )
    # what waits is decided again after half of the time that it may take, and the broker's client has the other half
    oldest_send = settings.send_seconds / 2
    outside = stages.Outside(
        producer=lambda: KafkaProducer(settings.kafka, patience=oldest_send),
        oldest_send=oldest_send,
        quarantine=partial(_aside, Answers(tools.names, tools.quarantine_keys, os.urandom)),
        keystore=tools.keystore,
        people_apply=replica.apply,
        passing=(OSError, sql.exc.OperationalError, sql.exc.InterfaceError),
        may_disclose=log_watches(settings),
    )
    stages.add_hub(app, hub_stages(tools, replica.catch_up), outside)
    stages.add_ticks(app, KafkaProducer(settings.kafka), settings.partitions, settings.tick_seconds)
    stages.add_sweep(app, tools.quarantine_keys.sweep, settings.tick_seconds, outside.passing)
    return app


def log_watch(settings: Settings, log: str) -> LogWatch:
    """Return what tells whether a log keeps up with the decisions."""
    return LogWatch(settings.kafka, LOG_GROUP + log, topology.decisions_for(log), settings.log_patience)


def log_watches(settings: Settings) -> Callable[[str], bool]:
    """Return what tells of a log by its name whether it keeps up; each is watched from when it is asked about."""
    watch = cache(partial(log_watch, settings))
    watch("main")
    return lambda log: watch(log).keeps_up()


def topics(settings: Settings) -> list[Topic]:
    """Return every topic of this hub, the engine's changelogs included."""
    from agents import stages
    from agents.adapters.topics import changelog, hub_topics

    named = hub_topics(sharing.agencies(), load_subscribers(settings), settings.partitions)
    tables = stages.changelogs(ENGINE_NAME, settings.partitions).items()
    return [*named, *(changelog(name, partitions) for name, partitions in tables)]


def sequencer(settings: Settings, log: str) -> Sequencer:
    """Open one log's writer over what was published of it before, and its sequencer."""
    seen = KafkaConsumer(settings.kafka, [topology.checkpoints_of(f"/{log}")])
    heads = partial(heads_since, seen)
    private = load_keys(settings).logs[log]
    try:
        writer = LogWriter(settings.log_dir / log, settings.log_origin(log), private, heads())
    except BaseException:
        seen.close()  # a desk whose disk fails tries again and again
        raise
    if log == SEALED:
        (settings.log_dir / log).chmod(0o700)  # even how large it is tells
    consumer = KafkaConsumer(settings.kafka, [topology.decisions_for(log)], group=LOG_GROUP + log)
    salt = partial(derived_salt, private)
    return Sequencer(writer, consumer, KafkaProducer(settings.kafka), now, salt, published=heads)


def heads_since(seen: KafkaConsumer) -> list[bytes]:
    """Return what `seen` has not read yet of a log's published heads, up to its end of now."""
    published: list[Record] = []
    read_all(seen, published.extend)
    return [record.value for record in published if record.value]


def witnessing(settings: Settings, log: str) -> Witnessing | None:
    """Return what has one log's heads cosigned, None where its policy names no witness to be asked."""
    policy = settings.witness_policy(log)
    if not policy.exists():
        return None
    key = verifier_key(settings.log_origin(log), load_keys(settings).logs[log])
    trust = parse_trust(policy.read_text("utf-8"))
    return Witnessing(settings.log_dir / log, key, trust, KafkaProducer(settings.kafka))


def projection(settings: Settings) -> tuple[Projector, KafkaConsumer]:
    """Open the projector and the reader that goes on where the tables end."""
    projector = Projector(open_engine(settings.database_url))
    projector.create()
    wanted = projected_topics(sharing.agencies())
    return projector, KafkaConsumer(settings.kafka, wanted, start=projector.positions())


def agreements_due(settings: Settings) -> AgreementsDue:
    """Return what puts the sharing agreements that are to be reviewed on the IG queue."""
    from agents.ig.agreements_due import AgreementsDue

    keys = load_keys(settings)
    names = Pseudonyms(keys.pseudonym, keys.pseudonym_version)
    return AgreementsDue(open_queries(settings), KafkaProducer(settings.kafka), names, now)


def door(settings: Settings) -> Door:
    """Return what the HTTP door stands on."""
    from agents.commands.tools import open_tokens
    from agents.portal.door import Door
    from agents.portal.writer import Writer

    keys = load_keys(settings)
    framing = Framing(Pseudonyms(keys.pseudonym, keys.pseudonym_version), TYPED_SOURCES, settings.max_event_bytes)
    producer = KafkaProducer(settings.kafka)
    return Door(
        open_tokens(settings), framing, Writer(producer), open_queries(settings), reachable=producer.reachable,
        log_dir=settings.log_dir / "main",
    )  # fmt: skip


def _aside(answers: Answers, record: Record, path: str, code: str, problem: str, fix: str) -> list[Emit]:
    """Return what becomes of a record that a stage could not work through: quarantine, and its publisher's receipt."""
    published = record.topic.startswith(topology.inbound(""))
    tier = _tier(record) if published else UNKNOWN_TIER
    made = answers.refused(record, _origin(record), Refusal(path, code, problem, fix), "", "quarantined", tier)
    return [emit for emit in made if published or not emit.topic.startswith(topology.receipts(""))]


def _tier(record: Record) -> str:
    """The tier that a publisher's record says it has; none where it cannot be read, as at intake."""
    try:
        return tier_of(decode(record))
    except Refusal:
        return ""


def _origin(record: Record) -> Origin:
    if record.topic.startswith(topology.inbound("")):
        return origin_of(record)
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Origin("hub", (record.topic, record.partition, record.offset), at)
