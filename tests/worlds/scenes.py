"""Short histories written by hand: each with the one sealed event that one filter keeps from showing."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import msgspec

from agents.demo.people import Somebody
from agents.demo.teller import Professional, Story
from tests.worlds.history import NIGHT, TODAY, Cast, Script, Told


class Scene:
    """Mia, her mother Jo, and Eve, who is Mia's lead. What is told openly, what is sealed, and what comes after."""

    def __init__(self, name: str) -> None:
        self.story = story = Story(f"scene {name}", TODAY)
        self.mia, self.jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
        self.eve = story.adult("Eve", family="Other")
        self.lead = story.professional("social-care", "early-help-worker", is_person=self.eve)
        self.named = self.works("named-professional", "sealed")
        self.deputy = self.works("named-professional", "shielded")
        self.keeper = self.works("ig", "sealed")
        self.also_cleared: list[Professional] = []
        self.ends_openly = True
        self.held_up = timedelta()
        self.days = 9  # after the ground, when the sealed events come: what is open and comes last came before

    def works(self, subscriber: str, clearance: str, **more: Somebody) -> Professional:
        return self.story.professional(
            "social-care", "manager", subscriber=subscriber, clearance=clearance, is_person=more.get("is_person")
        )

    def script(self, name: str) -> Script:
        story = self.story
        openly, hidden, later = _SCENES.get(name, (_high_risk, _held, _nothing))
        openly(self)
        before = len(story.events)
        hidden(self)
        after = len(story.events)
        later(self)
        if self.ends_openly:
            story.strength("school", self.mia, 1, "attendance-recovered")
        start = datetime.combine(TODAY, time(18), UTC)
        days = [0] * before + [self.days] * (after - before) + [2] * (len(story.events) - after)
        told = [
            Told(agency, event, start + timedelta(days=days[n]), before <= n < after)
            for n, (agency, event) in enumerate(story.events)
        ]
        ticks = [start + timedelta(days=n) for n in (10, 80, 90)]
        workers = [self.lead, self.named, self.deputy, self.keeper]
        cast = Cast(
            [self.mia, self.mia, self.jo, self.eve, self.eve], workers,
            [self.keeper, self.named, *self.also_cleared], self.deputy,
        )  # fmt: skip
        return Script(cast, told, ticks, start + timedelta(days=90) + NIGHT, self.held_up)


def scene(name: str) -> Script:
    """Return the scene of this filter; of most it is something sealed that is held, for nobody agreed to it."""
    return Scene(name).script(name)


def _nothing(of: Scene) -> None:
    pass


def _led(of: Scene) -> None:
    of.story.relate(of.mia, of.jo, "mother")
    of.story.lead(of.lead, of.mia)


def _high_risk(of: Scene) -> None:
    _led(of)
    of.story.missing(of.mia, 4, risk="high")


def _held(of: Scene) -> None:
    of.story.not_brought(of.mia, 1, tier="sealed")


def _party(of: Scene) -> None:
    """Mia's lead is the adult whom a sealed notice names."""
    of.story.domestic_abuse(of.jo, of.eve, 3, children=[of.mia], tier="sealed")


def _other_name(of: Scene) -> None:
    said = Somebody("Renamed", "Elsewhere", of.mia.born, of.mia.nhs, of.mia.upn, of.mia.local)
    of.story.not_brought(said, 0, tier="sealed")


def _broken(of: Scene) -> None:
    of.story.not_brought(of.mia, 1, service="no such service", tier="sealed")


def _ends_at_midnight(of: Scene) -> None:
    """An agreement that ends with the day, and an alert that leaves after midnight."""
    of.held_up, of.days = timedelta(hours=10), 0
    _led(of)
    of.story.agree(of.jo, of.mia, until_days_ahead=1)
    of.story.not_brought(of.mia, 9)


def _in_need(of: Scene) -> None:
    of.story.assessed(of.mia, ["2B", "4B"], 4, tier="sealed")


def _suspected(of: Scene) -> None:
    """Somebody suspects harm: a ground on which what is open would be decided otherwise."""
    of.story.worried(of.lead, of.mia, 3, level="significant-harm", tier="sealed")


def _disputed(of: Scene) -> None:
    """Her parents disagree, so that a person must decide."""
    alex = of.story.adult("Alex")
    _led(of)
    of.story.relate(of.mia, alex, "father")
    of.story.agree(of.jo, of.mia)
    of.story.refuse(alex, of.mia)


def _told_again_openly(of: Scene) -> None:
    agency, event = of.story.events[-1]
    about = {**event.data["about"], "tier": "normal"}
    of.story.events.append((agency, msgspec.structs.replace(event, data={**event.data, "about": about})))


def _volunteer(of: Scene) -> None:
    """A volunteer who is cleared may see Mia's strengths, and none of the registers; nothing else is told of her."""
    of.lead = of.story.professional("social-care", "voluntary-worker", clearance="sealed")
    of.also_cleared, of.ends_openly = [of.lead], False
    of.story.relate(of.mia, of.jo, "mother")
    of.story.agree(of.jo, of.mia, categories=("strength",))
    of.story.involve(of.lead, of.mia, "befriending")


def _strength(of: Scene) -> None:
    of.story.strength("school", of.mia, 3, "attendance-recovered", tier="sealed")


def _worked_with(of: Scene) -> None:
    """Two who work with Mia, of whom one is cleared; and something that both may see."""
    _high_risk(of)
    of.story.involve(of.named, of.mia, "safeguarding")


def _taken_back(of: Scene) -> None:
    number = of.story.events[[e.type for _, e in of.story.events].index("hearth.police.ChildReportedMissing")][1].id
    of.story.missing(of.mia, 4, risk="high", retracts=number, recorded_days_ago=0, tier="sealed")


def _of_the_mother(of: Scene) -> None:
    """Of her nothing but this is known, but that she is Mia's mother."""
    of.story.tell(
        "health", "health.EmergencyAttended", [(of.jo, "subject")], 3, tier="sealed", arrived_at=of.story.noon(3),
        setting="emergency-department", reasons=["head-injury"],
    )  # fmt: skip


def _agreed(of: Scene) -> None:
    """Half of what makes an alert; the other half comes sealed."""
    _led(of)
    of.story.agree(of.jo, of.mia)
    of.story.not_brought(of.mia, 9)


def _agreed_and_looked_after(of: Scene) -> None:
    _agreed(of)
    of.story.involve(of.named, of.mia, "safeguarding")


def _cleared_lead(of: Scene) -> None:
    of.lead = of.works("early-help", "sealed")
    of.also_cleared = [of.lead]
    _agreed(of)


def _above_the_lead(of: Scene) -> None:
    """An alert that rests on what the lead is not cleared for: a queue hears of it."""
    _led(of)
    of.story.agree(of.jo, of.mia)
    of.story.not_brought(of.mia, 9, tier="sensitive")
    of.story.assessed(of.mia, ["2B", "4B"], 4, tier="sensitive")


def _relative_works_here(of: Scene) -> None:
    """One who is cleared, works with Mia, and is the adult whom a sealed notice will name."""
    _led(of)
    of.story.missing(of.mia, 4, risk="high")
    of.named = of.works("named-professional", "sealed", is_person=of.eve)
    of.story.involve(of.named, of.mia, "safeguarding")


_SCENES = {
    "sealed.in_layer": (_led, _held, _nothing),
    "sealed.makes_party": (_high_risk, _party, _nothing),
    "sealed.registers": (_agreed, _suspected, _nothing),
    "sealed.names": (_high_risk, _other_name, _nothing),
    "sealed.quarantine_topic": (_high_risk, _broken, _nothing),
    "queries.open_quarantine": (_high_risk, _broken, _nothing),
    "sealed.in_its_layer": (_ends_at_midnight, _in_need, _nothing),
    "sealed.is_sealed": (_disputed, _held, _nothing),
    "sealed.filed_as": (_high_risk, _held, _told_again_openly),
    "sealed.openly": (_volunteer, _strength, _nothing),
    "sight._shown": (_worked_with, _taken_back, _nothing),
    "finding.known_openly": (_high_risk, _of_the_mother, _nothing),
    "sealed.blind": (_cleared_lead, _in_need, _nothing),
    "sealed.raises_closest": (_above_the_lead, _held, _nothing),
    "sealed.party": (_relative_works_here, _party, _nothing),
    "sealed.may_know": (_agreed, _in_need, _nothing),
    "sealed.log_of": (_agreed, _in_need, _nothing),
    "sealed.review_topic": (_disputed, _held, _nothing),
    "queries.open_reviews": (_disputed, _held, _nothing),
    "queries.open_alerts": (_agreed, _in_need, _nothing),
    "shown.told_to": (_led, _held, _nothing),
    "cases.open_cases": (_agreed, _in_need, _nothing),
    "Watch._by_log": (_agreed, _in_need, _nothing),
    "measures.open_alerts": (_agreed_and_looked_after, _in_need, _nothing),
    "timeline.known_openly": (_high_risk, _of_the_mother, _nothing),
}
