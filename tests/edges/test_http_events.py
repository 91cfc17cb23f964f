"""Events over HTTP: what is taken in, what is refused, and what each is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from schemas.codec import decode
from tests.edges.door_kit import BATCH, NAMES, SOURCE, STRUCTURED, Site, attendance, site


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("door")) as running:
        yield running


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Return the problem document of `answer`, having checked its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, object] = answer.json()
    assert found["type"] == f"urn:hearth:problem:{code}"
    assert found["status"] == status
    assert found["fix"]
    return found


def test_a_stored_event_is_acknowledged_with_its_receipt_id(door: Site) -> None:
    """202 means: it stands on the agency's topic, in Avro, under its pseudonym."""
    answer = door.post(attendance("stored-1"))
    assert answer.status_code == 202
    said = answer.json()
    assert said["status"] == "stored"
    assert answer.headers["location"] == f"/receipts/{said['receipt']}"
    assert answer.headers["cache-control"] == "no-store"
    (record,) = [r for r in door.written() if dict(r.headers)["ce_id"] == b"stored-1"]
    assert record.key == NAMES.event(f"school {SOURCE}", "stored-1").encode()
    assert record.value is not None
    assert record.value[0] == 0
    assert decode(record).data["code"] == "/"


def test_the_same_event_has_the_same_receipt_and_other_content_another(door: Site) -> None:
    """A publisher that sends again, not having seen the answer, can ask after one receipt."""
    first = door.post(attendance("again-1")).json()["receipt"]
    second = door.post(attendance("again-1")).json()["receipt"]
    changed = attendance("again-1")
    changed["data"]["code"] = "N"
    third = door.post(changed).json()["receipt"]
    assert first == second != third


def test_a_batch_answers_for_each_event_by_its_place(door: Site) -> None:
    """One bad event never stops the good ones beside it."""
    bad = attendance("batch-2")
    bad["data"]["code"] = "QQ"
    foreign = attendance("batch-4", source="urn:someone-else")
    answer = door.post([attendance("batch-1"), bad, attendance("batch-3"), foreign, "no event"], BATCH)
    assert answer.status_code == 207
    events = answer.json()["events"]
    assert [one["index"] for one in events] == [0, 1, 2, 3, 4]
    assert [one["status"] for one in events] == ["stored", "refused", "stored", "refused", "refused"]
    assert events[1]["problem"]["path"] == "data.code"
    assert events[3]["problem"]["path"] == "source"
    ids = {dict(record.headers)["ce_id"] for record in door.written()}
    assert {b"batch-1", b"batch-3"} <= ids
    assert not {b"batch-2", b"batch-4"} & ids


def test_a_good_batch_is_202_and_a_hopeless_one_422(door: Site) -> None:
    """The status alone tells the two clear cases."""
    good = door.post([attendance("many-1"), attendance("many-2")], BATCH)
    assert good.status_code == 202
    assert door.post([], BATCH).json() == {"events": []}
    said = problem(door.post([{}, 3], BATCH), 422, "all-refused")
    assert len(said["events"]) == 2  # type: ignore[arg-type]


def test_binary_mode_is_taken_like_structured_mode(door: Site) -> None:
    """Attributes in ce-* headers, percent-encoded, and JSON data: the same receipt as in structured mode."""
    event = attendance("binär 1")
    headers = {f"ce-{name}": str(event[name]) for name in ("specversion", "source", "type")}
    headers["ce-id"] = "bin%C3%A4r%201"
    binary = door.post(event["data"], "application/json", **headers)
    structured = door.post(event)
    assert binary.status_code == structured.status_code == 202
    assert binary.json() == structured.json()


def test_a_dry_run_says_what_would_be_and_writes_nothing(door: Site) -> None:
    """The receipt id is the one that the event will have."""
    dry = door.post(attendance("dry-1"), query="?dry-run")
    assert (dry.status_code, dry.json()["status"]) == (200, "valid")
    bad = attendance("dry-2")
    del bad["data"]["session"]
    assert problem(door.post(bad, query="?dry-run"), 422, "missing")["path"] == "data.session"
    assert door.post([attendance("dry-3"), bad], BATCH, query="?dry-run").status_code == 207
    assert not [r for r in door.written() if dict(r.headers)["ce_id"].startswith(b"dry-")]
    assert door.post(attendance("dry-1")).json()["receipt"] == dry.json()["receipt"]


def test_a_failing_identifier_is_a_warning_and_not_a_refusal(door: Site) -> None:
    """It is kept as said; the publisher is told where to mend it."""
    event = attendance("warned-1")
    event["data"]["about"]["persons"][0]["identifiers"].append({"system": "upn", "value": "Z999999999999"})
    answer = door.post(event)
    assert answer.status_code == 202
    (warning,) = answer.json()["warnings"]
    assert warning["path"].startswith("data.about.persons[0].identifiers[1]")


@pytest.mark.parametrize(
    ("media", "headers"),
    [
        ("text/plain", {}),
        ("application/json", {}),
        ("application/cloudevents+avro", {}),
        (STRUCTURED + "; charset=latin-1", {}),
        (STRUCTURED, {"Content-Encoding": "gzip"}),
    ],
)
def test_a_content_type_that_the_door_does_not_read_is_415(door: Site, media: str, headers: dict[str, str]) -> None:
    """It says which ones it reads."""
    said = problem(door.post(b"{}", media, **headers), 415, "content-type")
    assert STRUCTURED in str(said["fix"])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"a": NaN}'])
def test_what_is_no_json_is_400(door: Site, body: bytes) -> None:
    """Nothing, half of it, the wrong encoding, or nested without end."""
    problem(door.post(body), 400, "not-json")


def test_a_body_above_the_limit_is_413_whether_or_not_it_says_its_length(door: Site) -> None:
    """The door counts as it reads: a body that does not declare its size ends at the limit, not in memory."""
    large = b'{"id": "' + b"x" * door.door.body_limit + b'"}'
    problem(door.post(large), 413, "too-large")
    headers = {"Authorization": f"Bearer {door.token}", "Content-Type": STRUCTURED}
    chunks = (large[at : at + 65_536] for at in range(0, len(large), 65_536))
    problem(httpx.post(f"{door.url}/events", headers=headers, content=chunks, timeout=20), 413, "too-large")


def test_an_event_too_large_for_a_record_is_refused_alone(door: Site) -> None:
    """Above the limit of one record, below that of a body."""
    event = attendance("big-1")
    event["data"]["about"]["source_reference"] = "r" * 300_000
    answer = door.post([event, attendance("big-2")], BATCH)
    assert [one["status"] for one in answer.json()["events"]] == ["refused", "stored"]


@pytest.mark.parametrize("said", [None, "", "Bearer", "Bearer hth_0_0", "Basic c2Nob29sOng="])
def test_nobody_comes_in_without_a_token_that_holds(door: Site, said: str | None) -> None:
    """401, and how to get one."""
    headers = {"Content-Type": STRUCTURED} | ({"Authorization": said} if said is not None else {})
    answer = httpx.post(f"{door.url}/events", headers=headers, json=attendance("nobody-1"), timeout=20)
    problem(answer, 401, "no-token")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_reader_s_token_opens_no_door_for_events(door: Site) -> None:
    """A practitioner reads; an agency's system publishes."""
    reader, _ = door.tokens.issue("reader", "w_x", "school", (), timedelta(days=1))
    answer = door.post(attendance("reader-1"), Authorization=f"Bearer {reader}")
    problem(answer, 403, "not-an-agency")


def test_an_agency_speaks_only_for_its_sources_and_its_types(door: Site) -> None:
    """Another's source and another's type are both 403."""
    problem(door.post(attendance("foreign-1", source="urn:school:1000012")), 403, "source-not-allowed")
    problem(door.post(attendance("foreign-2", type="hearth.police.ChildFound")), 422, "unknown-field")
    health, _ = door.tokens.issue("agency", "health", "health", (SOURCE,), timedelta(days=1))
    problem(door.post(attendance("foreign-3"), Authorization=f"Bearer {health}"), 403, "not-your-type")


def test_a_rotated_token_and_its_successor_both_open_the_door_until_the_overlap_ends(door: Site) -> None:
    """No event is turned away while a publisher changes its token."""
    old, _ = door.tokens.issue("agency", "school", "school", (SOURCE,), timedelta(days=1))
    rotated = door.tokens.rotate("agency", "school", timedelta(days=1), timedelta(hours=1))
    assert rotated is not None
    new, grant = rotated
    for token in (old, new):
        assert door.post(attendance("rotated-1"), Authorization=f"Bearer {token}").status_code == 202
    door.tokens.revoke(grant.id)
    problem(door.post(attendance("rotated-1"), Authorization=f"Bearer {new}"), 401, "no-token")


def test_under_pressure_the_door_says_when_to_come_again(tmp_path: Path) -> None:
    """429 when one agency takes more than its share, 503 when the door takes no more: both with Retry-After."""
    with site(tmp_path, in_flight=8_000) as small:
        answer = small.post(msgspec.json.encode(attendance("p-1")) + b" " * 5_000)
        problem(answer, 429, "too-many-requests")
        assert int(answer.headers["retry-after"]) > 0
        small.door.pressure.take("health", 4_000)
        small.door.pressure.take("police", 4_000)
        answer = small.post(attendance("p-2"))
        problem(answer, 503, "under-pressure")
        assert int(answer.headers["retry-after"]) > 0
        small.door.pressure.give("police", 4_000)
        assert small.post(attendance("p-3")).status_code == 202
        assert small.post(attendance("p-4")).status_code == 202


def test_what_a_refused_request_held_is_given_back(tmp_path: Path) -> None:
    """A hundred bad requests leave the door as open as it was."""
    with site(tmp_path, in_flight=8_000, body_limit=3_000) as small:
        for body in (b"{", b"[]", b"x" * 2_000, b"x" * 5_000) * 10:
            assert small.post(body).status_code in (400, 413, 422)
        assert small.post(attendance("left-1")).status_code == 202
