"""What holds for every format: nothing raises, nothing leaks, whatever becomes of the bytes on their way."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from agents.partners import FORMATS, Problem, dates, sniff, words
from tests.edges import test_partners_census as census
from tests.edges import test_partners_classlist as classlist
from tests.edges import test_partners_cloudevents as cloudevents
from tests.edges import test_partners_encompass as encompass
from tests.edges import test_partners_fhir as fhir
from tests.edges import test_partners_nems as nems
from tests.edges import test_partners_register as register
from tests.edges import test_partners_signals as signals
from tests.edges.files import NHS, OTHER_NHS, UPN, outside, take

FILES: dict[str, tuple[str, str]] = {
    "register-csv": ("school", register.HEAD + register.row() + register.row(session="PM")),
    "class-list-csv": ("school", classlist.HEAD + classlist.ROW),
    "cin-census": ("social-care", census.census(census.REFERRAL + census.ASSESSMENT + census.SECTION_47 + census.PLAN)),
    "nhs-mns": ("health", json.dumps([signals.signal("pds-change-of-gp-2"), signals.old("pds-death-notification-1")])),
    "fhir": ("health", json.dumps(fhir.bundle(fhir.patient(), fhir.encounter(), fhir.appointment(), fhir.flag()))),
    "nhs-nems": ("health", nems.birth()),
    "encompass-csv": ("police", encompass.HEAD + encompass.ROWS),
    "encompass-json": ("police", json.dumps(encompass.notice())),
    "cloudevents": ("school", json.dumps([cloudevents.event(), cloudevents.event(id="2")])),
}
PLANTED = (NHS, OTHER_NHS, UPN, "Moor", "MOOR", "Kettle", "Ada", "07000000001")
BITS = (b'"', b",", b"\n", b"<", b">", b"\0", b"\xff\xfe", b"9" * 40, b"&", b"{", b"[", b"]", b"2.6E+34", b"-")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return `content` cut, doubled and sprinkled with what breaks parsers."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(found) + 1)
        what = rng.random()
        if what < 0.3:
            del found[place : place + rng.randint(1, 40)]
        elif what < 0.7:
            found[place:place] = rng.choice(BITS)
        elif what < 0.9:
            found[place : place + 1] = bytes([rng.randrange(256)])
        else:
            found[place:place] = found[: rng.randint(0, len(found))]
    return bytes(found)


def bent(value: Any, rng: random.Random) -> Any:
    """Return a JSON value with parts of it missing or of another type."""
    if rng.random() < 0.06:
        return rng.choice([None, 7, "x", [], {}, [None], {"a": 1}, True, "9" * 30, [[]], -1.5])
    if isinstance(value, dict):
        return {name: bent(inner, rng) for name, inner in value.items() if rng.random() > 0.03}
    return [bent(inner, rng) for inner in value if rng.random() > 0.03] if isinstance(value, list) else value


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_never_raise_and_what_they_say_outside_is_never_personal(name: str) -> None:
    """Cut, doubled, retyped: problems and remarks hold paths, and ids hold nothing."""
    agency, text = FILES[name]
    for seed in range(150):
        rng = random.Random(seed)
        if text[0] in "{[" and seed % 2:
            content = json.dumps(bent(json.loads(text), rng)).encode()
        else:
            content = damaged(text.encode(), rng)
        events, problems = take(content, agency, format=name, **classlist.SAID)
        assert events or problems
        if name != "cloudevents":  # there, the id and the source are the publisher's own
            said = outside(events, problems)
            assert not [word for word in PLANTED if word in said], seed


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_known_by_its_content_whatever_the_file_is_called(name: str) -> None:
    """XML is often called .json."""
    content = FILES[name][1].encode()
    assert sniff(content, "register.xml") == name
    assert sniff(b"\xef\xbb\xbf" + content, "x.json") == name
    assert name in FORMATS


@pytest.mark.parametrize("name", FILES)
def test_a_file_published_twice_says_the_same_word_for_word(name: str) -> None:
    """So that the second time everything is a duplicate, and nothing a conflict."""
    agency, text = FILES[name]
    assert take(text, agency, **classlist.SAID) == take(text, agency, **classlist.SAID)


@pytest.mark.parametrize("name", FILES)
def test_no_two_events_of_a_file_have_one_id(name: str) -> None:
    """Within a source."""
    agency, text = FILES[name]
    events, _ = take(text, agency, **classlist.SAID)
    assert len({(t.event.source, t.event.id) for t in events}) == len(events)


def test_a_format_that_is_said_is_believed() -> None:
    """And a wrong one gives problems, not events."""
    _, problems = take(FILES["cin-census"][1], "social-care", format="cloudevents")
    assert isinstance(problems[0], Problem)


@pytest.mark.parametrize(
    ("said", "day_first", "day"),
    [
        ("03/04/2024", True, date(2024, 4, 3)),
        ("03/04/2024", False, date(2024, 3, 4)),
        ("31/12/99", True, date(1999, 12, 31)),
        ("2020-Apr-25 00:00:00", True, date(2020, 4, 25)),
        ("31/02/2024", True, None),
        ("2024-13-40", True, None),
        ("", True, None),
        ("7", True, None),
        ("2024", True, None),
        ("2024-05", True, None),
        ("99999999", True, None),
    ],
)
def test_a_date_is_read_or_it_is_none(said: str, day_first: bool, day: date | None) -> None:
    """Never half."""
    found = dates.said(said, day_first)
    assert (found.day if found else None) == day


def test_an_instant_near_midnight_belongs_to_londons_day() -> None:
    """23:30 UTC in summer is the next day."""
    found = dates.said("2024-06-01T23:30:00Z")
    assert found is not None
    assert (found.day, found.at) == (date(2024, 6, 2), datetime(2024, 6, 1, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("133.0", ("133", False)),
        ("0", (None, False)),
        ("-1.0", (None, False)),
        ("2.6E+34", (None, True)),
        ("0607230002", ("0607230002", False)),
        ("12.5", ("12.5", False)),
    ],
)
def test_a_number_keeps_its_leading_zeros_and_loses_its_decimals(said: str, number: tuple[str | None, bool]) -> None:
    """A leading zero is part of an NHS number."""
    assert words.number(said) == number
