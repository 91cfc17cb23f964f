"""A decision in plain English, from its own record: who, what, which rules, the law behind them, the agreement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from consent.decision import Decision, Outcome

_ASKED = {
    "link": "whether this may join the family's record",
    "disclose": "whether this recipient may see it",
    "find": "whether this person may look the family up",
    "look": "whether this person may look at the record",
}
_ANSWER = {
    Outcome.SHARE: "Yes: it may be shared.",
    Outcome.HOLD: "Not yet: it is held until an agreement covers it.",
    Outcome.WITHHOLD: "No: it is withheld, kept sealed and not deleted.",
    Outcome.REFER: "Not by rule: a person must decide.",
}
_AGREEMENT = {
    "in-force": "The family's agreement was in force and covered this.",
    "none": "There was no agreement for this.",
    "refused": "Agreement had been refused.",
    "withdrawn": "The agreement had been withdrawn.",
    "out-of-scope": "There was an agreement, but it did not cover this.",
    "expired": "The agreement had expired.",
    "disputed": "Those who may agree did not agree with each other.",
}
_LAW = (
    ("gateway", "Statutory gateway"),
    ("article_6", "Lawful basis (UK GDPR Art 6)"),
    ("condition", "Condition for special category data"),
    ("condition_reason", "Reason within that condition"),
)
_REASONS = (
    ("rationale", "Reason given"),
    ("harm_threshold", "Safeguarding ground"),
    ("competence", "Young person's competence"),
    ("detriment_test", "Would sharing harm the child more than not sharing"),
    ("public_interest", "Public interest"),
    ("family_told", "Was the family told"),
)
_RULE = re.compile(r'@id\("(?P<id>[^"]+)"\)(?:\s*@\w+(?:\("[^"]*"\))?)*?\s*@basis\("(?P<basis>[^"]+)"\)')


def explain(decision: Decision) -> list[str]:
    """Return the sentences, one a line. Everything in them stands in the record, but the law behind each rule, which
    is looked up in the policies as they are now."""
    return [*_what(decision), *_why(decision), *_limits(decision)]


def _what(decision: Decision) -> Iterator[str]:
    who = "the rules" if decision.decided_by == "rule" else f"practitioner {decision.decided_by}"
    yield f"Decision {decision.id}, taken by {who} on {decision.decided_at:%d %B %Y at %H:%M:%S} UTC."
    yield f"Asked: {_ASKED.get(decision.stage, decision.stage)}, for the purpose {_words(decision.purpose)}."
    category = _words(decision.category) or "a record"
    yield f"About: {category} published by {_words(decision.publisher) or 'the hub'}; family {decision.family}."
    if decision.subjects:
        yield f"Persons concerned: {', '.join(decision.subjects)}."
    yield f"Recipient: {decision.recipient} ({_words(decision.role)})."
    yield f"Answer: {_ANSWER[decision.outcome]}"


def _why(decision: Decision) -> Iterator[str]:
    bases = rule_bases()
    for rule in decision.rules:
        yield f"Rule: {rule}" + (f", which rests on {bases[rule]}." if rule in bases else ".")
    if not decision.rules and not decision.errors:
        yield "Rule: none allowed it, so the default stood: nothing is shared without a ground."
    law = [f"{label}: {_stop(said)}" for name, label in _LAW if (said := getattr(decision, name))]
    yield from law or ["Law: no ground for sharing is recorded."]
    yield from (
        f"{label}: {_stop(said)}" for name, label in _REASONS if (said := getattr(decision, name)) != "none" and said
    )
    if decision.agreement_state:
        known = _AGREEMENT.get(decision.agreement_state, f"Agreement: {_words(decision.agreement_state)}.")
        yield known + (f" (agreement {decision.agreement})" if decision.agreement else "")
    for error in decision.errors:
        yield f"The rules could not be worked through ({error}), so it went to a person."


def _limits(decision: Decision) -> Iterator[str]:
    if decision.released:
        yield f"Released: {', '.join(decision.released)}."
    if decision.removed:
        yield f"Taken out before sharing: {', '.join(decision.removed)}."
    if decision.review_on:
        yield f"To be reviewed on {decision.review_on:%d %B %Y}."
    yield f"Policies in force: {decision.policy_set}; family's registers as of {decision.register_version}."


@cache
def rule_bases() -> dict[str, str]:
    """Return policy id → the law that its `@basis` names."""
    return {
        found["id"]: found["basis"]
        for text in _policies(resources.files("consent") / "policy")
        for found in _RULE.finditer(text)
    }


def _policies(folder: Traversable) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _policies(entry)
        elif entry.name.endswith(".cedar"):
            yield entry.read_text("utf-8")


def _words(name: str) -> str:
    return name.replace("-", " ")


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
