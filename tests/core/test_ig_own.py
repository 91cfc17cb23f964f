"""An officer hears of no decision on a family of their own: not by searching, counting, explaining or replaying."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.demo.teller import Professional, Somebody
from agents.ig.decisions import DecisionLog, Sought
from agents.ig.measures import measures
from agents.ig.own import own_families
from agents.queries import Queries
from consent.decision import Decision
from schemas.ids import FamilyId
from schemas.people import KnownPractitioner
from streams.recipients import as_recipient
from streams.timeline import on_day
from tests.core.ig_kit import CLEARED, OFFICER
from tests.core.ig_story import NOW, Told

HARM = {"claim": "significant-harm", "rationale": "", "decided_by": "", "condition_reason": ""}


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Two families; officers who are the father of one, alleged to have harmed the mother of the other, a grandmother
    who lives elsewhere, or managed by one of these; and one who is nobody's."""
    told = Told(tmp_path)
    story = told.story
    told.child = story.child("Isolde", "2014-05-06", "Quillfeather")
    told.other = story.child("Noll", "2015-05-06", "Marchbanks")
    mother, father = story.adult("Maud", "1987-02-01"), story.adult("Piers", "1985-02-01")
    told.gran, told.alleged = story.adult("Edda", "1955-02-01"), story.adult("Abel", "1979-02-01")
    told.victim = story.adult("Wyn", "1990-02-01")
    told.lead = story.professional("social-care", "early-help-worker")
    told.officers = {
        name: story.professional("social-care", "ig-officer", is_person=person)
        for name, person in (("father", father), ("gran", told.gran), ("alleged", told.alleged), ("nobody", None))
    }
    told.officers["managed"] = story.professional("social-care", "ig-officer", manager=told.officers["alleged"])
    story.relate(told.child, mother)
    story.relate(told.child, father, "father")
    story.relate(told.child, told.gran, "grandparent", together=False)
    story.relate(told.other, told.victim)
    story.domestic_abuse(told.victim, told.alleged, 30, children=[told.other], ground=HARM)
    story.agree(mother, told.child)
    story.lead(told.lead, told.child)
    story.involve(told.lead, told.child, "Early help")
    story.marks(told.child, "O", weeks=1)
    told.happens()
    told.looks(told.lead, told.child)
    told.looks(told.lead, told.other)
    return told


def heard(told: Told, officer: KnownPractitioner) -> set[str]:
    return {one.family for one in DecisionLog(told.world.queries, officer).bodies(Sought())}


def parties(told: Told, officer: KnownPractitioner) -> set[FamilyId]:
    """The families to which the officer is a party by the rule for recipients, each family opened and looked at."""
    states = [told.reading.replayed(one.family, NOW) for one in told.hub.families()]
    return {s.family for s in states if as_recipient(officer, s, told.hub.people, on_day(NOW)).party != "none"}


def test_an_officer_s_own_families_are_those_by_the_rule_for_recipients(told: Told) -> None:
    """Member, linked, alleged, or managed by one who is: worked out from decisions as if every family were opened."""
    for name, who in told.officers.items():
        officer = told.worker(who)
        mine = parties(told, officer)
        assert bool(mine) is (name != "nobody"), name
        assert own_families(told.world.queries, officer).open == mine, name


def own_family(told: Told, name: str) -> tuple[Professional, Somebody]:
    return told.officers[name], told.child if name in ("father", "gran") else told.other


@pytest.mark.parametrize("name", ["father", "gran", "alleged", "managed"])
def test_neither_search_nor_explanation_nor_number_tells_an_officer_of_their_own_family(told: Told, name: str) -> None:
    """All is as if its decisions were not there; another officer has them."""
    who, child = own_family(told, name)
    officer, family = told.worker(who), told.family(child)
    log, others = DecisionLog(told.world.queries, officer), DecisionLog(told.world.queries, OFFICER)
    every = others.bodies(Sought(family=family))
    assert {one.stage for one in every} >= {"link", "look"}
    page = log.search(Sought(family=family))
    assert page is not None
    assert page.decisions == ()
    assert not any(log.counts(Sought(family=family)).values())
    assert [log.one(one.id) for one in every] == [None] * len(every)
    assert log.search(Sought(after=every[0].id)) is None
    assert family not in heard(told, officer)
    assert family in heard(told, OFFICER)
    period = datetime(2026, 1, 1, tzinfo=UTC), NOW + timedelta(days=2)
    mine = measures(log, told.world.queries, *period, NOW)
    all_of_it = measures(others, told.world.queries, *period, NOW)
    assert sum(one.number for one in mine if one.measure == "decisions") < sum(
        one.number for one in all_of_it if one.measure == "decisions"
    )


def test_who_is_nobody_s_relative_hears_of_every_family(told: Told) -> None:
    """Nothing is left out for those who are no party."""
    assert heard(told, told.worker(told.officers["nobody"])) == heard(told, OFFICER)


def test_a_case_about_one_s_own_family_or_look_is_another_officer_s(told: Told) -> None:
    """Requests about the family or its people, looks at it, and what one did oneself: not listed, not to be closed."""
    officer, family = told.worker(told.officers["father"]), told.family(told.child)
    look = next(one for one in DecisionLog(told.world.queries, OFFICER).bodies(Sought(family=family, stage="look")))
    mine: Decision = told.world.decide("look", family="f_9", to=officer.practitioner)
    desk = told.cases(told.worker(told.officers["nobody"]))
    for about in (family, told.person(told.child), told.person(told.other)):
        desk.open("access", about, on_day(NOW), NOW)
    desk.refer("c_look", "night", (look.id,), "main", NOW)
    desk.refer("c_mine", "night", (mine.id,), "main", NOW)
    told.logged()
    assert len(desk.all(on_day(NOW))) == 5
    shown = told.cases(officer).all(on_day(NOW))
    assert [one.about for one in shown] == [told.person(told.other)]
    assert told.cases(officer).history("c_look", on_day(NOW)) == []


def test_a_party_by_a_sealed_item_alone_is_shut_out_of_what_is_sealed_and_of_nothing_else(told: Told) -> None:
    """To be shut out of the open decisions would tell them that there is something."""
    nurse = told.story.adult("Ned", "1980-02-01", "Winterbourne")
    who = told.story.professional("social-care", "ig-officer", is_person=nurse, clearance="sealed")
    told.story.domestic_abuse(told.victim, nurse, 20, children=[told.other], ground=HARM, tier="sealed")
    told.happens()
    officer, family = told.worker(who), told.family(told.other)
    own = own_families(told.world.queries, officer)
    assert family not in own.open
    assert family in own.sealed
    cleared = msgspec.structs.replace(CLEARED, practitioner="w_other")
    mine, theirs = (
        {one.log for one in DecisionLog(told.world.queries, one).bodies(Sought(family=family))}
        for one in (officer, cleared)
    )
    assert (mine, theirs) == ({"main"}, {"main", "sealed"})


def test_an_officer_s_own_families_cost_the_same_few_questions_however_many_decisions_there_are(told: Told) -> None:
    """Resolved once, whatever is asked then."""
    asked: list[object] = []

    class Counting(Queries):
        def ask(self, query):  # type: ignore[no-untyped-def]
            asked.append(query)
            return super().ask(query)

    def questions() -> int:
        asked.clear()
        log = DecisionLog(Counting(told.world.queries._engine), told.worker(told.officers["alleged"]))
        log.search(Sought())
        log.counts(Sought())
        return len(asked)

    few = questions()
    for number in range(300):
        told.world.decide("look", family=f"f_{number}", minutes=number)
    assert questions() == few
