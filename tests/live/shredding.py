"""What the test of shredding works with: a family of which one record ends, and a Kafka that forgets within seconds."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from agents import bootstrap
from agents.adapters.keys import FIRST_SUBSCRIBERS, subscriber_private_key
from agents.adapters.keystore import SqlKeyStore
from agents.cli import run
from agents.commands.tools import open_tokens
from agents.demo.teller import Professional, Somebody, Story, nhs_number, upn
from agents.stages import changelogs
from consent.seal import open_sealed, unseal
from consent.sharing import agencies
from deploy.kafka.broker import Broker, start
from schemas.errors import Unsealable
from schemas.ids import PersonId
from schemas.records import CloudEvent, Quarantined, Record, Review, decode_quarantined, decode_review
from streams import topology
from streams.disclose import View
from streams.intake_answers import decode_record, quarantine_label
from streams.intake_names import every_id
from tests.live import outside
from tests.live.running_hub import RunningHub

GIVEN, FAMILY_NAME, ADDRESS = "Thaddeusin", "Wolverdingham", "29 Marzipan Causeway"
POSTCODE, PHONE, LOCAL = "ZZ98 7QW", "07700900658", "MIS77120459"
NHS, UPN = nhs_number(640_017), upn(6_400_170)
NOTE = "plays the hurdy-gurdy at the old lido"
LOCALS = tuple(f"{agency}-{LOCAL}" for agency in ("school", "health", "police", "social-care"))
TYPO = "seen with a fever of forty at the lido"
THEIRS = (GIVEN, FAMILY_NAME, ADDRESS, POSTCODE, PHONE, NHS, UPN, NOTE, TYPO, *LOCALS)
"""All that stands for the one person and nobody else: half-brother of the other child, with a name of his own."""

LONG_AGO = 2700  # days: past five years from the last contact with a child, of which nothing else is known
IN_THE_CLEAR = (*map(topology.inbound, agencies()), topology.IN_FORWARDED, topology.IDENTITY_QUEUE)
_QUICK_BROKER = {
    "log.retention.check.interval.ms": 300, "log.segment.delete.delay.ms": 100, "log.cleaner.backoff.ms": 300,
    "log.initial.task.delay.ms": 300, "log.index.size.max.bytes": 65_536,
}  # fmt: skip
OVER = {"retention.ms": "1", "segment.ms": "200", "file.delete.delay.ms": "100"}
TO_SUBSCRIBERS = tuple(map(topology.alerts_to, FIRST_SUBSCRIBERS))
COMPACTED = (*TO_SUBSCRIBERS, topology.PEOPLE)
SOON = {
    "segment.ms": "200", "max.compaction.lag.ms": "200", "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "0", "file.delete.delay.ms": "100",
}  # fmt: skip
"""What the hub sets in days, in moments: of each key the last record alone, and in the end no deletion marker."""


class Brother(Story):
    """The history of two children, and of a third who is grown up: nothing came about him for seven years."""

    def __init__(self, today: date) -> None:
        super().__init__("shredding", today)
        self.sister = self.child("Mia", "2015-05-02")
        self.mother = self.adult("Ann")
        born = date(today.year - 13, 5, 2)
        self.brother = Somebody(GIVEN, FAMILY_NAME, born, NHS, UPN, LOCAL, ADDRESS)
        self.elder = self.child("Otto", f"{today.year - 24}-05-02", "Elderfield")
        registered = {"subscriber": "duty", "clearance": "sealed"}
        self.officers = [self.professional("social-care", "ig-officer", **registered) for _ in range(2)]
        self.uncleared = self.professional("social-care", "ig-officer")
        self.lead_worker = self.professional("social-care", "early-help-worker")
        self.now()
        self.long_ago()
        self.theirs()

    def now(self) -> None:
        """What goes on about the sister."""
        self.relate(self.sister, self.mother)
        self.agree(self.mother, self.sister)
        self.lead(self.lead_worker, self.sister)
        self.marks(self.sister, "O", weeks=2)
        self.not_brought(self.sister, 20)
        self.not_brought(self.sister, 9)
        self.worried(self.lead_worker, self.sister, 10)

    def long_ago(self) -> None:
        """What was said about the elder brother, and is all there is of him."""
        self.relate(self.elder, self.mother, days_ago=LONG_AGO + 200)
        self.not_brought(self.elder, LONG_AGO + 20)
        self.worried(self.lead_worker, self.elder, LONG_AGO)

    def theirs(self) -> None:
        """What was said about the brother, and what was said about both."""
        before = len(self.events)
        self.relate(self.brother, self.mother, days_ago=LONG_AGO + 200)
        self.agree(self.mother, self.brother, reference="agreement-2")
        self.mark(self.brother, self.school_day(), "AM", "O")
        self.mark(self.brother, self.school_day(), "PM", "O")
        self.not_brought(self.brother, LONG_AGO + 20)
        self.worried(self.lead_worker, self.brother, LONG_AGO)
        self.events[-1][1].data["note"] = NOTE
        self.missing(self.brother, LONG_AGO + 1)
        self.assessed(self.brother, ["16A"], LONG_AGO + 5)
        self.domestic_abuse(self.mother, self.adult("Bob"), 15, children=[self.sister, self.brother], dash=16)
        self.not_brought(self.brother, 7)
        for _, event in self.events[before:]:
            for person in event.data["about"]["persons"]:
                if person["given_names"] == GIVEN:
                    person |= {"postcode": POSTCODE, "phone": PHONE}

    def aside(self) -> tuple[list[Record], list[tuple[str, CloudEvent]]]:
        """What is put aside and names him, and her: bytes nobody can read; and what nobody can place, or conflicts."""
        broken = [
            Record(topology.inbound("health"), b"k", f"\x00{who.nhs} {who.given} {who.family}: {said}".encode())
            for who, said in ((self.brother, TYPO), (self.sister, "nothing to read"))
        ]
        before, first = len(self.events), self.events[-1][1]
        self.not_brought(Somebody(GIVEN, FAMILY_NAME, self.brother.born, address=ADDRESS), 6)
        self.not_brought(Somebody(self.sister.given, self.sister.family, self.sister.born), 6)
        changed = {**first.data, "service": "dentistry" if first.data["service"] != "dentistry" else "health-visiting"}
        conflict = ("health", msgspec.structs.replace(first, data=changed))
        return broken, [*self.events[before:], conflict]

    def school_day(self) -> date:
        days = (self.day(LONG_AGO + 10 + back) for back in range(7))
        return next(day for day in days if day.weekday() < 5)


class Quick:
    """A Kafka of the test's own, that looks for what to delete every fraction of a second, and its admin."""

    def __init__(self, directory: Path) -> None:
        self.broker: Broker = start(directory)
        self.broker.stop()
        with (directory / "server.properties").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in _QUICK_BROKER.items())
        self.broker.launch()
        self.admin = AdminClient({"bootstrap.servers": self.broker.bootstrap})

    def configure(self, topics: Iterable[str], config: dict[str, str]) -> None:
        """Change these settings of these topics."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in config.items()
        ]
        asked = [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries) for topic in topics]
        for done in self.admin.incremental_alter_configs(asked).values():
            done.result(20)

    def held(self, topics: Iterable[str]) -> int:
        """Return how many records these topics hold yet."""
        known = self.admin.list_topics(timeout=20).topics
        places = [TopicPartition(name, number) for name in topics for number in known[name].partitions]
        first, last = (self._offsets(places, spec) for spec in (OffsetSpec.earliest(), OffsetSpec.latest()))
        return sum(last[at] - first[at] for at in first)

    def _offsets(self, places: list[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], int]:
        asked = self.admin.list_offsets(dict.fromkeys(places, spec))
        return {(at.topic, at.partition): found.result(20).offset for at, found in asked.items()}

    def forget_engine(self) -> None:
        """Delete the engine's changelogs and every group's offsets: whoever starts now reads from offset 0."""
        for done in self.admin.delete_topics(list(changelogs(bootstrap.ENGINE_NAME, 1))).values():
            done.result(20)
        until("the groups are gone", self._groups)

    def _groups(self) -> list[str]:
        """Delete every group that can be; return those that there were."""
        groups = [one.group_id for one in self.admin.list_consumer_groups().result(20).valid]
        for done in self.admin.delete_consumer_groups(groups).values() if groups else ():
            done.exception(20)  # a member that was not seen off yet: its session ends in seconds
        return groups

    def disk(self) -> dict[str, bytes]:
        """Return every file of the broker's data, its path in front; one that Kafka takes away meanwhile is gone."""
        data, found = self.broker.dir / "data", dict[str, bytes]()
        for path in data.rglob("*"):
            with suppress(FileNotFoundError, IsADirectoryError):
                found[str(path.relative_to(data))] = path.read_bytes()
        return found


def opened(hub: RunningHub) -> dict[str, bytes]:
    """Return all that the hub's own keys open of what is not sealed under a person's: told, and put aside."""
    found = {name: b"\n".join(_told(hub, name)) for name in FIRST_SUBSCRIBERS}
    found = {f"told to {name}": held for name, held in found.items()}
    for topic in (topology.QUARANTINE, topology.QUARANTINE_SEALED, topology.REVIEW, topology.REVIEW_SEALED):
        read = decode_quarantined if topic.startswith("quarantine") else decode_review
        every = [read(one.value) for one in outside.records(hub, topic)]
        found[f"put aside in {topic}"] = b"\n".join(filter(None, (_reopened(hub, one) for one in every)))
    return found


def last_told(hub: RunningHub) -> dict[str, bytes]:
    """Return the last that was told of each alert, opened: what Kafka keeps of it in the end."""
    found = {}
    for name in FIRST_SUBSCRIBERS:
        private = subscriber_private_key(hub.settings, name)
        last = {one.key: one.value for one in outside.records(hub, topology.alerts_to(name))}
        found |= {f"{name} {key.decode()}": open_sealed(private, value, key) for key, value in last.items() if value}
    return found


def _told(hub: RunningHub, subscriber: str) -> list[bytes]:
    private, topic = subscriber_private_key(hub.settings, subscriber), topology.alerts_to(subscriber)
    return [open_sealed(private, one.value, one.key) for one in outside.records(hub, topic) if one.value]


def _reopened(hub: RunningHub, one: Quarantined | Review) -> bytes:
    store = SqlKeyStore(hub.settings.keystore_url, hub.tools.keys.encryption)
    try:
        held = unseal(store.data_key(PersonId(one.key_id))[1], one.sealed, quarantine_label(one.id))
    except Unsealable:
        return b""
    finally:
        store.close()
    return held if isinstance(one, Review) else (decode_record(held).value or b"")


def exports(hub: RunningHub, story: Brother, decision: str, folder: Path) -> dict[str, tuple[int, str]]:
    """Return (exit code, output) of every command that shows a family or a decision, or gives a record out."""
    officer, lead = story.officers[0], story.lead_worker
    person = person_of(hub, story.sister)
    known = hub.tools.queries.person(person) if person else None
    assert known is not None
    family = known.home or known.families[0]
    _, asked, _ = command(hub, officer, "ig", "request", "access", family, "--json")
    hub.settle()
    _, lines, _ = command(hub, officer, "ig", "access", family, "--requester", "parental-responsibility", "--json")
    waiting = [one["decision"] for one in json.loads(lines) if one["proposed"] == "choose"]
    choices = folder / "choices.json"
    choices.write_text(json.dumps({one: {"choice": "release"} for one in waiting}))
    given = ("ig", "access", family, "--case", json.loads(asked)["case"], "--requester", "parental-responsibility")
    said: dict[str, tuple[int, str]] = {"ig access": (0, lines)}
    for by, *words in (
        (officer, *given, "--choices", str(choices)),  # before anybody looks again: that would be to be chosen too
        (lead, "timeline", family, "--purpose", "early-help"), (lead, "who", family), (lead, "alerts"),
        (lead, "agreement", "list", family), (lead, "agreement", "export", family),
        (officer, "ig", "review", family), (officer, "ig", "cases"),
        (officer, "ig", "explain", decision), (None, "audit", "explain", decision), (None, "audit", "show", decision),
        (None, "audit", "prove", decision), (officer, "retention", "due"), (None, "quarantine", "list"),
    ):  # fmt: skip
        code, out, err = command(hub, by, *words, "--json")
        said[" ".join(words[:2]) + (" given out" if "--case" in words else "")] = (code, out + err)
    return said


def ids_of(hub: RunningHub, who: Somebody) -> tuple[PersonId, ...]:
    """Return all ids of the person whose NHS number it is, the one that stands for them first; none when unknown.

    Who was known by another number before is two ids, joined: it depends on which agency's event comes first.
    """
    found = hub.tools.queries.identify(hub.tools.pseudonyms.identifier("nhs-number", who.nhs, "health"))
    return every_id(hub.tools.queries, found) if found else ()


def person_of(hub: RunningHub, who: Somebody) -> PersonId | None:
    """Return the id that stands for the person, as the projection has it."""
    return next(iter(ids_of(hub, who)), None)


def seen(hub: RunningHub, story: Brother) -> View:
    """Return what the lead professional is shown of the sister's family."""
    person = person_of(hub, story.sister)
    known = hub.tools.queries.person(person) if person else None
    assert known is not None
    worker = hub.tools.inside.directory.practitioner(_id(hub, story.lead_worker))
    assert worker is not None
    view = hub.tools.reading.look(worker, known.home or known.families[0], "early-help", bootstrap.now())
    assert view is not None
    return view


def lines_but(view: View, person: PersonId) -> list[bytes]:
    """Return the view's lines about everybody else, without what each look makes anew."""
    return [
        msgspec.json.encode(msgspec.structs.replace(line, decision="")) for line in view.lines if line.person != person
    ]


def command(hub: RunningHub, by: Professional | None, *words: str) -> tuple[int, str, str]:
    """Give a command as a practitioner does; return its exit code, its data and its messages."""
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, _environ(hub, by)), redirect_stdout(out), redirect_stderr(err):
        code = run(list(words))
    return code, out.getvalue(), err.getvalue()


def killed(hub: RunningHub, by: Professional, at: str, *words: str) -> int:
    """Give a command in a process of its own, that dies at a point of its way; return how it ended."""
    environ = {**os.environ, **_environ(hub, by), "HEARTH_FAULTS": "1", "HEARTH_KILL_AT": f"{at}:1"}
    hearth = Path(sys.executable).with_name("hearth")
    return subprocess.run([hearth, *words], env=environ, capture_output=True, check=False, timeout=300).returncode


def _environ(hub: RunningHub, by: Professional | None) -> dict[str, str]:
    shown = {"HEARTH_TOKEN": token(hub, by)} if by is not None else {}
    return {**hub.environ, "NO_COLOR": "1", **shown}


def token(hub: RunningHub, worker: Professional) -> str:
    """Return a reader token of the practitioner."""
    issued, _ = open_tokens(hub.settings).issue("reader", _id(hub, worker), worker.agency, (), timedelta(hours=1))
    return issued


def start_over(hub: RunningHub) -> None:
    """Delete what a stopped hub worked out from the topics: the stages' state and the projection."""
    shutil.rmtree(hub.settings.state_dir)
    for file in hub.settings.run_dir.glob("projection.db*"):
        file.unlink()


def until(what: str, left: Callable[[], Any], goes_on: Callable[[], Any] = bool, seconds: float = 180.0) -> None:
    """Wait until nothing is `left()`; life `goes_on()` every few seconds meanwhile."""
    begun = time.monotonic()
    next_at = begun + 10.0
    while found := left():
        assert time.monotonic() < begun + seconds, f"{what}: not within {seconds} s, {found} is left"
        if time.monotonic() > next_at:
            goes_on()
            next_at = time.monotonic() + 10.0
        time.sleep(0.2)


def _id(hub: RunningHub, worker: Professional) -> Any:
    return hub.tools.pseudonyms.practitioner(worker.agency, worker.id)
