"""What the hub's fault run publishes: a made-up county and the twelve written stories, as untidily as partners publish.

Some events come twice, some under a key that is not the hub's, some with an id that stands for something else already,
some cannot be read. Families take turns in blocks, so that new people, agreements and attendance come all the time; in
a block, what was recorded first comes first.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, count
from typing import NamedTuple

from msgspec.structs import replace

from agents.demo.county import County
from agents.demo.stories import stories
from agents.sending import Framing
from schemas.records import CloudEvent
from streams.outcome import Emit
from streams.topology import inbound

Told = tuple[str, CloudEvent]  # agency, event
FAMILIES = 25  # of one block
STORIES_EVERY = 2  # blocks: in each of these, the twelve stories happen to other people
REGISTERED = "hearth.social_care.PractitionerRegistered"
RELATED = "hearth.social_care.RelationshipStated"
ATTENDANCE = "hearth.school.AttendanceRecorded"


class Sending(NamedTuple):
    """One record to publish. `kind`: first | again | conflict | poison; `receipt` is the id that its receipt has."""

    kind: str
    agency: str
    receipt: str
    emit: Emit
    event: CloudEvent | None = None


@dataclass
class Published:
    """What was published, for the account: events once each, in order, and how many records of each kind."""

    events: list[Told] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)  # of `events`
    repeated: set[str] = field(default_factory=set)  # receipts
    conflicts: set[str] = field(default_factory=set)  # receipts
    kinds: dict[str, int] = field(default_factory=dict)
    foreign: int = 0

    def add(self, sending: Sending) -> None:
        self.kinds[sending.kind] = self.kinds.get(sending.kind, 0) + 1
        self.foreign += sending.emit.key.startswith("theirs")
        if sending.kind == "first" and sending.event is not None:
            self.events.append((sending.agency, sending.event))
            self.receipts.append(sending.receipt)
        elif sending.kind == "conflict":
            self.conflicts.add(sending.receipt)
        elif sending.kind == "again":
            self.repeated.add(sending.receipt)

    @property
    def bad(self) -> int:
        """How many records belong in quarantine."""
        return self.kinds.get("poison", 0) + self.kinds.get("conflict", 0)


class Source:
    """A supply of records, the same for the same seed.

    `before` must be known before anything else is told: practitioners; two people whose numbers somebody mixes up
    later, for told the other way round a hub cannot but take them for one; and those of whom something sealed is told
    later, which waits for a person while the hub does not know them.
    """

    def __init__(self, framing: Framing, today: date, blocks: int, seed: int = 1) -> None:
        self._framing, self._today, self._seed = framing, today, seed
        self._chance = random.Random(seed)
        taken: set[str] = set()
        self._told_before: list[Told] = []
        self._stories = {number: self._written(number, taken) for number in range(0, blocks, STORIES_EVERY)}
        before = [told for told in chain(*self._stories.values()) if told[1].type == REGISTERED]
        for number in range(blocks):
            before += self._block(number)
        self.before = [self._first(agency, event) for agency, event in (*before, *self._told_before)]
        self.records = self._mixed(blocks)

    def _block(self, number: int, families: int = 0) -> Iterator[Told]:
        """Return a part of the county; without families, its practitioners only."""
        return County(families, self._today, weeks=1, seed=number + 1, base=number * FAMILIES).events()

    def _written(self, number: int, taken: set[str]) -> list[Told]:
        """Return the twelve stories of people whose made-up numbers are nobody else's; `taken` grows by them."""
        told: dict[int, list[Told]] = {}
        for attempt in count():
            for place, story in enumerate(stories(self._today, f"faults/{self._seed}/{number}/{attempt}")):
                numbers = {value for _, event in story.events for _, _, value in people_said(event)}
                if place not in told and not numbers & taken and not any(map(_in_county, numbers)):
                    told[place] = self._part(story.events)
                    taken |= numbers
            if len(told) == len(stories(self._today)):
                return [one for place in sorted(told) for one in told[place]]
        raise AssertionError

    def _part(self, story: list[Told]) -> list[Told]:
        """Set aside what must be known before of a story that needs it; return the rest."""
        mixed_up = not all(natural(said) for _, event in story for said in event.data["about"]["persons"])
        if not mixed_up and not any(event.data["about"].get("tier") == "sealed" for _, event in story):
            return story
        self._told_before += [told for told in story if told[1].type == RELATED]
        return [told for told in story if told[1].type != RELATED]

    def _told(self, blocks: int) -> Iterator[Told]:
        for number in range(blocks):
            block = [*self._block(number, FAMILIES), *self._stories.get(number, ())]
            said = [told for told in block if told[1].type != REGISTERED]
            yield from sorted(said, key=lambda told: told[1].time.timestamp() if told[1].time else 0.0)

    def _mixed(self, blocks: int) -> Iterator[Sending]:
        """Mix in what is untidy. What comes again comes some records later."""
        later: dict[int, list[Sending]] = defaultdict(list)
        for number, (agency, event) in enumerate(self._told(blocks)):
            first = self._first(agency, event)
            drawn = self._chance.random()
            foreign = self._chance.random() < 0.03
            yield _under_another_key(first, number) if foreign else first
            if drawn < 0.02:
                again = first._replace(kind="again")
                twin = _under_another_key(again, number) if self._chance.random() < 0.3 else again
                later[number + self._chance.randint(0, 300)].append(twin)
            elif drawn < 0.024 and not foreign and event.type == ATTENDANCE:
                later[number + self._chance.randint(1, 300)].append(self._conflict(agency, event))
            elif drawn < 0.026:
                bad = Emit(inbound(agency), f"bad-{number}", b"\x00not what was agreed")
                yield Sending("poison", agency, "", bad)
            yield from later.pop(number, ())

    def _first(self, agency: str, event: CloudEvent) -> Sending:
        ready = self._framing.ready(event, agency)
        return Sending("first", agency, ready.receipt, ready.emit, event)

    def _conflict(self, agency: str, event: CloudEvent) -> Sending:
        other = {**event.data, "code": "L" if event.data["code"] != "L" else "I"}
        return self._first(agency, replace(event, data=other))._replace(kind="conflict")


def _in_county(value: str) -> bool:
    """Whether an NHS number might be one that the county gives out: it counts up from the lowest."""
    return len(value) == 10 and value.startswith("9990")


def _under_another_key(sending: Sending, number: int) -> Sending:
    return sending._replace(emit=replace(sending.emit, key=f"theirs-{number}"))


def people_said(event: CloudEvent) -> list[tuple[str, str, str]]:
    """Return (name, system, value) of every identifier of everyone in the event. The name is the publisher's own
    number without its agency: in this county every agency gives a person the same."""
    found = []
    for said in event.data["about"]["persons"]:
        name = natural(said)
        found += [(name, one["system"], one["value"]) for one in said["identifiers"]]
    return found


def natural(said: dict[str, object]) -> str:
    """Return the name of a person said; empty where nobody gave them a number of their own."""
    identifiers: list[dict[str, str]] = said["identifiers"]  # type: ignore[assignment]
    return next((one["value"].rpartition("-")[2] for one in identifiers if one["system"] == "local"), "")
