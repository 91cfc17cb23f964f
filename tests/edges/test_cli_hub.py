"""The commands against a running hub (embedded broker): a family's story in, and who may see what of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer

from agents import hub as running
from agents.demo.teller import Professional
from agents.settings import Settings
from tests.edges.cli_kit import Said, Shell
from tests.edges.cli_story import Told, people, sought, tell
from tests.edges.door_kit import SOURCE, STRUCTURED, attendance

PLANTED = ("Quillfeather", "Isolde", "Winterbourne")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def hub(home: Path) -> Iterator[running.Hub]:
    started = running.start(Settings.load({"HEARTH_HOME": str(home), "HEARTH_STORE": "memory"}))
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("story"))


@pytest.fixture
def hearth(
    hub: running.Hub, home: Path, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A shell beside a hub to which the story was published (the first to ask publishes it)."""
    shell = Shell(monkeypatch, capsys)
    shell.environ(HEARTH_HOME=str(home))
    if not (home / "published").exists():
        for agency, file in told.files.items():
            said = shell("publish", file, "--from", agency, "--wait", "60", "--json")
            assert (said.code, said.data["answered"]) == (0, {"accepted": said.data["sent"]})
        (home / "published").touch()
    return shell


@pytest.fixture
def as_reader(hearth: Shell) -> Callable[[Professional], Shell]:
    """Give a practitioner a token, and the shell as they use it."""

    def become(worker: Professional) -> Shell:
        issued = within(lambda: hearth("practitioner", "token", "-a", worker.agency, "--number", worker.id))
        hearth.environ(HEARTH_TOKEN=issued.out.strip())
        return hearth

    return become


def within(ask: Callable[[], Said], seconds: float = 30.0) -> Said:
    """Ask until it is answered with 0: what is read follows what is written by a moment."""
    until = time.monotonic() + seconds
    while (said := ask()).code != 0 and time.monotonic() < until:
        time.sleep(0.3)
    assert said.code == 0, said.err
    return said


def family(hearth: Shell, told: Told) -> str:
    said = hearth("find", "-p", "early-help", "--json", stdin=sought(told.child))
    assert said.code == 0, said.err
    (found,) = said.data["families"]
    return str(found)


def test_a_file_published_again_is_recognised_row_by_row(hearth: Shell, told: Told) -> None:
    """Nothing is taken twice, it is no error, and the command ends when the last row is answered."""
    begun = time.monotonic()
    said = hearth("publish", told.files["health"], "--from", "health", "--wait", "60", "--json")
    assert (said.code, said.data["answered"]) == (0, {"duplicate": said.data["sent"]})
    assert time.monotonic() - begun < 50


def test_the_lead_professional_sees_the_timeline_and_every_item_is_logged_first(
    as_reader: Callable[[Professional], Shell], told: Told
) -> None:
    """Each line cites a decision, and each of those stands in the log."""
    hearth = as_reader(told.lead)
    view = hearth("timeline", family(hearth, told), "-p", "early-help", "--json")
    assert view.code == 0
    assert {"AttendanceRecorded", "AppointmentNotAttended"} <= {line["what"] for line in view.data["lines"]}
    assert "Isolde Quillfeather" in {person["name"] for person in view.data["persons"]}
    for line in (view.data["lines"][0], view.data["lines"][-1]):
        shown = within(lambda one=line: hearth("audit", "show", one["decision"], "--json"))  # type: ignore[misc]
        record = shown.data["decision"]
        assert (record["stage"], record["outcome"]) == ("look", "share")
        assert record["decided_at"] <= view.data["shown_at"]
    assert hearth("audit", "verify").code == 0
    assert "Isolde Quillfeather" in hearth("timeline", family(hearth, told), "-p", "early-help").out


def test_whoever_does_not_work_with_the_family_learns_nothing_not_even_that_it_is_there(
    as_reader: Callable[[Professional], Shell], told: Told
) -> None:
    """The answer for a real family and for none is the same to the letter."""
    name = family(as_reader(told.lead), told)
    hearth = as_reader(told.stranger)
    for command in ("timeline", "who"):
        real, none = (hearth(command, one, "-p", "early-help") for one in (name, "f_" + "0" * (len(name) - 2)))
        assert (real.code, real.out, real.err) == (none.code, none.out, none.err)
        assert (real.code, real.out) == (1, "")
    found = hearth("find", "-p", "early-help", stdin=sought(told.child))
    wrong = hearth("find", "-p", "early-help", stdin=sought(told.child, told.child.born + timedelta(days=1)))
    assert (found.code, found.out, found.err) == (wrong.code, wrong.out, wrong.err) == (1, "", found.err)


def test_a_look_up_needs_the_birth_date_and_never_the_command_line(
    as_reader: Callable[[Professional], Shell], told: Told
) -> None:
    """What is not a whole JSON object of one person is wrong usage, and is not repeated."""
    hearth = as_reader(told.lead)
    for said in ("", "{}", told.child.nhs, json.dumps([json.loads(sought(told.child))]), json.dumps({"value": "*"})):
        answer = hearth("find", "-p", "early-help", stdin=said)
        assert (answer.code, answer.out) == (2, "")
        assert told.child.nhs not in answer.err
    assert hearth("find", told.child.nhs, "-p", "early-help").code == 2


def test_who_says_how_to_reach_those_who_work_with_the_family(
    as_reader: Callable[[Professional], Shell], told: Told
) -> None:
    """Name, role, team and work number of the school nurse."""
    hearth = as_reader(told.lead)
    (colleague,) = hearth("who", family(hearth, told), "--json").data
    assert (colleague["name"], colleague["role"]) == ("Lee Marchbanks", "school-nurse")
    assert colleague["phone"]


@pytest.mark.usefixtures("weeks_into_the_school_year")
def test_an_alert_stands_with_its_recipient_alone_and_is_tracked_to_its_outcome(
    as_reader: Callable[[Professional], Shell], told: Told
) -> None:
    """Acknowledged, acted on; nobody else sees it, can answer it, or be handed it without being eligible."""
    hearth = as_reader(told.lead)
    alerts = hearth("alerts", "--json").data
    alert = next(one for one in alerts if one["rule"] == "persistent-absence")
    assert alert["state"] == "new"
    assert all(reason["ground"] and reason["decision"] for reason in alert["reasons"])
    assert "What would make it go away" in hearth("alerts").out
    assert hearth("alerts", "ack", alert["id"]).code == 0
    to = f"{told.stranger.agency}:{told.stranger.id}"
    assert hearth("alerts", "handover", alert["id"], "--to", to).code == 1
    assert hearth("alerts", "outcome", alert["id"], "--did", "something-else").code == 2
    assert hearth("alerts", "outcome", alert["id"], "--did", "support-offered", "--json").data["useful"] is True

    def state() -> Said:
        said = hearth("alerts", "--json")
        states = {one["id"]: one["state"] for one in said.data}
        return Said(0 if states[alert["id"]] == "outcome" else 1, said.out, said.err)

    within(state)
    hearth = as_reader(told.stranger)
    assert hearth("alerts", "--json").data == []
    assert hearth("alerts", "ack", alert["id"]).code == 1
    assert hearth("alerts", "ack", alert["id"]).err == hearth("alerts", "ack", "a_nosuch").err


def test_watching_shows_each_alert_once_and_ends_with_ctrl_c(
    as_reader: Callable[[Professional], Shell], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One JSON document a line, and the exit code is 0."""
    hearth, looks = as_reader(told.lead), iter((None, None))

    def sleep(_: float) -> None:
        if next(looks, "over") == "over":
            raise KeyboardInterrupt

    monkeypatch.setattr("agents.commands.alerts.sleep", sleep)
    said = hearth("alerts", "--watch", "--json")
    ids = [json.loads(line)["id"] for line in said.out.splitlines()]
    assert said.code == 0
    assert ids
    assert len(ids) == len(set(ids))


def test_a_record_that_breaks_the_contract_is_told_of_without_its_content(hearth: Shell, hub: running.Hub) -> None:
    """Listed with field and fix, shown without what it holds, and tried again only when it can be read."""
    producer = Producer({"bootstrap.servers": hub.settings.kafka})
    producer.produce("in.school", b"\x00Isolde Quillfeather", headers={"ce_id": "Quillfeather", "ce_source": "x"})
    assert producer.flush(20) == 0

    def listed() -> Said:
        said = hearth("quarantine", "list", "--agency", "school", "--json")
        return Said(0 if said.out.strip() != "[]" else 1, said.out, said.err)

    (aside,) = within(listed).data
    assert aside["path"]
    assert aside["fix"]
    said = [listed(), hearth("quarantine", "show", aside["id"]), hearth("quarantine", "list"),
            hearth("quarantine", "retry", aside["id"])]  # fmt: skip
    assert said[-1].code == 4
    assert hearth("quarantine", "show", "q_nosuch").code == 1
    assert not [one for one in said for planted in PLANTED if planted in one.out + one.err]


def test_a_conflict_is_quarantined_and_can_be_tried_again(hearth: Shell, tmp_path: Path) -> None:
    """The first accepted stands; the command says where each row ended, and a retry is a new answer."""
    first, second = attendance("conflict-1"), attendance("conflict-1")
    second["data"]["code"] = "N"
    for event, status, code in ((first, "accepted", 0), (second, "conflict", 4)):
        file = tmp_path / f"{status}.jsonl"
        file.write_text(json.dumps(event))
        said = hearth("publish", file, "--from", "school", "--wait", "60", "--json")
        assert (said.code, said.data["answered"]) == (code, {status: 1})

    def aside() -> Said:
        said = hearth("quarantine", "list", "--json")
        return Said(0 if any(one["code"] == "conflict" for one in said.data) else 1, said.out, said.err)

    (conflict,) = [one for one in within(aside).data if one["code"] == "conflict"]
    (tried,) = hearth("quarantine", "retry", conflict["id"], "--json").data
    assert tried == {"id": conflict["id"], "status": "sent again"}


def test_an_event_over_http_gets_its_receipt_over_http(hearth: Shell, hub: running.Hub) -> None:
    """The whole way: door, topic, intake, receipt, projection, door."""
    token = hearth("token", "issue", "school", "-s", SOURCE).out.strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": STRUCTURED}
    posted = httpx.post(f"{hub.http}/events", json=attendance("by-http-1"), headers=headers, timeout=20)
    assert posted.status_code == 202
    until = time.monotonic() + 30
    while time.monotonic() < until:
        receipt = httpx.get(hub.http + posted.headers["location"], headers=headers, timeout=20)
        if receipt.status_code == 200:
            break
        time.sleep(0.2)
    assert receipt.json()["status"] == "accepted"
    assert httpx.get(f"{hub.http}/health", timeout=20).json() == {"status": "up"}


def test_what_is_held_is_for_information_governance_staff(
    as_reader: Callable[[Professional], Shell], told: Told, tmp_path: Path
) -> None:
    """A child without an agreement: the marks wait; a practitioner is not told, not even how many."""
    hearth = as_reader(told.officer)
    file = tmp_path / "held.jsonl"
    file.write_text(json.dumps(attendance("held-1")))
    hearth("publish", file, "--from", "school", "--wait", "60")

    def held() -> Said:
        said = hearth("held", "--json")
        return Said(0 if any(one["category"] == "attendance" for one in said.data) else 1, said.out, said.err)

    assert not [planted for planted in PLANTED if planted in within(held).out]
    said = as_reader(told.lead)("held")
    assert (said.code, said.out) == (1, "")


def test_a_withdrawn_agreement_ends_what_rested_on_it_at_the_next_look(
    as_reader: Callable[[Professional], Shell], told: Told
) -> None:
    """The attendance and the alert that were seen a moment ago are not shown any more; given anew, they are again."""
    hearth = as_reader(told.lead)
    name = family(hearth, told)

    def seen() -> set[str]:
        view = hearth("timeline", name, "-p", "early-help", "--json")
        return {line["what"] for line in view.data["lines"]} if view.code == 0 else set()

    assert "AttendanceRecorded" in seen()
    common = ("--from", "social-care", "--persons", "-")
    first = ("--reference", "agreement-1", "--source", "hearth:demo/social-care")
    ended = hearth("agreement", "withdraw", *common, *first, "--json", stdin=people(told))
    assert (ended.code, ended.data["status"]) == (0, "accepted")
    until = time.monotonic() + 30
    while "AttendanceRecorded" in seen() and time.monotonic() < until:
        time.sleep(0.3)
    assert "AttendanceRecorded" not in seen()
    assert hearth("alerts", "--json").data == []
    scope = ("--purpose", "early-help", "--category", "attendance", "--recipient", "social-care")
    given = ("--reference", "agreement-2", "--capacity", "parental-responsibility", *scope)
    assert hearth("agreement", "give", *common, *given, stdin=people(told)).code == 0
    until = time.monotonic() + 30
    while "AttendanceRecorded" not in seen() and time.monotonic() < until:
        time.sleep(0.3)
    assert "AttendanceRecorded" in seen()


def test_a_practitioner_who_left_reads_nothing_with_a_token_that_still_holds(
    as_reader: Callable[[Professional], Shell], told: Told, tmp_path: Path
) -> None:
    """Their agency says that they left; that is enough."""
    hearth = as_reader(told.stranger)
    lines = [json.loads(line) for line in told.files["social-care"].read_text().splitlines()]
    event = next(one for one in lines if one["data"].get("practitioner", {}).get("id") == told.stranger.id)
    event |= {"id": "left-1", "type": "hearth.social_care.PractitionerChanged"}
    event["data"] |= {"active": False}
    event["data"]["about"]["recorded_at"] = "2099-01-01T00:00:00Z"
    file = tmp_path / "left.jsonl"
    file.write_text(json.dumps(event))
    published = hearth("publish", file, "--from", "social-care", "--wait", "60", "--json")
    assert published.data["sent"] == 1, published.out
    within(lambda: Said(0 if "has left" in (said := hearth("alerts")).err else 1, said.out, said.err))
    assert hearth("practitioner", "token", "-a", told.stranger.agency, "--number", told.stranger.id).code == 1


def test_the_hub_s_own_logs_hold_nothing_of_what_went_through(hearth: Shell, hub: running.Hub) -> None:
    """After all of the above: no name, in no process's output."""
    logs = b"".join(path.read_bytes() for path in (hub.settings.run_dir / "output").iterdir())
    assert b"started" in logs
    assert not [planted for planted in PLANTED if planted.encode() in logs]
