"""Order does not matter: one history, told in two hundred orders, ends in one timeline and the same open alerts."""

from __future__ import annotations

import random
from datetime import date

from agents.demo.teller import Story
from tests.stories.told import InMemory, canonical, open_rules

ORDERS = 200


def history(today: date) -> tuple[Story, object, object]:
    """Agreements given, narrowed and withdrawn; relationships stated, corrected, ended; marks corrected, retracted."""
    story = Story("any order", today)
    mia, tom = story.child("Mia", "2014-05-02"), story.child("Tom", "2016-08-08")
    jo, alex, carl = story.adult("Jo"), story.adult("Alex"), story.adult("Carl")
    worker = story.professional("social-care", "early-help-worker")
    nurse = story.professional("health", "school-nurse")
    story.relate(mia, jo, "mother")
    story.relate(tom, jo, "mother")
    wrong = story.relate(tom, alex, "father", days_ago=200)
    story.relate(tom, carl, "father", days_ago=200, corrects=wrong, recorded_days_ago=90)
    story.relate(mia, alex, "step-parent", days_ago=250)
    story.agree(jo, mia)
    story.agree(jo, tom, reference="agreement-2")
    story.withdraw(jo, tom, reference="agreement-2", days_ago=5)
    story.lead(worker, mia)
    story.involve(nurse, mia, "school nursing")
    marks = story.marks(mia, "/", weeks=2, ending_days_ago=20) + story.marks(mia, "N", weeks=1)
    for mark in marks[-4:]:
        event = next(e for _, e in story.events if e.id == mark)
        story.mark(mia, event.data["session_date"], event.data["session"], "I", corrects=mark, recorded_days_ago=1)
    first = next(e for _, e in story.events if e.id == marks[0])
    story.mark(mia, first.data["session_date"], "AM", "/", retracts=marks[0], recorded_days_ago=1)
    seen = story.domestic_abuse(jo, alex, 40, children=[mia, tom], features=["physical-violence"])
    story.domestic_abuse(jo, alex, 40, children=[mia, tom], dash=15, corrects=seen, recorded_days_ago=38)
    taken_back = story.missing(mia, 12, risk="high")
    story.missing(mia, 12, risk="high", retracts=taken_back, recorded_days_ago=11)
    story.assessed(mia, ["2B", "4B"], 30)
    story.not_brought(tom, 25)
    story.worried(nurse, mia, 14)
    story.strength("school", mia, 8, "attendance-recovered")
    return story, worker, (mia, tom)


def tell(order: list[int], today: date) -> tuple[bytes, dict[str, str]]:
    """Tell the history in this order; return what its lead sees, and which alerts stand."""
    story, worker, (mia, _) = history(today)  # type: ignore[misc]
    shuffled = Story(story.name, today, [story.events[n] for n in order])
    hub = InMemory()
    hub.happens(shuffled)
    view = hub.reads(shuffled, worker, mia, "safeguarding")  # type: ignore[arg-type]
    return canonical(view), open_rules(hub.alerts(shuffled))


def test_two_hundred_orders_of_one_history_end_in_one_timeline(today: date) -> None:
    """Whatever arrives first, the family's timeline and its open alerts are the same in the end."""
    events = len(history(today)[0].events)
    expected = tell(list(range(events)), today)
    assert b"AssessmentCompleted" in expected[0]
    assert expected[1]
    chance = random.Random(20261123)
    for number in range(ORDERS):
        order = list(range(events))
        chance.shuffle(order)
        assert tell(order, today) == expected, f"order {number} ends otherwise"
