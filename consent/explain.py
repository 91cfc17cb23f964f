"""A decision in plain English, from its own record: who, what, which rules, the law behind them, the agreement."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from consent import policy
from consent.decision import Decision, Outcome
from consent.engine import Engine
from consent.otherwise import Change, otherwise
from consent.policy import Policy
from consent.sharing import agreements

_ASKED = {
    "link": "whether this may join the family's record",
    "disclose": "whether this recipient may see it",
    "find": "whether this person may look the family up",
    "look": "whether this person may look at the record",
    "break-glass": "whether somebody who does not work with the family may see the minimum in an emergency",
    "break-glass-review": "whether the reason for a break-glass may be read, to review it",
    "access": "what may be told to those who ask for their own record",
    "case-review": "whether the chronology of decisions may be taken out for a review",
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
_LABELS = {
    "role": "the recipient's role",
    "sector": "the recipient's sector",
    "clearance": "the recipient's clearance",
    "involved": "the recipient's part in the work with the family",
    "party": "the recipient's own place in the matter",
    "category": "the kind of information",
    "sensitivity": "the sensitive kind",
    "tier": "how closely it is kept",
    "publisher": "the publishing agency",
    "purpose": "the purpose",
    "sharing_agreement": "the sharing agreement between the agencies",
    "agreement": "the family's agreement",
    "ground": "the safeguarding ground",
    "approver": "the approver",
    "detriment": "the test whether telling harms the child more",
}
_OWN_RULES = {  # what the hub rules outside the policies
    "nothing-permits-it": "no ground and no agreement permitted it, so the default stood",
    "hold-ended": "no agreement came within the time that it is held for",
    "nobody-named": "nobody was named by what was said",
    "error": "something failed, and what fails goes to a person",
}


def explain(decision: Decision) -> list[str]:
    """Return the sentences, one a line: what was asked and answered, by which rules, on which law, and what else it
    would have taken. All but the last stands in the record; the law behind a rule is looked up in the policies."""
    return [*_what(decision), *_why(decision), *_limits(decision), *_since(decision), *_otherwise(decision)]


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
    for rule in decision.rules:
        yield f"Rule: {rule}{_behind(rule)}"
    if not decision.rules and not decision.errors:
        yield "Rule: none allowed it, so the default stood: nothing is shared without a ground."
    law = [f"{label}: {_stop(said)}" for name, label in _LAW if (said := getattr(decision, name))]
    yield from law or ["Law: no ground for sharing is recorded."]
    yield from (
        f"{label}: {_stop(said)}" for name, label in _REASONS if (said := getattr(decision, name)) != "none" and said
    )
    if decision.harm_since:
        yield f"The ground has been open since {decision.harm_since:%d %B %Y}, by {', '.join(decision.harm_from)}."
    if decision.under:
        yield f"Sharing agreement between the agencies: {decision.under}; its policy document: {_document(decision)}."
    for one in decision.said_by:
        said = f"{_words(one.word)}, {_words(one.says)}"
        yield f"Recorded by practitioner {one.by}, counting from {one.on:%d %B %Y}: {said} (event {one.event})."
    if decision.agreement_state:
        known = _AGREEMENT.get(decision.agreement_state, f"Agreement: {_words(decision.agreement_state)}.")
        yield known + (f" (agreement {decision.agreement})" if decision.agreement else "")
    for error in decision.errors:
        yield f"The rules could not be worked through ({error}), so it went to a person."


def _document(decision: Decision) -> str:
    """Return the appropriate policy document (DPA 2018 Sch 1 Part 4) of the sharing agreement that was relied on."""
    found = (a.law.appropriate_policy_document for a in agreements().values() if a.id == decision.under)
    return _stop(next(found, "not known today")).removesuffix(".")


def _limits(decision: Decision) -> Iterator[str]:
    if decision.released:
        yield f"Released: {', '.join(decision.released)}."
    if decision.removed:
        yield f"Taken out before sharing: {', '.join(decision.removed)}."
    if decision.review_on:
        yield f"To be reviewed on {decision.review_on:%d %B %Y}."
    if decision.ends_on:
        yield f"Without anything new, what it rests on ends on {decision.ends_on:%d %B %Y}."
    yield f"Policies in force: {decision.policy_set}; family's registers as of {decision.register_version}."


def _behind(rule: str) -> str:
    known = laws().get(rule)
    if known is not None:
        return f", which rests on {known.basis} (source: {known.source}; in effect from {known.effective})."
    return f": {_OWN_RULES[rule]}." if rule in _OWN_RULES else ", which is in no policy as they are now."


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
        yield f"Asked again by today's policies alone, the answer would be: {_ANSWER[found.outcome]}"
    for change in found.changes:
        yield f"It would have been otherwise if {_if(change)}. {_ANSWER[change.outcome]}"
    for one, other in found.pairs:
        yield f"It would have been shared if {_if(one)}, and {_if(other)}."
    if not found.changes and not found.pairs:
        yield "No change of one or two of the circumstances would have changed it."


def _if(change: Change) -> str:
    label = _LABELS.get(change.attribute, _words(change.attribute))
    return f"{label} had been {' or '.join(map(_words, change.words))} (it was {_words(change.was)})"


@cache
def laws() -> dict[str, Policy]:
    """Return every policy by its id, those behind a switch that is off among them."""
    return {one.id: one for one in policy.load(policy.switches()).by_number.values()}


def engine_of(decision: Decision) -> Engine:
    """Return the engine with today's policies, and the switches that stood on the day of the decision."""
    return _engine(policy.switched_on(decision.decided_at.date()))


@cache
def _engine(switched_on: tuple[str, ...]) -> Engine:
    return Engine(switched_on)


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
