"""A made-up county: families whose troubles come together, as they do, drawn from published rates.

Each household has one latent risk, gamma-distributed with mean 1. Every rate is multiplied by it, so counts are
negative-binomial and troubles correlate; drawn independently they would hardly ever combine.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from agents.demo.teller import Professional, Somebody, Story, nhs_number, upn
from schemas.records import CloudEvent

_SHAPE = 0.5  # of the latent risk: a few households carry most of it
_GIVEN = ("Ada", "Ben", "Cora", "Dev", "Elif", "Finn", "Gwen", "Hal", "Iris", "Jude", "Kit", "Lena", "Milo", "Nia")
_FAMILY = ("Alder", "Birch", "Cedar", "Dale", "Elm", "Fenn", "Grove", "Heath", "Ivey", "Juniper", "Lark", "Marsh")


@dataclass(frozen=True)
class County:
    """How large it is, and how many school weeks of attendance each pupil has."""

    families: int
    today: date
    weeks: int = 4
    seed: int = 1
    base: int = 0  # where its made-up numbers begin, so that two counties do not share people

    def events(self) -> Iterator[tuple[str, CloudEvent]]:
        """Every event, family by family, each as (agency, event)."""
        chance = random.Random(self.seed)  # noqa: S311 (a made-up county, and the same one each time)
        staff = Story(f"county-{self.base}-{self.seed}-staff", self.today)
        workers = [
            staff.professional("social-care", "early-help-worker", name=f"Early help worker {n}") for n in range(6)
        ]
        yield from staff.events
        for number in range(self.families):
            story = _family(self, number, chance, workers)
            yield from story.events


def rates() -> dict[str, Any]:
    """The published rates (agents/demo/rates.toml)."""
    return tomllib.loads(files("agents.demo").joinpath("rates.toml").read_text("utf-8"))


_RATES = rates()


def _family(county: County, number: int, chance: random.Random, workers: list[Professional]) -> Story:
    story = Story(f"county-{county.base}-{county.seed}-{number}", county.today)
    risk = chance.gammavariate(_SHAPE, 1 / _SHAPE)
    surname = chance.choice(_FAMILY)
    first = (county.base + number) * 8
    mother = _person(chance, surname, first, county.today - timedelta(days=chance.randint(23, 50) * 365))
    partner = _person(chance, surname, first + 1, county.today - timedelta(days=chance.randint(23, 55) * 365))
    how_many = chance.choices((1, 2, 3), _RATES["family"]["children"])[0]
    ages = [chance.uniform(0, 17) for _ in range(how_many)]
    children = [
        _person(chance, surname, first + 2 + n, county.today - timedelta(days=int(age * 365)))
        for n, age in enumerate(ages)
    ]
    for child, age in zip(children, ages, strict=True):
        story.relate(child, mother, "mother", days_ago=min(300, int(age * 365)))
    if chance.random() < 0.7:
        story.relate(children[0], partner, "partner", days_ago=min(300, int(ages[0] * 365)))
    _household(story, chance, risk, mother, partner, children)
    helped = _social_care(story, chance, risk, mother, children, chance.choice(workers))
    for child, age in zip(children, ages, strict=True):
        _health(story, chance, risk, child, age)
        if age >= 5:
            _school(story, chance, risk, child, county.weeks, helped)
    return story


def _person(chance: random.Random, surname: str, number: int, born: date) -> Somebody:
    return Somebody(chance.choice(_GIVEN), surname, born, nhs_number(number * 2), upn(number), f"{number:07d}")


def _times(chance: random.Random, rate: float) -> int:
    """How often something with this yearly rate happened in the year (Poisson; the rate holds the latent risk)."""
    count, left = 0, chance.expovariate(1)
    while left < rate:
        count += 1
        left += chance.expovariate(1)
    return count


def _household(
    story: Story, chance: random.Random, risk: float, mother: Somebody, partner: Somebody, children: list[Somebody]
) -> None:
    for _ in range(_times(chance, risk * _RATES["domestic_abuse"]["rate"])):
        present = children if chance.random() < _RATES["domestic_abuse"]["child_present"] else []
        dash = min(24, int(chance.expovariate(1 / 6)))
        story.domestic_abuse(mother, partner, chance.randint(1, 360), children=present, dash=dash)
    for child in children:
        for _ in range(_times(chance, risk * _RATES["missing"]["rate"])):
            story.missing(child, chance.randint(1, 360), risk=chance.choice(("low", "medium", "high")))


def _social_care(
    story: Story, chance: random.Random, risk: float, mother: Somebody, children: list[Somebody], worker: Professional
) -> bool:
    if not _times(chance, risk * _RATES["referral"]["rate"] * len(children)):
        return False
    child, days_ago = children[0], chance.randint(60, 300)
    story.tell(
        "social-care", "social_care.ReferralReceived", [(child, "subject")], days_ago,
        source=chance.choice(("2A", "6", "3A", "5B")), need=chance.choice(("N1", "N4", "N5")), no_further_action=False,
    )  # fmt: skip
    share = _RATES["assessment_factor"]["share"]
    factors = [code for code in ("3B", "4B", "2B", "16A") if chance.random() < share] or ["21"]
    story.assessed(child, factors, days_ago - 40)
    if chance.random() < _RATES["family"]["agreement_after_referral"]:
        for agreed in children:
            story.agree(mother, agreed, reference=f"{story.name}-{agreed.local}", days_ago=days_ago - 45)
        story.lead(worker, child, days_ago - 50)
        story.involve(worker, child, "early help", days_ago - 50)
        return True
    return False


def _health(story: Story, chance: random.Random, risk: float, child: Somebody, age: float) -> None:
    rate = _RATES["emergency"]["under_five" if age < 5 else "older"]
    for _ in range(_times(chance, (0.7 + 0.3 * risk) * rate)):
        days_ago = chance.randint(1, 360)
        story.tell(
            "health", "health.EmergencyAttended", [(child, "subject")], days_ago,
            arrived_at=story.noon(days_ago), setting="emergency-department", reasons=[],
        )  # fmt: skip
    if age < 3 and chance.random() < (0.7 + 0.3 * risk) * _RATES["not_brought"]["rate"]:
        story.not_brought(child, chance.randint(1, 360))


def _school(story: Story, chance: random.Random, risk: float, child: Somebody, weeks: int, helped: bool) -> None:
    absent = min(0.9, _RATES["absence"]["rate"] * (0.5 * risk + 0.5 * chance.expovariate(1)))
    for back in range(weeks * 7, 0, -1):
        on = story.day(back)
        for session in ("AM", "PM") if on.weekday() < 5 else ():
            code = chance.choice("IIIMOU") if chance.random() < absent else "/"
            story.mark(child, on, session, code)
    for _ in range(_times(chance, risk * _RATES["suspension"]["rate"])):
        story.excluded(child, chance.randint(1, 300), reason=chance.choice(("DB", "PP", "VA")))
    if helped and chance.random() < 0.3:
        story.strength("school", child, chance.randint(1, 60), "engaged-with-support")
