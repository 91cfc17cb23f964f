"""Whatever is wrong with what is asked, a person decides, and the record says what was wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consent.policy as policies
from consent import decision, sharing, trial
from consent.decision import Outcome, record, request_of
from consent.engine import WORDS, Engine
from consent.request import Request
from schemas.errors import Misconfigured
from schemas.ids import FamilyId

LINK = Request(
    "link", "hub", "hub", "sealed", "involved", "none", "attendance", "none", "normal", "school", "early-help",
    "in-date", "in-force", "none", "none", body="hub",
)  # fmt: skip
TELL = LINK._replace(
    action="disclose", role="social-worker", sector="statutory", clearance="normal", body="local-authority"
)
CRIME = TELL._replace(purpose="crime-prevention", agreement="none", publisher="police", category="offence")
TWO = TELL._replace(purpose="multiple-disadvantage", agreement="none", publisher="social-care", category="assessment")
PLAN = TELL._replace(purpose="secondary-use", role="manager", agreement="none")
ASKED = (
    LINK,
    TELL,
    TELL._replace(action="find", category="relationships"),
    TELL._replace(ground="vital-interests", agreement="refused"),
    TELL._replace(ground="s47", sensitivity="hiv", approver="named"),
    CRIME._replace(approver="named"),
    TWO._replace(problems="two-or-more"),
    PLAN._replace(opt_out="none"),
    TELL._replace(agreement="none", override="recorded"),
    TELL._replace(purpose="safeguarding", agreement="none", approver="named", public_interest="favours-sharing"),
)
BASE, SWITCHED = Engine(), Engine(["duty-to-disclose"])
AT = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def _recorded(engine: Engine, asked: Any) -> decision.Decision:
    request = asked if isinstance(asked, Request) else TELL
    return record(
        engine.rule(asked), request, family=FamilyId("f_1"), recipient="w_1", policy_set=engine.policy_set,
        register_version="aa", decided_at=AT, salt=b"",
    )  # fmt: skip


def _wrong_words() -> Iterator[Any]:
    yield from ("no-such-word", "", " ", None, 0, True, [], {}, b"in-force", float("nan"), "x" * 10_000, '"}]')


@pytest.mark.parametrize("engine", [BASE, SWITCHED], ids=["as-in-force", "duty-on"])
@pytest.mark.parametrize("field", Request._fields)
def test_every_attribute_of_every_request_made_wrong_is_referred(engine: Engine, field: str) -> None:
    """Unknown, empty, of another kind, or another field's word: always a person, with the field named on the record."""
    known = engine.policies.words[WORDS[field]] if field in WORDS else {"link", "disclose", "find"}
    others = {word for words in engine.policies.words.values() for word in words} - known
    for asked in ASKED:
        assert not engine.rule(asked).errors
        before = getattr(asked, field)
        for wrong in [*_wrong_words(), *others, before.upper(), f"{before} ", before + "\x00"]:
            ruling = engine.rule(asked._replace(**{field: wrong}))
            assert (ruling.outcome, ruling.rules) == (Outcome.REFER, ("error",)), wrong
            assert ruling.errors
    made = _recorded(engine, ASKED[0]._replace(**{field: "no-such-word"}))
    assert made.outcome is Outcome.REFER
    assert made.errors == (f"{field}: not a word that the policies know",)


@pytest.mark.parametrize("place", range(len(Request._fields)))
def test_every_attribute_of_every_request_left_out_is_referred(place: int) -> None:
    """A request one word short is no request: whichever is missing, a person decides, and the record says so."""
    for asked in ASKED:
        short: Any = tuple.__new__(Request, (*asked[:place], *asked[place + 1 :]))
        for engine in (BASE, SWITCHED):
            ruling = engine.rule(short)
            assert ruling.outcome is Outcome.REFER
            assert ruling.errors


@pytest.mark.parametrize("wrong", ["no-such-word", "", None, "left out"], ids=["unknown", "empty", "none", "left-out"])
def test_no_attribute_of_any_case_can_be_wrong_and_decided_by_rule(wrong: str | None) -> None:
    """All the requests of the cases, each attribute in turn: always a person, always with what was wrong."""
    by, decided = trial.engines(), []
    for case, request in trial.table().cases:
        engine = by(case.switches)
        for place, field in enumerate(Request._fields):
            rest = request[place + 1 :] if wrong == "left out" else (wrong, *request[place + 1 :])
            made: Any = tuple.__new__(Request, (*request[:place], *rest))
            ruling = engine.rule(made)
            if (ruling.outcome, ruling.rules) != (Outcome.REFER, ("error",)) or not ruling.errors:
                decided.append((case.name, field))
    assert decided == []


@settings(max_examples=300)
@given(asked=st.sampled_from(ASKED), changes=st.dictionaries(st.sampled_from(Request._fields), st.text(), min_size=1))
def test_any_text_in_any_attributes_never_shares_unless_it_is_known(asked: Request, changes: dict[str, str]) -> None:
    """However many are wrong at once, and whatever the text: referred, with every wrong field named."""
    words = {**{f: BASE.policies.words[w] for f, w in WORDS.items()}, "action": {"link", "disclose", "find"}}
    wrong = {field for field, text in changes.items() if text not in words[field]}
    ruling = BASE.rule(asked._replace(**changes))
    assert {error.partition(":")[0] for error in ruling.errors} == wrong
    assert (ruling.outcome is Outcome.REFER) >= bool(wrong)


def test_the_question_stands_whole_on_the_record_and_reads_back() -> None:
    """So that it can be put again to other policies; a record from before a word was added takes the word's default."""
    made = _recorded(BASE, TWO)
    assert request_of(decision.decode(decision.encode(made))) == TWO
    older = msgspec.json.decode(decision.encode(made))
    older["asked"] = older["asked"][:15]
    assert request_of(decision.decode(msgspec.json.encode(older))) == Request(*TWO[:15])
    del older["asked"]
    assert request_of(decision.decode(msgspec.json.encode(older))) is None


def test_a_review_afterwards_is_dated_on_the_record() -> None:
    """Vital interests and what went on without agreement are looked at again; the day counts from London's."""
    urgent = _recorded(BASE, TELL._replace(ground="vital-interests"))
    assert urgent.review_on == date(2026, 3, 4)
    assert _recorded(BASE, TELL._replace(agreement="none", override="recorded")).review_on == date(2026, 3, 29)
    assert _recorded(BASE, TELL).review_on is None


def test_a_detriment_test_changes_nothing_until_the_duty_is_in_force() -> None:
    """Whatever was found of it, the answers are those of the law as it stands; the record still says what was found."""
    states = sorted(BASE.policies.words["Agreement"])
    asked = [one._replace(agreement=state) for one in ASKED for state in states]
    for one in asked:
        for found in ("none", "more-detrimental"):
            assert BASE.rule(one._replace(detriment=found)) == BASE.rule(one)
    assert _recorded(BASE, TELL._replace(detriment="none")).detriment_test == "none"
    assert any(SWITCHED.rule(one._replace(detriment="none")) != SWITCHED.rule(one) for one in asked)


@pytest.mark.parametrize("engine", [BASE, SWITCHED], ids=["as-in-force", "duty-on"])
def test_no_answer_of_a_family_blocks_what_a_childs_safety_needs(engine: Engine) -> None:
    """Refused, withdrawn, run out, disputed or in doubt whose it is: harm is shared on with every statutory service."""
    words = engine.policies.words
    for ground in ("vital-interests", "s47", "significant-harm"):
        for base in (LINK, TELL):
            for purpose in words["Purpose"] - {"secondary-use"}:
                asked = base._replace(ground=ground, purpose=purpose)
                for agreement in words["Agreement"]:
                    for competence in words["Competence"]:
                        one = asked._replace(agreement=agreement, competence=competence)
                        assert engine.rule(one).outcome is Outcome.SHARE, one


def test_the_record_names_the_strongest_ground_first() -> None:
    """Life, then duty, then harm, then agreement: where several hold, the law on the record is the first's."""
    assert BASE.rule(TELL._replace(ground="s47")).gateway == "Children Act 1989 s47(9)"
    assert BASE.rule(TELL._replace(ground="s47")).rules == ("section-47-duty-to-assist", "early-help-under-agreement")
    first = [p.id for p in SWITCHED.policies.by_number.values()]
    assert first.index("emergency-vital-interests") < first.index("section-47-duty-to-assist")
    assert first.index("duty-to-disclose-2026") < first.index("cause-to-suspect-significant-harm")
    assert first.index("cause-to-suspect-significant-harm") < first.index("early-help-under-agreement")


def test_policies_already_read_answer_as_those_in_the_folder_do() -> None:
    """The same text gives the same engine, so that a changed policy set can be tried before it is in force."""
    again = Engine.of(policies.read(BASE.policies.text, BASE.policies.schema, BASE.policy_set))
    assert again.policy_set == BASE.policy_set
    assert [again.rule(one) for one in ASKED] == [BASE.rule(one) for one in ASKED]
    with pytest.raises(Misconfigured):
        policies.read(BASE.policies.text + "permit (principal", BASE.policies.schema)


def test_every_agreement_is_warned_of_before_it_is_out_of_date() -> None:
    """Sixty days before its review day, and from then until it is reviewed; most urgent first."""
    every = sharing.agreements().values()
    assert {a.dates.warn_days for a in every} == {60}
    ends = {a.id: a.dates.review_on for a in every}
    assert sharing.reviews_due(date(2028, 7, 2)) == ()
    assert [a.id for a in sharing.reviews_due(date(2028, 7, 3))] == sorted(ends)
    assert len(sharing.reviews_due(date(2030, 1, 1))) == len(ends)


def test_every_agreement_names_its_parties_gateway_and_policy_document() -> None:
    """An agreement without them is none; the file does not say it by leaving it empty."""
    for path in sharing.files():
        if path.stem not in sharing.agencies():
            continue
        said = tomllib.loads(path.read_text())
        assert said["parties"]
        assert all(said["parties"])
        assert all(said["law"][name] for name in ("gateway", "article_6", "condition", "appropriate_policy_document"))
