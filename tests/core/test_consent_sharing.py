"""The agencies' agreements, what is sensitive, and the names of decisions."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from consent import decision
from consent.decision import Outcome, Ruling, decision_id, record
from consent.ground_rules import ground_rules
from consent.request import Request
from consent.sharing import agencies, agreements, category, purposes, sensitivity, sharing_agreement_state
from schemas.errors import Misconfigured
from schemas.ids import EventKey, FamilyId, ItemId
from schemas.records import Facts

SCHEMAS = Path(__file__).parents[2] / "schemas"
ON = date(2026, 11, 1)


def read_contracts() -> list[dict[str, Any]]:
    said = [json.loads(path.read_text()) for path in (SCHEMAS / "avro").glob("*/*.avsc")]
    return [contract for contract in said if "agencies" in contract.get("hearth", {})]


def test_every_agency_has_an_agreement_that_says_on_which_law_it_rests() -> None:
    """Parties, gateway, both articles, a policy document and a review date."""
    assert agencies() == ("health", "police", "school", "social-care")
    for agreement in agreements().values():
        assert agreement.parties
        assert all((agreement.law.gateway, agreement.law.article_6, agreement.law.condition))
        assert agreement.law.appropriate_policy_document
        assert agreement.dates.since < agreement.dates.review_on


def test_every_event_that_an_agency_may_publish_is_covered_by_its_agreement() -> None:
    """Otherwise the hub would accept what it may never use."""
    assert len(read_contracts()) > 30
    for contract in read_contracts():
        said = contract["hearth"]
        assert said["purpose"] in purposes()
        assert category(said["category"])
        for agency in said["agencies"]:
            state = sharing_agreement_state(agency, "hub", said["purpose"], said["category"], ON)
            assert state == "in-date", (contract["name"], agency)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("school", "hub", "early-help", "attendance", ON), "in-date"),
        (("school", "social-care", "early-help", "attendance", ON), "in-date"),
        (("school", "hub", "early-help", "attendance", date(2028, 9, 1)), "out-of-date"),
        (("school", "hub", "early-help", "attendance", date(2028, 8, 31)), "in-date"),
        (("school", "hub", "early-help", "attendance", date(2023, 8, 31)), "none"),
        (("school", "voluntary", "early-help", "attendance", ON), "none"),
        (("school", "voluntary", "early-help", "strength", ON), "in-date"),
        (("school", "hub", "secondary-use", "attendance", ON), "none"),
        (("school", "hub", "early-help", "offence", ON), "none"),
        (("housing", "hub", "early-help", "attendance", ON), "none"),
    ],
)
def test_an_agreement_covers_its_recipients_purposes_categories_and_dates(asked: Any, expected: str) -> None:
    """From its first day until its review; nothing that it does not name."""
    assert sharing_agreement_state(*asked) == expected


def test_an_unknown_category_stops_the_hub() -> None:
    """A contract that names one is wrong, not the event."""
    with pytest.raises(Misconfigured):
        category("gossip")


@pytest.mark.parametrize(
    ("type_", "category_", "data", "expected"),
    [
        ("hearth.health.AppointmentNotAttended", "health-contact", {"service": "sexual-health"}, "sexual-health"),
        ("hearth.health.AppointmentNotAttended", "health-contact", {"service": "dentistry"}, "none"),
        (
            "hearth.social_care.InvolvementStarted",
            "involvement",
            {"service": "Young people's Sexual Health"},
            "sexual-health",
        ),
        ("hearth.social_care.InvolvementStarted", "involvement", {"service": "Archive"}, "none"),
        ("hearth.social_care.EpisodeClosed", "social-care-status", {"reason": "RC1"}, "adoption"),
        ("hearth.school.PupilLeftRoll", "school-roll", {"reason": "RC1"}, "none"),
    ],
)
def test_sensitive_kinds_are_told_from_codes(type_: str, category_: str, data: dict[str, Any], expected: str) -> None:
    """Whatever category the item is of; and not from a word inside another word."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    facts = Facts(type_, "health", "s", "d", at, at, "subject", category_, "early-help", data=data)
    assert sensitivity(facts) == expected


def test_the_rules_of_grounds_use_codes_that_exist() -> None:
    """A threshold on a code that no publisher can send would never open anything."""
    by_type = {f"{c['namespace']}.{c['name']}": {f["name"]: f for f in c["fields"]} for c in read_contracts()}
    for rule in (*ground_rules().opens, *ground_rules().closes):
        fields = by_type[rule.type]
        for name, values in rule.when.items():
            codes = tomllib.loads((SCHEMAS / "codes" / f"{fields[name]['codes']}.toml").read_text())["codes"]
            assert values <= set(codes), rule
        assert not rule.key or rule.key in fields


RULING = Ruling(Outcome.SHARE, ("a-rule",), removed=("source",), article_6="6(1)(e)")
ASKED = Request(
    "disclose", "social-worker", "statutory", "normal", "involved", "none", "attendance", "none", "normal", "school",
    "early-help", "in-date", "in-force", "none", "none",
)  # fmt: skip
CAUSE: dict[str, Any] = {
    "family": FamilyId("f_1"),
    "recipient": "w_1",
    "policy_set": "aa",
    "register_version": "bb",
    "event": EventKey("e"),
}


def test_a_replayed_decision_has_the_id_it_had_and_no_other_has() -> None:
    """It follows from event, stage, family, recipient, register and policies; a look's instant tells looks apart."""
    first = decision_id(stage="link", **CAUSE)
    assert first == decision_id(stage="link", **CAUSE)
    assert len(first) == 34
    others = [decision_id(stage="link", **{**CAUSE, field: "other"}) for field in CAUSE]
    others += [decision_id(stage="look", **CAUSE), decision_id(stage="link", occasion="now", **CAUSE)]
    assert len({first, *others}) == len(CAUSE) + 3
    one, two = ItemId("a.1"), ItemId("b.2")
    assert decision_id(stage="link", items=(one, two), **CAUSE) == decision_id(stage="link", items=(two, one), **CAUSE)


def test_a_record_says_what_was_decided_and_reads_back() -> None:
    """All that the ruling and the request say stands in it; what concerns a sealed item is for the sealed log."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    made = record(RULING, ASKED, decided_at=at, salt=b"s" * 16, agreement="e9", **CAUSE)
    assert (made.stage, made.outcome, made.agreement, made.agreement_state) == ("disclose", "share", "e9", "in-force")
    assert (made.rules, made.removed, made.article_6, made.log) == (("a-rule",), ("source",), "6(1)(e)", "main")
    assert decision.decode(decision.encode(made)) == made
    sealed = record(RULING, ASKED._replace(tier="sealed"), decided_at=at, salt=b"", **CAUSE)
    assert sealed.log == "sealed"
