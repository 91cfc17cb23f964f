"""What Avro cannot say: who may publish, codes on their day, dates that can be, people named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.checking import check
from schemas.codec import decode, encode_binary, from_json
from schemas.contract import contracts
from schemas.errors import Refusal
from schemas.meaning import signs
from schemas.records import CloudEvent
from schemas.samples import sample
from tests.core.schemas_kit import ATTENDANCE, EMERGENCY, TYPES, about, attendance

DOMESTIC = "hearth.police.DomesticAbuseIncidentAttended"
ASSESSED = "hearth.social_care.AssessmentCompleted"
AGENCIES = ("school", "health", "police", "social-care")


def changed(type_: str, **changes: Any) -> CloudEvent:
    event = sample(type_)
    event["data"].update(changes)
    return from_json(event)


def own(event: CloudEvent, agency: str) -> CloudEvent:
    """Return the event as this agency would send it: a practitioner in it is its own."""
    worker = event.data.get("practitioner")
    data = event.data | {"practitioner": worker | {"agency": agency}} if worker else event.data
    return msgspec.structs.replace(event, data=data)


def refused(event: CloudEvent, agency: str = "") -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        check(event, agency or contracts()[event.type].agencies[0])
    return caught.value.path, caught.value.code


def remarks(event: CloudEvent) -> list[tuple[str, str]]:
    return [(remark.path, remark.code) for remark in check(event, contracts()[event.type].agencies[0])]


@pytest.mark.parametrize("type_", TYPES)
def test_every_sample_passes_without_remark_for_who_may_publish_it_and_no_other(type_: str) -> None:
    """A publisher can start from the sample; an agency speaks for itself only."""
    event = from_json(sample(type_))
    for agency in AGENCIES:
        if agency in contracts()[type_].agencies:
            assert check(own(event, agency), agency) == []
        else:
            assert refused(event, agency) == ("type", "not-your-type")


@pytest.mark.parametrize(
    ("event", "path", "code"),
    [
        (attendance(code="@"), "data.code", "unknown-code"),
        (attendance(code="o"), "data.code", "unknown-code"),
        (attendance(code=""), "data.code", "unknown-code"),
        (attendance(code="H"), "data.code", "code-not-valid-then"),
        (attendance(code="Y4", session_date="2024-03-01"), "data.code", "code-not-valid-then"),
        (attendance(session="pm"), "data.session", "unknown-code"),
        (attendance(session_date="0825-03-10"), "data.session_date", "impossible-date"),
        (attendance(session_date="2205-03-10"), "data.session_date", "impossible-date"),
    ],
)
def test_a_mark_that_cannot_be_is_refused_at_its_field(event: dict[str, Any], path: str, code: str) -> None:
    """That event alone: the others of its file are not touched."""
    assert refused(from_json(event)) == (path, code)


def test_an_old_code_in_an_old_session_is_accepted() -> None:
    """A code is judged on the day of the session, not on the day it arrives."""
    assert check(from_json(attendance(code="H", session_date="2023-05-02")), "school") == []
    assert check(from_json(attendance(code="Y4", session_date="2024-09-02")), "school") == []


@pytest.mark.parametrize(
    ("event", "path", "code"),
    [
        (changed(EMERGENCY, reasons=["illness", "flu"]), "data.reasons[1]", "unknown-code"),
        (changed(EMERGENCY, arrived_at="1825-03-10T00:00:00Z"), "data.arrived_at", "impossible-date"),
        (changed(DOMESTIC, dash_yes=25), "data.dash_yes", "out-of-range"),
        (changed(DOMESTIC, dash_yes=-1), "data.dash_yes", "out-of-range"),
        (changed(ASSESSED, factors=["3B", "99Z"]), "data.factors[1]", "unknown-code"),
        (changed(ASSESSED, factors=["18A"]), "data.factors[0]", "code-not-valid-then"),
        (changed("hearth.health.SafeguardingFlagSet", flag="836881000000106"), "data.flag", "unknown-code"),
        (changed("hearth.sharing.ProcessingRestricted", on_ground="bored"), "data.on_ground", "unknown-code"),
        (changed("hearth.sharing.RestrictionLifted", told_on="2025-03-22"), "data.told_on", "impossible-date"),
        (changed("hearth.sharing.RestrictionLifted", told_on="1825-03-20"), "data.told_on", "impossible-date"),
        (about(purpose="gossip"), "data.about.purpose", "unknown-code"),
        (about(tier="secret"), "data.about.tier", "unknown-code"),
        (about(ground={"claim": "curiosity"}), "data.about.ground.claim", "unknown-code"),
        (about(persons=[]), "data.about.persons", "no-person"),
        (about(persons=[{"role": "boss"}]), "data.about.persons[0].role", "unknown-code"),
        (about("hearth.social_care.RelationshipStated", persons=[{}]), "data.about.persons", "no-person"),
        (about(happened_at="2025-03-12T10:00:00Z"), "data.about.happened_at", "impossible-date"),
        (about(happened_at="1899-12-31T10:00:00Z"), "data.about.happened_at", "impossible-date"),
        (about(recorded_at="2999-12-31T10:00:00Z"), "data.about.recorded_at", "impossible-date"),
        (about(corrects="a", retracts="b"), "data.about.retracts", "corrects-and-retracts"),
        (about(retracts="AttendanceRecorded-001"), "data.about.retracts", "mends-itself"),
        (about(corrects="AttendanceRecorded-001"), "data.about.corrects", "mends-itself"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_at_its_field(event: CloudEvent, path: str, code: str) -> None:
    """The reason stands with the field that its publisher must mend."""
    assert refused(event) == (path, code)


@pytest.mark.parametrize("kind", ["Registered", "Changed"])
def test_only_their_own_agency_says_who_a_practitioner_is(kind: str) -> None:
    """A school cannot give a nurse the clearance of a safeguarding lead; that a nurse is worried, it may say."""
    event = own(from_json(sample(f"hearth.social_care.Practitioner{kind}")), "health")
    assert check(event, "health") == []
    for agency in ("school", "police", "social-care"):
        assert refused(event, agency) == ("data.practitioner.agency", "not-yours")
    concern = own(from_json(sample("hearth.any_agency.ConcernSignalled")), "health")
    assert check(concern, "school") == []


def test_the_same_fault_in_avro_is_refused_at_the_same_field() -> None:
    """Checks run on typed data, whatever the transport."""
    event = decode(encode_binary(changed(ASSESSED, factors=["3B", "99Z"])))
    assert refused(event) == ("data.factors[1]", "unknown-code")


def test_a_day_of_grace_between_happening_and_recording() -> None:
    """Clocks differ, and a whole day may be recorded in advance."""
    assert check(about(happened_at="2025-03-11T10:00:00Z"), "school") == []


def test_an_event_of_a_type_without_contract_is_refused() -> None:
    """It could not have come through the codec; it is refused all the same."""
    event = from_json(sample(ATTENDANCE))
    with pytest.raises(Refusal, match="no contract"):
        check(CloudEvent(event.id, event.source, "hearth.school.Other", event.data), "school")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"system": "nhs-number", "value": "9434765918"}, "nhs-number-fails"),
        ({"system": "nhs-number", "value": "0000000000"}, "nhs-number-fails"),
        ({"system": "upn", "value": "A801200001001"}, "upn-check-letter"),
        ({"system": "upn", "value": "A950000178301"}, "upn-local-authority"),
        ({"system": "upn", "value": "UN1"}, "upn-shape"),
        ({"system": "local", "value": " "}, "identifier-empty"),
    ],
)
def test_an_identifier_that_fails_its_check_is_remarked_on_and_the_event_stands(
    said: dict[str, str], code: str
) -> None:
    """A mistyped number is no reason to lose what happened to a child."""
    event = about(persons=[{"identifiers": [{"system": "local", "value": "1"}, said]}])
    assert remarks(event) == [("data.about.persons[0].identifiers[1].value", code)]


@pytest.mark.parametrize("born", ["2055-01-01", "1799-01-01"])
def test_a_birth_date_that_cannot_be_is_remarked_on_and_the_event_stands(born: str) -> None:
    """The event is about something else."""
    assert remarks(about(persons=[{"birth_date": born}])) == [
        ("data.about.persons[0].birth_date", "birth-date-implausible")
    ]


def test_no_factors_beside_factors_is_remarked_on() -> None:
    """Code 21 stands alone (children in need census)."""
    assert remarks(changed(ASSESSED, factors=["21", "3B"])) == [("data.factors", "factors-and-none")]
    assert remarks(changed(ASSESSED, factors=["21"])) == []


def test_a_young_persons_own_agreement_names_who_assessed_their_competence() -> None:
    """Under 16 it is competence that counts, and somebody judged it."""
    given = "hearth.agreement.AgreementGiven"
    for capacity in ("competent-young-person", "young-person-not-competent"):
        assert remarks(changed(given, capacity=capacity)) == [("data.assessed_by", "competence-not-assessed")]
        assert remarks(changed(given, capacity=capacity, assessed_by="HV-31")) == []


def test_a_number_that_replaces_another_must_pass_its_check_too() -> None:
    """Otherwise a person would be filed under nobody's number."""
    event = changed("hearth.health.IdentifierSuperseded", superseded_by={"system": "nhs-number", "value": "9434765918"})
    assert remarks(event) == [("data.superseded_by.value", "nhs-number-fails")]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            changed(DOMESTIC, features=["coercive-control", "separation"]),
            ("domestic-abuse", "coercive-control", "separation"),
        ),
        (changed(DOMESTIC, features=[]), ("domestic-abuse",)),
        (changed(ASSESSED, factors=["4B", "16A"]), ("mental-ill-health", "parental-mental-ill-health", "neglect")),
        (changed(ASSESSED, factors=["21"]), ()),
        (changed(EMERGENCY, reasons=["self-harm"]), ("emergency-attendance", "self-harm")),
        (changed("hearth.any_agency.ConcernSignalled", level="worried"), ("concern", "concern-worried")),
        (changed("hearth.any_agency.StrengthObserved", strength="coping-better"), ("coping-better",)),
        (changed("hearth.health.PersonDied", notification="U"), ()),
        (from_json(attendance(code="O")), ()),
    ],
)
def test_an_event_means_this_to_the_hub(event: CloudEvent, expected: tuple[str, ...]) -> None:
    """The type's own signs, then its codes', each once."""
    assert signs(event) == expected


def test_what_ends_means_nothing_of_what_it_ends() -> None:
    """A flag cleared or an episode closed is no new harm."""
    assert signs(changed("hearth.health.SafeguardingFlagCleared", flag="342191000000101")) == ()
    assert signs(changed("hearth.social_care.EpisodeClosed", episode="child-protection-plan")) == ()
