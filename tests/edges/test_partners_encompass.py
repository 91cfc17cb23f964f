"""Operation Encompass notices, in both of the hub's layouts, as police systems fill them in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.partners import sniff
from tests.edges.files import about, codes, data, one, outside, person, take

HEAD = "Incident Reference,Incident Date,Surname,Forename,Date of Birth,Victim,Suspect,Child,Force\n"
ROWS = """LP-77/24,2024-06-01T22:10:00Z,Moor,Meg,1990-02-03,True,,,Low Police
LP-77/24,2024-06-01T22:10:00Z,Dale,Tom,,,True,,Low Police
LP-77/24,2024-06-01T22:10:00Z,Moor,Ada,01/05/2012,,,True,Low Police
"""


def notice(**more: Any) -> dict[str, Any]:
    return {
        "reference": "LP-77/24",
        "attended_at": "2024-06-01T22:10:00Z",
        "force": "Low Police",
        "dash_yes": 14,
        "children_present": True,
        "voice_of_child": "Was upstairs",
        "features": ["strangulation"],
        "crime": False,
        "persons": [
            {"role": "victim", "family_name": "Moor", "given_names": "Meg", "birth_date": "1990-02-03"},
            {"role": "suspect", "family_name": "Dale", "given_names": "Tom"},
            {"role": "child", "family_name": "Moor", "given_names": "Ada", "birth_date": "2012-05-01"},
        ],
        **more,
    }


def read(value: Any) -> Any:
    return one(json.dumps(value), "police")


def test_a_notice_says_who_was_what_in_the_incident() -> None:
    """Victim, alleged, child; when; how grave."""
    found = read(notice())
    assert [p["role"] for p in about(found)["persons"]] == ["victim", "alleged", "child"]
    assert data(found) == {
        "reference": "LP-77/24",
        "dash_yes": 14,
        "children_present": True,
        "voice_of_child": "Was upstairs",
        "circumstances": None,
        "features": ["strangulation"],
        "crime": False,
    }
    assert about(found)["ground"]["claim"] == "encompass"
    assert found.event.source == "hearth:file/operation-encompass"


def test_several_rows_of_one_incident_are_one_notice() -> None:
    """They need not stand together, and flags are columns with True or blank."""
    other = "LP-78/24,2024-06-02T01:00:00Z,Hill,Liz,,True,,,Low Police\n"
    rows = ROWS.splitlines(keepends=True)
    events, problems = take(HEAD + rows[0] + other + rows[1] + rows[2], "police")
    assert problems == []
    assert [t.where for t in events] == ["rows 2, 4, 5", "row 3"]
    assert [p["role"] for p in about(events[0])["persons"]] == ["victim", "alleged", "child"]


def test_both_layouts_give_a_notice_the_same_id() -> None:
    """Whichever way it comes, twice is once."""
    assert take(HEAD + ROWS, "police")[0][0].event.id == read(notice()).event.id


@pytest.mark.parametrize(
    ("said", "hour"),
    [
        ("2024-06-01T22:10:00-00:00", 22),
        ("2024-06-01T22:10:00+01:00", 21),
        ("2024-06-01T22:10:00Z", 22),
        ("2024-06-01 22:10:00", 21),
        ("2024-06-01T22:10:00.1234567Z", 22),
        ("01-Jun-2024 22:10:00.000Z[UTC]", 22),
        ("01/06/2024 22:10", 21),
        ("1 June 2024 10:10 PM", 21),
    ],
)
def test_times_come_in_many_forms(said: str, hour: int) -> None:
    """-00:00, +01:00, Z, none (London's time), seven decimals, and one with a region."""
    found = about(read(notice(attended_at=said)))["happened_at"]
    assert found.replace(microsecond=0) == datetime(2024, 6, 1, hour, 10, tzinfo=UTC)


def test_a_time_without_a_zone_in_winter_is_as_it_stands() -> None:
    """London's clocks."""
    assert about(read(notice(attended_at="2024-12-01T22:10:00")))["happened_at"].hour == 22


def test_an_accused_without_a_birth_date_is_kept() -> None:
    """Police often do not have it."""
    assert person(read(notice()), "alleged")["birth_date"] is None


@pytest.mark.parametrize(
    "said",
    [{"family_name": "Moor Lettings Ltd"}, {"name": "Dale plc."}, {"name": "The Works", "person_type": "Organisation"}],
)
def test_a_company_as_the_accused_is_left_out_with_a_remark(said: dict[str, str]) -> None:
    """It is no person."""
    value = notice()
    value["persons"][1] = {"role": "suspect", **said}
    found = read(value)
    assert [p["role"] for p in about(found)["persons"]] == ["victim", "child"]
    assert codes(found) == ["organisation-left-out"]


def test_several_rows_for_one_person_are_one_person_with_the_weightier_role() -> None:
    """Who is alleged stays alleged, though a victim too: they must not be told."""
    value = notice()
    value["persons"].append({**value["persons"][0], "role": "Suspect"})
    roles = {p["given_names"]: p["role"] for p in about(read(value))["persons"]}
    assert roles == {"Meg": "alleged", "Tom": "alleged", "Ada": "child"}


def test_a_person_without_a_name_is_left_out_and_one_without_a_role_is_linked() -> None:
    """With remarks."""
    found = read(
        notice(persons=[{"role": "suspect"}, {"family_name": "Moor", "given_names": "Ada", "role": "bystander?"}])
    )
    assert [p["role"] for p in about(found)["persons"]] == ["linked"]
    assert codes(found) == ["person-without-name", "unknown-role"]


def test_a_revision_corrects_the_one_before() -> None:
    """The notice was amended in the morning."""
    assert about(read(notice(revision=1)))["corrects"] == read(notice()).event.id
    assert about(read(notice(revision=2)))["corrects"] == read(notice(revision=1)).event.id


@pytest.mark.parametrize(
    ("said", "count", "remark"),
    [("14.0", 14, []), (0, 0, []), ("25", None, ["out-of-range"]), ("high", None, ["out-of-range"]), ("", None, [])],
)
def test_the_dash_count_is_from_0_to_24(said: Any, count: int | None, remark: list[str]) -> None:
    """A band or a wrong number is left out with a remark."""
    found = read(notice(dash_yes=said))
    assert data(found)["dash_yes"] == count
    assert codes(found) == remark


def test_features_as_columns_are_features() -> None:
    """Headed by a code or its label; unknown ones in JSON are left out with a remark."""
    head, row = HEAD.strip() + ",Strangulation,Weapon\n", "LP-9,2024-06-01,Moor,Ada,,,,True,Low Police,True,\n"
    assert data(one(head + row, "police"))["features"] == ["strangulation"]
    found = read(notice(features=["strangulation", "planted"]))
    assert data(found)["features"] == ["strangulation"]
    assert codes(found) == ["unknown-code"]


@pytest.mark.parametrize(
    ("field", "path", "code"),
    [
        ("reference", "reference", "missing"),
        ("attended_at", "happened_at", "unreadable-time"),
        ("persons", "persons", "no-person"),
    ],
)
def test_a_notice_without_what_it_needs_is_a_problem_and_the_next_is_read(field: str, path: str, code: str) -> None:
    """Named by its place and its field."""
    bad = notice()
    del bad[field]
    events, problems = take(json.dumps({"notices": [bad, notice()]}), "police", format="encompass-json")
    assert len(events) == 1
    assert [(p.where, p.path, p.code) for p in problems] == [("line 1/notice[1]", path, code)]


def test_a_row_without_a_reference_is_a_problem() -> None:
    """Nobody knows which incident it belongs to."""
    events, problems = take(HEAD + ROWS + ",2024-06-01,Moor,Ada,,,,True,\n", "police")
    assert len(events) == 1
    assert [(p.where, p.path) for p in problems] == [("row 5", "reference")]


def test_notices_are_known_by_what_stands_in_them() -> None:
    """Both layouts."""
    assert sniff((HEAD + ROWS).encode(), "x") == "encompass-csv"
    assert sniff(json.dumps(notice()).encode(), "x") == "encompass-json"
    assert sniff(json.dumps([notice()]).encode(), "x") == "encompass-json"


def test_ids_and_remarks_hold_nothing_personal() -> None:
    """The police reference might hold a name."""
    text = outside(*take(json.dumps(notice(reference="Moor-1", force="LP 9990000018", dash_yes="Moor")), "police"))
    assert not any(word in text for word in ("Moor", "Meg", "9990000018"))
