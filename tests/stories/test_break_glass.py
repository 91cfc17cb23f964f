"""Break-glass, as a story: the ambulance brings a child whom nobody on the ward knows."""

from __future__ import annotations

from datetime import timedelta

from agents.demo.teller import Story
from consent.break_glass import STAGE
from consent.decision import Outcome
from streams.break_glass import look_again, open_and_look
from tests.stories.test_lawful_records import Desk


def test_the_ward_learns_whom_to_ring_and_the_father_who_works_there_learns_nothing(story: Story) -> None:
    """The family had refused early help: no look opens, the glass does, to the one who is no party."""
    child, mother = story.child("Ida", "2016-02-03"), story.adult("Una")
    father = story.adult("Abel")
    worker = story.professional("social-care", "social-worker", name="Nia Okafor")
    doctor = story.professional("health", "paediatrician")
    at_work = story.professional("health", "paediatrician", is_person=father)
    story.relate(child, mother)
    story.relate(child, father, "father", together=False)
    story.involve(worker, child, "family support")
    story.refuse(mother, child)
    story.not_brought(child, 20)
    story.domestic_abuse(mother, father, 9, children=[child])
    desk = Desk(story)
    stage, family = desk.told.hub.family, desk.family(child)
    assert all(one.outcome is not Outcome.SHARE for one in desk.looks(doctor, child, "safeguarding"))

    decisions, view = open_and_look(stage, family, desk.worker(doctor), "life-at-risk", desk.now)
    assert view is not None
    assert [one.name for one in view.colleagues] == ["Nia Okafor"]
    assert {line.what for line in view.lines} == {"RelationshipStated", "InvolvementStarted"}
    assert decisions[0].stage == STAGE
    assert all(one.review_on == story.today + timedelta(days=3) for one in decisions)

    decisions, view = open_and_look(stage, family, desk.worker(at_work), "life-at-risk", desk.now)
    assert view is None
    assert [one.stage for one in decisions] == [STAGE]
    assert "recipient-is-a-party" in decisions[0].rules
    assert look_again(stage, family, desk.worker(at_work), "life-at-risk", desk.now)[1] is None
