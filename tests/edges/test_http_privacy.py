"""No answer of the door holds anything that a publisher sent: searched for, wherever it was planted."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.edges.door_kit import BATCH, STRUCTURED, Site, attendance, site

PLANTED = ("Quillfeather", "9990000026", "14 Thistledown Mews")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("door")) as running:
        yield running


def places(event: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of `event`."""
    if at:
        yield at
    inner = event.items() if isinstance(event, dict) else enumerate(event) if isinstance(event, list) else ()
    for name, value in inner:
        yield from places(value, (*at, name))


def planted(at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return a valid event with `value` in place of what stands at the path."""
    event = copy.deepcopy(attendance("planted-1"))
    inner: Any = event
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1]] = value
    return event


def forms(value: str) -> set[str]:
    """Return the shapes in which a value could come back: as it is, folded, encoded, and as unkeyed hashes."""
    plain = {value, value.replace(" ", ""), " ".join(value)}
    told = plain | {one.casefold() for one in plain}
    return (
        {one.casefold() for one in told}
        | {quote(one).casefold() for one in told}
        | {base64.b64encode(one.encode()).decode().rstrip("=").casefold() for one in told}
        | {hashlib.new(name, one.encode()).hexdigest() for one in told for name in ("sha256", "sha1", "md5")}
    )


def silent(answer: httpx.Response, *values: str) -> None:
    """Check that nothing of `values` stands in the answer, its headers included."""
    said = (answer.text + repr(answer.headers)).casefold()
    for value in values:
        for form in forms(value):
            assert form not in said, f"{answer.status_code} gives back what was planted"


@pytest.mark.parametrize("value", PLANTED)
def test_no_answer_repeats_a_value_wherever_it_was_put(door: Site, value: str) -> None:
    """In each field and attribute, alone and in a batch, valid or not, stored or refused or on a dry run."""
    events = [planted(at, value) for at in places(attendance())]
    events += [planted(at, {value: value}) for at in places(attendance())]
    statuses = set()
    for event in events:
        answer = door.post(event)
        statuses.add(answer.status_code)
        silent(answer, value)
    assert {202, 422} <= statuses
    silent(door.post(events, BATCH), value)
    silent(door.post(events, BATCH, query="?dry-run"), value)


@pytest.mark.parametrize("value", PLANTED)
def test_no_answer_repeats_a_name_that_was_put_where_only_names_of_fields_belong(door: Site, value: str) -> None:
    """A publisher that builds its JSON wrongly may make a field of a person's name."""
    for at in places(attendance()):
        event = copy.deepcopy(attendance("planted-2"))
        inner: Any = event
        for name in at:
            inner = inner[name]
        if isinstance(inner, dict):
            inner[value] = "x"
            silent(door.post(event), value)
    silent(door.post(attendance("planted-3") | {value: 1.5}), value)
    silent(door.post(attendance("planted-3") | {value.replace(" ", "").lower(): 1.5}), value)


@pytest.mark.parametrize("value", PLANTED)
def test_no_refusal_of_a_request_repeats_what_stood_in_it(door: Site, value: str) -> None:
    """Neither headers, nor the address, nor a body that is no JSON, nor a token."""
    quoted = quote(value)
    silent(door.post(f'{{"name": "{value}'.encode()), value)
    silent(door.post(b"{}", f"text/{quoted}"), value)
    silent(door.post(attendance("planted-4"), Authorization=f"Bearer hth_{quoted}_{quoted}"), value)
    silent(door.post(attendance("planted-4")["data"], "application/json", **{"ce-specversion": quoted}), value)
    for path in (f"/receipts/{quoted}", f"/samples/{quoted}", f"/{quoted}", f"/subjects/{quoted}/versions"):
        silent(door.get(path), value)
    silent(door.get(f"/receipts/{quoted}"), value)


def test_an_answer_to_a_crash_tells_nothing_of_its_cause(door: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the hub itself fails, the text of the failure stays inside."""

    def fails(agency: str, id: str) -> None:  # noqa: A002
        raise RuntimeError(PLANTED[0])

    monkeypatch.setattr(door.receipts, "receipt", fails)
    answer = door.get("/receipts/r_1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    silent(answer, PLANTED[0])


def test_keys_and_headers_of_what_is_stored_hold_no_value_of_the_data(door: Site) -> None:
    """The record's key is a pseudonym; its headers are the attributes, and nothing from the data."""
    door.post(attendance("stored-9"))
    (record,) = [r for r in door.written() if dict(r.headers)["ce_id"] == b"stored-9"]
    said = (repr(record.key) + repr(record.headers)).casefold()
    assert not [value for value in ("quillfeather", "isolde", "p-77123", "2014-05-06") if value in said]
    assert "stored-9" not in repr(record.key)


def test_a_stock_client_s_content_type_is_answered_in_kind(door: Site) -> None:
    """The door names its own media types and nobody's else."""
    assert door.post(attendance("kind-1"), STRUCTURED + "; charset=UTF-8").headers["content-type"] == "application/json"
