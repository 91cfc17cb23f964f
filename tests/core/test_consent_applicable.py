"""Asking Cedar only about the policies that can hold gives what asking about all of them gives, to the byte."""

from __future__ import annotations

import random
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import cedarpy
import msgspec
import pytest

from consent import mutants, policy, trial
from consent.applicable import Part, Parts, place
from consent.decision import Outcome
from consent.engine import _CONTEXT, WORDS, Engine, _in_plain_words
from consent.policy import Policies
from consent.request import Request
from schemas.errors import Misconfigured

SCHEMA = (policy.HERE / "hearth.cedarschema").read_text("utf-8")
SWITCHES = pytest.mark.parametrize("switches", [(), tuple(policy.switches())], ids=["as-in-force", "all-switched-on"])
NEIGHBOURS, MUTANTS, CASES = 4_000, 40, 12
TABLE, BY = trial.table(), trial.engines()
REQUESTS = sorted({request for _, request in TABLE.cases})
FORBID = '@id("{}") @outcome("withhold") @basis("b") @source("s") @effective("e") @note("n") forbid'
SHARES = '@article_6("a") @condition("c") @gateway("g")'
PERMIT = FORBID.replace('@outcome("withhold")', SHARES).replace("forbid", "permit")
NEAR = list(trial.neighbours(REQUESTS, BY(()).policies.words))


def about_all(policies: Policies) -> Engine:
    """Return an engine that asks Cedar about every policy, with the whole context, each time."""
    engine: Any = Engine.of(policies)
    parsed = cedarpy.PolicySet.from_str(_in_plain_words(policies))
    numbers = sorted((n for n in policies.by_number if n.startswith("policy")), key=place)
    engine._parts = SimpleNamespace(of=lambda _: Part(parsed, tuple(numbers), _CONTEXT))
    return engine


def different(requests: Iterable[Request], one: Engine, other: Engine) -> list[Request]:
    return [r for r in requests if msgspec.json.encode(one.rule(r)) != msgspec.json.encode(other.rule(r))]


def engine_of(*texts: str) -> Engine:
    return Engine.of(policy.read("\n".join(texts), SCHEMA))


@SWITCHES
def test_every_case_and_its_neighbours_are_ruled_as_by_all_policies(switches: tuple[str, ...]) -> None:
    """Outcome, determining policies, ground, removed fields and errors: of every case, and one word away from it."""
    ours = BY(switches)
    asked = [*REQUESTS, *random.Random(len(switches)).sample(NEAR, NEIGHBOURS)]
    assert different(asked, ours, about_all(ours.policies)) == []


@pytest.mark.parametrize("seed", [4])
def test_changed_policies_are_ruled_as_by_all_of_them(seed: int) -> None:
    """A policy deleted, inverted, negated or narrowed: its mutants answer alike, so nothing here knows the policies."""
    chosen, policies = random.Random(seed), BY(tuple(policy.switches())).policies
    texts = mutants._texts(policies)
    for mutant in chosen.sample(mutants.mutants(TABLE.cases, BY), MUTANTS):
        changed = mutants._changed(policies, texts, mutant)
        near = [r for case, r in TABLE.cases if mutant.policy in BY(case.switches).rule(r).rules]
        asked = [*near[:CASES], *chosen.sample(REQUESTS, CASES)]
        assert different(asked, changed, about_all(changed.policies)) == [], (mutant.policy, mutant.what)


@pytest.mark.parametrize("field", [*WORDS, "action"])
def test_an_attribute_made_wrong_is_answered_as_by_all_policies(field: str) -> None:
    """An unknown word, none, another field's, or one of another kind: the same refusal, word by word."""
    ours, whole = Engine(), about_all(Engine().policies)
    for wrong in ("no-such-word", "", None, 0, "hub", "none", b"none", [], float("nan")):
        assert different([r._replace(**{field: wrong}) for r in REQUESTS[::40]], ours, whole) == []


@pytest.mark.parametrize(
    "condition",
    [
        'context.purpose == Purpose::"direct-care" && 9223372036854775807 + 1 == 0',
        '9223372036854775807 + 1 == 0 && context.purpose == Purpose::"direct-care"',
        'context.ground == Ground::"s47" || 9223372036854775807 + 1 == 0',
    ],
)
def test_a_policy_that_could_fail_is_always_asked_about(condition: str) -> None:
    """Where it fails for a request, that request goes to a person, though another word of it says it cannot hold."""
    engine = engine_of(
        PERMIT.format("all") + " (principal, action, resource);",
        FORBID.format("breaks") + f" (principal, action, resource) when {{ {condition} }};",
    )
    assert different(REQUESTS, engine, about_all(engine.policies)) == []
    assert any(engine.rule(r).errors == ("breaks: could not be evaluated",) for r in REQUESTS)


@pytest.mark.parametrize(
    "condition",
    [
        'when { !(context.ground == Ground::"s47" || context.tier != Tier::"normal") }',
        'unless { context.ground != Ground::"s47" || !(context.tier == Tier::"normal") }',
        'when { context.agreement == Agreement::"none" } when { context.agreement != Agreement::"none" }',
        'unless { ![Ground::"s47", Ground::"none"].contains(context.ground) && principal == Role::"hub" }',
        'when { Ground::"s47" == context.ground } unless { context.sector == Sector::"hub" }',
        'when { context.tier == context.clearance } unless { [Role::"gp"].contains(principal) }',
        'when { resource in [Category::"concern", Category::"offence"] || action == Action::"find" }',
        'when { if context.party == Party::"none" then principal is Role else resource == Category::"offence" }',
        'when { !(!(context.approver == Approver::"named")) && !(context.body == Body::"hub") }',
    ],
)
@pytest.mark.parametrize(
    "scope", ["principal, action, resource", 'principal == Role::"gp", action in [Action::"find"], resource']
)
def test_however_a_condition_is_put_it_is_asked_about_where_it_holds(scope: str, condition: str) -> None:
    """Negated, joined, doubled, turned round, or by something that is not a comparison: as by all policies."""
    engine = engine_of(
        PERMIT.format("one") + f" ({scope}) {condition};",
        FORBID.format("two") + f' (principal == Role::"hub", action, resource) {condition};',
        PERMIT.format("three") + ' (principal, action == Action::"link", resource == Category::"attendance");',
    )
    asked = [*REQUESTS, *random.Random(1).sample(NEAR, 1000)]
    whole = about_all(engine.policies)
    assert different(asked, engine, whole) == []
    assert {engine.rule(r).outcome for r in asked} >= {Outcome.SHARE, Outcome.WITHHOLD}


def test_a_request_meets_few_of_the_policies() -> None:
    """That is what makes it quick: of about fifty policies, two on average can hold; none is asked about in vain."""
    engine = BY(())
    met = [len(engine._parts.of(request._asdict()).numbers) for request in REQUESTS]
    assert sum(met) / len(met) < 3 < len(engine.policies.by_number) / 10


def test_semicolons_quotes_and_comments_end_no_policy() -> None:
    """The text is told apart as Cedar does; what cannot be is refused when the policies are read."""
    tricky = '// a "comment; with a quote\n' + PERMIT.format("one").replace('"b"', r'"x; \"y\"; // no comment"')
    engine = engine_of(tricky + " (principal, action, resource); // the end;\n// and \"more", FORBID.format("two") + (
        ' (principal, action == Action::"find", resource);'
    ))  # fmt: skip
    assert different(REQUESTS, engine, about_all(engine.policies)) == []
    words = {"action": frozenset(("link",))}
    with pytest.raises((Misconfigured, ValueError)):
        Parts("permit (principal, action, resource)", words)
