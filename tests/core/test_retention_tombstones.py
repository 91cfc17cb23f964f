"""A person's record ends: what is left of it, in the whole hub in memory, and what a replay makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import msgspec
import pytest

from agents.demo.teller import Professional, Somebody, Story
from agents.rehearsal import Rehearsal
from consent.retention import Life
from schemas import records
from schemas.ids import FamilyId, PersonId
from schemas.records import Forget, Item, Record
from streams import topology
from streams.disclose import InMemory, View, look, replay
from streams.family_state import FamilyCodec
from streams.lifetimes import life_of
from streams.pipeline import Trace
from streams.timeline import Family

TODAY = date(2026, 11, 20)
NOON = datetime.combine(TODAY, time(12), UTC)


class Told:
    """A brother and a sister with their mother, told to a hub; the brother's record is the one that ends."""

    def __init__(self) -> None:
        self.story = Story("tombstones", TODAY)
        self.hub = Rehearsal()
        self.mia, self.leo = self.story.child("Mia", "2014-05-02"), self.story.child("Leo", "2012-03-01")
        self.mother = self.story.adult("Ann")
        self.lead: Professional = self.story.professional("social-care", "early-help-worker")
        for child in (self.mia, self.leo):
            self.story.relate(child, self.mother)
            self.story.agree(self.mother, child, reference=f"agreement of {child.given}")
        self.story.lead(self.lead, self.mia)
        self.story.marks(self.leo, "O", weeks=2)
        self.story.marks(self.mia, "/", weeks=1)
        self.story.not_brought(self.leo, 9)
        self.story.not_brought(self.mia, 8)
        self.story.domestic_abuse(self.mother, self.story.adult("Bob"), 30, children=[self.mia, self.leo])
        self.hub.publish(self.story.events, NOON)

    def person(self, who: Somebody) -> PersonId:
        found = self.hub.people.identify(self.hub.names.identifier("nhs-number", who.nhs, "health"))
        assert found
        return found

    def family(self, who: Somebody) -> FamilyId:
        known = self.hub.people.person(self.person(who))
        assert known is not None
        return known.families[0]

    def end(self, who: Somebody) -> PersonId:
        """End their record, as agents/destroying.py does, without its people."""
        person = self.person(who)
        keys = [name for name, found in self.hub.people._identifiers.items() if found == person]
        ask = Forget((person,), tuple(keys), (self.family(who),), NOON)
        self.hub.pipeline.run([Record(topology.IDENTITY_QUEUE, person.encode(), records.encode(ask))])
        self.hub.destroy_key(person)
        return person

    def items(self) -> list[Record]:
        return self.hub.trace.topics[topology.FAMILY_ITEMS]

    def seen(self, family: FamilyId) -> View:
        """What the lead professional is shown, replayed from the record."""
        mine = [one for one in self.items() if one.key == family.encode()]
        worker = self.hub.people.practitioner(self.hub.names.practitioner(self.lead.agency, self.lead.id))
        assert worker is not None
        _, view = look(self.hub.family, replay(self.hub.family, family, mine, NOON), worker, "early-help", NOON)
        assert view is not None
        return view


@pytest.fixture
def told() -> Told:
    return Told()


def lines_of(view: View, without: PersonId) -> list[bytes]:
    plain = [msgspec.structs.replace(line, decision="") for line in view.lines if line.person != without]
    return [msgspec.json.encode(line) for line in plain]


def live(told: Told, family: FamilyId) -> Family:
    return next(one for one in told.hub.families() if one.family == family)


def test_everyone_elses_timeline_is_as_it_was(told: Told) -> None:
    """Line by line, and nothing of the one whose record has ended."""
    leo, home = told.person(told.leo), told.family(told.mia)
    before = told.seen(home)
    assert any(line.person == leo for line in before.lines)
    told.end(told.leo)
    after = told.seen(home)
    assert lines_of(after, leo) == lines_of(before, leo) != []
    assert [line for line in after.lines if line.person == leo] == []
    assert "Leo" not in {name for one in after.persons for name in one.name.split()}


def test_the_running_state_drops_the_section_at_once(told: Told) -> None:
    """Not when the worker happens to start again: what it holds in memory would go on being told."""
    home = told.family(told.leo)
    assert told.person(told.leo) in live(told, home).sections
    leo = told.end(told.leo)
    family = live(told, home)
    assert leo not in family.sections
    assert leo in family.erased
    assert not any(entry.partition(".")[2] == leo for entry in family.register.entries)


def test_nothing_leads_to_them_and_their_place_in_the_family_stays(told: Told) -> None:
    """Look-up keys and numbers go; an id without any stays where it was, so that households do not fall apart."""
    home = told.family(told.mia)
    leo = told.end(told.leo)
    known = told.hub.people.person(leo)
    assert known is not None
    assert (known.erased, known.born, known.numbers) == (True, (), ())
    assert leo not in told.hub.people._identifiers.values()
    found = told.hub.people.family(home)
    assert found is not None
    assert leo in {member.person for member in found.members}


def test_a_new_event_about_them_makes_a_new_person(told: Told) -> None:
    """Their record has ended; they have not: what is said from now on is kept, under another id."""
    leo = told.end(told.leo)
    before = len(told.story.events)
    told.story.not_brought(told.leo, 1)
    told.hub.publish(told.story.events[before:], NOON)
    new = told.person(told.leo)
    assert new != leo
    assert any(new in one.sections for one in told.hub.families())
    assert not told.hub.trace.topics[topology.QUARANTINE]


def cold(told: Told) -> Rehearsal:
    """The hub with its keys and its record of people, its stages' state lost and its topics empty."""
    pipeline = told.hub.pipeline
    pipeline.states, pipeline.trace = {name: InMemory() for name in pipeline.states}, Trace()
    return told.hub


def test_a_replay_of_the_record_gives_tombstones_and_stops_nothing(told: Told) -> None:
    """From offset 0, into empty state: every other section comes back just so, and the ended one does not."""
    home = told.family(told.mia)
    leo = told.end(told.leo)
    before, record = live(told, home), told.items()
    again = cold(told)
    again.pipeline.run(record)
    family = live(told, home)
    assert leo not in family.sections
    assert leo in family.erased
    assert {p: s.entries.keys() for p, s in family.sections.items()} == {
        p: s.entries.keys() for p, s in before.sections.items()
    }


def test_a_replay_of_the_event_that_made_them_gives_a_tombstone(told: Told) -> None:
    """The inbound topic still had it, and nothing remembers that it came: it is not worked into a record again."""
    leo = told.end(told.leo)
    again = cold(told)
    again.publish(told.story.events, NOON)
    items = [records.decode_family(one.value or b"") for one in again.trace.topics[topology.FAMILY_ITEMS]]
    theirs = [one for one in items if isinstance(one, Item) and one.person == leo]
    assert theirs
    assert {(one.key_version, one.sealed) for one in theirs} == {(0, b"")}
    assert leo not in again.people._identifiers.values()


def test_ending_it_twice_changes_nothing_more(told: Told) -> None:
    """A command that was killed is given again."""
    leo = told.end(told.leo)
    first = told.hub.people.person(leo)
    ask = Forget((leo,), (), (), NOON)
    told.hub.pipeline.run([Record(topology.IDENTITY_QUEUE, leo.encode(), records.encode(ask))])
    assert told.hub.people.person(leo) == first


def stored(told: Told) -> Iterator[tuple[str, bytes, FamilyCodec]]:
    """Yield the family stage's state as it is written, before anything ends."""
    codec = FamilyCodec(told.hub.data_key, lambda size: b"n" * size)
    for key, value in told.hub.pipeline.states["family"].values.items():
        yield key, codec.encode(value), codec


def test_state_written_before_opens_as_a_tombstone_after_and_can_be_written_again(told: Told) -> None:
    """Sections and blocks of marks; a worker that reads, changes and writes them must not stumble."""
    leo = told.person(told.leo)
    written = list(stored(told))
    told.hub.destroy_key(leo)
    again = InMemory()
    for key, raw, codec in written:
        again.put(key, codec.decode(raw))
        assert codec.encode(codec.decode(raw))
    blocks = [value for key, value in again.values.items() if f"/{leo}/" in key]
    assert blocks
    assert not any(block.slots for block in blocks)  # type: ignore[union-attr]


def test_a_block_in_memory_is_written_empty_once_the_key_is_gone(told: Told) -> None:
    """It was read before the key went: its marks must not be written again, and the writing must not fail."""
    leo = told.person(told.leo)
    values = told.hub.pipeline.states["family"].values
    block = next(value for key, value in values.items() if f"/{leo}/" in key)
    codec = FamilyCodec(told.hub.data_key, lambda size: b"n" * size)
    told.hub.destroy_key(leo)
    assert codec.decode(codec.encode(block)).slots == {}  # type: ignore[union-attr]


def test_what_was_told_of_a_child_decides_how_long_they_are_kept() -> None:
    """Episodes, closures, deaths and marks; what was taken back does not count."""
    story, hub = Story("lives", TODAY), Rehearsal()
    child = story.child("Mia", "2014-05-02")
    opened = {"reference": "R1", "category_of_abuse": None, "organisation": None}

    def life() -> Life:
        hub.publish(story.events, NOON)
        (section,) = hub.families()[0].sections.values()
        return life_of(section)

    story.mark(child, story.day(4), "AM", "/")
    assert life().statuses == {"school-only"}
    told = story.tell("social-care", "social_care.EpisodeOpened", [(child, "subject")], 90, episode="looked-after",
                      on=story.day(90), **opened)  # fmt: skip
    story.tell("social-care", "social_care.EpisodeClosed", [(child, "subject")], 20, episode="child-in-need",
               on=story.day(20), reference="R2", reason="RC1")  # fmt: skip
    found = life()
    assert found.statuses == {"looked-after", "child-in-need", "adopted"}
    assert (found.born, found.first_contact) == (date(2014, 5, 2), story.day(90))
    assert found.last_contact is not None
    assert found.last_contact >= story.day(4)
    story.tell("health", "health.PersonDied", [(child, "subject")], 2, on=story.day(2), notification="2")
    assert life().statuses == {"looked-after-died", "child-in-need", "adopted"}
    story.tell("health", "health.PersonDied", [(child, "subject")], 1, on=None, notification="U")
    assert life().died is None
    story.tell("social-care", "social_care.EpisodeOpened", [(child, "subject")], 0, episode="looked-after",
               on=story.day(90), retracts=told, **opened)  # fmt: skip
    assert "looked-after" not in life().statuses
