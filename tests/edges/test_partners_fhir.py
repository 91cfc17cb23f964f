"""FHIR R4 resources: what holds now, what must be hidden, and what a faulty part costs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.edges.files import NHS, OTHER_NHS, about, codes, data, one, outside, person, take

AT = "2024-06-01T09:00:00Z"
SNOMED = "http://snomed.info/sct"


def patient(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": NHS,
        "meta": {"versionId": "2", "lastUpdated": AT},
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS}],
        "name": [{"use": "usual", "family": "Moor", "given": ["Ada", "May"]}],
        "gender": "female",
        "birthDate": "2012-05-01",
        "address": [{"use": "home", "line": ["1 Low Row", "Leeds"], "postalCode": "LS1 1AA"}],
        "telecom": [{"system": "phone", "value": "07000000001"}],
        "generalPractitioner": [
            {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Y12345"}}
        ],
        **more,
    }


def encounter(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "subject": {"reference": f"Patient/{NHS}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "meta": {"lastUpdated": AT},
        "period": {"start": "2024-05-31T22:15:00+01:00"},
        **more,
    }


def appointment(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "noshow",
        "start": "2024-05-30T10:00:00+01:00",
        "end": "2024-05-30T10:20:00+01:00",
        "meta": {"lastUpdated": AT},
        "serviceType": [{"coding": [{"display": "Health visiting service"}]}],
        "participant": [
            {"actor": {"reference": "Practitioner/7"}, "status": "accepted"},
            {"actor": {"reference": f"Patient/{NHS}"}, "status": "accepted"},
        ],
        **more,
    }


def flag(code: str = "342191000000101", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Flag",
        "id": "f1",
        "status": "active",
        "subject": {"reference": f"Patient/{NHS}"},
        "meta": {"lastUpdated": AT},
        "code": {"coding": [{"system": SNOMED, "code": code}]},
        "period": {"start": "2024-05-01"},
        **more,
    }


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources], **more}


def took(value: Any, **options: Any) -> Any:
    return one(json.dumps(value), "health", **options)


def both(value: Any, **options: Any) -> tuple[list[Any], list[Any]]:
    return take(json.dumps(value), "health", **options)


# ------------------------------------------------------------------ Patient


def test_a_patient_is_a_person_as_they_are_now() -> None:
    """It is a snapshot, so nothing is said to have changed."""
    found = took(patient())
    who = person(found)
    assert (who["family_name"], who["given_names"], who["sex"], who["birth_date"]) == (
        "Moor",
        "Ada May",
        "female",
        date(2012, 5, 1),
    )
    assert (who["address"], who["postcode"], who["phone"]) == ("1 Low Row, Leeds", "LS1 1AA", "07000000001")
    assert data(found) == {"changed": []}
    assert about(found)["recorded_at"] == datetime(2024, 6, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("label", ["R", "V"])
def test_a_restricted_patient_has_no_address_phone_or_practice_and_is_shielded(label: str) -> None:
    """One service leaves the address out, another does not: the hub removes it itself."""
    found = took(patient(meta={"lastUpdated": AT, "security": [{"code": label}]}))
    who = person(found)
    assert (who["address"], who["postcode"], who["phone"], who["uprn"]) == (None, None, None, None)
    assert about(found)["tier"] == "shielded"
    assert codes(found) == ["restricted"]
    assert "Y12345" not in str(found.event.data)


@pytest.mark.parametrize("meta", [{"security": "R"}, {"security": [["R"]]}, {"security": [{"code": ["R"]}]}, "R"])
def test_a_patient_whose_security_cannot_be_read_counts_as_restricted(meta: Any) -> None:
    """A broken label must not give an address away."""
    found = took(patient(meta=meta), recorded_at=datetime(2024, 6, 1, tzinfo=UTC))
    assert about(found)["tier"] == "shielded"
    assert person(found)["address"] is None


def test_a_restriction_covers_what_stands_beside_the_patient() -> None:
    """An encounter would tell where they were."""
    events, _ = both(bundle(patient(meta={"lastUpdated": AT, "security": [{"code": "R"}]}), encounter()))
    assert {about(t)["tier"] for t in events} == {"shielded"}
    assert all(person(t)["address"] is None for t in events)


def test_a_minimal_patient_is_a_number() -> None:
    """No name, no birth date."""
    bare = {"resourceType": "Patient", "id": NHS, "meta": {"lastUpdated": AT}, "identifier": patient()["identifier"]}
    found = took(bare)
    assert person(found)["identifiers"] == [{"system": "nhs-number", "value": NHS}]
    assert person(found)["family_name"] is None


def test_periods_that_have_ended_do_not_hold() -> None:
    """An old address is not where they live."""
    old = {"line": ["9 Old Row"], "postalCode": "LS9 9ZZ", "use": "home", "period": {"end": "2024-05-31"}}
    found = took(
        patient(
            address=[old],
            telecom=[{"system": "phone", "value": "07", "period": {"end": "2020-01-01"}}],
            name=[{"use": "old", "family": "Before"}, {"use": "usual", "family": "Moor"}],
        )
    )
    assert (person(found)["address"], person(found)["phone"], person(found)["family_name"]) == (None, None, "Moor")
    open_ = took(patient(address=[{**old, "period": {"end": "2024-06-30"}}]))
    assert person(open_)["address"] == "9 Old Row"
    assert (
        person(took(patient(address=[{**old, "period": {"end": "2024-06-30"}}]), today=date(2024, 7, 1)))["address"]
        is None
    )


def test_the_birth_time_is_an_extension_and_the_birth_date_stands() -> None:
    """`_birthDate` beside `birthDate`."""
    time = {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                "valueDateTime": "2012-05-01T04:00:00Z",
            }
        ]
    }
    found = took(patient(_birthDate=time))
    assert person(found)["birth_date"] == date(2012, 5, 1)
    assert codes(found) == []


@pytest.mark.parametrize("said", ["2012", "2012-05"])
def test_a_birth_date_not_known_to_the_day_is_left_out_with_a_remark(said: str) -> None:
    """FHIR allows it; the hub needs a day."""
    found = took(patient(birthDate=said))
    assert person(found)["birth_date"] is None
    assert codes(found) == ["date-not-full"]


def test_data_absent_reasons_say_nothing() -> None:
    """A name or number that is only an extension."""
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    number = {
        "system": "https://fhir.nhs.uk/Id/nhs-number",
        "_value": absent,
        "extension": [
            {
                "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberUnavailableReason",
                "valueCodeableConcept": {"coding": [{"code": "1"}]},
            }
        ],
    }
    value = patient(id="local-1", identifier=[number], name=[absent], _birthDate=absent)
    del value["birthDate"]
    found = took(value)
    assert person(found)["identifiers"] == [{"system": "local", "value": "local-1"}]
    assert (person(found)["family_name"], person(found)["birth_date"]) == (None, None)


def test_a_superseded_number_is_no_identifier() -> None:
    """Marked old, or ended."""
    numbers = [
        {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": OTHER_NHS, "use": "old"},
        *patient()["identifier"],
    ]
    assert person(took(patient(identifier=numbers)))["identifiers"] == [{"system": "nhs-number", "value": NHS}]


def test_a_uprn_is_found_in_its_address_key() -> None:
    """And only the key of that type."""

    def key(kind: str, value: str) -> dict[str, Any]:
        return {
            "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AddressKey",
            "extension": [{"url": "type", "valueCoding": {"code": kind}}, {"url": "value", "valueString": value}],
        }

    home = {"use": "home", "line": ["1 Low Row"], "extension": [key("PAF", "123"), key("UPRN", "100012345678")]}
    assert person(took(patient(address=[home])))["uprn"] == "100012345678"


@pytest.mark.parametrize("uprn", ["-1.0", "x12ab", "0"])
def test_a_uprn_that_cannot_be_one_is_left_out(uprn: str) -> None:
    """-1 and masked numbers stand in census files."""
    home = {
        "use": "home",
        "line": ["1"],
        "extension": [
            {
                "url": "AddressKey",
                "extension": [{"url": "type", "valueCoding": {"code": "UPRN"}}, {"url": "value", "valueString": uprn}],
            }
        ],
    }
    assert person(took(patient(address=[home])))["uprn"] is None


def test_a_death_in_a_patient_is_an_event_of_its_own() -> None:
    """With the notice's status where it is said."""
    notice = {
        "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus",
        "extension": [{"url": "deathNotificationStatus", "valueCodeableConcept": {"coding": [{"code": "2"}]}}],
    }
    events, _ = both(patient(deceasedDateTime="2024-05-20T00:00:00+01:00", extension=[notice]))
    assert [t.event.type for t in events] == ["hearth.health.DemographicsChanged", "hearth.health.PersonDied"]
    assert data(events[1]) == {"on": date(2024, 5, 20), "notification": "2"}


def test_each_version_of_a_patient_has_an_id_and_the_same_version_has_the_same() -> None:
    """A resource published twice gives a duplicate."""
    ids = [took(patient(meta={"versionId": v, "lastUpdated": AT})).event.id for v in ("2", "2", "3")]
    assert ids[0] == ids[1] != ids[2]


def test_without_any_date_the_publisher_must_say_when() -> None:
    """The hub does not make up a time: it would make every publication new."""
    bare = patient(meta={"versionId": "1"})
    assert codes(both(bare)[1]) == ["no-time"]
    assert about(took(bare, recorded_at=datetime(2024, 1, 1, tzinfo=UTC)))["recorded_at"].year == 2024


def test_the_newest_date_in_a_resource_stands_in_for_a_missing_one() -> None:
    """With a remark."""
    found = took(patient(meta={}, name=[{"family": "Moor", "period": {"start": "2024-01-01"}}]))
    assert about(found)["recorded_at"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert codes(found) == ["time-not-said"]


# ------------------------------------------------------------------ Encounter, Appointment, Flag


def test_an_emergency_encounter_says_when_they_arrived_and_no_clinical_reason() -> None:
    """Reasons stay with the hospital."""
    found = took(encounter(reasonCode=[{"text": "planted clinical words"}]))
    assert data(found) == {
        "arrived_at": datetime(2024, 5, 31, 21, 15, tzinfo=UTC),
        "setting": "emergency-department",
        "reasons": [],
    }
    assert codes(found) == ["not-carried-over"]
    assert "planted" not in str(found.event)


def test_an_encounter_of_another_class_or_one_that_did_not_happen_is_not_used() -> None:
    """An outpatient visit is no emergency."""
    for value in (encounter(**{"class": {"code": "AMB"}}), encounter(status="cancelled"), encounter(status="planned")):
        events, problems = both(value)
        assert events == []
        assert [(p.code, p.blank) for p in problems] == [("resource-not-used", True)]


def test_an_encounter_entered_in_error_takes_back_the_one_sent_before() -> None:
    """The same id at the same source."""
    first, wrong = took(encounter()), took(encounter(status="entered-in-error"))
    assert about(wrong)["retracts"] == first.event.id
    assert wrong.event.id != first.event.id


def test_a_missed_appointment_of_a_child_was_not_brought_and_of_an_adult_not_attended() -> None:
    """By age on the day, where the Patient is there."""
    child, adult = (
        both(bundle(patient(birthDate=born), appointment()))[0][-1] for born in ("2012-05-01", "1990-01-01")
    )
    assert data(child) == {
        "service": "health-visiting",
        "appointment_date": date(2024, 5, 30),
        "reason": "was-not-brought",
    }
    assert data(adult)["reason"] == "did-not-attend"
    assert codes(took(appointment())) == ["age-not-known"]


def test_an_appointment_that_was_kept_is_not_used() -> None:
    """Only what was missed is an event."""
    assert codes(both(appointment(status="fulfilled"))[1]) == ["resource-not-used"]


def test_a_flag_is_set_when_active_and_cleared_when_inactive() -> None:
    """On the day its period starts or ends."""
    on, off = took(flag()), took(flag(status="inactive", period={"start": "2024-05-01", "end": "2024-05-20"}))
    assert (on.event.type[14:], data(on)) == (
        "SafeguardingFlagSet",
        {"flag": "342191000000101", "on": date(2024, 5, 1)},
    )
    assert (off.event.type[14:], data(off)["on"]) == ("SafeguardingFlagCleared", date(2024, 5, 20))
    assert on.event.id != off.event.id


def test_an_active_flag_whose_period_has_ended_is_cleared() -> None:
    """Systems forget to set the status."""
    assert took(flag(period={"start": "2024-05-01", "end": "2024-05-20"})).event.type.endswith("Cleared")


def test_a_flag_entered_in_error_takes_back_the_one_sent_before() -> None:
    """A wrong safeguarding flag must go."""
    assert about(took(flag(status="entered-in-error")))["retracts"] == took(flag()).event.id


def test_a_flag_that_is_not_about_safeguarding_is_not_used() -> None:
    """Risk of falls is nobody else's business."""
    for code in ("129839007", "NRAF"):
        assert codes(both(flag(code))[1]) == ["resource-not-used"]
    marked = flag("129839007", category=[{"coding": [{"code": "safeguarding"}]}])
    assert data(took(marked))["flag"] == "129839007"


# ------------------------------------------------------------------ whom it is about


def test_a_reference_is_answered_by_the_patient_in_the_bundle() -> None:
    """By its id or by the address of its entry."""
    value = bundle(patient(id="p1"), encounter(subject={"reference": "urn:uuid:9"}))
    value["entry"][0]["fullUrl"] = "urn:uuid:9"
    events, _ = both(value)
    assert person(events[1])["family_name"] == "Moor"


def test_a_patient_on_an_earlier_line_answers_a_later_one() -> None:
    """Exports put one resource on a line."""
    text = "\n".join(json.dumps(v) for v in (patient(id="p1"), flag(subject={"reference": "Patient/p1"})))
    events, _ = take(text, "health")
    assert person(events[1])["identifiers"] == [{"system": "nhs-number", "value": NHS}]


def test_a_contained_patient_answers_its_own_resource() -> None:
    """`#p`."""
    inner = {"resourceType": "Patient", "id": "p", "identifier": patient()["identifier"]}
    assert person(took(encounter(subject={"reference": "#p"}, contained=[inner])))["identifiers"][0]["value"] == NHS


@pytest.mark.parametrize(
    ("subject", "system"),
    [
        ({"reference": f"https://x/Patient/{NHS}"}, "nhs-number"),
        ({"reference": "Patient/h77/_history/2"}, "local"),
        ({"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS}}, "nhs-number"),
    ],
)
def test_a_reference_that_nothing_answers_still_says_who(subject: dict[str, Any], system: str) -> None:
    """The last part of it is an NHS number, or the publisher's own id."""
    assert person(took(encounter(subject=subject)))["identifiers"][0]["system"] == system


def test_a_resource_about_nobody_is_a_problem() -> None:
    """Or about a group."""
    for subject in ({}, {"reference": "Group/1"}, {"display": "Ada"}):
        assert "no-person" in codes(both(encounter(subject=subject))[1])


# ------------------------------------------------------------------ faults


def test_a_part_that_is_not_fhir_is_left_out_with_its_path_and_no_value() -> None:
    """The rest of the resource is read."""
    found = took(patient(gender=["planted"], address=[{"line": "planted"}]))
    assert {r.path for r in found.remarks} == {"Patient.gender", "Patient.address[0].line"}
    assert person(found)["family_name"] == "Moor"
    assert "planted" not in outside([found], [])


def test_an_unknown_field_is_left_out_and_its_name_is_not_repeated() -> None:
    """Nobody knows what stands in a name."""
    found = took(patient(**{"planted moor": 1}))
    assert codes(found) == ["unknown-field"]
    assert "planted" not in outside([found], [])


def test_one_bad_resource_never_stops_the_others() -> None:
    """Each entry by itself."""
    events, problems = both(bundle({"resourceType": 7}, encounter(period={"start": "soon"}), None, {}, encounter()))
    assert len(events) == 1
    assert [p.code for p in problems] == ["not-a-resource", "unreadable-time", "not-a-resource", "not-a-resource"]
    assert [p.blank for p in problems] == [False, False, True, True]


def test_supporting_resources_are_no_loss() -> None:
    """Organisations and practitioners come with every Bundle."""
    events, problems = both(bundle({"resourceType": "Organization", "id": "o"}, encounter()))
    assert len(events) == 1
    assert [(p.where, p.code, p.blank) for p in problems] == [("line 1/entry[1]", "resource-not-used", True)]


def test_a_patch_is_no_resource_and_a_patch_body_may_be_one() -> None:
    """Operations say nothing without what they change; a whole resource is read."""
    events, problems = both(
        {"patches": [{"op": "replace", "path": "/name/0/family", "value": "Moor"}]}, name="patch.json"
    )
    assert events == []
    assert codes(problems) == ["not-a-resource"]
    assert took(patient(), name="patch.json").event.type.endswith("DemographicsChanged")


def test_ids_and_problems_hold_nothing_personal() -> None:
    """The id of a Patient is the NHS number, and an encounter's id may be anything."""
    text = outside(*both(bundle(patient(), encounter(id=f"ED-{NHS}-Moor"), flag(), encounter(status=None, id="Moor"))))
    assert not any(word in text for word in (NHS, "Moor", "LS1", "07000"))
