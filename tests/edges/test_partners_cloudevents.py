"""The hub's own CloudEvents in files: lines, arrays, and the ways in which JSON comes broken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.partners import sniff
from schemas import codec
from schemas.contract import contracts
from schemas.samples import sample
from tests.edges.files import codes, outside, take

TYPE = "hearth.school.AttendanceRecorded"


def event(**more: Any) -> dict[str, Any]:
    return {**sample(TYPE), **more}


@pytest.mark.parametrize("kind", sorted(contracts()))
def test_a_sample_of_every_type_is_read_as_it_stands(kind: str) -> None:
    """Id, source and data are the publisher's own."""
    may = contracts()[kind].agencies
    agency = "social-care" if "social-care" in may else may[0]  # whose practitioners the samples register
    events, problems = take(json.dumps(sample(kind)), agency)
    assert problems == []
    assert events[0].event == codec.from_json(sample(kind))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([event(), event(id="2")]),
        json.dumps([event(), event(id="2")], indent=2),
        f"{json.dumps(event())}\n\n{json.dumps(event(id='2'))}\n",
        "\ufeff" + f"{json.dumps(event())}\r\n{json.dumps(event(id='2'))}",
        json.dumps([event(), event(id="2")]).replace("}, {", "},\n{"),
    ],
)
def test_events_come_as_lines_or_as_an_array(text: str) -> None:
    """With or without a byte-order mark, on one line or many."""
    assert sniff(text.encode(), "events.txt") == "cloudevents"
    events, problems = take(text, "school")
    assert problems == []
    assert len(events) == 2


def test_an_invalid_line_is_told_with_line_and_column_and_the_others_are_read() -> None:
    """One bad line never stops the good ones."""
    good = json.dumps(event())
    events, problems = take(f'{good}\n{{"id": "x", "urn":, }}\n{good}\n', "school")
    assert [t.where for t in events] == ["line 1", "line 3"]
    assert [(p.where, p.code) for p in problems] == [("line 2, column 19", "broken-json")]


def test_a_first_line_that_is_broken_stops_nothing() -> None:
    """The format is told by what can be read."""
    events, problems = take('{"specversion": "1.0", \n' + json.dumps(event()) + "\n", "school")
    assert len(events) == 1
    assert codes(problems) == ["broken-json"]


def test_an_array_with_one_broken_element_keeps_the_others() -> None:
    """Where each stands on a line of its own."""
    text = "[\n" + json.dumps(event()) + ',\n{"id": },\n' + json.dumps(event(id="2")) + "\n]"
    events, problems = take(text, "school")
    assert len(events) == 2
    assert codes(problems) == ["broken-json"]
    assert problems[0].where.startswith("line 3, column ")


@pytest.mark.parametrize("wraps", [1, 2, 3])
def test_json_in_a_json_string_is_unwrapped(wraps: int) -> None:
    """Queues do that, more than once."""
    text: str = json.dumps(event())
    for _ in range(wraps):
        text = json.dumps(text)
    events, problems = take(text, "school")
    assert problems == []
    assert len(events) == 1


def test_data_that_is_json_in_a_string_is_unwrapped() -> None:
    """A table's column often holds text."""
    events, problems = take(json.dumps(event(data=json.dumps(event()["data"]))), "school")
    assert problems == []
    assert events[0].event == codec.from_json(event())


def test_broken_json_inside_a_string_is_a_problem_there() -> None:
    """Not an error of the file."""
    _, problems = take(json.dumps('{"specversion": }'), "school")
    assert codes(problems) == ["broken-json"]
    assert "inside the string" in problems[0].where


def test_nesting_beyond_reason_is_a_problem() -> None:
    """And no crash."""
    deep = '{"specversion": ' + "[" * 200_000
    for text in (deep, json.dumps(event()) + "\n" + deep + "\n"):
        _, problems = take(text, "school")
        assert codes(problems)[-1] in ("too-deep", "broken-json")


def test_an_event_that_breaks_its_contract_is_told_with_the_exact_path() -> None:
    """And the next is read."""
    bad = event(data={**event()["data"], "session": 7})
    events, problems = take(json.dumps([bad, event()]), "school")
    assert len(events) == 1
    assert [(p.where, p.path, p.code) for p in problems] == [("event[1]", "data.session", "wrong-type")]


def test_an_agency_may_publish_its_own_types_only() -> None:
    """A register is a school's."""
    assert codes(take(json.dumps(event()), "police")[1]) == ["not-your-type"]


def test_values_that_are_no_objects_are_problems() -> None:
    """Numbers, null, lists of them."""
    events, problems = take(json.dumps([1, None, event()]), "school", format="cloudevents")
    assert len(events) == 1
    assert codes(problems) == ["wrong-type", "wrong-type"]


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_loses_nothing(content: bytes) -> None:
    """Zero bytes."""
    events, problems = take(content, "school", "events.jsonl")
    assert events == []
    assert [(p.code, p.blank) for p in problems] == [("empty-file", True)]


def test_a_file_in_no_known_format_is_one_problem_that_names_the_formats() -> None:
    """Bytes of any kind."""
    for content in (b"\x00\x01\x02\xff" * 50, b"hello", b"<html><body/></html>", b"a,b\n1,2\n"):
        events, problems = take(content, "school")
        assert events == []
        assert codes(problems) == ["unknown-format"]
        assert "cin-census" in problems[0].fix


def test_problems_repeat_no_value_of_the_file() -> None:
    """Neither a bad field's name nor what stands in it."""
    bad = event(data={**event()["data"], "planted": "moor"})
    text = outside(*take(json.dumps([bad, event(data="planted moor"), "planted"]), "school", format="cloudevents"))
    assert "planted" not in text
    assert "moor" not in text
