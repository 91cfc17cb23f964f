"""What a change of the policies would change: every answer that was given, asked again of what would be in force."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agents.adapters.log_entries import LogEntries
from agents.cli import run
from consent import policy, sharing, trial
from consent.decision import Decision, Outcome, encode, record
from consent.engine import Engine
from consent.explain_words import NO_POLICY
from consent.log.entry import LogEntry
from consent.replay import replay
from consent.request import Request
from schemas.ids import FamilyId, PersonId
from schemas.people import KnownPerson, people_key
from schemas.records import PersonAsKnown
from schemas.records import encode as encode_record
from streams import topology
from tests.core.ig_desk import Desk
from tests.core.ig_kit import ASKED, CLEARED, LEAD, OFFICER
from tests.core.ig_story import NOW, Told
from tests.core.test_consent_cases import _few, _policies

DAY = datetime(2026, 9, 14, 9, tzinfo=UTC)
SINCE = ["--since", "2026-09-14"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path / "home", monkeypatch)
    desk.sit(OFFICER)
    return desk


def asked(folder: Path, logs: Path, *more: str) -> tuple[str, ...]:
    return ("policy", "replay", str(folder), *SINCE, "--log-dir", str(logs), "--json", *more)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> dict:
    assert run(list(arguments)) == code
    return json.loads(capsys.readouterr().out)


def test_replay_lists_every_recorded_decision_that_would_change(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those since the day, decided by rule, and no others; under the policies as they were, none."""
    engine, read = Engine(), trial.table()
    cases = [
        (case, request) for case, request in read.cases
        if not case.switches and (request.sector, request.sharing_agreement) != ("voluntary", "none")  # there is one
    ]  # fmt: skip
    before = decided(engine, cases[0][1], 0, datetime(2026, 9, 1, tzinfo=UTC), to="w_gone")
    decisions = [before, *(decided(engine, request, n, to="w_gone") for n, (_, request) in enumerate(cases, 1))]
    last = next(one for one in reversed(decisions) if one.stage != "find")
    by_a_person = msgspec.structs.replace(last, id="d_person", outcome=Outcome.REFER, decided_by="w_1")
    ended = msgspec.structs.replace(last, id="d_ended", outcome=Outcome.WITHHOLD, rules=("hold-ended",))
    older = msgspec.structs.replace(last, id="d_older", asked=None)
    logs = logged(tmp_path, main=[*decisions, by_a_person, ended, older])
    same = said(capsys, *asked(policy.HERE, logs), code=0)
    assert (same["asked"], same["changes"]) == (len(cases), [])
    assert same["left_alone"] == {"by_a_person": 1, "without_policies": 1, "not_said": 1, "erased": 0}

    folder = _policies(tmp_path, '@outcome("hold")', '@outcome("withhold")')
    changes = said(capsys, *asked(folder, logs), code=1)["changes"]
    held = [decision.id for decision in decisions[1:] if decision.outcome is Outcome.HOLD]
    assert held
    assert [one["name"] for one in changes] == held


def test_replay_of_a_log_that_is_not_there_says_so(desk: Desk, tmp_path: Path) -> None:
    """Wrong usage, code 2: no log, no such log, no folder of policies, none of agreements."""
    there = ["--since", "2026-09-14", "--log-dir", str(tmp_path)]
    assert run(["policy", "replay", str(policy.HERE), *there]) == 2
    assert run(["policy", "replay", str(policy.HERE), *there, "--log", "other"]) == 2
    assert run(["policy", "replay", str(policy.HERE), *there, "--sharing", str(tmp_path)]) == 2
    assert run(["policy", "replay", str(tmp_path), *there]) == 2


def test_a_whole_story_asked_again_under_the_same_policies_changes_nothing(tmp_path: Path) -> None:
    """Items, alerts, looks, a find, fields taken out, what was shown to nobody: nothing is made up by asking again."""
    told = Told(tmp_path)
    story = told.story
    child, mother = story.child("Isolde", "2014-05-06", "Quillfeather"), story.adult("Maud", "1987-02-01")
    lead = story.professional("social-care", "early-help-worker")
    nurse = story.professional("health", "school-nurse")
    stranger = story.professional("social-care", "social-worker")
    story.relate(child, mother)
    story.marks(child, "O", weeks=6)
    story.not_brought(child, 40)
    told.happens()
    story.agree(mother, child)
    story.lead(lead, child)
    story.involve(nurse, child, "School nursing")
    story.worried(nurse, child, 9, agreement_reference="agreement-1")
    harm = {"claim": "significant-harm", "rationale": "", "decided_by": "", "condition_reason": ""}
    story.domestic_abuse(mother, story.adult("Abel", "1979-02-01"), 30, children=[child], ground=harm)
    told.happens()
    looks = [one for who in (lead, nurse, stranger) for one in told.looks(who, child)]
    long_ago = NOW - timedelta(days=900)  # there was no agreement to show then: a look that shows nothing
    assert told.reading.agreements(told.worker(lead), told.family(child), "early-help", NOW, long_ago) is None
    looks += told.logged()
    assert looks[-1].outcome is Outcome.WITHHOLD
    assert Engine().rule(looks[-1].asked or ASKED).outcome is Outcome.SHARE
    number = child.said("health", "subject")
    sought = msgspec.convert(number, PersonAsKnown)
    told.reading.find(told.worker(lead), sought, "early-help", NOW)
    finds = told.logged()
    assert {one.stage for one in looks + finds} == {"look", "find"}
    every = [*told.hub.trace.log, *looks, *finds]
    assert any("parties" in one.removed for one in looks)
    again = replay(every, Engine(), NO_POLICY, sharing.agreements(), lambda one: agency(told, one))
    assert [(c.name, c.old, c.new) for c in again.changes] == []
    assert again.by_a_person == 0
    assert again.as_recorded == 0
    assert again.asked + again.without_policies == len(every)


def agency(told: Told, one: Decision) -> str:
    known = told.hub.people.practitioner(one.recipient)
    return known.agency if known else {"hub": "hub"}.get(one.recipient, "social-care")


def test_a_find_is_asked_again_though_older_records_name_its_reader_as_who_decided(tmp_path: Path) -> None:
    """The engine decided it."""
    find = decided(Engine(), ASKED._replace(action="find", category="relationships"), 1)
    again = replay([msgspec.structs.replace(find, decided_by="w_reader")], Engine())
    assert (again.asked, again.by_a_person, again.changes) == (1, 0, ())


def test_what_minimisation_would_take_out_or_leave_in_is_a_change(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Field by field: what would be told no more, and what would be told; by name, in both commands."""
    teacher = ASKED._replace(role="teacher", category="concern", agreement="none", ground="significant-harm",
                             purpose="safeguarding")  # fmt: skip
    made = msgspec.structs.replace(
        decided(Engine(), teacher, 1), removed=("data.note", "said.address"), released=("data.level", "said.sex"),
    )  # fmt: skip
    assert made.outcome is Outcome.SHARE
    logs = logged(tmp_path, main=[made])
    assert said(capsys, *asked(policy.HERE, logs), code=0)["changes"] == []
    folder = _policies(tmp_path, '"data.note", "data.circumstances"', '"said.sex", "data.circumstances"')
    (change,) = said(capsys, *asked(folder, logs), code=1)["changes"]
    assert change["fields"] == {"gained": ["data.note"], "lost": ["said.sex"]}
    assert (change["old"]["outcome"], change["new"]["outcome"]) == ("share", "share")
    assert run(["policy", "replay", str(folder), *SINCE, "--log-dir", str(logs)]) == 1
    printed = capsys.readouterr().out
    assert "share, with other fields" in printed
    assert "+data.note -said.sex" in printed
    few = ("--json", "--cases", str(_few(tmp_path, "children-act-1989-s47")))
    moves = said(capsys, "policy", "diff", str(policy.HERE), str(folder), *few, code=1)["requests"]
    assert moves["share, with other fields"] > 0


def test_another_day_of_review_is_a_change(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person would look at it sooner or later than now."""
    urgent = ASKED._replace(ground="vital-interests", agreement="none", purpose="safeguarding")
    logs = logged(tmp_path, main=[decided(Engine(), urgent, 1)])
    assert said(capsys, *asked(policy.HERE, logs), code=0)["changes"] == []
    folder = _policies(tmp_path, '@review("3")', '@review("7")')
    (change,) = said(capsys, *asked(folder, logs), code=1)["changes"]
    assert (change["old"]["review_days"], change["new"]["review_days"]) == (3, 7)


@pytest.mark.parametrize("file", ["minimise.toml", "switches.toml"])
def test_a_folder_whose_files_do_not_hold_together_is_refused(desk: Desk, tmp_path: Path, file: str) -> None:
    """Minimisation and switches are read from NEW, and garbage in them is no policy without change."""
    folder, logs = _policies(tmp_path, "", ""), logged(tmp_path, main=[decided(Engine(), ASKED, 1)])
    (folder / file).write_text("garbage = [")
    assert run(list(asked(folder, logs))) == 2
    assert run(["policy", "diff", str(policy.HERE), str(folder)]) == 2


def test_what_looks_at_the_item_itself_is_said_not_to_be_asked(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who referred, and which people are told of: no request shows it, so a change of it is named and ends with 1."""
    folder = _policies(tmp_path, 'never = ["informant"]', "never = []")
    logs = logged(tmp_path, main=[decided(Engine(), ASKED, 1)])
    assert said(capsys, *asked(folder, logs), code=1)["not_asked"] == ["parties"]


def test_a_law_with_a_day_that_has_come_counts_in_the_folder_that_says_so(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """NEW's own switches, dated; `--on` adds to them."""
    request = next(r for case, r in trial.table().cases if case.switches == ("duty-to-disclose",)
                   and Engine().rule(r).outcome is not Engine(["duty-to-disclose"]).rule(r).outcome)  # fmt: skip
    logs = logged(tmp_path, main=[decided(Engine(), request, 1)])
    dated = 'policy = "duty-to-disclose.cedar"\non_from = {day}'
    for day, changes in ((date(2026, 1, 1), 1), (date(2999, 1, 1), 0)):
        folder = _policies(tmp_path, 'policy = "duty-to-disclose.cedar"', dated.format(day=day))
        found = said(capsys, *asked(folder, logs), code=changes)["changes"]
        assert len(found) == changes, day
        assert len(said(capsys, *asked(folder, logs, "--on", "duty-to-disclose"), code=1)["changes"]) == 1
        # for the folder itself it has come as well: compared with itself nothing changes
        few = ("--cases", str(_few(tmp_path, "children-act-2004-s10-s11", 1)), "--json")
        assert said(capsys, "policy", "diff", str(folder), str(folder), *few, code=0)["cases"] == []


def test_a_case_that_supposes_a_law_in_force_is_compared_with_it_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change of what stands behind a switch is seen by the cases that turn it on."""
    few = ("--cases", str(_few(tmp_path, "duty-to-disclose-2026")), "--json")
    folder = _policies(tmp_path, '@gateway("', '@gateway("another law than ')
    assert said(capsys, "policy", "diff", str(policy.HERE), str(folder), *few, code=1)["cases"]


def test_a_sharing_agreement_that_ended_or_covers_less_is_seen_though_the_record_has_its_word(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For each day and recipient anew; for a recipient whom nobody knows any more as it was recorded, and counted."""
    folder = tmp_path / "agreements"
    folder.mkdir()
    for path in sharing.HERE.glob("*.toml"):
        text = path.read_text("utf-8")
        (folder / path.name).write_text(text.replace('"attendance",', "") if path.stem == "school" else text)
    gone = msgspec.structs.replace(decided(Engine(), ASKED, 2, to="w_gone"), id="d_gone")
    desk.world.tell(topology.PEOPLE, *worker())
    logs = logged(tmp_path, main=[decided(Engine(), ASKED, 1, to=LEAD), gone])
    assert said(capsys, *asked(policy.HERE, logs), code=0)["agreement_as_recorded"] == 1
    found = said(capsys, *asked(policy.HERE, logs, "--sharing", str(folder)), code=1)
    (change,) = found["changes"]
    assert change["request"]["sharing_agreement"] == "none"
    assert (change["old"]["outcome"], change["new"]["outcome"]) == ("share", "withhold")
    assert found["agreement_as_recorded"] == 1


def test_the_sealed_log_is_replayed_for_those_cleared_and_for_nobody_else(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that an officer is cleared for unless they say otherwise; without a token, or as anybody else, none."""
    sealed = decided(Engine(), ASKED._replace(tier="sealed", clearance="sealed"), 2)
    logs = logged(tmp_path, main=[decided(Engine(), ASKED, 1)], sealed=[sealed])
    assert said(capsys, *asked(policy.HERE, logs), code=0)["logs"] == ["main"]
    for log in ("sealed", "all"):
        assert run(list(asked(policy.HERE, logs, "--log", log))) == 1
    desk.sit(CLEARED)
    capsys.readouterr()
    found = said(capsys, *asked(policy.HERE, logs), code=0)
    assert (found["logs"], found["asked"]) == (["main", "sealed"], 2)
    assert said(capsys, *asked(policy.HERE, logs, "--log", "sealed"), code=0)["asked"] == 1
    desk.sit(msgspec.structs.replace(OFFICER, practitioner="w_lead2", role="early-help-worker"))
    assert run(list(asked(policy.HERE, logs))) == 1
    monkeypatch.delenv("HEARTH_TOKEN")
    assert run(list(asked(policy.HERE, logs))) == 1


def test_an_officer_s_own_family_is_not_replayed(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another officer replays it."""
    logs = logged(tmp_path, main=[decided(Engine(), ASKED, n) for n in range(3)])
    me = KnownPerson(PersonId("p_me"), 1, (FamilyId("f_1"),))
    desk.world.tell(topology.PEOPLE, encode_record(me), people_key(me))
    assert said(capsys, *asked(policy.HERE, logs), code=0)["asked"] == 3
    desk.sit(msgspec.structs.replace(OFFICER, practitioner="w_relative", person=PersonId("p_me")))
    capsys.readouterr()
    assert said(capsys, *asked(policy.HERE, logs), code=0)["asked"] == 2


def test_what_was_erased_is_counted(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer about fewer decisions than there were says so."""
    decisions = [decided(Engine(), ASKED, n) for n in range(3)]
    logs = logged(tmp_path, main=decisions)
    entries = LogEntries(logs / "main")
    entries.erase(1, decisions[1].id)
    entries.close()
    found = said(capsys, *asked(policy.HERE, logs), code=0)
    assert (found["asked"], found["left_alone"]["erased"]) == (2, 1)


def test_a_change_that_was_meant_is_not_called_wrong(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is an answer: that something would change, and what."""
    logs = logged(tmp_path, main=[decided(Engine(), ASKED._replace(agreement="none"), 1)])
    folder = _policies(tmp_path, '@outcome("hold")', '@outcome("withhold")')
    assert run(["policy", "replay", str(folder), *SINCE, "--log-dir", str(logs)]) == 1
    assert "would change what is decided" in capsys.readouterr().err


def decided(engine: Engine, request: Request, number: int, at: datetime = DAY, to: str = "hub") -> Decision:
    return record(
        engine.rule(request), request, family=FamilyId(f"f_{number}"), recipient=to, policy_set=engine.policy_set,
        register_version="r1", decided_at=at, salt=bytes(16),
    )  # fmt: skip


def worker() -> tuple[bytes, str]:
    known = msgspec.structs.replace(OFFICER, practitioner=LEAD, role="early-help-worker")
    return encode_record(known), people_key(known)


def logged(tmp_path: Path, **logs: Iterable[Decision]) -> Path:
    """Write decisions into the files of their logs."""
    for name, decisions in logs.items():
        (tmp_path / "logs" / name).mkdir(parents=True)
        entries = LogEntries(tmp_path / "logs" / name)
        entries.keep(0, [LogEntry(one.id, one.salt, encode(one)) for one in decisions])
        entries.close()
    return tmp_path / "logs"
