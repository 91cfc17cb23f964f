"""A decision in plain English, and what would have changed it: asked of the engine that decided."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from consent.decision import Outcome
from consent.engine import WORDS
from consent.explain import explain, laws
from consent.otherwise import otherwise
from consent.request import Request
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


def test_every_policy_has_its_law() -> None:
    """Those behind a switch that is off among them."""
    assert "duty-to-disclose" in "".join(laws())
    assert all(one.basis and one.source for one in laws().values())
