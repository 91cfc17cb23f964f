"""Who told an agency about a child is not told on: not to the child's family, and not in their own."""

from __future__ import annotations

from typing import Any

from agents.demo.teller import Story
from schemas.records import Item, decode_family
from streams import topology
from tests.stories.test_lawful_records import Desk
from tests.stories.told import InMemory


def test_a_mother_who_told_of_another_familys_child_is_not_told_on(story: Story) -> None:
    """Una, whose own family agreed to early help, told social care that she worries about Max next door. Her worker
    reads nothing of it; Max's worker reads the concern, and not who told of it."""
    ida, una = story.child("Ida", "2014-05-02"), story.adult("Una")
    hers = story.professional("social-care", "early-help-worker")
    story.relate(ida, una, "mother")
    story.agree(una, ida)
    story.lead(hers, ida)
    max_, jo = story.child("Max", "2015-05-02", family="Foster"), story.adult("Jo", family="Foster")
    theirs = story.professional("social-care", "early-help-worker", name="Ada Bell")
    story.relate(max_, jo, "mother")
    story.agree(jo, max_, reference="agreement-9")
    story.lead(theirs, max_)
    story.tell("social-care", "any_agency.ConcernSignalled", [(max_, "subject"), (una, "informant")], 5,
               level="worried", note="Heard through the wall", practitioner=theirs.reference())  # fmt: skip
    desk = Desk(story)

    own = _view(desk, story, hers, ida)
    assert "ConcernSignalled" not in {line.what for line in own.lines}
    assert own.standing == ()
    (concern,) = [line for line in _view(desk, story, theirs, max_).lines if line.what == "ConcernSignalled"]
    assert (concern.role, concern.detail["level"]) == ("subject", "worried")
    assert not any(named.name.startswith("Una") for named in _view(desk, story, theirs, max_).persons)
    items = _items(desk.told)
    assert {item.person for item in items if item.event == items[-1].event} == {desk.told.person(max_)}


def test_what_names_nobody_but_who_told_of_it_goes_back_to_its_publisher(story: Story) -> None:
    """It is about nobody, so that no record is its place."""
    una, worker = story.adult("Una"), story.professional("social-care", "social-worker")
    story.tell("social-care", "any_agency.ConcernSignalled", [(una, "informant")], 5,
               level="worried", note=None, practitioner=worker.reference())  # fmt: skip
    told = InMemory()
    told.happens(story)
    assert told.receipts(story) == {"accepted": 1, "quarantined": 1}
    assert _items(told) == []


def _view(desk: Desk, story: Story, *who: Any) -> Any:
    view = desk.told.reads(story, *who)
    assert view is not None
    return view


def _items(told: InMemory) -> list[Item]:
    found = [decode_family(r.value or b"") for r in told.hub.trace.topics[topology.FAMILY_ITEMS]]
    return [one for one in found if isinstance(one, Item)]
