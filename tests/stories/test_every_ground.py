"""Each ground on which something may be shared, from what an agency publishes to what its reader is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from agents.demo.teller import Somebody, Story
from agents.judging import Judged
from agents.rehearsal import Rehearsal
from consent import policy
from consent.decision import Decision, Outcome
from consent.engine import Engine
from tests.stories.test_lawful_records import Desk
from tests.stories.told import InMemory

DUTY = "duty-to-disclose"


class Way(NamedTuple):
    """What is published about a child, who reads it and for what, and what a manager recorded about it first.

    `category` is that of what they are shown; `links` the rule by which it joined the record, where that is another's.
    """

    publish: Callable[[Story, Somebody, Somebody], Any]
    category: str
    reader: tuple[str, str] = ("social-care", "social-worker")
    purpose: str = "safeguarding"
    found: tuple[str, ...] = ()
    links: str = ""
    switches: tuple[str, ...] = ()


def agreed(*categories: str, purposes: tuple[str, ...] = ("early-help",)) -> Callable[..., None]:
    """The mother agreed, for these purposes, that these be told to social care."""

    def publish(story: Story, child: Somebody, mother: Somebody) -> None:
        story.tell(
            "social-care", "agreement.AgreementGiven", [(mother, "agreed-by"), (child, "for")], 100, agreement="a1",
            capacity="parental-responsibility", purposes=list(purposes), categories=list(categories),
            recipients=["social-care"], since=story.day(100), until=None, assessed_by=None, assessed_on=None,
            competent_purposes=[], competent_categories=[],
        )  # fmt: skip
        if "offence" in categories:
            story.tell("police", "police.OffenceOutcomeRecorded", [(child, "offender")], 9,
                       outcome="conditional-caution", offence_class="criminal-damage-arson",
                       on=story.day(9))  # fmt: skip
        elif "strength" in categories:
            story.strength("school", child, 9, "parental-resilience", purpose=purposes[0])
        else:
            story.not_brought(child, 9, purpose=purposes[0])

    return publish


def missed(purpose: str, claim: str = "") -> Callable[..., Any]:
    """The child was not brought to an appointment, published for this purpose, and with this claim."""
    ground = {"claim": claim, "rationale": "", "decided_by": "", "condition_reason": ""} if claim else None
    return lambda story, child, _: story.not_brought(child, 9, purpose=purpose, ground=ground)


def incident(story: Story, child: Somebody, mother: Somebody) -> None:
    story.domestic_abuse(mother, story.adult("Abel"), 3, children=[child])


def gone(purpose: str) -> Callable[..., Any]:
    return lambda story, child, _: story.missing(child, 9, risk="low", purpose=purpose)


def in_need(story: Story, child: Somebody, mother: Somebody) -> None:
    agreed("social-care-status", purposes=("early-help",))(story, child, mother)
    story.tell("social-care", "social_care.EpisodeOpened", [(child, "subject")], 9, reference="E1",
               episode="child-in-need", on=story.day(9), category_of_abuse=None, organisation=None)  # fmt: skip


WAYS = {
    "emergency-vital-interests": Way(missed("safeguarding", "vital-interests"), "health-contact"),
    "section-47-duty-to-assist": Way(missed("safeguarding", "s47"), "health-contact"),
    "cause-to-suspect-significant-harm": Way(missed("early-help", "significant-harm"), "health-contact"),
    "encompass-link": Way(
        incident, "domestic-abuse", ("school", "designated-safeguarding-lead"), links="encompass-link",
    ),
    "encompass-tell-the-school": Way(
        incident, "domestic-abuse", ("school", "designated-safeguarding-lead"), links="encompass-link",
    ),
    "another-duty-that-a-person-confirmed": Way(
        missed("safeguarding", "statutory-duty"), "health-contact", found=("approved",),
    ),
    "duty-to-disclose-2026": Way(
        missed("safeguarding"), "health-contact", found=("not-more-detrimental",), switches=(DUTY,),
    ),
    "overriding-public-interest": Way(
        missed("safeguarding"), "health-contact", found=("favours-sharing", "approved"),
    ),
    "the-registers-themselves": Way(missed("early-help"), "involvement", links="the-registers-themselves"),
    "who-works-with-the-family": Way(missed("early-help"), "involvement", links="the-registers-themselves"),
    "social-care-status-is-the-authoritys-own": Way(
        in_need, "social-care-status", purpose="early-help", links="social-care-status-is-the-authoritys-own",
    ),
    "safeguarding-notices-link": Way(
        gone("safeguarding"), "missing", found=("favours-sharing", "approved"), links="safeguarding-notices-link",
    ),
    "early-help-under-agreement": Way(agreed("health-contact"), "health-contact", purpose="early-help"),
    "early-help-with-the-voluntary-sector": Way(
        agreed("strength"), "strength", ("social-care", "voluntary-worker"), "early-help",
        links="early-help-under-agreement",
    ),
    "offence-data-under-agreement": Way(agreed("offence"), "offence", purpose="early-help"),
    "section-11-under-agreement": Way(agreed("health-contact", purposes=("safeguarding",)), "health-contact"),
    "section-17-without-agreement": Way(
        missed("early-help"), "health-contact", purpose="early-help", found=("goes-on-without-agreement",),
    ),
    "attendance-support": Way(
        lambda story, child, _: story.excluded(child, 9, purpose="attendance-support"), "exclusion",
        ("school", "education-welfare-officer"), "attendance-support",
    ),
    "direct-care": Way(missed("direct-care"), "health-contact", ("health", "health-visitor"), "direct-care"),
    "section-115-crime-and-disorder": Way(
        gone("crime-prevention"), "missing", ("police", "police-officer"), "crime-prevention", ("approved",),
    ),
    "section-35-multiple-disadvantage": Way(
        gone("multiple-disadvantage"), "missing", purpose="multiple-disadvantage", found=("two-or-more-problems",),
    ),
}  # fmt: skip
ELSEWHERE = {
    "break-glass": "tests/stories/test_break_glass.py",
    "look-up-a-family": "tests/stories/test_lawful_records.py",
    "look-up-before-the-threshold": "tests/stories/test_lawful_records.py",
    "secondary-use-after-the-opt-out-check": "no agreement between agencies covers it: tests/core/test_judgements.py",
}


def decided(rule: str, story: Story, *, recorded: bool = True) -> Iterator[Decision]:
    """The decisions that let the item join the record, and that showed it, once the manager had `recorded` it."""
    way = WAYS[rule]
    child, mother = story.child("Ida", "2014-02-03"), story.adult("Una")
    story.relate(child, mother, "mother")
    reader = story.professional(*way.reader)
    manager = story.professional("social-care", "manager", name="Nia Okafor")
    story.involve(reader, child, "family support")
    way.publish(story, child, mother)
    told = InMemory()
    told.hub = Rehearsal(engine=Engine(way.switches))
    desk = Desk(story, told)
    for code in way.found if recorded else ():
        desk.records(manager, child, Judged(code, (way.purpose,), "Because"))
    yield from (d for d in told.hub.trace.log if d.stage == "link" and d.category == way.category)
    yield from (d for d in desk.looks(reader, child, way.purpose) if d.category == way.category)


@pytest.mark.parametrize("rule", WAYS)
def test_what_rests_on_this_ground_joins_the_record_and_is_shown(rule: str, story: Story) -> None:
    """From publishing to looking, with what a named person recorded in between: the rule is on both records."""
    every = [d for d in decided(rule, story) if d.outcome is Outcome.SHARE]
    linked = [d for d in every if d.stage == "link"]
    shown = [d for d in every if d.stage == "look"]
    assert any((WAYS[rule].links or rule) in d.rules for d in linked), [(d.outcome, d.rules) for d in linked]
    assert shown
    assert rule == WAYS[rule].links or any(rule in d.rules for d in shown), [d.rules for d in shown]


@pytest.mark.parametrize("rule", [name for name, way in WAYS.items() if way.found and not way.links])
def test_until_a_person_recorded_it_nothing_joins_the_record_and_nothing_is_shown(rule: str, story: Story) -> None:
    """What a ground needs a person for waits, is withheld or referred without one."""
    assert not [d for d in decided(rule, story, recorded=False) if d.outcome is Outcome.SHARE]


def test_no_ground_is_left_that_nothing_could_ever_rest_on() -> None:
    """Each policy that allows something is reached by a story, here or where it is said."""
    permits = {p.id for p in policy.load(policy.switches()).by_number.values() if p.outcome is Outcome.SHARE}
    assert permits == {*WAYS, *ELSEWHERE}
