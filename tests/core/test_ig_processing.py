"""The record of processing and the facts for an impact assessment: all of the hub's files, and nothing but them."""

from __future__ import annotations

from datetime import date

from agents.adapters.topics import hub_topics
from agents.ig.processing import NOT_HERE, impact_facts, markdown, record
from consent import policy, sharing
from schemas.contract import contracts
from streams import topology
from streams.risk.rules import rule_book

ON = date(2026, 11, 23)


def test_every_purpose_category_agreement_and_store_of_the_hub_is_in_the_record() -> None:
    """Art 30(1)(b) to (f): from the same files that decide."""
    made = record(ON)
    assert {one["purpose"] for one in made["purposes"]} == set(sharing.purposes())
    assert {one["category"]: one["kept"] for one in made["categories"]} == {
        name: one.kept for name, one in sharing.categories().items()
    }
    assert {one["agency"] for one in made["sharing_agreements"]} == set(sharing.agencies())
    kept = {one["topic"]: one["kept"] for one in made["stores"]}
    assert set(kept) == {one.name for one in hub_topics(sharing.agencies(), (), 1)}
    assert kept[topology.inbound("school")] == "7 days"
    assert kept[topology.DECISIONS] == "until the keys are destroyed"
    assert made["policy_set"] == policy.load(policy.switched_on(ON)).digest


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
