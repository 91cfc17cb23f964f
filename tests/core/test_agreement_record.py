"""An agreement as a consent record: in the layout of the community group's guide, in terms that DPV has."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from consent.agreement_list import shown
from consent.agreement_record import agreement_id, consent_records, terms
from consent.sharing import categories, purposes
from schemas.codes import code_list
from schemas.ids import FamilyId
from tests.core.register_kit import (
    CHILD,
    FATHER,
    MOTHER,
    NOON,
    Said,
    gave,
    refused,
    register,
    withdrew,
)
from tests.core.test_agreements_known_when import FOUND_COMPETENT, NARROWED, arriving, listed, own

FAMILY, DAY = FamilyId("f_1"), date(2026, 3, 1)
NEEDED = (  # the guide's mandatory fields of the record itself
    "dct:conformsTo", "dpv:hasIdentifier", "dpv:hasDataSubject", "dct:created", "dct:creator", "dct:language",
    "dpv:hasProcess", "dpv:hasEntity",
)  # fmt: skip
NEEDED_OF_A_PROCESS = (
    "dpv:hasPurpose", "dpv:hasPersonalData", "dpv:hasProcessing", "dpv:hasDataController", "dpv:hasDataSource",
    "dpv:hasStorageCondition", "dpv:hasRecipient", "dpv:hasLegalBasis", "dpv:hasConsentStatus",
)  # fmt: skip
# read from DPV 2.1 (dpv.ttl), one by one
_READ = (
    "ConsentExpired ConsentGiven ConsentRecord ConsentRefused ConsentRevoked ConsentUnknown ConsentWithdrawn "
    "DataController DataControllerDataSource DataSubject GuardianOfDataSubject ParentOfDataSubject PersonalData "
    "Process ProtectionOfPublicSecurity PublicBenefit PublicInterest Purpose Recipient Representative "
    "RequestedServiceProvision ResearchAndDevelopment ServiceProvision Share SpecialCategoryPersonalData "
    "StorageDuration Store ThirdPartyDataSource UntilEventDuration UntilTimeDuration Use hasApplicableLaw "
    "hasConsentStatus hasDataController hasDataSource hasDataSubject hasDuration hasEntity hasIdentifier "
    "hasJurisdiction hasLegalBasis hasName hasPersonalData hasProcess hasProcessing hasPurpose hasRecipient "
    "hasStorageCondition isExercisedAt isIndicatedAtTime isIndicatedBy"
)
DPV = frozenset(_READ.split())


def records(*items: Said, by: Any = MOTHER, on: date = DAY) -> list[dict[str, Any]]:
    return consent_records(FAMILY, listed(register(*items), on)[by], on, NOON)


def status(*items: Said, by: Any = MOTHER, about: Any = CHILD) -> str:
    (found,) = [r for r in records(*items, by=by) if r["dpv:hasDataSubject"]["dpv:hasIdentifier"] == about]
    return str(found["dpv:hasProcess"][0]["dpv:hasConsentStatus"][0]["@type"][0])


def terms_in(value: Any) -> set[str]:
    """Every `dpv:` term that stands anywhere in a record, as a name or as a value."""
    if isinstance(value, dict):
        return {name for name in value if name.startswith("dpv:")} | terms_in(list(value.values()))
    if isinstance(value, list):
        return {term for one in value for term in terms_in(one)}
    return {value} if isinstance(value, str) and value.startswith("dpv:") else set()


EVERY_KIND = [
    ((gave(until="2026-06-01"),), MOTHER),
    ((gave(until="2026-02-01"),), MOTHER),
    ((gave(), NARROWED), MOTHER),
    ((gave(), withdrew()), MOTHER),
    ((gave(), refused(by=FATHER)), MOTHER),
    ((refused(),), MOTHER),
    ((gave("y", by=CHILD, ref="Y1", about=CHILD, **FOUND_COMPETENT),), CHILD),
]


@pytest.mark.parametrize(("items", "by"), EVERY_KIND)
def test_every_record_has_the_mandatory_fields_and_only_terms_that_dpv_has(items: tuple[Said, ...], by: Any) -> None:
    """A refusal names no data and no recipients; everything else is there whatever the state."""
    for one in records(*items, by=by):
        assert all(one[field] for field in NEEDED)
        wanted = NEEDED_OF_A_PROCESS if one["hearth:state"] != "refused" else ("dpv:hasConsentStatus",)
        assert all(process[field] for process in one["dpv:hasProcess"] for field in wanted)
        assert {term.removeprefix("dpv:") for term in terms_in(one)} <= DPV
        assert json.loads(json.dumps(one)) == one


def test_a_record_has_one_data_subject() -> None:
    """An agreement for the child and the mother herself is two records, with identifiers of their own."""
    found = records(gave())
    assert [one["dpv:hasDataSubject"]["dpv:hasIdentifier"] for one in found] == [CHILD, MOTHER]
    assert len({one["dpv:hasIdentifier"] for one in found}) == 2


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((gave(),), "dpv:ConsentGiven"),
        ((gave(), NARROWED), "dpv:ConsentGiven"),
        ((gave(until="2026-02-01"),), "dpv:ConsentExpired"),
        ((refused(),), "dpv:ConsentRefused"),
        ((gave(), withdrew()), "dpv:ConsentRevoked"),
        ((gave(), refused(by=FATHER)), "dpv:ConsentUnknown"),
        ((gave(), own()), "dpv:ConsentUnknown"),
    ],
)
def test_each_state_is_told_in_the_vocabularys_own_word(items: tuple[Said, ...], expected: str) -> None:
    """A parent's withdrawal is a revocation by another than the data subject; a dispute is nothing to rely on."""
    assert status(*items) == expected


def test_a_persons_own_withdrawal_is_a_withdrawal() -> None:
    """Of what is theirs."""
    assert status(gave(), withdrew(), about=MOTHER) == "dpv:ConsentWithdrawn"


def test_a_record_says_by_what_right_and_how_far_competence_was_found_to_reach() -> None:
    """Assessor, day and scope."""
    yes = gave("y", by=CHILD, ref="Y1", about=CHILD, **FOUND_COMPETENT, competent_categories=["attendance"])
    (one,) = records(yes, by=CHILD)
    assert one["hearth:competence"] == {
        "hearth:right": "assessed",
        "hearth:capacity": "competent-young-person",
        "hearth:assessedBy": "staff 12",
        "hearth:assessedOn": "2026-01-10",
        "hearth:purposes": ["early-help"],
        "hearth:categories": ["attendance"],
    }


def test_a_record_says_what_was_known_when() -> None:
    """As of which day, as known at which instant, and when the hub knew of each step."""
    found = arriving((gave(), 0), (withdrew(), 5))
    (one, _) = consent_records(FAMILY, listed(found)[MOTHER], DAY, NOON + timedelta(hours=6))
    assert [step["hearth:knownAt"] for step in one["hearth:steps"]] == ["2026-03-01T12:00:00Z", "2026-03-01T17:00:00Z"]
    assert (one["hearth:asOf"], one["hearth:knownAt"]) == ("2026-03-01", "2026-03-01T18:00:00Z")


def test_a_record_says_what_nobody_could_check() -> None:
    """The standard itself is sold and was not read."""
    (one, _) = records(gave())
    assert any("ISO/IEC TS 27560" in said for said in one["hearth:unchecked"])
    assert terms()["record"]["checked"] is False


def test_what_a_reader_is_not_told_is_left_out_and_named() -> None:
    """The assessor's name goes to nobody; people outside the family are not told of."""
    yes = gave("y", by=CHILD, ref="Y1", about=CHILD, **FOUND_COMPETENT)
    one = shown(listed(register(yes))[CHILD], {"data.assessed_by"}, {CHILD})
    assert (one.competence.assessed_by, one.removed) == ("", ("data.assessed_by",))
    stranger = shown(listed(register(gave()))[MOTHER], set(), {CHILD})
    assert (stranger.by, stranger.whom, stranger.removed) == ("", (CHILD,), ("parties",))


def test_every_purpose_has_a_term_and_every_term_is_for_a_word_of_the_hub() -> None:
    """A new purpose stops here until somebody says what DPV calls it."""
    said = terms()
    assert set(said["purposes"]) - {"source", "checked"} == set(code_list("purposes").codes) == set(purposes())
    assert set(said["categories"]) - {"source", "checked"} <= set(categories())
    assert set(said["special"]["categories"]) <= set(categories())


def test_an_agreements_id_holds_its_family_and_tells_no_reference() -> None:
    """So that one can be asked for alone."""
    one = listed(register(gave(ref="Quillfeather-7")))[MOTHER]
    found = agreement_id(FAMILY, one)
    assert found.startswith("f_1.")
    assert "Quillfeather" not in found
