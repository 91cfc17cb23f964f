"""(d) CPU per event of the family stage with few and with many families of two school years each; bytes per family."""

from __future__ import annotations

from tests.bench.crowd import WEEKS
from tests.bench.ground import Ground
from tests.bench.report import Figures

FEW, MANY = 10_000, 200_000
EVENTS = 20_000
_SECONDS = 3 * 3600.0


def run(ground: Ground, repeats: int) -> Figures:
    """Return the figures of both sizes, and their ratio."""
    figures = Figures()
    few, many = ground.count(FEW, 50), ground.count(MANY, 400)
    events, weeks = ground.count(EVENTS, 1_000), ground.count(WEEKS, 3)
    for families in (few, many):
        ground.say(f"(d) family stage: building {families:,} families of {weeks} school weeks, then {events:,} marks")
        room = ground.room("families")
        arguments = [ground.bootstrap, str(room), *(str(n) for n in (families, events, repeats, weeks))]
        child = ground.child("tests.bench.families_run", *arguments, log=ground.directory / f"families-{families}.txt")
        said = child.answer(_SECONDS)
        for cpu in said["cpu"]:
            figures.add(f"CPU µs/event, {families:,} families", cpu * 1e6)
        figures.add(f"bytes per family, {families:,} families: values", said["values"])
        figures.add(f"bytes per family, {families:,} families: on disk", said["disk"])
        figures.add(f"changelog bytes per event, {families:,} families", said["log"])
    figures.ratio(
        f"CPU per event, {many:,} ÷ {few:,}", f"CPU µs/event, {many:,} families", f"CPU µs/event, {few:,} families",
        at_most=1.2,
    )  # fmt: skip
    return figures
