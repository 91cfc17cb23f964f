"""One person's record ends, on a real Kafka: decided by two, carried out through kills, and replayed from offset 0.

He is a child of whom an alert was just told, and records were put aside: his erasure was upheld before his day.
Afterwards no plaintext of theirs stands anywhere, everyone else's timeline is as it was, and both logs verify.
"""

from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agents.adapters.keys import load_keys
from agents.adapters.keystore import SqlKeyStore
from agents.adapters.quarantine_keys import key_id
from schemas.errors import KeyDestroyed
from schemas.ids import PersonId, Pseudonym
from schemas.records import Record
from streams import topology
from streams.disclose import View
from streams.outcome import NewKey
from tests.live import outside
from tests.live.running_hub import RunningHub
from tests.live.searcher import Searcher
from tests.live.shredding import (
    COMPACTED,
    FAMILY_NAME,
    GIVEN,
    IN_THE_CLEAR,
    OVER,
    SOON,
    THEIRS,
    TO_SUBSCRIBERS,
    Brother,
    Quick,
    command,
    exports,
    ids_of,
    killed,
    last_told,
    lines_but,
    opened,
    person_of,
    seen,
    start_over,
    until,
)

pytestmark = pytest.mark.kafka
EARLY = "erasure-upheld"
POINTS = ("approved", "destroying", "forgotten", "destroyed")
LONG_PAST = date(2020, 1, 1)


class Shredded(NamedTuple):
    """What was gathered on the way; `said` are (words, exit code, output) of the officers' commands, by name."""

    hub: RunningHub
    kafka: Quick
    story: Brother
    person: PersonId
    keys: list[Pseudonym]
    before: View
    between: View
    clear: dict[str, bytes]
    opened: dict[str, bytes]
    last_told: dict[str, bytes]
    old_key: PersonId
    said: dict[str, Any]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quick]:
    quick = Quick(tmp_path_factory.mktemp("quick-kafka"))
    yield quick
    quick.broker.remove()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def first(kafka: Quick, home: Path) -> Iterator[RunningHub]:
    """The hub that takes the story in; whatever happens, it is gone afterwards."""
    hub = RunningHub(kafka.broker.bootstrap, home)
    yield hub
    hub.end()


@pytest.fixture(scope="module")
def shredded(kafka: Quick, home: Path, first: RunningHub) -> Iterator[Shredded]:
    """Tell the story, end the brother's record, wait out the plaintext, lose all state, and replay from offset 0."""
    story = Brother(date.today())
    old_key = _key_of_long_ago(first)
    first.start()
    for agencies in ({"school"}, {"health"}, {"police", "social-care"}):  # two numbers first, then whose both are
        first.publish(one for one in story.events if one[0] in agencies)
        first.settle()
    broken, more = story.aside()
    first.write(broken)
    first.publish(more)
    first.settle()
    persons = ids_of(first, story.brother)
    assert len(persons) == 2, "known to two agencies by a number each: one person, joined from two"
    person = persons[0]
    before = seen(first, story)
    clear = {name: held for name, held in outside.topics(first).items() if name in IN_THE_CLEAR}
    could = opened(first)
    kafka.configure(COMPACTED, SOON)
    keys = _keys(first, persons)
    said = decide(first, story, persons)
    first.settle()
    between, last = seen(first, story), last_told(first)
    days = itertools.count(1)

    def goes_on() -> None:  # what is written last stands in a segment that Kafka neither compacts nor lets go
        first.publish(_later(story, next(days)))
        first.settle()
        first.write(Record(topic, b"another alert", None) for topic in TO_SUBSCRIBERS)  # duty's would come some day

    for _ in range(3):
        goes_on()
    searcher = Searcher(THEIRS)
    until("what was told of him before has gone", lambda: _found(searcher, opened(first)), goes_on)
    gone = [key.encode() for key in keys]
    until("his look-up keys have gone from the disk", lambda: _on_disk(kafka, topology.PEOPLE, gone), goes_on)
    kafka.configure(IN_THE_CLEAR, OVER)
    until("the inbound topics are empty", lambda: kafka.held(IN_THE_CLEAR))
    assert first.stop() == 0, first.logs()[-2000:]
    kafka.forget_engine()
    start_over(first)
    hub = RunningHub(kafka.broker.bootstrap, home).start()
    try:
        hub.settle()
        yield Shredded(hub, kafka, story, person, keys, before, between, clear, could, last, old_key, said)
    finally:
        code = hub.stop()
    assert code == 0, hub.logs()[-2000:]


def _keys(hub: RunningHub, persons: Iterable[PersonId]) -> list[Pseudonym]:
    from agents.adapters.sqlengine import open_engine
    from agents.held_of import HeldOf

    return HeldOf(open_engine(hub.settings.database_url)).identifiers(persons)


def _key_of_long_ago(hub: RunningHub) -> PersonId:
    """Put a key in the store that a hub left there which stood still for longer than its time."""
    store, name = SqlKeyStore(hub.settings.keystore_url, load_keys(hub.settings).encryption), key_id(LONG_PAST, "q_1")
    store.create()
    store.store([NewKey(name, 1, bytes(32))])
    store.close()
    return name


def _found(searcher: Searcher, places: dict[str, bytes]) -> dict[str, set[tuple[str, str]]]:
    return {place: hits for place, held in places.items() if (hits := searcher.found(held))}


def _on_disk(kafka: Quick, topic: str, sought: list[bytes]) -> bool:
    files = [held for name, held in kafka.disk().items() if name.startswith(f"{topic}-0/")]
    assert files
    return any(one in held for held in files for one in sought)


def _later(story: Brother, days_ago: int) -> list[Any]:
    """Return one more event about the sister, and one by which somebody new comes to be known."""
    before = len(story.events)
    story.not_brought(story.sister, days_ago)
    story.relate(story.sister, story.adult("Grace"), "grandparent", together=False)
    return story.events[before:]


def decide(hub: RunningHub, story: Brother, persons: tuple[PersonId, ...]) -> dict[str, Any]:
    """Have the officers decide, with every wrong turn on the way, and the command killed at each of its steps."""
    (ann, bea), person = story.officers, persons[0]
    said: dict[str, Any] = {}

    def give(name: str, by: Any, *words: str, group: str = "retention") -> Any:
        code, out, err = command(hub, by, group, *words, "--json")
        said[name] = (code, json.loads(out) if out.strip() else None, err)
        return said[name][1]

    give("uncleared", story.uncleared, "due")
    give("worker", story.lead_worker, "due")
    give("due", ann, "due")
    give("too soon", ann, "propose", person, "--reason", "period-ended")
    give("nobody proposed", bea, "approve", person)
    give("hold", bea, "hold", person, "--reason", "inquiry")
    give("held", ann, "propose", person, "--reason", EARLY)
    give("lift", bea, "lift", person, "inquiry", "--reason", "hold-ended")
    case = give("asked for", bea, "request", "access", person, group="ig")["case"]
    give("requested", ann, "propose", person, "--reason", EARLY)
    give("answered", bea, "close", case, "--outcome", "granted", group="ig")
    give("propose", ann, "propose", person, "--reason", EARLY)
    give("own", ann, "approve", person)
    for point in POINTS:
        said[f"killed at {point}"] = killed(hub, bea, point, "retention", "approve", person)
        give(f"stands after {point}", ann, "show", person)
        said[f"keys after {point}"] = {has_key(hub, one) for one in persons}
        give(f"hold after {point}", ann, "hold", person, "--reason", "litigation") if point != "approved" else None
    give("approve", bea, "approve", person)
    give("again", bea, "approve", person)
    give("due at last", ann, "due")
    return said


def has_key(hub: RunningHub, person: PersonId) -> bool:
    store = SqlKeyStore(hub.settings.keystore_url, hub.tools.keys.encryption)
    try:
        return bool(store.data_key(person))
    except KeyDestroyed:
        return False
    finally:
        store.close()


def test_only_an_officer_cleared_for_everything_may_ask(shredded: Shredded) -> None:
    """A record's class and end rest on sealed items too."""
    assert {shredded.said[name][0] for name in ("uncleared", "worker")} == {1}


def test_what_is_due_is_the_one_whose_period_has_run_out(shredded: Shredded) -> None:
    """Seven years without a word about a child of whom nothing else is known; the other two go on."""
    code, found, _ = shredded.said["due"]
    assert code == 0
    elder = person_of(shredded.hub, shredded.story.elder)
    assert {one["person"]: one["class"] for one in found} == {elder: "child"}
    assert shredded.said["too soon"][0] == 1
    assert "has not run out" in shredded.said["too soon"][2]


def test_while_what_is_held_of_him_is_asked_for_it_cannot_be_ended(shredded: Shredded) -> None:
    """An access request is answered first."""
    code, _, err = shredded.said["requested"]
    assert code == 1
    assert "request" in err
    assert shredded.said["answered"][0] == 0


def test_it_takes_two_and_a_legal_hold_stops_both(shredded: Shredded) -> None:
    """Each refusal says why, and none touches the key."""
    said = shredded.said
    assert {said[name][0] for name in ("nobody proposed", "held", "own", "again")} == {1}
    assert "legal hold" in said["held"][2]
    assert "another officer" in said["own"][2]
    assert [said[name][0] for name in ("hold", "lift", "propose", "approve")] == [0, 0, 0, 0]
    assert said["approve"][1]["stands"] == "destroyed"
    assert shredded.person not in {one["person"] for one in said["due at last"][1]}


def test_a_command_killed_on_the_way_is_taken_up_where_the_log_stands(shredded: Shredded) -> None:
    """Begun and not done, time after time; both keys go after its beginning was logged, and no hold stops it then."""
    said = shredded.said
    assert [said[f"killed at {point}"] for point in POINTS] == [-signal.SIGKILL] * 4
    assert [said[f"stands after {point}"][1]["stands"] for point in POINTS] == ["approved", *["destroying"] * 3]
    assert [said[f"keys after {point}"] for point in POINTS] == [{True}, {True}, {True}, {False}]
    late = [said[f"hold after {point}"] for point in POINTS[1:]]
    assert {(code, "too late" in err) for code, _, err in late} == {(1, True)}


def test_the_steps_stand_in_the_sealed_log_once_each(shredded: Shredded) -> None:
    """In the order in which they were taken, with who took them: pseudonyms and codes only."""
    steps = [json.loads(one.value) for one in shredded.hub.said(topology.DECISIONS_SEALED)]
    once = {one["id"]: one for one in steps if one["stage"] == "retention"}
    assert [one["rules"][0] for one in once.values()] == [
        "hold", "lift", "propose", "approve", "destroying", "destroyed",
    ]  # fmt: skip
    by = {one["rules"][0]: one["decided_by"] for one in once.values()}
    assert by["propose"] != by["approve"]
    assert not [one for one in shredded.hub.decisions() if one["stage"] == "retention"]


def test_everyone_elses_timeline_is_as_it_was(shredded: Shredded) -> None:
    """Line by line: just after, and after a replay of the whole record into empty state."""
    before = lines_but(shredded.before, shredded.person)
    assert before
    assert len(before) < len(shredded.before.lines), "the ended record was shown, or this says nothing"
    assert lines_but(shredded.between, shredded.person) == before
    assert [line for line in shredded.between.lines if line.person == shredded.person] == []
    after = seen(shredded.hub, shredded.story)
    assert set(before) <= set(lines_but(after, shredded.person))
    assert all(line.person != shredded.person for line in after.lines), "what came in between is the sister's"
    assert len(after.lines) > len(before)


def test_both_logs_verify(shredded: Shredded) -> None:
    """Nothing was taken out of them."""
    code, out, err = command(shredded.hub, None, "audit", "verify")
    assert code == 0, out + err


def test_nothing_was_put_aside_and_nobody_stopped(shredded: Shredded) -> None:
    """Tombstones are worked through like anything else; what a replay reads of what was put aside is as it was."""
    assert len(shredded.hub.quarantine()) == 3
    shredded.hub.settle()
    assert "child ended" not in shredded.hub.logs()


def test_the_plaintext_came_in(shredded: Shredded) -> None:
    """Otherwise a search that finds nothing would say nothing."""
    found = {text for held in shredded.clear.values() for text, form in Searcher(THEIRS).found(held)}
    assert found == set(THEIRS)


def test_what_the_hub_could_open_named_them_before(shredded: Shredded) -> None:
    """Told to a subscriber a moment ago, unreadable, in conflict, and nobody's to place: each had his name."""
    searcher = Searcher(THEIRS)
    told = [place for place, held in shredded.opened.items() if place.startswith("told to ") and searcher.found(held)]
    assert told
    for topic in (topology.QUARANTINE, topology.REVIEW):
        found = {text for text, _ in searcher.found(shredded.opened[f"put aside in {topic}"])}
        assert {GIVEN, FAMILY_NAME} <= found


def test_the_last_word_on_every_alert_names_him_no_more(shredded: Shredded) -> None:
    """As soon as the officers are done, whatever Kafka still keeps of what was told before."""
    assert shredded.last_told
    assert _found(Searcher(THEIRS), shredded.last_told) == {}


def test_what_the_hubs_own_keys_open_names_them_no_more_and_others_still(shredded: Shredded) -> None:
    """Every record that stands on the subscribers' topics, not the last of each alone; and what was put aside."""
    now = opened(shredded.hub)
    assert _found(Searcher(THEIRS), now) == {}
    assert any(held for place, held in now.items() if place.startswith("told to ")), "the sister's alerts stand"
    sister = shredded.story.sister
    assert sister.nhs.encode() in now[f"put aside in {topology.QUARANTINE}"]
    assert b"no-identifier" in b"".join(one.value for one in outside.records(shredded.hub, topology.REVIEW))
    assert sister.given.encode() in now[f"put aside in {topology.REVIEW}"]


def test_nothing_that_is_exported_afterwards_names_them(shredded: Shredded, tmp_path: Path) -> None:
    """Timelines, alerts, agreements, what is given out on request, reviews of a case, explanations, and proofs."""
    about = [one for one in shredded.hub.decisions() if one.get("subjects") == [shredded.person]]
    said = exports(shredded.hub, shredded.story, about[-1]["id"], tmp_path)
    assert {name: out for name, (code, out) in said.items() if code != 0} == {}
    assert all(out.strip() for _, out in said.values())
    assert _found(Searcher(THEIRS), {name: out.encode() for name, (_, out) in said.items()}) == {}


def test_a_key_whose_time_was_over_long_ago_is_gone(shredded: Shredded) -> None:
    """The hub stood still for longer than any sweep would have looked back."""
    assert not has_key(shredded.hub, shredded.old_key)


def test_no_plaintext_of_theirs_is_left_anywhere(shredded: Shredded, tmp_path: Path) -> None:
    """Topics, state, tables, tiles, what processes wrote, and the broker's own files."""
    searcher = Searcher(THEIRS)
    places = {f"topic {name}": held for name, held in outside.topics(shredded.hub).items()}
    places |= outside.files(shredded.hub.settings.home, tmp_path)
    disk = shredded.kafka.disk()
    places |= {f"broker {name}": held for name, held in disk.items()}
    assert any(name.startswith("rows of") and name.endswith("projection.db") for name in places)
    assert any("/log/sealed/tile/" in name for name in places)
    assert any(name.startswith("state in") for name in places)
    segments = [name for name in disk if name.startswith("in.school-") and name.endswith(".log")]
    assert segments
    assert not any(disk[name] for name in segments), "its records are packed there: they must be gone, not hidden"
    assert _found(searcher, places) == {}


def test_nothing_leads_to_them_any_more(shredded: Shredded, tmp_path: Path) -> None:
    """Their look-up keys are gone from the tables, made anew from the topics, and from the broker's disk."""
    assert len(shredded.keys) >= 2  # the NHS number and the UPN at least: else nothing would be looked for
    assert person_of(shredded.hub, shredded.story.brother) is None
    rows = outside.files(shredded.hub.settings.home, tmp_path)["rows of hub/projection.db"]
    assert not any(key.encode() in rows for key in shredded.keys)
    assert not _on_disk(shredded.kafka, topology.PEOPLE, [key.encode() for key in shredded.keys])
