"""A decision in plain English, from its own record: who, what, which rules, the law behind them, the agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from consent import explain_words as words
from consent import policy
from consent.days import london_day
from consent.decision import Decision
from consent.engine import Engine
from consent.explain_words import plain as _words
from consent.otherwise import Change, otherwise
from consent.policy import Policy
from consent.retention.steps import STAGE as RETENTION
from consent.sharing import agreements

NOTHING_MORE: Mapping[str, str] = {}
_NONE_NAMED = "none"  # the family of what led to no family
_RELEASED = {"ig-search": "Searched by", "ig-explain": "Decisions read", "access": "Decisions told of"}


def rests_on_policies(decision: Decision) -> bool:
    """Whether the policies were asked: the hub's own steps rest on none."""
    return decision.stage in words.BY_POLICY


def explain(decision: Decision, laws_of: Mapping[str, str] = NOTHING_MORE) -> list[str]:
    """Return the sentences, one a line: what was asked and answered, by which rules, on which law, and what else it
    would have taken. All but the last stands in the record; the law behind a rule is looked up in the policies, or in
    `laws_of` for rules that are no policy's."""
    if not rests_on_policies(decision):
        return [*_what(decision), *_steps(decision, laws_of), *_law(decision), *_limits(decision)]
    return [*_what(decision), *_why(decision), *_limits(decision), *_since(decision), *_otherwise(decision)]


def _what(decision: Decision) -> Iterator[str]:
    who = "the rules" if decision.decided_by == "rule" else f"practitioner {decision.decided_by}"
    yield f"Decision {decision.id}, taken by {who} on {decision.decided_at:%d %B %Y at %H:%M:%S} UTC."
    if rests_on_policies(decision):
        yield f"Asked: {words.BY_POLICY[decision.stage]}, for the purpose {_words(decision.purpose)}."
        category = _words(decision.category) or "a record"
        yield f"About: {category} published by {_words(decision.publisher) or 'the hub'}; family {decision.family}."
    else:
        yield f"Asked: {words.OWN_STEPS.get(decision.stage, _words(decision.stage))}."
        yield "About: no family." if decision.family == _NONE_NAMED else f"About: family {decision.family}."
    if decision.subjects:
        yield f"Persons concerned: {', '.join(decision.subjects)}."
    if rests_on_policies(decision) or decision.recipient not in ("hub", decision.decided_by):
        yield f"Recipient: {decision.recipient} ({_words(decision.role)})."
    if decision.stage != RETENTION:
        yield f"Answer: {words.ANSWER[decision.outcome]}"


def _why(decision: Decision) -> Iterator[str]:
    for rule in decision.rules:
        yield f"Rule: {rule}{_behind(rule)}"
    if not decision.rules and not decision.errors:
        yield "Rule: none allowed it, so the default stood: nothing is shared without a ground."
    yield from list(_law(decision)) or ["Law: no ground for sharing is recorded."]
    yield from (f"{label}: {_stop(said)}" for name, label in words.REASONS if (said := words.of_field(decision, name)))
    if decision.harm_since:
        yield f"The ground has been open since {decision.harm_since:%d %B %Y}, by {', '.join(decision.harm_from)}."
    if decision.under:
        yield f"Sharing agreement between the agencies: {decision.under}; its policy document: {_document(decision)}."
    for one in decision.said_by:
        said = f"{_words(one.word)}, {_words(one.says)}"
        yield f"Recorded by practitioner {one.by}, counting from {one.on:%d %B %Y}: {said} (event {one.event})."
    if decision.agreement_state:
        known = words.AGREEMENT.get(decision.agreement_state, f"Agreement: {_words(decision.agreement_state)}.")
        yield known + (f" (agreement {decision.agreement})" if decision.agreement else "")
    if decision.asked is not None and decision.asked.restricted == "restricted":
        yield "The processing of this person's information was restricted then (UK GDPR Art 18)."
    for error in decision.errors:
        yield f"The rules could not be worked through ({error}), so it went to a person."


def _steps(decision: Decision, laws_of: Mapping[str, str]) -> Iterator[str]:
    """Say what was done at a step of the hub's own, and why: its rules are codes of its own, and no policy's."""
    first, *rest = decision.rules or (decision.stage,)
    yield f"Done: {_stop(_own(first, laws_of))}"
    for rule in filter(None, rest):
        if rule.startswith("d_"):
            yield f"It follows from decision {rule}."
        else:
            yield f"Because: {_stop(words.why(rule) or _own(rule, laws_of))}"


def _own(rule: str, laws_of: Mapping[str, str]) -> str:
    known = laws().get(rule)
    law = laws_of.get(rule) or (f"{known.basis} ({known.note})" if known else "")
    return words.OWN_RULES.get(rule) or (f"{_words(rule)}, on {law}" if law else _words(rule))


def _law(decision: Decision) -> Iterator[str]:
    said = ((label, words.of_field(decision, name)) for name, label in words.LAW)
    return (f"{label}: {_stop(text)}" for label, text in said if text)


def _document(decision: Decision) -> str:
    """Return the appropriate policy document (DPA 2018 Sch 1 Part 4) of the sharing agreement that was relied on."""
    found = (a.law.appropriate_policy_document for a in agreements().values() if a.id == decision.under)
    return _stop(next(found, "not known today")).removesuffix(".")


def _limits(decision: Decision) -> Iterator[str]:
    mine = rests_on_policies(decision)
    if decision.released:
        yield f"{'Released' if mine else _RELEASED.get(decision.stage, 'Given out')}: {', '.join(decision.released)}."
    if decision.removed and decision.stage == RETENTION:
        yield f"Taken away for good: {', '.join(map(words.of_code, decision.removed))}."
    elif decision.removed:
        yield f"{'Taken out before sharing' if mine else 'Left out'}: {', '.join(decision.removed)}."
    if decision.review_on and decision.stage == RETENTION:
        yield f"Its period runs out on {decision.review_on:%d %B %Y}."
    elif decision.review_on:
        yield f"To be reviewed on {decision.review_on:%d %B %Y}."
    if decision.ends_on:
        yield f"Without anything new, what it rests on ends on {decision.ends_on:%d %B %Y}."
    if mine:
        yield f"Policies in force: {decision.policy_set}; family's registers as of {decision.register_version}."


def _behind(rule: str) -> str:
    known = laws().get(rule)
    if known is not None:
        return f", which rests on {known.basis} (source: {known.source}; in effect from {known.effective})."
    return f": {words.OWN_RULES[rule]}." if rule in words.OWN_RULES else ", which is in no policy as they are now."


def _since(decision: Decision) -> Iterator[str]:
    if engine_of(decision).policy_set == decision.policy_set:
        yield "The policies are today as they were then."
    else:
        yield "The policies or the sharing agreements have changed since: the law beside a rule is as they are today."


def _otherwise(decision: Decision) -> Iterator[str]:
    if decision.asked is None:
        if decision.decided_by == "rule":
            yield "What would have changed it cannot be worked out: the question as it was asked is not on the record."
        return
    found = otherwise(engine_of(decision), decision.asked)
    if found.outcome is not decision.outcome:
        yield f"Asked again by today's policies alone, the answer would be: {words.ANSWER[found.outcome]}"
    for change in found.changes:
        yield f"It would have been otherwise if {_if(change)}. {words.ANSWER[change.outcome]}"
    for one, other in found.pairs:
        yield f"It would have been shared if {_if(one)}, and {_if(other)}."
    if not found.changes and not found.pairs:
        yield "No change of one or two of the circumstances would have changed it."


def _if(change: Change) -> str:
    label = words.LABELS.get(change.attribute, _words(change.attribute))
    return f"{label} had been {' or '.join(map(_words, change.words))} (it was {_words(change.was)})"


@cache
def laws() -> dict[str, Policy]:
    """Return every policy by its id, those behind a switch that is off among them."""
    return {one.id: one for one in policy.load(policy.switches()).by_number.values()}


def engine_of(decision: Decision) -> Engine:
    """Return the engine with today's policies, and the switches that stood on the day of the decision."""
    return _engine(policy.switched_on(london_day(decision.decided_at)))


@cache
def _engine(switched_on: tuple[str, ...]) -> Engine:
    return Engine(switched_on)


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
