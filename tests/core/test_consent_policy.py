"""What may be shared, with whom, for what: the policies as a table that information governance staff could read."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import consent.policy as policies
from consent.decision import Outcome
from consent.engine import WORDS, Engine
from consent.request import Request
from consent.sharing import agencies, categories, purposes
from schemas.errors import Misconfigured

CODES = Path(__file__).parents[2] / "schemas" / "codes"
LINK = Request(
    action="link",
    role="hub",
    sector="hub",
    clearance="sealed",
    involved="involved",
    party="none",
    category="attendance",
    sensitivity="none",
    tier="normal",
    publisher="school",
    purpose="early-help",
    sharing_agreement="in-date",
    agreement="in-force",
    ground="none",
    approver="none",
)
TELL = LINK._replace(action="disclose", role="social-worker", sector="statutory", clearance="normal")
FIND = TELL._replace(action="find", category="relationships")
DA = {"category": "domestic-abuse", "publisher": "police", "purpose": "safeguarding", "agreement": "none"}
SHARE, HOLD, WITHHOLD, REFER = Outcome.SHARE, Outcome.HOLD, Outcome.WITHHOLD, Outcome.REFER

CASES: list[tuple[str, Request, dict[str, str], Outcome, str]] = [
    # early help rests on agreement
    ("agreement in force links", LINK, {}, SHARE, "early-help-under-agreement"),
    ("agreement in force tells", TELL, {}, SHARE, "early-help-under-agreement"),
    ("nobody asked yet", LINK, {"agreement": "none"}, HOLD, "hold-until-the-family-agrees"),
    ("agreement does not reach so far", LINK, {"agreement": "out-of-scope"}, HOLD, "hold-until-the-family-agrees"),
    ("refused", LINK, {"agreement": "refused"}, WITHHOLD, "the-family-said-no"),
    ("withdrawn", LINK, {"agreement": "withdrawn"}, WITHHOLD, "the-family-said-no"),
    ("withdrawn, telling", TELL, {"agreement": "withdrawn"}, WITHHOLD, "the-family-said-no"),
    ("run out", TELL, {"agreement": "expired"}, WITHHOLD, "the-family-said-no"),
    ("parents disagree", LINK, {"agreement": "disputed"}, REFER, "those-responsible-disagree"),
    ("a strength needs agreement too", LINK, {"category": "strength", "agreement": "none"}, HOLD, "hold-until"),
    ("an assessment needs agreement", LINK, {"category": "assessment", "agreement": "none"}, HOLD, "hold-until"),
    ("a concern below harm needs agreement", LINK, {"category": "concern", "agreement": "none"}, HOLD, "hold-until"),
    # a child's safety does not
    ("harm links without agreement", LINK, {"agreement": "none", "ground": "significant-harm"}, SHARE, "cause-to"),
    ("harm tells after a refusal", TELL, {"agreement": "refused", "ground": "significant-harm"}, SHARE, "cause-to"),
    ("harm tells in a dispute", TELL, {"agreement": "disputed", "ground": "significant-harm"}, SHARE, "cause-to"),
    ("section 47 assists", TELL, {"agreement": "withdrawn", "ground": "s47"}, SHARE, "section-47-duty-to-assist"),
    ("life at risk", TELL, {"agreement": "refused", "ground": "vital-interests"}, SHARE, "emergency-vital-interests"),
    ("harm with no sharing agreement", TELL, {"ground": "s47", "sharing_agreement": "none"}, SHARE, "section-47"),
    ("harm with one out of date", TELL, {"ground": "s47", "sharing_agreement": "out-of-date"}, SHARE, "section-47"),
    ("safeguarding said, no ground open", TELL, {"purpose": "safeguarding", "agreement": "none"}, WITHHOLD, "nothing"),
    # domestic abuse and the school
    ("the notice links", LINK, {**DA, "ground": "encompass"}, SHARE, "encompass-link"),
    (
        "the key adult is told",
        TELL,
        {**DA, "ground": "encompass", "role": "designated-safeguarding-lead"},
        SHARE,
        "encompass-tell-the-school",
    ),
    ("a teacher is not", TELL, {**DA, "ground": "encompass", "role": "teacher"}, WITHHOLD, "domestic-abuse-to"),
    ("a teacher is not, in harm", TELL, {**DA, "ground": "s47", "role": "teacher"}, WITHHOLD, "domestic-abuse-to"),
    ("a health visitor is not, by it", TELL, {**DA, "ground": "encompass", "role": "health-visitor"}, WITHHOLD, "noth"),
    ("encompass opens nothing else", LINK, {"agreement": "none", "ground": "encompass"}, HOLD, "hold-until"),
    ("no ground, no link", LINK, {**DA}, WITHHOLD, "nothing-permits-it"),
    (
        "a refusal does not stop the notice",
        LINK,
        {**DA, "agreement": "refused", "ground": "encompass"},
        SHARE,
        "encomp",
    ),
    # the registers themselves
    ("a withdrawal always arrives", LINK, {"category": "agreement", "agreement": "withdrawn"}, SHARE, "the-registers"),
    ("even in a dispute", LINK, {"category": "agreement", "agreement": "disputed"}, SHARE, "the-registers"),
    (
        "even when the agencies' agreement lapsed",
        LINK,
        {"category": "agreement", "agreement": "none", "sharing_agreement": "out-of-date"},
        SHARE,
        "the-registers",
    ),
    ("involvement links", LINK, {"category": "involvement", "agreement": "none"}, SHARE, "the-registers-themselves"),
    ("relationships link", LINK, {"category": "relationships", "agreement": "refused"}, SHARE, "the-registers"),
    (
        "social care's own status links",
        LINK,
        {"category": "social-care-status", "publisher": "social-care", "agreement": "none"},
        SHARE,
        "social-care-status-is",
    ),
    (
        "but is not told on",
        TELL,
        {"category": "social-care-status", "publisher": "social-care", "agreement": "none"},
        HOLD,
        "hold-until",
    ),
    ("who else works here", TELL, {"category": "involvement", "agreement": "none"}, SHARE, "who-works-with-the-family"),
    (
        "a missing notice links",
        LINK,
        {"category": "missing", "publisher": "police", "purpose": "safeguarding", "agreement": "none"},
        SHARE,
        "safeguarding-notices-link",
    ),
    (
        "a cleared flag links",
        LINK,
        {"category": "safeguarding-flag", "publisher": "health", "purpose": "safeguarding", "agreement": "refused"},
        SHARE,
        "safeguarding-notices-link",
    ),
    # who may never be told
    ("not involved", TELL, {"involved": "not-involved"}, WITHHOLD, "not-involved-with-this-family"),
    ("not involved, even in harm", TELL, {"involved": "not-involved", "ground": "s47"}, WITHHOLD, "not-involved"),
    ("the subject", TELL, {"party": "subject"}, WITHHOLD, "recipient-is-a-party"),
    ("the alleged, even in harm", TELL, {"party": "alleged", "ground": "s47"}, WITHHOLD, "recipient-is-a-party"),
    ("managed by a party", TELL, {"party": "managed-by-one", "ground": "s47"}, WITHHOLD, "recipient-is-a-party"),
    ("of the household", TELL, {"party": "household"}, WITHHOLD, "recipient-is-a-party"),
    ("sealed, not cleared", TELL, {"tier": "sealed", "clearance": "shielded"}, WITHHOLD, "sealed-is-for-those"),
    ("sealed, cleared", TELL, {"tier": "sealed", "clearance": "sealed"}, SHARE, "early-help-under-agreement"),
    ("sensitive, not cleared", TELL, {"tier": "sensitive"}, WITHHOLD, "sensitive-is-for-those-cleared"),
    ("sensitive, cleared", TELL, {"tier": "sensitive", "clearance": "sensitive"}, SHARE, "early-help"),
    ("shielded, location taken out", TELL, {"tier": "shielded"}, SHARE, "early-help-under-agreement"),
    ("voluntary, statutory content", TELL, {"sector": "voluntary", "role": "voluntary-worker"}, WITHHOLD, "no-statut"),
    (
        "voluntary, a strength",
        TELL,
        {"sector": "voluntary", "role": "voluntary-worker", "category": "strength"},
        SHARE,
        "early-help-with-the-voluntary-sector",
    ),
    (
        "voluntary, even in harm",
        TELL,
        {"sector": "voluntary", "role": "voluntary-worker", "ground": "s47"},
        WITHHOLD,
        "no-statutory-content",
    ),
    ("information governance", TELL, {"role": "ig-officer", "ground": "s47"}, WITHHOLD, "no-content-to-those"),
    ("a duty queue in harm", TELL, {"role": "duty-worker", "agreement": "none", "ground": "s47"}, SHARE, "section-47"),
    # sensitive kinds
    ("sexual health on agreement", TELL, {"sensitivity": "sexual-health"}, WITHHOLD, "sensitive-without-harm"),
    ("sexual health does not link", LINK, {"sensitivity": "sexual-health"}, WITHHOLD, "sensitive-without-harm"),
    ("in harm, nobody named", TELL, {"sensitivity": "adoption", "ground": "s47"}, REFER, "sensitive-needs-a-named"),
    (
        "in harm, approved",
        TELL,
        {"sensitivity": "adoption", "ground": "s47", "approver": "named"},
        SHARE,
        "section-47-duty-to-assist",
    ),
    ("approved without harm", TELL, {"sensitivity": "hiv", "approver": "named"}, WITHHOLD, "sensitive-without-harm"),
    # purposes and the agencies' agreements
    ("secondary use", TELL, {"purpose": "secondary-use", "ground": "s47"}, WITHHOLD, "no-secondary-use"),
    (
        "crime prevention",
        TELL,
        {"purpose": "crime-prevention", "body": "local-authority"},
        REFER,
        "crime-prevention-is-a-power",
    ),
    ("crime prevention, no authority", TELL, {"purpose": "crime-prevention"}, WITHHOLD, "crime-prevention-for"),
    ("agencies' agreement out of date", LINK, {"sharing_agreement": "out-of-date"}, WITHHOLD, "sharing-agreement-out"),
    ("agencies have none", LINK, {"sharing_agreement": "none"}, WITHHOLD, "nothing-permits-it"),
    (
        "attendance, for attendance",
        TELL,
        {"purpose": "attendance-support", "role": "education-welfare-officer", "agreement": "none"},
        SHARE,
        "attendance-support",
    ),
    (
        "health, for attendance",
        TELL,
        {
            "purpose": "attendance-support",
            "role": "education-welfare-officer",
            "agreement": "none",
            "category": "health-contact",
            "publisher": "health",
        },
        WITHHOLD,
        "nothing-permits-it",
    ),
    (
        "direct care among clinicians",
        TELL,
        {
            "purpose": "direct-care",
            "role": "health-visitor",
            "category": "health-contact",
            "publisher": "health",
            "agreement": "none",
        },
        SHARE,
        "direct-care",
    ),
    ("another duty claimed", LINK, {"agreement": "none", "ground": "statutory-duty"}, REFER, "another-duty-is-for"),
    # looking a family up
    ("an involved worker finds", FIND, {}, SHARE, "look-up-a-family"),
    ("others do not, for early help", FIND, {"involved": "not-involved"}, WITHHOLD, "nothing-permits-it"),
    (
        "any statutory service for safeguarding",
        FIND,
        {"involved": "not-involved", "purpose": "safeguarding"},
        SHARE,
        "look-up-a-family",
    ),
    ("a party never", FIND, {"party": "alleged", "purpose": "safeguarding"}, WITHHOLD, "recipient-is-a-party"),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.mark.parametrize(
    ("request_", "outcome", "rule"), [(r._replace(**c), o, n) for _, r, c, o, n in CASES], ids=[c[0] for c in CASES]
)
def test_each_case_is_decided_as_the_table_says(engine: Engine, request_: Request, outcome: Outcome, rule: str) -> None:
    """Role, ground, agreement and the rest give the outcome in the table, by the rule named there, without error."""
    ruling = engine.rule(request_)
    assert ruling.errors == ()
    assert ruling.outcome is outcome
    assert any(name.startswith(rule) for name in ruling.rules), ruling.rules


def test_a_share_names_its_legal_ground(engine: Engine) -> None:
    """Every share says which law it rests on; a denial says none."""
    for _, request, changes, outcome, _ in CASES:
        ruling = engine.rule(request._replace(**changes))
        assert bool(ruling.article_6 and ruling.condition and ruling.gateway) is (outcome is SHARE)
        assert ruling.rationale


@pytest.mark.parametrize("field", Request._fields)
@pytest.mark.parametrize("value", ["no-such-word", "", None, 7, ["in-force"], "SHARE\x00"])
def test_any_word_the_policies_do_not_know_goes_to_a_person(engine: Engine, field: str, value: Any) -> None:
    """An error in what is asked never shares, never silently denies, and never repeats what was said."""
    for request in (LINK, TELL, FIND):
        ruling = engine.rule(request._replace(**{field: value}))
        assert ruling.outcome is REFER
        assert ruling.errors
        assert "no-such-word" not in str(ruling)


@pytest.mark.parametrize("asked", [(), ("link",), None, tuple(LINK)[:-2], object()])
def test_what_is_no_request_at_all_goes_to_a_person(engine: Engine, asked: Any) -> None:
    """A missing attribute, or no request, is an error like any other."""
    ruling = engine.rule(asked)
    assert (ruling.outcome, bool(ruling.errors)) == (REFER, True)


def test_an_error_is_not_remembered(engine: Engine) -> None:
    """What failed once may succeed later, so only sound rulings are kept."""
    before = (engine.hits, engine.misses)
    for _ in range(2):
        engine.rule(LINK._replace(role="nobody"))
    assert engine.hits == before[0]
    assert engine.misses == before[1] + 2


def test_a_forbid_that_cannot_be_evaluated_refers(tmp_path: Path) -> None:
    """Cedar skips an erring forbid and would share: the engine sends it to a person, and names the policy."""
    folder = _copied(tmp_path)
    overflow = '@id("breaks") @outcome("withhold") @basis("b") @source("s") @effective("e") @note("n")\n'
    overflow += "forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };\n"
    (folder / "zz.cedar").write_text(overflow)
    ruling = Engine(folder=folder).rule(LINK)
    assert ruling.outcome is REFER
    assert ruling.errors == ("breaks: could not be evaluated",)


def test_the_strictest_outcome_wins_and_every_forbid_that_held_is_named(engine: Engine) -> None:
    """REFER over WITHHOLD over HOLD: with all three, a person decides and sees all reasons."""
    ruling = engine.rule(TELL._replace(agreement="none", involved="not-involved"))
    assert ruling.outcome is WITHHOLD
    assert set(ruling.rules) == {"hold-until-the-family-agrees", "not-involved-with-this-family"}
    assert engine.rule(TELL._replace(agreement="disputed", involved="not-involved")).outcome is REFER


def test_an_answer_is_worked_out_once() -> None:
    """The same tuple is answered from memory; another one is not."""
    engine = Engine()
    assert engine.rule(LINK) is engine.rule(Request(*LINK))
    assert (engine.hits, engine.misses) == (1, 1)
    engine.rule(LINK._replace(agreement="none"))
    assert engine.misses == 2


def test_the_2026_duty_stands_only_behind_its_switch() -> None:
    """Made and not commenced: off by default; on, it shares only when the detriment test was made and found none."""
    asked = TELL._replace(purpose="safeguarding", agreement="none", body="local-authority")
    assert Engine().rule(asked._replace(detriment="none")).outcome is WITHHOLD
    switched = Engine(["duty-to-disclose"])
    assert switched.rule(asked._replace(detriment="none")).rules == ("duty-to-disclose-2026",)
    assert switched.rule(asked._replace(detriment="more-detrimental")).outcome is WITHHOLD
    assert switched.rule(asked).outcome is REFER  # there may be a duty: somebody makes the test
    assert Engine().rule(asked).outcome is WITHHOLD
    assert switched.policy_set != Engine().policy_set
    assert policies.switched_on(date(2099, 1, 1)) == ()


def test_the_policy_set_is_named_by_its_content(tmp_path: Path) -> None:
    """One letter more in any policy gives another policy set, so a decision tells what it was decided by."""
    folder = _copied(tmp_path)
    before = Engine(folder=folder).policy_set
    assert before == Engine(folder=folder).policy_set
    with (folder / "purposes.cedar").open("a") as file:
        file.write("// one more word\n")
    assert Engine(folder=folder).policy_set != before


@pytest.mark.parametrize(
    "broken",
    [
        'permit (principal, action, resource) when { context.ground == Ground::"s74" };',
        'permit (principal, action, resource) when { context.no_such == Ground::"s47" };',
        "permit (principal, action, resource);",
        '@id("x") @basis("b") @source("s") @effective("e") @note("n") forbid (principal, action, resource);',
        '@id("x") @basis("b") @source("s") @effective("e") @note("n") @outcome("maybe") '
        "forbid (principal, action, resource);",
        '@id("no-secondary-use") @basis("b") @source("s") @effective("e") @note("n") @outcome("hold") '
        "forbid (principal, action, resource);",
        "this is no policy",
    ],
)
def test_the_hub_does_not_start_on_a_policy_that_does_not_hold(tmp_path: Path, broken: str) -> None:
    """A misspelt word, a missing note, an unknown outcome, a doubled id or no Cedar at all: Misconfigured."""
    folder = _copied(tmp_path)
    (folder / "more.cedar").write_text(broken)
    with pytest.raises(Misconfigured):
        Engine(folder=folder)


def test_policies_code_lists_and_agreements_speak_one_language(engine: Engine) -> None:
    """A code added in one place and forgotten in another would refer everything that carries it."""
    words = engine.policies.words
    assert words["Category"] == set(categories()) == _codes("categories")
    assert words["Purpose"] == set(purposes()) == _codes("purposes")
    assert words["Agency"] == set(agencies()) == _codes("agencies")
    assert words["Tier"] == _codes("tiers")
    assert words["Ground"] - {"none"} == _codes("grounds")
    assert words["Role"] - {"hub", "lead-professional"} == _codes("practitioner-roles")
    assert set(WORDS) | {"action"} == set(Request._fields)


def _codes(name: str) -> set[str]:
    return set(tomllib.loads((CODES / f"{name}.toml").read_text())["codes"])


def _copied(tmp_path: Path) -> Path:
    for path in policies.HERE.iterdir():
        if path.suffix in (".cedar", ".cedarschema", ".toml"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path
