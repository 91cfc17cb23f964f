"""A family's story for the tests of the commands, as files that agencies publish."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agents.demo.teller import Professional, Somebody, Story
from schemas.codec import to_json


@dataclass(frozen=True)
class Told:
    """The story's people, and the file of each agency."""

    child: Somebody
    mother: Somebody
    lead: Professional
    stranger: Professional
    duty: Professional
    officer: Professional
    files: dict[str, Path]
    cleared: tuple[Professional, Professional]


def tell(folder: Path) -> Told:
    """Tell of a child who is absent and not brought to appointments, whose mother agreed to early help."""
    story = Story("commands", datetime.now(UTC).astimezone(ZoneInfo("Europe/London")).date())
    child = story.child("Isolde", "2014-05-06", "Quillfeather")
    mother = story.adult("Maud", "1987-02-01", "Quillfeather")
    lead = story.professional("social-care", "early-help-worker", name="Pat Winterbourne")
    visitor = story.professional("health", "school-nurse", name="Lee Marchbanks")
    duty = story.professional("social-care", "duty-worker", subscriber="duty", clearance="shielded")
    stranger = story.professional("social-care", "social-worker", subscriber="social-care")
    officer = story.professional("social-care", "ig-officer")
    cleared = [story.professional("social-care", "ig-officer", clearance="sealed") for _ in range(2)]
    story.relate(child, mother)
    story.agree(mother, child)
    story.lead(lead, child)
    story.involve(lead, child, "Early help")
    story.involve(visitor, child, "School nursing")
    story.marks(child, "O", weeks=6)
    story.not_brought(child, 40)
    story.not_brought(child, 20)
    return Told(child, mother, lead, stranger, duty, officer, _files(story, folder), (cleared[0], cleared[1]))


def _files(story: Story, folder: Path) -> dict[str, Path]:
    files = {}
    for agency in ("social-care", "health", "school"):
        lines = [msgspec.json.encode(to_json(event)) for by, event in story.events if by == agency]
        files[agency] = folder / f"{agency}.jsonl"
        files[agency].write_bytes(b"\n".join(lines) + b"\n")
    return files


def sought(somebody: Somebody, born: date | None = None) -> str:
    """Return what `hearth find` reads of a person."""
    return json.dumps({"system": "nhs-number", "value": somebody.nhs, "birth_date": str(born or somebody.born)})


def people(told: Told) -> str:
    """Return what `hearth agreement` reads of those who agree."""
    said = [told.mother.said("social-care", "agreed-by"), told.child.said("social-care", "for")]
    return json.dumps(said, default=str)
