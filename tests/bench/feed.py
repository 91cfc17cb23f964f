"""The events of the whole-hub benchmark: a county of agents/demo, told to a hub in the order in which it was recorded.

First what a hub in use knows already: who is related to whom, who works there, each pupil's first mark, so that their
school's number is known. Then, measured, all the rest: four weeks of attendance, day by day over all schools, and a
year's other events. (So events other than attendance are some ten times more frequent than in life: they cost more.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from agents.demo.county import County
from agents.demo.teller import Somebody, Story, nhs_number
from agents.sending import Framing, Ready
from schemas.records import CloudEvent

ATTENDANCE = "hearth.school.AttendanceRecorded"
_KNOWN = ("hearth.social_care.RelationshipStated", "hearth.social_care.PractitionerRegistered")
_PER_FAMILY = 49  # measured events a family has on average: a first guess at how many families to make up


@dataclass(frozen=True)
class Feed:
    """What is published before the clock starts, and what is measured, framed as `hearth publish` frames it."""

    known: list[Ready]
    measured: list[Ready]
    kinds: dict[str, int]


def feed(framing: Framing, count: int, today: date, base: int = 0) -> Feed:
    """Make up a county whose measured events are `count`."""
    families = count // _PER_FAMILY + 1
    while True:
        known, rest = _parted(County(families, today, seed=base + 1, base=base).events())
        if len(rest) >= count:
            break
        families = families * (count + count // 20) // max(1, len(rest)) + 1
    rest = rest[:count]  # family by family still: the last families are left out
    rest.sort(key=_recorded)
    kinds: dict[str, int] = {}
    for _, event in rest:
        kind = "attendance" if event.type == ATTENDANCE else event.type.split(".")[1].replace("_", " ")
        kinds[kind] = kinds.get(kind, 0) + 1
    return Feed(list(framed(framing, known)), list(framed(framing, rest)), kinds)


def framed(framing: Framing, events: list[tuple[str, CloudEvent]]) -> Iterator[Ready]:
    """Frame events for their agencies' topics."""
    return (framing.ready(event, agency) for agency, event in events)


def _parted(
    events: Iterator[tuple[str, CloudEvent]],
) -> tuple[list[tuple[str, CloudEvent]], list[tuple[str, CloudEvent]]]:
    known, rest, pupils = [], [], set()
    for agency, event in events:
        pupil = event.data["about"]["persons"][0]["identifiers"][0]["value"] if event.type == ATTENDANCE else ""
        first = bool(pupil) and pupil not in pupils
        pupils.add(pupil)
        (known if first or event.type in _KNOWN else rest).append((agency, event))
    return known, rest


@dataclass(frozen=True)
class Primed:
    """Families with a lead professional in which one more event raises an alert; `triggers` are those events."""

    known: list[Ready]
    triggers: list[Ready]


def primed(framing: Framing, count: int, today: date, base: str) -> Primed:
    """Make up `count` such families: a domestic abuse incident with 16 of the DASH answers "yes" is the trigger."""
    known: list[tuple[str, CloudEvent]] = []
    triggers: list[tuple[str, CloudEvent]] = []
    staff = Story(f"{base}-staff", today)
    worker = staff.professional("social-care", "early-help-worker")
    known += staff.events
    for number in range(count):
        story = Story(f"{base}-{number}", today)
        child, mother, partner = (_somebody(number * 3 + n, today, years) for n, years in enumerate((9, 33, 35)))
        story.relate(child, mother, "mother")
        story.relate(child, partner, "partner")
        story.agree(mother, child, reference=f"{base}-{number}")
        story.lead(worker, child)
        story.involve(worker, child, "early help")
        story.domestic_abuse(mother, partner, 90, children=[child], dash=3)
        known += story.events
        story.domestic_abuse(mother, partner, 0, children=[child], dash=16)
        triggers.append(story.events[-1])
    return Primed(list(framed(framing, known)), list(framed(framing, triggers)))


def _somebody(number: int, today: date, years: int) -> Somebody:
    # every second number: one whose check digit would be 10 becomes the next; and far from the county's
    nhs = nhs_number(500_000 + number * 2)
    return Somebody("Robin", "Elm", today - timedelta(days=365 * years), nhs, "", f"9{number:06d}")


def _recorded(told: tuple[str, CloudEvent]) -> float:
    return told[1].data["about"]["recorded_at"].timestamp()
