"""The cases that information governance staff read, and whether they would notice a rule that was lost or changed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.cli import run
from consent import mutants, policy, trial
from consent.decision import Outcome
from consent.engine import Engine
from consent.trial import Table
from schemas.errors import Misconfigured

ROOT = Path(__file__).parents[2]
SAMPLE = 40  # mutants of more than a thousand; `hearth policy mutate` tries all


@pytest.fixture(scope="module")
def read() -> Table:
    return trial.table()


@pytest.fixture(scope="module")
def by() -> trial.Engines:
    return trial.engines()


def test_every_case_is_decided_as_its_source_says(read: Table, by: trial.Engines) -> None:
    """The policies agree with the law and guidance that each case cites: outcome, legal ground, review afterwards."""
    assert [(r.case.name, r.wrong, r.ruling.rules) for r in trial.run(read.cases, by) if r.wrong] == []


# the rows of sharing-rules.md §2.1, and the two that the hub has beside them
ROWS = {
    "UK GDPR Art 6": "uk-gdpr-article-6",
    "Art 9 + DPA 2018 Sch 1": "article-9-schedule-1",
    "Art 10 / DPA Part 3": "article-10",
    "Children Act 1989 s17": "children-act-1989-s17",
    "CA 1989 s47": "children-act-1989-s47",
    "Haringey [2013] EWHC 416": "haringey",
    "CA 2004 s10/s11": "children-act-2004-s10-s11",
    "CA 2004 new duty": "duty-to-disclose-2026",
    "Consistent identifier, s16LC": "consistent-identifier",
    "Crime & Disorder Act 1998 s115": "crime-and-disorder-s115",
    "Victims & Prisoners Act 2024 (Encompass)": "encompass",
    "Digital Economy Act 2017 s35": "digital-economy-s35",
    "Working Together 2023": "working-together",
    "DfE advice 2024, golden rules": "golden-rules",
    "Caldicott (8)": "caldicott",
    "Common-law confidence": "common-law-confidence",
    "Article 8, [2016] UKSC 51": "article-8",
    "Gillick": "gillick",
    "National data opt-out": "national-data-opt-out",
    "Subject access": "subject-access",
    "Retention": "retention",
}
ITS_OWN = {"agreements-between-agencies", "registers", "restriction"}
# What decides a row that no policy decides, and the tests of it.
DECIDED_BY = {
    "consistent-identifier": (
        "consent/policy/switches.toml",
        "tests/core/test_consent_cases.py::test_switches_say_from_when_and_on_what_source",
    ),
    "subject-access": (
        "agents/ig/exemptions.py",
        "tests/core/test_ig_access.py::test_what_may_tell_of_harm_waits_for_a_person_and_a_record_without_the_choice_is_refused",
    ),
    "retention": (
        "consent/retention/__init__.py",
        "tests/core/test_retention_classes.py::test_the_class_that_ends_last_governs",
    ),
}  # fmt: skip


def test_every_row_of_law_has_an_allow_a_deny_and_an_edge_case(read: Table) -> None:
    """At least 150 cases, each with a source; no row of the rules is left out, with its cases or without."""
    assert len(ROWS) == 21
    assert set(read.rows) == {*ROWS.values(), *ITS_OWN}
    assert trial.gaps(read) == []
    assert len(read.cases) >= 150
    assert all(case.source for case, _ in read.cases)


@pytest.mark.parametrize("row", DECIDED_BY)
def test_a_row_without_a_case_is_decided_elsewhere_and_tested_there(read: Table, row: str) -> None:
    """It says why no policy decides it; the place that does is there, and so is its test."""
    assert {name for name, one in read.rows.items() if one.none} == set(DECIDED_BY)
    place, test = DECIDED_BY[row]
    assert place in read.rows[row].none
    assert (ROOT / place).exists()
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_a_case_is_what_it_says_it_is(read: Table) -> None:
    """An allow case shares, a deny case does not; no two cases ask the same and expect different things."""
    for case, _ in read.cases:
        assert case.kind != "allow" or case.expect is Outcome.SHARE, case.name
        assert case.kind != "deny" or case.expect is not Outcome.SHARE, case.name
    expected: dict[Any, Outcome] = {}
    for case, request in read.cases:
        assert expected.setdefault((request, case.switches), case.expect) is case.expect, case.name


def test_every_policy_is_reached_and_every_condition_decided(read: Table, by: trial.Engines) -> None:
    """No policy that no case reaches, and no condition or member that no case turns on; those behind a switch too."""
    found = mutants.coverage(read.cases, by)
    assert (found.unreached, found.undecided) == ((), ())
    assert found.policies == len(Engine(policy.switches()).policies.by_number)
    assert found.conditions > 600


@pytest.mark.parametrize("seed", [20260914])
def test_a_sample_of_mutants_is_noticed(read: Table, by: trial.Engines, seed: int) -> None:
    """A policy or condition deleted, inverted or negated makes a case fail: no sampled one goes unnoticed."""
    made = mutants.mutants(read.cases, by)
    assert len(made) > 500
    sample = random.Random(seed).sample(made, SAMPLE)
    assert [(m.policy, m.what) for m in mutants.survivors(read.cases, by, sample)] == []


def test_without_its_cases_a_lost_policy_goes_unnoticed(read: Table, by: trial.Engines) -> None:
    """The mutation run can fail: where no case is about a policy, deleting it survives and coverage says so."""
    left = [one for one in read.cases if one[0].row != "national-data-opt-out"]
    lost = [m for m in mutants.mutants(left, by) if m.what == "policy deleted" and m.policy.startswith("secondary-use")]
    assert len(lost) == 2
    assert list(mutants.survivors(left, by, lost)) == lost


def test_mutants_are_not_tried_on_policies_that_fail_already(read: Table, by: trial.Engines) -> None:
    """A mutant that falls only because a case fails anyway proves nothing."""
    case, request = read.cases[0]
    wrong = (msgspec.structs.replace(case, expect=Outcome.REFER, ground=()), request)
    with pytest.raises(Misconfigured):
        list(mutants.survivors([wrong], by, mutants.mutants([wrong], by)))


SMALL = """
@id("small") @outcome("hold") @basis("b") @source("s") @effective("e") @note("n")
forbid (principal == Role::"hub", action in [Action::"link", Action::"find"], resource)
when { context.party == Party::"none" && (context.tier == Tier::"normal" || context.tier == Tier::"sealed") }
unless { !([Ground::"s47", Ground::"encompass"].contains(context.ground)) };
@id("other") @article_6("a") @condition("c") @gateway("g") @basis("b") @source("s") @effective("e") @note("n")
permit (principal, action, resource) when { context.approver == Approver::"named" };
"""


def _small() -> trial.Engines:
    engine = Engine.of(policy.read(SMALL, (policy.HERE / "hearth.cedarschema").read_text()))
    return lambda _: engine


def test_each_conjunct_disjunct_scope_and_member_is_a_condition_of_its_own(read: Table) -> None:
    """Both effects and deletions, every part of a condition deleted and negated, every word of a list removed."""
    made = [m for m in mutants.mutants(read.cases[:1], _small()) if m.policy == "small"]
    said = [m.what for m in made]
    assert said[:2] == ["policy deleted", "effect inverted"]
    deleted = [what.removeprefix("condition deleted: ") for what in said if what.startswith("condition deleted: ")]
    assert deleted == [
        'principal == Role::"hub"',
        'action in [Action::"link", Action::"find"]',
        deleted[2],  # the whole of `when`
        '(context.party) == Party::"none"',
        '((context.tier) == Tier::"normal") || ((context.tier) == Tier::"sealed")',
        '(context.tier) == Tier::"normal"',
        '(context.tier) == Tier::"sealed"',
        '!([Ground::"s47", Ground::"encompass"].contains(context.ground))',
    ]
    assert sum(what.startswith("condition negated: ") for what in said) == len(deleted)
    removed = [what.removeprefix("member removed: ") for what in said if what.startswith("member removed: ")]
    assert removed == ['Action::"link"', 'Action::"find"', 'Ground::"s47"', 'Ground::"encompass"']
    assert len({json.dumps(m.changed) for m in made}) == len(made)


def test_coverage_names_what_no_case_decides(read: Table) -> None:
    """A condition that every case leaves as it is is named; once cases turn on it, it is not."""
    case, request = next(one for one in read.cases if one[1].action == "link")
    asked = [(case, request._replace(ground="s47", agreement="none"))]
    found = mutants.coverage(asked, _small())
    assert (found.policies, found.unreached) == (2, ("other",))
    assert 'Ground::"encompass"' in [one.text for one in found.undecided]
    assert '(context.party) == Party::"none"' not in [one.text for one in found.undecided]
    named = request._replace(approver="named", ground="none")
    more = [*asked, (case, request._replace(ground="encompass")), (case, named)]
    assert 'Ground::"encompass"' not in [one.text for one in mutants.coverage(more, _small()).undecided]
    assert mutants.coverage(more, _small()).unreached == ()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('base = "join"', 'base = "nowhere"'),
        ('row = "uk-gdpr-article-6"', 'row = "no-such-law"'),
        ("set = { ", 'set = { colour = "red", '),
        ('expect = "share"', 'expect = "perhaps"'),
        ('kind = "allow"', 'kind = "maybe"'),
        ("ground = [", "grounds = ["),
    ],
)
def test_a_case_that_does_not_hold_together_is_refused(tmp_path: Path, was: str, becomes: str) -> None:
    """A misspelt base, row, field, outcome or kind ends the run: a case that asks nothing must not pass."""
    text = trial.CASES.read_text("utf-8")
    assert was in text
    file = tmp_path / "cases.toml"
    file.write_text(text.replace(was, becomes, 1), "utf-8")
    with pytest.raises(Misconfigured):
        trial.table(file)


def test_the_command_says_which_case_fails_and_from_what_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Expected, source, what came, by which rules; exit code 1. All well: 0."""
    assert run(["policy", "test"]) == 0
    assert "0 failed" in capsys.readouterr().out
    folder = _policies(tmp_path, 'action == Action::"find"', 'action == Action::"link"')
    assert run(["policy", "test", "--policies", str(folder), "--json"]) == 1
    failed = json.loads(capsys.readouterr().out)["failed"]
    assert failed
    assert all(one["expected"] and one["source"] and one["came"] and one["rules"] for one in failed)


def test_diff_tells_which_cases_and_how_many_requests_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same folder twice: nothing, code 0. A hold made into a withholding: those cases, from hold to withhold."""
    few = ["--cases", str(_few(tmp_path, "children-act-2004-s10-s11")), "--json"]
    assert run(["policy", "diff", str(policy.HERE), str(policy.HERE), *few]) == 0
    assert json.loads(capsys.readouterr().out)["cases"] == []
    folder = _policies(tmp_path, '@outcome("hold")', '@outcome("withhold")')
    assert run(["policy", "diff", str(policy.HERE), str(folder), *few]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["cases"]
    assert {(one["old"]["outcome"], one["new"]["outcome"]) for one in said["cases"]} == {("hold", "withhold")}
    assert said["requests"]["hold → withhold"] > len(said["cases"])


def test_diff_shows_what_a_law_would_change_when_it_comes_into_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The policies as they are against themselves with the 2026 duty on: shares that are withheld or held today."""
    few = str(_few(tmp_path, "duty-to-disclose-2026"))
    both = ["policy", "diff", str(policy.HERE), str(policy.HERE), "--cases", few]
    assert run([*both, "--on", "duty-to-disclose", "--json"]) == 1
    moves = json.loads(capsys.readouterr().out)["requests"]
    assert moves["withhold → share"] > 0
    assert run([*both, "--on", "no-such-law"]) == 2


def test_switches_say_from_when_and_on_what_source(capsys: pytest.CaptureFixture[str]) -> None:
    """Each law not in force: off, no day guessed, its source."""
    assert run(["policy", "switches", "--json"]) == 0
    listed = {one["switch"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(policy.switches())
    assert all(one["source"] and not one["in_force"] and one["from"] is None for one in listed.values())


def _few(tmp_path: Path, row: str, most: int = 6) -> Path:
    """Write a table of the first cases of one row only."""
    head, *cases = trial.CASES.read_text("utf-8").split("[[case]]")
    file = tmp_path / "few.toml"
    file.write_text("[[case]]".join([head, *[one for one in cases if f'row = "{row}"' in one][:most]]), "utf-8")
    return file


def _policies(tmp_path: Path, was: str, becomes: str) -> Path:
    """Copy the policies, with one text changed wherever it stands."""
    folder = tmp_path / "policies"
    for path in policy.HERE.rglob("*"):
        if path.suffix in (".cedar", ".cedarschema", ".toml"):
            copy = folder / path.relative_to(policy.HERE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text("utf-8").replace(was, becomes), "utf-8")
    return folder


