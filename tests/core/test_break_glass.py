"""Break-glass: the minimum for one who does not work with the family; logged and told of first; it ends by itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.breaking import BreakGlass, Opened
from agents.demo.teller import Professional, Somebody
from agents.ig.access import Access
from agents.ig.breaking import READING, because
from agents.ig.cases import Case, NotSo
from agents.ports import NotWritten
from agents.reading import Reading
from agents.watching import THE_HUB
from consent.break_glass import STAGE, still_open, terms
from consent.decision import Decision, Outcome
from schemas.records import decode_review
from schemas.records import encode as encode_record
from streams import topology
from streams.identity.reviews import Reviews
from tests.core.ig_kit import CLEARED, OFFICER
from tests.core.ig_story import NOW, Told

SAID = "Found alone at 4 Tidewater Row, not breathing well"
KEY = b"k" * 32


@dataclass
class Ward:
    """A family with something of every kind on its record, and those who would like to see it."""

    told: Told

    def __post_init__(self) -> None:
        story = self.told.story
        self.child, self.mother = story.child("Ida", "2016-02-03"), story.adult("Una")
        self.alleged = story.adult("Abel", family="Other")
        story.relate(self.child, self.mother)
        self.worker = story.professional("social-care", "social-worker", name="Nia Okafor")
        story.involve(self.worker, self.child, "family support")
        story.tell("health", "health.SafeguardingFlagSet", [(self.child, "subject")], 9, purpose="safeguarding",
                   flag="836881000000105", on=story.day(9))  # fmt: skip
        story.domestic_abuse(self.mother, self.alleged, 20, children=[self.child], dash=16)
        story.missing(self.child, 5, risk="high")
        self.doctor = story.professional("health", "paediatrician")
        self.cleared = story.professional("health", "paediatrician", clearance="sealed")
        self.related = story.professional("health", "paediatrician", is_person=self.alleged)
        self.led = story.professional("health", "paediatrician", manager=self.related)
        self.charity = story.professional("social-care", "voluntary-worker")
        self.officer = story.professional("social-care", "ig-officer")
        self.named = story.professional("social-care", "manager", clearance="sealed")
        story.involve(self.named, self.child, "safeguarding")
        story.tell("health", "health.SafeguardingFlagSet", [(self.child, "subject")], 4, purpose="safeguarding",
                   flag="836881000000105", on=story.day(4), tier="sealed",
                   ground={"claim": "vital-interests"})  # fmt: skip
        self.told.happens()
        self._noticed = 0
        names = self.told.hub.names
        reviews = Reviews(names, lambda *_: ("q", KEY), bytes)
        self.glass = BreakGlass(self.told.reading, self.told.world.queries, reviews)

    def opens(self, who: Professional, at: datetime = NOW, child: Somebody | None = None) -> Opened | None:
        family = self.told.family(child or self.child)
        return self.glass.open(self.told.worker(who), family, "life-at-risk", SAID, at)

    def again(self, who: Professional, at: datetime) -> Opened | None:
        return self.glass.again(self.told.worker(who), self.told.family(self.child), at)

    def logged(self) -> list[Decision]:
        new = self.notices()[self._noticed :]
        self._noticed += len(new)
        for one in new:
            self.told.world.tell(topology.REVIEW, encode_record(one), one.id)
        return self.told.logged()

    def notices(self) -> list[object]:
        return [decode_review(r.value or b"") for r in self.told.broker.records(topology.REVIEW)]

    def cases(self, today: date = NOW.date()) -> list[Case]:
        return [one for one in self.told.cases(OFFICER).all(today) if one.kind == STAGE]


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(Told(tmp_path))


def test_somebody_who_does_not_work_with_the_family_sees_the_minimum_and_nothing_else(ward: Ward) -> None:
    """Who is in it, whom to ring, and that a flag is set; no incident, no missing notice. Nothing without the glass."""
    doctor, family = ward.told.worker(ward.doctor), ward.told.family(ward.child)
    assert ward.told.reading.look(doctor, family, "safeguarding", NOW) is None
    opened = ward.opens(ward.doctor)
    assert opened is not None
    assert {line.what for line in opened.view.lines} == {
        "RelationshipStated", "InvolvementStarted", "SafeguardingFlagSet",
    }  # fmt: skip
    assert {one.name for one in opened.view.colleagues} == {"Sam Carter", "Nia Okafor"}
    assert opened.until == NOW + timedelta(hours=terms().hours)


def test_the_giving_of_the_reason_and_every_item_are_decisions(ward: Ward) -> None:
    """The reason's code stands on the record, the ground is vital interests, and a day of review is set."""
    opened = ward.opens(ward.doctor)
    first, *items = ward.logged()
    assert opened is not None
    assert (first.id, first.stage, first.rationale) == (opened.decision, STAGE, "life-at-risk")
    assert first.review_on == NOW.date() + timedelta(days=3)
    assert {one.decision for one in opened.view.lines} == {one.id for one in items}
    for one in (first, *items):
        assert one.asked is not None
        assert (one.outcome, one.rules[0], one.asked.involved) == (Outcome.SHARE, "break-glass", "break-glass")
        assert one.article_6 == "6(1)(d) vital interests"
        assert one.recipient == ward.told.worker(ward.doctor).practitioner


@pytest.mark.parametrize("who", ["related", "led", "charity", "officer"])
def test_parties_and_the_voluntary_sector_never_break_it(ward: Ward, who: str) -> None:
    """The alleged, whoever is managed by them, a charity, an officer: refused, logged, and no notice."""
    assert ward.opens(getattr(ward, who)) is None
    (refused,) = ward.logged()
    assert (refused.stage, refused.outcome) == (STAGE, Outcome.WITHHOLD)
    rule = {"related": "recipient-is-a-party", "led": "recipient-is-a-party", "charity": "break-glass-the-minimum-only",
            "officer": "no-content-to-those-who-run-the-hub"}[who]  # fmt: skip
    assert rule in refused.rules
    assert ward.notices() == []
    assert ward.cases() == []


def test_what_is_sealed_stays_hidden_even_from_those_cleared_for_it(ward: Ward) -> None:
    """The same as for one who is not cleared, and nothing of it in either log; who works on it sees it."""
    whole = ward.told.reading.look(ward.told.worker(ward.named), ward.told.family(ward.child), "safeguarding", NOW)
    assert whole is not None
    assert [line.on for line in whole.lines].count(ward.told.story.day(4)) == 1
    before = ward.told.broker.records(topology.DECISIONS_SEALED)
    cleared, plain = ward.opens(ward.cleared), ward.opens(ward.doctor)
    assert cleared is not None
    assert plain is not None
    assert [line.item for line in cleared.view.lines] == [line.item for line in plain.view.lines]
    assert ward.told.story.day(4) not in {line.on for line in cleared.view.lines}
    assert ward.told.broker.records(topology.DECISIONS_SEALED) == before


def test_nothing_is_shown_that_is_not_logged_or_not_told_of(ward: Ward) -> None:
    """The log first, then the notice, then the view: where either is not acknowledged, nothing is shown."""
    ward.told.broker.up = False
    with pytest.raises(NotWritten):
        ward.opens(ward.doctor)
    ward.told.broker.up = True
    assert (ward.logged(), ward.notices()) == ([], [])
    producer = ward.told.reading.producer
    flush, seen = producer.flush, []

    def only_the_log() -> None:
        seen.append(1)
        ward.told.broker.up = len(seen) == 1
        flush()

    producer.flush = only_the_log  # type: ignore[method-assign]
    with pytest.raises(NotWritten):
        ward.opens(ward.doctor)
    assert ward.notices() == []
    assert ward.logged()[0].stage == STAGE
    assert len(ward.cases()) == 1, "the case is there by its decision alone"
    producer.flush = flush  # type: ignore[method-assign]
    ward.told.broker.up = True
    assert ward.again(ward.doctor, NOW) is None, "an opening that nobody was told of opens nothing afterwards"


def test_it_ends_by_itself(ward: Ward) -> None:
    """Until the hour it may be looked at again, by the same person alone, decided anew; from then on not."""
    first = ward.opens(ward.doctor)
    ward.logged()
    end = NOW + timedelta(hours=terms().hours)
    later = ward.again(ward.doctor, end - timedelta(seconds=1))
    assert first is not None
    assert later is not None
    assert (later.decision, later.until) == (first.decision, end)
    assert [one.item for one in later.view.lines] == [one.item for one in first.view.lines]
    looked = ward.logged()
    assert {one.stage for one in looked} == {"look"}
    assert {one.rationale for one in looked} == {"life-at-risk"}
    assert ward.again(ward.doctor, end) is None
    assert slow(ward, end - timedelta(seconds=30)) is None, "it ended while the log was being waited for"
    assert ward.again(ward.cleared, NOW) is None
    assert ward.logged() == []


def slow(ward: Ward, at: datetime) -> Opened | None:
    """Look again at `at`, in a hub whose log takes two minutes to answer the first time."""
    class Slow(Reading):
        def decided(self, family, now, decide, reader):
            return super().decided(family, now + timedelta(minutes=2), decide, reader)

    reading = Slow(**{name: getattr(ward.told.reading, name) for name in Reading.__dataclass_fields__})
    glass = dataclasses.replace(ward.glass, reading=reading)
    return glass.again(ward.told.worker(ward.doctor), ward.told.family(ward.child), at)


def test_a_refusal_opens_nothing_and_another_family_stays_closed(ward: Ward) -> None:
    """Only a granted opening, of this reader, of this family, begun by now."""
    ward.opens(ward.doctor)
    ward.opens(ward.charity)
    granted, *_, refused = ward.logged()
    me, family = granted.recipient, granted.family
    assert still_open([granted, refused], me, family, NOW) == granted
    assert still_open([refused], refused.recipient, family, NOW) is None
    assert still_open([granted], me, "f_other", NOW) is None
    assert still_open([granted], me, family, NOW - timedelta(seconds=1)) is None
    later = msgspec.structs.replace(granted, id="d_2", decided_at=NOW + timedelta(hours=1))
    assert still_open([later, granted], me, family, NOW + timedelta(hours=2)) == later


def test_the_notice_carries_a_reference_and_what_was_said_is_sealed(ward: Ward) -> None:
    """Nothing of the free text, nobody's name and no family, in the clear on any topic or in the projection."""
    ward.opens(ward.doctor)
    (notice,) = ward.notices()
    first, *_ = ward.logged()
    assert (notice.reason, notice.event, notice.persons, notice.families) == (STAGE, first.id, (), ())
    assert b"Tidewater" not in notice.sealed
    for topic in (topology.REVIEW, topology.DECISIONS, topology.IG_CASES):
        assert all(b"Tidewater" not in (r.value or b"") for r in ward.told.broker.records(topic))
    assert b"Tidewater" not in (ward.told.folder / "ig.db").read_bytes()


def test_the_officer_who_reviews_reads_what_was_said_once_that_is_logged(ward: Ward) -> None:
    """In their own name; an officer who is a party to the family does not."""
    ward.opens(ward.doctor)
    ward.logged()
    (case,) = ward.cases()
    officer = ward.told.worker(ward.officer)
    desk = Access(ward.told.reading, ward.told.world.queries, officer)
    assert because(desk, case, ward.told.hub.names, lambda _: KEY, NOW) == SAID
    (read,) = ward.logged()
    assert (read.stage, read.recipient, read.outcome) == (READING, officer.practitioner, Outcome.SHARE)
    party = msgspec.structs.replace(officer, person=ward.told.person(ward.mother))
    desk = Access(ward.told.reading, ward.told.world.queries, party)
    assert because(desk, case, ward.told.hub.names, lambda _: KEY, NOW) is None
    assert ward.logged()[0].outcome is Outcome.WITHHOLD


def test_it_is_reviewed_in_time_or_it_escalates(ward: Ward) -> None:
    """On the queue from its decision alone, by reference; overdue the day after; closed by an officer, and then not."""
    opened = ward.opens(ward.doctor)
    ward.logged()
    (case,) = ward.cases()
    assert opened is not None
    assert (case.refers_to, case.about, case.due) == ((opened.decision,), "", NOW.date() + timedelta(days=3))
    assert (ward.cases(case.due)[0].overdue, ward.cases(case.due)[0].escalated_to) == (False, "")
    late = ward.cases(case.due + timedelta(days=1))[0]
    assert late.overdue
    assert "Caldicott Guardian" in late.escalated_to
    assert escalated(ward, case.due) == []
    later = case.due + timedelta(days=1)
    assert [escalated(ward, later), escalated(ward, later + timedelta(days=1))] == [[case.id], []]
    assert ward.cases(later)[0].escalated_on == later
    said = [(one.said, one.by) for one in ward.told.cases(OFFICER).history(case.id, later)]
    assert said == [("opened", "hub"), ("escalated", "hub")]
    with pytest.raises(NotSo):
        ward.told.cases(OFFICER).extend(case.id, "complex", NOW)
    with pytest.raises(NotSo):
        ward.told.cases(OFFICER).open(STAGE, "f_1", NOW.date(), NOW)
    ward.told.cases(OFFICER).close(case.id, "explained", NOW)
    ward.logged()
    (closed,) = ward.cases(case.due + timedelta(days=30))
    assert (closed.status, closed.outcome, closed.overdue, closed.escalated_to) == ("closed", "explained", False, "")


def escalated(ward: Ward, on: date) -> list[str]:
    """Let the hub's daily watch pass on what nobody closed in time; return the cases."""
    passed = ward.told.cases(THE_HUB).escalate(datetime(on.year, on.month, on.day, 3, tzinfo=UTC))
    ward.logged()
    return passed


def test_break_glass_again_and_again_is_found_and_looking_again_is_not(ward: Ward) -> None:
    """Two reasons in a week make a case for behaviour watch; the same one looked at twice does not."""
    def found() -> list[str]:
        ward.logged()
        ward.told.watch(CLEARED).run(NOW.date(), NOW.date(), NOW)
        ward.logged()
        return [case.behaviour for case in ward.told.cases(CLEARED).all(NOW.date()) if case.behaviour]

    ward.opens(ward.doctor)
    ward.logged()
    assert ward.again(ward.doctor, NOW + timedelta(minutes=5)) is not None
    assert found() == []
    ward.opens(ward.doctor, NOW + timedelta(minutes=10))
    assert found() == ["repeated-break-glass"]


def test_a_family_that_does_not_exist_looks_like_one_of_which_nothing_may_be_shown(ward: Ward) -> None:
    """It is logged all the same."""
    assert ward.glass.open(ward.told.worker(ward.doctor), "f_nosuch", "life-at-risk", SAID, NOW) is None
    assert [one.stage for one in ward.logged()] == [STAGE, "look"]


def test_every_reason_has_its_source_and_the_period_says_that_nobody_confirmed_it() -> None:
    """The list and the hours are data."""
    assert all(reason.label and reason.source for reason in terms().reasons.values())
    assert terms().hours > 0
    assert not terms().checked
