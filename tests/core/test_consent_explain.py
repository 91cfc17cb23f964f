"""A decision in plain English, and what would have changed it: asked of the engine that decided."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from agents.ig.exemptions import law, law_words
from consent import retention
from consent.decision import CHECK, Outcome
from consent.engine import WORDS
from consent.explain import explain, laws
from consent.explain_words import BY_POLICY, OWN_STEPS, REASONS
from consent.otherwise import otherwise
from consent.request import Request
from consent.retention.steps import ENDED, Step
from tests.core.ig_kit import ASKED, ENGINE, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_every_change_that_is_named_changes_the_outcome_and_every_other_does_not() -> None:
    """One attribute at a time, over all words: nothing is left out and nothing is made up."""
    asked = ASKED._replace(agreement="refused")
    found = otherwise(ENGINE, asked)
    named = {(c.attribute, word): c.outcome for c in found.changes for word in c.words}
    for attribute, words in WORDS.items():
        for word in ENGINE.policies.words[words] - {getattr(asked, attribute), "hub"}:
            ruling = ENGINE.rule(asked._replace(**{attribute: word}))
            assert named.get((attribute, word), found.outcome) is ruling.outcome, (attribute, word)


def test_a_refusal_that_an_agreement_would_have_changed_says_so() -> None:
    """The family's agreement comes before what the item is."""
    found = otherwise(ENGINE, ASKED._replace(agreement="refused"))
    assert found.outcome is Outcome.WITHHOLD
    first = found.changes[0]
    assert (first.attribute, first.was, first.words, first.outcome) == (
        "agreement", "refused", ("in-force",), Outcome.SHARE,
    )  # fmt: skip
    assert found.pairs == ()


def test_where_no_one_change_would_have_shared_it_the_pairs_that_would_are_named() -> None:
    """Neither involvement nor agreement alone lets a stranger see it: both do."""
    asked = ASKED._replace(involved="not-involved", agreement="none")
    found = otherwise(ENGINE, asked)
    assert not [change for change in found.changes if change.outcome is Outcome.SHARE]
    pairs = {(one.attribute, other.attribute) for one, other in found.pairs}
    assert ("agreement", "involved") in pairs
    for one, other in found.pairs:
        for word in one.words:
            for second in other.words:
                changed: Request = asked._replace(**{one.attribute: word, other.attribute: second})
                assert ENGINE.rule(changed).outcome is Outcome.SHARE


def test_a_link_is_not_said_to_turn_on_a_recipient() -> None:
    """The hub is its recipient, always."""
    asked = ASKED._replace(action="link", role="hub", sector="hub", clearance="sealed", agreement="none")
    attributes = {change.attribute for change in otherwise(ENGINE, asked).changes}
    assert "agreement" in attributes
    assert not attributes & {"role", "sector", "clearance", "involved", "party"}


def test_the_explanation_names_the_rule_its_law_and_source_what_was_removed_and_what_would_have_changed_it(
    world: World,
) -> None:
    """In sentences, from the record and the policies."""
    refused = "\n".join(explain(world.decide("look", agreement="withdrawn")))
    for part in ("the-family-said-no", "Human Rights Act 1998", "[2016] UKSC 51", "had been withdrawn", "as they were",
                 "if the family's agreement had been in force (it was withdrawn)"):  # fmt: skip
        assert part in refused
    shared = "\n".join(explain(world.decide("look", role="teacher")))
    assert "Taken out before sharing:" in shared
    assert "data.note" in shared


def test_a_decision_under_other_policies_is_said_to_be_one(world: World) -> None:
    """The law beside a rule is then today's, and a rule that is gone is not given a law."""
    made = msgspec.structs.replace(world.decide(), policy_set="0" * 64, rules=("a-rule-that-went",))
    said = "\n".join(explain(made))
    assert "have changed since" in said
    assert "a-rule-that-went, which is in no policy as they are now" in said


def test_a_record_without_its_question_is_explained_without_what_would_have_changed_it(world: World) -> None:
    """Records that were made before the question stood on them."""
    said = explain(msgspec.structs.replace(world.decide(), asked=None))
    assert "cannot be worked out" in said[-1]


STAGES = ("link", "disclose", CHECK, "find", "look", "break-glass", "break-glass-review", "access", "case-review",
          "ig-search", "ig-explain", "retention")  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_explained_in_words_of_its_own(world: World, stage: str) -> None:
    """What was asked is a sentence, and no code; the hub's own steps are compared with no policy."""
    made = world.decide(stage, fields={"decided_by": "w_1", "review_on": date(2040, 1, 1)})
    said = explain(made)
    (asked,) = [one for one in said if one.startswith("Asked: ")]
    assert {**BY_POLICY, **OWN_STEPS}[stage] in asked
    own = stage in OWN_STEPS
    assert any("Policies in force" in one or "have changed since" in one or "as they were then" in one
               for one in said) is not own  # fmt: skip
    assert ("for the purpose" in asked) is not own
    assert ("Its period runs out on 01 January 2040." in said) is (stage == "retention")
    assert ("To be reviewed on 01 January 2040." in said) is (stage != "retention")


def rules_of_no_policy() -> list[tuple[str, str]]:
    reasons = retention.reasons()
    steps = [("retention", step) for step in get_args(Step)]
    why = [("retention", code) for known in (reasons.propose, reasons.hold, reasons.lift) for code in known]
    own = [(stage, stage) for stage in law().basis if stage in OWN_STEPS]
    return [*steps, *why, *own, *(("access", name) for name in law().exemption), ("access", "nobody-named"),
            ("link", "hold-ended"), ("link", "error"), ("link", "nothing-permits-it")]  # fmt: skip


@pytest.mark.parametrize(("stage", "rule"), rules_of_no_policy())
def test_every_rule_of_no_policy_has_its_words(world: World, stage: str, rule: str) -> None:
    """A step, a reason, an exemption, an end: none is said to be in no policy, and none is a bare code."""
    rules = (rule,) if stage != "retention" or rule in get_args(Step) else ("propose", rule, "")
    made = msgspec.structs.replace(world.decide(stage), rules=rules)
    text = "\n".join(explain(made, law_words()))
    assert "which is in no policy" not in text
    assert f": {rule}." not in text


def test_an_approval_says_what_it_follows_from_and_a_destruction_what_it_took(world: World) -> None:
    """The proposal by its decision, the reason by its label, what is gone in words."""
    made = msgspec.structs.replace(
        world.decide("retention"), rules=("destroyed", "court-order", "d_1"), removed=ENDED, decided_by="w_1",
    )  # fmt: skip
    said = explain(made)
    assert "Done: the record was ended, as two officers had decided." in said
    assert "Because: A court ordered it." in said
    assert "It follows from decision d_1." in said
    gone = "the key to what was held of them, what leads to them, their record, what of them had been put aside"
    assert f"Taken away for good: {gone}." in said


def test_no_answer_stands_in_a_code(world: World) -> None:
    """What was tested, weighed, told and agreed is said in words."""
    made = world.decide("look", ground="significant-harm", agreement="none")
    for fields in (
        {"detriment_test": "not-tested", "public_interest": "favours-sharing", "family_told": "not-said"},
        {"detriment_test": "more-detrimental", "competence": "not-assessed", "family_told": "agreed"},
        {"family_told": "not-told: consent-would-prejudice-protection", "rationale": "life-at-risk"},
        {"condition_reason": "consent-cannot-be-given", "competence": "not-established"},
    ):
        said = explain(msgspec.structs.replace(made, **fields))
        text = "\n".join(one for one in said if not one.startswith(("Rule:", "Released:")))
        codes = {code for value in fields.values() for code in value.split(": ") if "-" in code}
        assert [code for code in codes if code in text] == []
        labels = [one for one in said if one.partition(":")[0] in {label for _, label in REASONS}]
        assert len(labels) >= 2


def test_every_policy_has_its_law() -> None:
    """Those behind a switch that is off among them."""
    assert "duty-to-disclose" in "".join(laws())
    assert all(one.basis and one.source for one in laws().values())
