"""NHS notification signals: what a signal without content can honestly say, in each of its three forms."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.partners import sniff
from tests.edges.files import NHS, about, codes, data, one, outside, person, take

ID = "5d0f2c3e-6a51-4f0e-9a53-1d8f6f9a7b10"
REF = f"https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/{NHS}"


def signal(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": ID,
        "source": "https://fhir.nhs.uk/Id/nhsSpineASID/477121000324",
        "type": kind,
        "time": "2024-06-01T13:00:00Z",
        "dataref": REF,
        "subject": NHS,
        **more,
    }


def old(kind: str, **said: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": kind,
        "subject": {"dob": "2017-10-02", "familyName": "MOOR", "nhsNumber": NHS},
        "source": {
            "name": "NHS",
            "identifier": {"system": "https://fhir.nhs.uk/Id/nhsSpineASID", "value": "477121000324"},
        },
        "time": "2024-06-01T13:00:00.000Z",
        "data": {"versionId": 'W/"2"', "fullUrl": REF, **said},
    }


def history(kind: str, resource: Any = None) -> dict[str, Any]:
    parts = [
        {"name": "timestamp", "valueInstant": "2024-06-01T13:00:00Z"},
        {"name": "focus", "valueReference": {"reference": REF}},
    ]
    context = [
        {"name": "event-type", "valueString": kind},
        {"name": "source", "valueUri": "uk.nhs.personal-demographics-service"},
        {"name": "subject", "valueReference": {"identifier": {"value": NHS}}},
    ]
    entries: list[Any] = [
        {
            "resource": {
                "resourceType": "Parameters",
                "parameter": [
                    {"name": "notification-event", "part": parts},
                    {"name": "additional-context", "part": context},
                ],
            }
        }
    ]
    entries += [{"resource": resource}] if resource is not None else []
    return {
        "resourceType": "Bundle",
        "id": ID,
        "type": "history",
        "timestamp": "2024-06-01T13:00:00Z",
        "entry": entries,
    }


def taken(value: Any) -> Any:
    return one(json.dumps(value), "health")


@pytest.mark.parametrize(
    ("kind", "type_", "fields"),
    [
        ("pds-change-of-gp-2", "GpChanged", {"practice": None, "on": None}),
        ("pds-record-change-2", "DemographicsChanged", {"changed": []}),
        ("nhs-number-change-2", "IdentifierSuperseded", {"status": "R", "superseded_by": None}),
        ("pds-death-notification-2", "PersonDied", {"on": None, "notification": "1"}),
    ],
)
def test_a_signal_says_what_its_type_says_and_no_more(kind: str, type_: str, fields: dict[str, Any]) -> None:
    """There is no content: the practice, the date, how formal a death notice is are not made up."""
    found = taken(signal(kind))
    assert found.event.type == f"hearth.health.{type_}"
    assert data(found) == fields
    assert about(found)["happened_at"] == datetime(2024, 6, 1, 13, tzinfo=UTC)
    assert about(found)["source_reference"] == REF


@pytest.mark.parametrize("kind", ["nhs-number-change-2", "pds-death-notification-2"])
def test_what_a_signal_leaves_open_is_remarked(kind: str) -> None:
    """The weaker statement is taken, and the publisher told."""
    assert codes(taken(signal(kind))) == ["not-said-by-signal"]


@pytest.mark.parametrize("kind", ["patientflags-change-1", "gpreg-change-gp-req-1", "imms-vaccination-record-change-1"])
def test_a_type_without_a_meaning_to_the_hub_is_not_used(kind: str) -> None:
    """A changed flag does not say which flag, so no flag is set."""
    events, problems = take(json.dumps(signal(kind)), "health")
    assert events == []
    assert [(p.path, p.code) for p in problems] == [("type", "signal-not-used")]


def test_the_type_is_part_of_the_id_for_this_publisher() -> None:
    """Two types came under one id and source."""
    ids = {taken(signal(kind)).event.id for kind in ("pds-change-of-gp-2", "pds-death-notification-2")}
    assert ids == {f"{ID}/pds-change-of-gp-2", f"{ID}/pds-death-notification-2"}


def test_the_older_form_without_specversion_is_read() -> None:
    """Its source and subject are objects, and it has a little content."""
    found = taken(old("nhs-number-change-1", nhsNumberStatus="I"))
    assert data(found)["status"] == "I"
    assert person(found)["family_name"] == "MOOR"
    assert str(person(found)["birth_date"]) == "2017-10-02"
    assert found.event.source == taken(signal("pds-change-of-gp-2")).event.source


@pytest.mark.parametrize("status", ["1", "2", "U"])
def test_the_older_form_says_how_formal_a_death_notice_is(status: str) -> None:
    """U takes the notice back: the patient is not dead."""
    found = taken(old("pds-death-notification-1", deathNotificationStatus=status))
    assert data(found)["notification"] == status
    assert codes(found) == []


@pytest.mark.parametrize("said", ["2017", "2017-10"])
def test_a_birth_date_that_is_not_known_to_the_day_is_left_out(said: str) -> None:
    """YYYY and YYYY-MM are allowed there."""
    value = old("pds-change-of-gp-1")
    value["subject"]["dob"] = said
    assert person(taken(value))["birth_date"] is None


@pytest.mark.parametrize("resource", [None, {}, {"resourceType": "Patient"}])
def test_the_history_bundle_is_a_signal_too(resource: Any) -> None:
    """A hydrated resource may be empty."""
    found = taken(history("pds-change-of-gp-2", resource))
    assert found.event.id == f"{ID}/pds-change-of-gp-2"
    assert found.event.source == "hearth:file/nhs-mns/uk.nhs.personal-demographics-service"
    assert person(found)["identifiers"] == [{"system": "nhs-number", "value": NHS}]


def test_the_nhs_number_stands_among_the_identifiers_and_nowhere_outside() -> None:
    """Also when the publisher put it into the id, the source or the type."""
    planted = [
        signal("pds-change-of-gp-2", id=NHS),
        signal("pds-change-of-gp-2", source=f"https://x/Patient/{NHS}"),
        signal(f"pds-change-of-gp-{NHS}"),
        signal("pds-change-of-gp-2", source=f"uk.nhs.p{NHS}"),
    ]
    events, problems = take("\n".join(map(json.dumps, planted)), "health")
    assert len(events) == 3
    assert codes(problems) == ["signal-not-used"]
    assert NHS not in outside(events, problems)
    assert all(person(t)["identifiers"] == [{"system": "nhs-number", "value": NHS}] for t in events)


def test_a_failing_nhs_number_is_kept_with_a_remark() -> None:
    """Published examples fail their own check."""
    found = taken(signal("pds-change-of-gp-2", subject="9990000010"))
    assert person(found)["identifiers"][0]["value"] == "9990000010"
    assert codes(found) == ["nhs-number-fails"]


def test_signals_come_as_one_as_many_or_one_on_a_line() -> None:
    """An object, an array, JSON lines."""
    two = [signal("pds-change-of-gp-2"), old("pds-change-of-gp-1")]
    for text in (json.dumps(two), "\n".join(map(json.dumps, two)), json.dumps(two, indent=1)):
        assert sniff(text.encode(), "x") == "nhs-mns"
        assert len(take(text, "health")[0]) == 2


@pytest.mark.parametrize(("field", "code"), [("time", "unreadable-time"), ("id", "missing"), ("subject", "no-person")])
def test_a_signal_without_what_an_event_needs_is_a_problem(field: str, code: str) -> None:
    """Named by its field."""
    value = signal("pds-change-of-gp-2")
    del value[field]
    events, problems = take(json.dumps(value), "health")
    assert events == []
    assert [(p.path, p.code) for p in problems] == [(field, code)]


def test_invalid_json_is_told_with_line_and_column_and_the_other_lines_are_read() -> None:
    """`"urn":,` stands in a published example."""
    good = json.dumps(signal("pds-change-of-gp-2"))
    events, problems = take(f'{good}\n{{"dataref": "x", "urn":, "type": 1}}\n{good}\n', "health")
    assert [t.where for t in events] == ["line 1", "line 3"]
    assert [(p.where, p.code) for p in problems] == [("line 2, column 24", "broken-json")]
