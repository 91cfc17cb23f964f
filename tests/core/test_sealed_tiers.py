"""The four tiers, end to end: what is open, sensitive, shielded and sealed to whom, and how it is minimised."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from agents.demo.people import Professional, Somebody
from agents.demo.teller import Story
from consent.engine import Engine
from consent.minimise import minimise, removed_fields
from schemas import avro_files
from schemas.contract import Contract, contracts
from schemas.records import Facts, PersonAsKnown
from streams.disclose import View
from tests.core.test_consent_minimise import TELL
from tests.stories.told import InMemory

TODAY = date(2026, 6, 30)
ENGINE = Engine()
PLACES = frozenset(("establishment", "practice", "destination", "organisation", "team"))
"""Coded, or a reference, and a place all the same."""


def free_text(contract: Contract) -> set[str]:
    """The contract's own fields whose words are anybody's: text, and no code list that says what it may be."""
    named = avro_files.records(contract.schema)
    coded = {path.path[0] for path in contract.coded}
    found = set()
    for field in contract.schema["fields"]:
        kind = avro_files.plain(field["type"], named)
        text = kind["type"] == "string" or (kind["type"] == "array" and kind["items"] == "string")
        dated = "logicalType" in kind or kind.get("type") == "enum"
        if field["name"] != "about" and text and not dated and field["name"] not in coded:
            found.add(field["name"])
    return found


@pytest.mark.parametrize("name", sorted(contracts()))
@pytest.mark.parametrize("clearance", ["normal", "sensitive"])
def test_nothing_in_a_shielded_event_of_any_type_tells_where_anybody_is(name: str, clearance: str) -> None:
    """Whatever is free text, names a place or a worker, or says where the publisher sat, is gone; codes stay."""
    contract = contracts()[name]
    fields = {field["name"] for field in contract.schema["fields"]} - {"about"}
    data: dict[str, Any] = dict.fromkeys(fields - {"practitioner", "manager"}, "12 Mill Lane")
    for worker in fields & {"practitioner", "manager"}:
        data |= {f"{worker}_id": "w_1", f"{worker}_agency": "health"}
    at = datetime(2026, 3, 1, tzinfo=UTC)
    known = PersonAsKnown("subject", address="12 Mill Lane", postcode="XX1 1XX", uprn="1", phone="01")
    facts = Facts(
        name, "health", "urn:mill-lane", "digest", at, at, "subject", contract.category, "safeguarding",
        tier="shielded", data=data, said=known,
    )  # fmt: skip
    asked = TELL._replace(tier="shielded", clearance=clearance, category=contract.category)
    result = minimise(facts, removed_fields(asked), ())
    tells = (free_text(contract) | (PLACES & fields)) - {"assessed_by"}
    tells |= {f"{worker}_id" for worker in fields & {"practitioner", "manager"}}
    left = tells & result.facts.data.keys()
    assert not left, f"{name} still tells {sorted(left)}"
    assert {f"data.{field}" for field in tells} <= set(result.removed), "what was removed is recorded by its name"
    assert result.facts.source == result.facts.digest == ""
    assert result.facts.said is not None
    assert not any(getattr(result.facts.said, f) for f in ("address", "postcode", "uprn", "phone"))


def family(tier: str, clearance: str) -> tuple[InMemory, Story, Professional, Somebody]:
    """Mia's lead, with this clearance, and one missed appointment of this tier among what is open."""
    hub, story = InMemory(), Story(f"tier {tier} {clearance}", TODAY)
    mia, jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
    lead = story.professional("social-care", "early-help-worker", clearance=clearance)
    story.relate(mia, jo, "mother")
    story.agree(jo, mia)
    story.lead(lead, mia)
    story.strength("school", mia, 20, "attendance-recovered")
    story.not_brought(mia, 9, tier=tier)
    hub.happens(story)
    return hub, story, lead, mia


def told(view: View | None) -> set[str]:
    return {line.what for line in view.lines} if view else set()


@pytest.mark.parametrize(
    ("tier", "least"), [("normal", "normal"), ("sensitive", "sensitive"), ("shielded", "normal"), ("sealed", "sealed")]
)
@pytest.mark.parametrize("clearance", ["normal", "sensitive", "shielded", "sealed"])
def test_an_item_is_shown_from_the_clearance_up_that_its_tier_asks_for(tier: str, least: str, clearance: str) -> None:
    """Sensitive from sensitive up, sealed for sealed alone; a shielded one is shown to all, without where."""
    hub, story, lead, mia = family(tier, clearance)
    order = ["normal", "sensitive", "shielded", "sealed"]
    view = hub.reads(story, lead, mia)
    assert view is not None
    shown = order.index(clearance) >= order.index(least)
    assert ("AppointmentNotAttended" in told(view)) is shown
    assert "StrengthObserved" in told(view), "what is open stays open"


def test_what_is_sealed_is_decided_in_a_log_of_its_own() -> None:
    """Nothing of a sealed item stands in the open log, not even that something was decided."""
    hub, _, _, _ = family("sealed", "normal")
    sealed = [d for d in hub.hub.trace.log if d.log == "sealed"]
    assert [d.category for d in sealed] == ["health-contact"]
    assert "health-contact" not in {d.category for d in hub.hub.trace.log if d.log == "main"}


def test_a_shielded_workers_team_and_telephone_are_not_shown_among_colleagues() -> None:
    """The refuge worker's involvement is shielded: that somebody works there would tell where the family is."""
    hub, story, lead, mia = family("normal", "normal")
    worker = story.professional("health", "health-visitor", name="Ann Refuge")
    story.tell(
        "health", "social_care.InvolvementStarted", [(mia, "child")], 5, tier="shielded",
        practitioner=worker.reference(), service="outreach", since=TODAY,
    )  # fmt: skip
    hub.happens(story)
    view = hub.reads(story, lead, mia)
    assert view is not None
    assert "Ann Refuge" not in {colleague.name for colleague in view.colleagues}
    line = next(line for line in view.lines if line.what == "InvolvementStarted")
    assert not {"service", "practitioner_id"} & line.detail.keys()
