"""A recipient sees what their role and purpose need, and never where a shielded family is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from consent import trial
from consent.engine import Engine
from consent.minimise import Minimised, minimise, removed_fields, rules
from consent.request import Request
from schemas.ids import PersonId
from schemas.records import Facts, Ground, Identifier, Party, PersonAsKnown

CHILD, MOTHER, STRANGER = (PersonId(p) for p in ("p_child", "p_mother", "p_stranger"))
FAMILY = (CHILD, MOTHER)
INCIDENT = {
    "reference": "D1",
    "dash_yes": 15,
    "children_present": True,
    "voice_of_child": "what the child said",
    "circumstances": "what happened",
    "features": ["physical-violence"],
    "crime": True,
}
TELL = Request(
    action="disclose",
    role="social-worker",
    sector="statutory",
    clearance="normal",
    involved="involved",
    party="none",
    category="domestic-abuse",
    sensitivity="none",
    tier="normal",
    publisher="police",
    purpose="safeguarding",
    sharing_agreement="in-date",
    agreement="none",
    ground="significant-harm",
    approver="none",
)


def facts(type_: str = "hearth.police.DomesticAbuseIncidentAttended", **more: Any) -> Facts:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    said = PersonAsKnown(
        "child",
        (Identifier("upn", "A950000178301"),),
        "Archer",
        address="12 Mill Lane",
        postcode="XX1 1XX",
        uprn="1",
        phone="01",
    )
    standard: dict[str, Any] = {
        "type": type_,
        "agency": "police",
        "source": "urn:police:station-at-mill-lane",
        "digest": "digest-of-all",
        "happened_at": at,
        "recorded_at": at,
        "role": "child",
        "category": "domestic-abuse",
        "purpose": "safeguarding",
        "parties": (Party(MOTHER, "victim"), Party(STRANGER, "alleged")),
        "ground": Ground("significant-harm", "free text", "PC 99"),
        "data": dict(INCIDENT),
        "said": said,
    }
    return Facts(**{**standard, **more})


def seen(request: Request, of: Facts | None = None) -> Minimised:
    return minimise(of or facts(), removed_fields(request), FAMILY)


def test_a_social_worker_in_harm_sees_the_incident_but_not_who_decided() -> None:
    """What protects a child is there; numbers, sources and names of referrers are not."""
    found = seen(TELL)
    assert found.facts.data == INCIDENT
    assert found.facts.ground is not None
    assert (found.facts.ground.decided_by, found.facts.source) == ("", "")
    assert found.facts.said is not None
    assert found.facts.said.identifiers == ()
    assert found.facts.said.family_name == "Archer"
    assert {"ground.decided_by", "said.identifiers", "source"} <= set(found.removed)


def test_no_other_familys_people_are_told() -> None:
    """People outside the family stay out, whoever asks; and informants always."""
    assert seen(TELL).facts.parties == (Party(MOTHER, "victim"),)
    assert "parties" in seen(TELL).removed
    informed = facts(parties=(Party(MOTHER, "informant"),))
    assert seen(TELL, informed).facts.parties == ()


@pytest.mark.parametrize("clearance", ["normal", "sensitive"])
def test_a_shielded_item_does_not_tell_where_anyone_is(clearance: str) -> None:
    """Address, postcode, property, phone, school, source and every free text go, unless the recipient is cleared."""
    shielded = facts(data={**INCIDENT, "establishment": "123456", "note": "at her sister's in Mill Lane"})
    found = seen(TELL._replace(tier="shielded", clearance=clearance), shielded)
    for place in ("Mill", "XX1", "123456", "what happened", "what the child said", "free text"):
        assert place not in str(found.facts)
    assert found.facts.data["dash_yes"] == 15
    cleared = seen(TELL._replace(tier="shielded", clearance="shielded"), shielded)
    assert "12 Mill Lane" in str(cleared.facts)


def test_the_key_adult_hears_what_encompass_tells() -> None:
    """Circumstances and the child's voice, not the police's scores."""
    found = seen(TELL._replace(role="designated-safeguarding-lead", ground="encompass"))
    assert {"circumstances", "voice_of_child"} <= set(found.facts.data)
    assert {"dash_yes", "crime", "reference"}.isdisjoint(found.facts.data)


@pytest.mark.parametrize("role", ["teacher", "special-needs-coordinator", "education-welfare-officer"])
def test_other_school_staff_see_headlines(role: str) -> None:
    """No circumstances, no notes, no features."""
    found = seen(
        TELL._replace(role=role, category="concern"), facts(data={**INCIDENT, "note": "a sentence", "level": "worried"})
    )
    assert {"circumstances", "voice_of_child", "note", "features", "dash_yes"}.isdisjoint(found.facts.data)
    assert found.facts.data["level"] == "worried"


def test_the_voluntary_sector_gets_no_details() -> None:
    """A strength, that it was seen, and no more."""
    strength = facts(
        "hearth.any_agency.StrengthObserved", data={"strength": "kin-support", "practitioner": {"id": "7"}}
    )
    found = seen(TELL._replace(sector="voluntary", role="voluntary-worker", category="strength"), strength)
    assert found.facts.data == {"strength": "kin-support"}
    assert found.facts.said is not None
    assert found.facts.said.address is None
    assert found.facts.ground is not None
    assert found.facts.ground.rationale == ""


@pytest.mark.parametrize(("code", "told"), [("1A", False), ("1B", False), ("9", False), ("2A", True), ("6", True)])
def test_a_private_referrer_is_never_told_on(code: str, told: bool) -> None:
    """Individuals and those who wished to be anonymous; a service that referred is named."""
    referral = facts("hearth.social_care.ReferralReceived", data={"source": code, "need": "N1"})
    found = seen(TELL._replace(category="social-care-status"), referral)
    assert ("source" in found.facts.data) is told
    assert found.facts.data["need"] == "N1"


def test_free_text_rests_on_a_ground() -> None:
    """On agreement alone the narrative stays where it was written."""
    found = seen(TELL._replace(ground="none", agreement="in-force", purpose="early-help"))
    assert {"circumstances", "voice_of_child"}.isdisjoint(found.facts.data)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"body": "local-authority"}, True),
        ({"body": "school", "role": "designated-safeguarding-lead"}, False),
        ({"body": "nhs", "role": "school-nurse"}, False),
        ({"body": "local-authority", "purpose": "secondary-use"}, False),
        ({"body": "local-authority", "involved": "break-glass"}, False),
    ],
)
def test_who_found_a_young_person_competent_is_told_to_the_authority_s_own_workers(
    more: dict[str, str], told: bool
) -> None:
    """Whoever relies on it can ask them; for others it is enough that somebody found it, and on what day."""
    data = {"agreement": "Y1", "capacity": "competent-young-person", "assessed_by": "Ann Nurse"}
    given = facts("hearth.agreement.AgreementGiven", data=data)
    found = seen(TELL._replace(category="agreement", purpose="early-help")._replace(**more), given)
    assert ("assessed_by" in found.facts.data) is told
    assert ("data.assessed_by" in found.removed) is not told


def test_released_and_removed_are_all_there_was() -> None:
    """Every field that said something is in one of the two lists, and a digest of what is gone goes too."""
    found = seen(TELL._replace(role="teacher", category="concern"))
    assert set(found.released).isdisjoint(set(found.removed) - {"parties"})
    fields = {f"data.{name}" for name in INCIDENT} | {"source", "said.address", "said.identifiers", "ground.claim"}
    assert fields <= set(found.released) | set(found.removed)
    assert found.facts.digest == ""


def test_a_link_takes_nothing_out_and_a_ruling_says_what_a_disclosure_does() -> None:
    """The hub keeps what was said, sealed; the engine's ruling carries the same list as the rules."""
    assert removed_fields(TELL._replace(action="link", role="hub", sector="hub")) == ()
    assert Engine().rule(TELL).removed == removed_fields(TELL)


def test_what_is_removed_is_what_the_rules_that_fit_remove_one_by_one() -> None:
    """However it is worked out: for every request of the policies' cases."""
    for request in {request for _, request in trial.table().cases}:
        fitting = [r for r in rules().rule if all(getattr(request, field) in r.when[field] for field in r.when)]
        assert removed_fields(request) == tuple(sorted({field for rule in fitting for field in rule.remove}))
