"""The record of processing and the facts for an impact assessment: all of the hub's files, and nothing but them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from agents.adapters.keys import FIRST_SUBSCRIBERS
from agents.adapters.topics import hub_topics
from agents.ig.processing import NOT_HERE, impact_facts, markdown, record
from consent import break_glass, policy, retention, sharing
from schemas.contract import contracts
from streams import topology
from streams.risk.rules import rule_book

ON = date(2026, 11, 23)
ROOT = Path(sharing.__file__).parents[2]


def test_every_purpose_category_agreement_and_store_of_the_hub_is_in_the_record() -> None:
    """Art 30(1)(b) to (f): from the same files that decide."""
    made = record(ON)
    assert {one["purpose"] for one in made["purposes"]} == set(sharing.purposes())
    assert {one["category"] for one in made["categories"]} == set(sharing.categories())
    assert {one["agency"] for one in made["sharing_agreements"]} == set(sharing.agencies())
    kept = {one["topic"]: one["kept"] for one in made["stores"]}
    assert set(kept) == {one.name for one in hub_topics(sharing.agencies(), FIRST_SUBSCRIBERS, 1)}
    assert kept[topology.inbound("school")] == "7 days"
    assert kept[topology.alerts_to("duty")] == "90 days, of each key the latest record alone"
    assert {one["store"] for one in made["stores_beside_the_topics"]} >= {"key store", "projection (SQL)"}
    assert made["policy_set"] == policy.load(policy.switched_on(ON)).digest


def test_only_what_a_key_seals_is_said_to_end_with_it() -> None:
    """Decisions, checkpoints and cases are under no key: they stay, and the record says so."""
    kept = {one["topic"]: one["kept"] for one in record(ON)["stores"]}
    assert kept[topology.FAMILY_ITEMS] == "sealed, each part until its person's key is destroyed"
    for topic in (topology.DECISIONS, topology.DECISIONS_SEALED, topology.CHECKPOINTS, topology.IG_CASES,
                  topology.ALERTS, topology.ALERT_OUTCOMES):  # fmt: skip
        assert kept[topic] == "for ever: pseudonyms and codes, under no key"
    assert "after 90 days" in kept[topology.REVIEW]


def test_how_long_it_is_kept_is_what_the_hub_applies() -> None:
    """The classes by which a record's end is worked out, and no other words about it: in exported agreements too."""
    made = record(ON)
    applied = {one.id: [f"{p.years} years from {p.trigger}" for p in one.hub] for one in retention.classes()}
    assert {one["id"]: one["kept_here"] for one in made["retention"]} == applied
    assert {one["kept"] for one in made["categories"]} == {"with the person's record: see retention"}
    assert all(one.title in retention.in_words() for one in retention.classes())
    assert all(f"{p.years} years" in retention.in_words() for one in retention.classes() for p in one.hub)


def test_holds_the_reasons_for_destruction_and_break_glass_are_in_it() -> None:
    """Each with its source; and what of them nobody has confirmed."""
    made = impact_facts(ON)
    assert {one["reason"] for one in made["legal_holds"]} == set(retention.reasons().hold)
    assert {one["reason"] for one in made["destruction"]} == set(retention.reasons().propose)
    assert {one["reason"] for one in made["break_glass"]} == set(break_glass.terms().reasons)
    assert {one["hours"] for one in made["break_glass"]} == {break_glass.terms().hours}
    assert {f"retention class: {one.id}" for one in retention.classes() if not one.checked} <= set(made["unconfirmed"])
    assert any(one.startswith("retention: the reasons") for one in made["unconfirmed"])
    assert any(one.startswith("break-glass") for one in made["unconfirmed"])


def test_every_table_that_the_hub_loads_is_named_in_it() -> None:
    """Whoever reads the record can ask for the very file; and a table that is read from elsewhere would show."""
    named = {one["file"] for one in record(ON)["made_from"]}
    read = r"[A-Za-z0-9_-]+\.toml"
    said = {name for room in ("schemas", "consent", "streams", "agents") for code in (ROOT / room).rglob("*.py")
            if "demo" not in code.parts for name in re.findall(rf'"({read})"', code.read_text("utf-8"))}  # fmt: skip
    assert said
    assert said - {"subscribers.toml"} <= {Path(name).name for name in named}  # the operator's own registry
    assert {f"consent/sharing/{name}.toml" for name in sharing.agencies()} <= named
    assert "consent/break_glass.toml" in named


def test_an_agreement_past_its_review_is_said_to_be_out_of_date() -> None:
    """On its review date, not the day before."""
    school = sharing.agreements()["school"]

    def standing(on: date) -> str:
        return next(str(one["standing"]) for one in record(on)["sharing_agreements"] if one["agency"] == "school")

    assert standing(ON) == "in date"
    assert standing(school.dates.review_on) == "OUT OF DATE"


def test_the_impact_facts_hold_every_policy_contract_and_combination() -> None:
    """And what law is not in force yet, and what nobody has confirmed."""
    made = impact_facts(ON)
    in_force = policy.load(policy.switched_on(ON)).by_number.values()
    assert {one["rule"] for one in made["decisions_by_rule"]} == {one.id for one in in_force}
    assert {one["type"] for one in made["events"]} == set(contracts())
    assert {one["id"] for one in made["combinations"]} == {one.id for one in rule_book().rules}
    assert {one["switch"] for one in made["law_not_in_force"]} == set(policy.switches())
    assert "behaviour watch: night" in made["unconfirmed"]
    assert "combination: parental-trio" in made["unconfirmed"]


def test_law_that_nobody_confirmed_is_named() -> None:
    """Policies, those behind a switch too, the meaning of what people record, and the rows of law themselves."""
    named = set(impact_facts(ON)["unconfirmed"])
    every = policy.load(policy.switches()).by_number.values()
    assert {f"policy: {one.id}" for one in every if not one.checked} == {n for n in named if n.startswith("policy: ")}
    assert {"policy: encompass-link", "policy: duty-to-disclose-2026", "judgement: approved"} <= named
    assert "policy: cause-to-suspect-significant-harm" not in named
    assert "law of the cases: duty-to-disclose-2026: the day it comes into force" in named


def test_what_the_files_cannot_tell_is_named_as_missing() -> None:
    """The controller's address is not made up."""
    page = markdown(record(ON))
    assert all(one in page for one in NOT_HERE)
    assert page.startswith("# Record of processing\n")
    assert markdown(impact_facts(ON)).startswith("# Facts for an impact assessment\n")
