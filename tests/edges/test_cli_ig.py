"""`hearth ig` against a running hub (embedded broker): who may, what is shown, and that it is logged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents import hub as running
from agents.demo.teller import Professional
from agents.settings import Settings
from agents.watching import in_a_child
from tests.edges.cli_kit import Said, Shell
from tests.edges.cli_story import Told, sought, tell

TODAY = datetime.now(UTC).date()
PERIOD = ("--since", str(TODAY - timedelta(days=1)), "--until", str(TODAY + timedelta(days=1)))
SAID = "Not breathing, found alone"
PLANTED = ("Quillfeather", "Isolde", "Winterbourne", "Marchbanks")


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
def become(
    hub: running.Hub, home: Path, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Professional], Shell]:
    """Give a practitioner a token beside a hub to which the story was published, and the shell as they use it."""
    shell = Shell(monkeypatch, capsys)
    shell.environ(HEARTH_HOME=str(home))
    if not (home / "published").exists():
        for agency, file in told.files.items():
            assert shell("publish", file, "--from", agency, "--wait", "60").code == 0
        (home / "published").touch()

    def become(worker: Professional) -> Shell:
        issued = within(lambda: shell("practitioner", "token", "-a", worker.agency, "--number", worker.id))
        shell.environ(HEARTH_TOKEN=issued.out.strip())
        return shell

    return become


def within(ask: Callable[[], Said], seconds: float = 30.0) -> Said:
    """Ask until it is answered with 0: what is read follows what is written by a moment."""
    until = time.monotonic() + seconds
    while (said := ask()).code != 0 and time.monotonic() < until:
        time.sleep(0.3)
    assert said.code == 0, said.err
    return said


def looked(become: Callable[[Professional], Shell], told: Told) -> str:
    """The lead professional looks; return the family's id."""
    hearth = become(told.lead)
    (family,) = within(lambda: hearth("find", "-p", "early-help", "--json", stdin=sought(told.child))).data["families"]
    assert hearth("timeline", family, "-p", "early-help").code == 0
    return str(family)


def test_the_commands_are_for_information_governance_staff_alone(
    become: Callable[[Professional], Shell], told: Told
) -> None:
    """A lead professional is refused each of them, in the same words, with nothing on stdout."""
    family = looked(become, told)
    hearth = become(told.lead)
    said = [
        hearth("ig", *command)
        for command in (
            ("search",), ("explain", "d_1"), ("measures", *PERIOD), ("watch", *PERIOD), ("request", "access", family),
            ("extend", "c_1", "--reason", "complex"), ("close", "c_1", "--outcome", "granted"), ("cases",),
            ("access", family), ("review", family), ("because", "c_1"), ("case", "c_1"),
            ("restrict", "c_1", "--persons", "-", "--because", "x", "--ground", "accuracy-contested"),
            ("lift", "c_1", "--persons", "-", "--because", "x", "--told", "2026-01-01"),
        )
    ]  # fmt: skip
    assert {(one.code, one.out) for one in said} == {(1, "")}
    assert len({one.err for one in said}) == 1


def test_a_look_is_found_explained_and_counted(become: Callable[[Professional], Shell], told: Told) -> None:
    """By family and class; in plain English with its law; apart from machine decisions; nobody's name in any of it."""
    family = looked(become, told)
    hearth = become(told.officer)

    def found() -> Said:
        said = hearth("ig", "search", "--family", family, "--class", "look", "--outcome", "share", "--json")
        return Said(0 if said.data["decisions"] else 1, said.out, said.err)

    page = within(found).data
    assert set(page["counts"]) == {"machine", "look", "audit", "step"}
    assert [kind for kind, count in page["counts"].items() if count] == ["look"]
    decision = next(one["id"] for one in page["decisions"] if one["stage"] == "look")
    explained = hearth("ig", "explain", decision)
    assert explained.code == 0
    for part in ("Children Act 2004 s10", "policies are today as they were then", "It would have been otherwise if"):
        assert part in explained.out
    assert hearth("ig", "explain", decision, "--json").data["policies_changed_since"] is False
    numbers = hearth("ig", "measures", *PERIOD, "--json").data
    assert {one["kind"] for one in numbers} >= {"machine", "look", "audit"}
    mine = within(lambda: _some(hearth("ig", "search", "--class", "audit", "--family", family, "--json")))
    assert {one["stage"] for one in mine.data["decisions"]} == {"ig-search", "ig-explain"}
    assert all(one["definition"] for one in numbers)
    outputs = [explained, hearth("ig", "search"), hearth("ig", "measures", *PERIOD)]
    assert not [one for one in outputs for planted in PLANTED if planted in one.out + one.err]
    assert hearth("ig", "explain", "d_nosuch").code == 1
    assert hearth("ig", "search", "--class", "both").code == 2


def test_an_access_request_is_answered_in_plain_words_and_every_step_stands_in_the_log(
    become: Callable[[Professional], Shell], told: Told, tmp_path: Path
) -> None:
    """Taken in with its date, weighed, chosen, given out, closed; and no record without all choices or its case."""
    family = looked(become, told)
    hearth = become(told.officer)
    looks = ("ig", "search", "--family", family, "--class", "look", "--outcome", "share", "--json")
    seen = within(lambda: _some(hearth(*looks))).data["decisions"]
    marks = next(one["id"] for one in seen if one["category"] == "attendance")
    shown = within(lambda: hearth("audit", "show", marks, "--json")).data["decision"]
    child = shown["subjects"][0]
    opened = hearth("ig", "request", "access", child, "--json")
    assert opened.code == 0
    case = opened.data["case"]
    assert date.fromisoformat(opened.data["due"]) > TODAY
    said = hearth("ig", "request", "access", child).out
    assert str(opened.data["due"]) in said

    def queued() -> Said:
        said = hearth("ig", "cases", "--json")
        return Said(0 if [one for one in said.data if one["id"] == case] else 1, said.out, said.err)

    (mine,) = [one for one in within(queued).data if one["id"] == case]
    assert (mine["kind"], mine["about"], mine["overdue"]) == ("access", child, False)
    lines = within(lambda: hearth("ig", "access", child, "--json")).data
    wanted = {one["decision"]: {"choice": "release"} for one in lines if one["proposed"] == "choose"}
    assert wanted
    file = tmp_path / "choices.json"
    for choices, code in ((dict(list(wanted.items())[1:]), 1), (wanted, 0)):
        file.write_text(json.dumps(choices))
        given = hearth("ig", "access", child, "--case", case, "--requester", "subject", "--choices", file)
        assert given.code == code, given.err
    assert "Early help worker looked at" in given.out
    assert not [planted for planted in (*PLANTED, "p_", "f_", "d_", "w_") if planted in given.out]
    assert hearth("ig", "access", child, "--case", "c_nosuch", "--requester", "subject").code == 1
    told_of = within(
        lambda: _some(hearth("ig", "search", "--recipient", case, "--class", "step", "--json"))
    ).data["decisions"]
    assert {(one["stage"], one["outcome"]) for one in told_of} >= {("access", "share")}
    within(lambda: hearth("audit", "show", told_of[0]["id"]))
    assert hearth("ig", "review", family, "--json").data
    assert hearth("ig", "close", case, "--outcome", "granted").code == 0
    within(lambda: Said(int(hearth("ig", "close", case, "--outcome", "granted").code != 1), "", ""))
    history = hearth("ig", "case", case, "--json").data
    assert (history["case"]["status"], history["case"]["closed_on"]) == ("closed", str(TODAY))
    assert {one["said"] for one in history["history"]} == {"opened", "closed"}
    assert {one["by"] for one in history["history"]} == {history["case"]["closed_by"]}
    assert "closed by" in hearth("ig", "case", case).out
    assert hearth("ig", "case", "c_nosuch").code == 1
    assert hearth("audit", "verify").code == 0


def test_what_a_practitioner_records_stands_on_the_next_look_in_their_name_until_they_take_it_back(
    become: Callable[[Professional], Shell], told: Told
) -> None:
    """That the family was told, by the lead: the look finds it, and it is explained; then not any more."""
    family = looked(become, told)
    hearth = become(told.lead)
    child = json.dumps([told.child.said("social-care", "subject")], default=str)
    said = ("record", "family-told", "--persons", "-", "--because", "At the first visit", "-p", "early-help", "--json")
    made = hearth(*said, stdin=child)
    assert (made.code, made.data["status"]) == (0, "accepted")

    def latest(told_of: str) -> Said:
        assert become(told.lead)("timeline", family, "-p", "early-help").code == 0
        officer = become(told.officer)
        search = ("ig", "search", "--family", family, "--class", "look", "--outcome", "share", "--json")
        one = within(lambda: _some(officer(*search))).data["decisions"][0]
        shown = officer("ig", "explain", one["id"], "--json")
        return Said(int(shown.code != 0 or shown.data["decision"]["family_told"] != told_of), shown.out, shown.err)

    explained = within(lambda: latest("told"))
    assert "Recorded by practitioner w_" in explained.out
    assert not [planted for planted in (*PLANTED, "first visit") if planted in explained.out]
    assert become(told.lead)(*said, "--takes-back", made.data["record"], stdin=child).code == 0
    assert "Recorded by practitioner" not in within(lambda: latest("agreed")).out


def test_a_record_needs_its_author_its_reason_and_a_finding_that_there_is(
    become: Callable[[Professional], Shell], told: Told
) -> None:
    """Without a token, a reason, or why the family was not told, nothing is recorded."""
    hearth = become(told.lead)
    child = json.dumps([told.child.said("social-care", "subject")], default=str)
    rest = ("--persons", "-", "-p", "early-help")
    assert hearth("record", "waved-through", *rest, "--because", "x", stdin=child).code == 2
    assert hearth("record", "approved", *rest, "--because", " ", stdin=child).code == 2
    assert hearth("record", "family-not-told", *rest, "--because", "x", stdin=child).code == 2
    assert hearth("record", "approved", *rest, "--because", "x", "--sensitivity", "gossip", stdin=child).code == 1
    hearth.environ(HEARTH_TOKEN="nobodys")
    assert hearth("record", "approved", *rest, "--because", "x", stdin=child).code == 1


def test_processing_is_restricted_under_a_request_and_lifted_once_the_person_was_told(
    become: Callable[[Professional], Shell], told: Told
) -> None:
    """The lead sees nothing of the child's and finds nobody; after the lift all is back. Each step is in the log."""
    family = looked(become, told)
    child = json.dumps([told.child.said("social-care", "subject")], default=str)
    mother = json.dumps([told.mother.said("social-care", "subject")], default=str)
    hearth = become(told.officer)
    search = ("ig", "search", "--family", family, "--class", "look", "--outcome", "share", "--json")
    seen = within(lambda: _some(hearth(*search))).data["decisions"]
    hers = next(one["id"] for one in seen if one["category"] == "health-contact")
    subject = within(lambda: hearth("audit", "show", hers, "--json")).data["decision"]["subjects"][0]
    case = hearth("ig", "request", "objection", subject, "--json").data["case"]
    within(lambda: _queued(hearth, case))

    def restricts(said: str, *more: str) -> Said:
        return hearth("ig", "restrict", case, "--persons", "-", "--because", "She objects", *more, stdin=said)

    ground = ("--ground", "objection-pending")
    assert restricts(child, "--ground", "accuracy-contested").code == 1
    assert restricts(mother, *ground).code == 1
    assert restricts("[7]", *ground).code == 2
    tell = ("ig", "lift", case, "--persons", "-", "--because", "Weighed", "--told")
    assert hearth(*tell, str(TODAY), stdin=child).code == 1
    made = restricts(child, *ground, "--json")
    assert (made.code, made.data["status"], made.data["case"]) == (0, "accepted", case)
    assert within(lambda: _queued(hearth, case, restricted=True)).code == 0

    def shown() -> set[str]:
        said = hearth("timeline", family, "-p", "early-help", "--json")
        return {line["what"] for line in said.data["lines"]} if said.code == 0 else set()

    both = {"AttendanceRecorded", "AppointmentNotAttended"}
    hearth = become(told.lead)
    assert not shown() & both
    assert hearth("find", "-p", "early-help", "--json", stdin=sought(told.child)).code == 1

    hearth = become(told.officer)
    assert hearth("ig", "close", case, "--outcome", "granted").code == 0
    assert within(lambda: _queued(hearth, case, restricted=True, status="closed")).code == 0
    assert hearth(*tell, str(TODAY + timedelta(days=1)), stdin=child).code == 2
    assert hearth(*tell, str(TODAY), stdin=child).code == 0
    within(lambda: Said(int(bool(_queued(hearth, case).code == 0)), "", ""))
    steps = within(lambda: _some(hearth("ig", "search", "--family", family, "--rule", "restriction", "--json")))
    assert {one["decided_by"] for one in steps.data["decisions"]} != {"rule"}
    assert hearth("audit", "verify").code == 0
    hearth = become(told.lead)
    assert shown() >= both


def _queued(hearth: Shell, case: str, **how: object) -> Said:
    """The queue: 0 where the case is on it, and stands so."""
    said = hearth("ig", "cases", "--json")
    mine = [one for one in said.data if one["id"] == case and how.items() <= one.items()]
    return Said(0 if mine else 1, said.out, said.err)


def _some(said: Said) -> Said:
    return Said(0 if said.data["decisions"] else 1, said.out, said.err)


def test_looks_at_other_people_s_families_come_to_the_queue_as_a_reference(
    become: Callable[[Professional], Shell], told: Told, hub: running.Hub
) -> None:
    """Three families that are none of the stranger's: found by the hub itself; an officer's run adds nothing to it."""
    looked(become, told)
    hearth = become(told.stranger)
    for number in range(3):
        assert hearth("timeline", f"f_{number:032d}", "-p", "early-help").code == 1
    hearth = become(told.officer)

    def queued() -> Said:
        child = in_a_child(hub.settings)
        while child.poll() is None:
            time.sleep(0.2)
        assert child.poll() == 0
        said = hearth("ig", "cases", "--json")
        mine = [one for one in said.data if one["behaviour"] == "no-involvement"]
        return Said(0 if mine else 1, said.out, said.err)

    (mine,) = [one for one in within(queued).data if one["behaviour"] == "no-involvement"]
    assert (mine["about"], mine["opened_by"]) == ("", "hub")
    assert hearth("ig", "explain", mine["refers_to"][0]).code == 0
    assert hearth("ig", "watch", *PERIOD, "--json").data["cases"] == []


def test_break_glass_shows_the_minimum_and_is_read_and_closed_by_an_officer(
    become: Callable[[Professional], Shell], told: Told
) -> None:
    """With a reason of the list and words of one's own; without them only while it is open; what was said is sealed."""
    family = looked(become, told)
    hearth = become(told.stranger)
    assert hearth("timeline", family, "-p", "safeguarding").code == 1
    assert hearth("break-glass", family).code == 1
    for wrong in (("--reason", "curious", "--because", "x"), ("--reason", "life-at-risk"), ("--because", "x")):
        assert hearth("break-glass", family, *wrong).code == 2
    opened = hearth("break-glass", family, "--reason", "life-at-risk", "--because", "-", "--json", stdin=SAID)
    assert opened.code == 0, opened.err
    shown = {line["what"] for line in opened.data["view"]["lines"]}
    assert shown == {"RelationshipStated", "InvolvementStarted", "LeadProfessionalAssigned"}
    again = within(lambda: hearth("break-glass", family, "--json"))
    assert again.data["decision"] == opened.data["decision"]
    assert "to be reviewed" in hearth("break-glass", family).err
    hearth = become(told.officer)

    def mine() -> list[dict[str, object]]:
        every = hearth("ig", "cases", "--json").data
        return [one for one in every if one["refers_to"] == [opened.data["decision"]]]

    (case,) = mine()
    assert (case["kind"], case["overdue"], case["about"]) == ("break-glass", False, "")
    said = within(lambda: hearth("ig", "because", case["id"]))
    assert said.out == SAID + "\n"
    explained = within(lambda: hearth("ig", "explain", opened.data["decision"]))
    assert SAID not in explained.out
    assert "Reason given: A life is at risk now." in explained.out
    assert hearth("ig", "close", case["id"], "--outcome", "explained").code == 0
    within(lambda: Said(0 if not mine() else 1, "", "the case is still open"))
