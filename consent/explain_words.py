"""What a decision's codes are called in plain English, where no code list says it: stages, rules, answers, words.

A stage either puts a question to the policies, or is a step of the hub's own, which rests on no policy.
"""

from __future__ import annotations

from consent import break_glass
from consent.decision import CHECK, Decision, Outcome
from consent.retention import reasons, steps
from schemas.codes import code_list

BY_POLICY = {
    "link": "whether this may join the family's record",
    "disclose": "whether this recipient may see it",
    CHECK: "whether this recipient could be told, for a colleague who would hand it over; they were shown nothing",
    "find": "whether this person may look the family up",
    "look": "whether this person may look at the record",
    "break-glass": "whether somebody who does not work with the family may see the minimum in an emergency",
}
OWN_STEPS = {
    "break-glass-review": "whether the reason for a break-glass may be read, to review it",
    "access": "what may be told to those who ask for their own record",
    "case-review": "whether the chronology of decisions may be taken out for a review",
    "restriction": "whether this officer may restrict the processing of somebody's information, or lift that",
    "ig-search": "whether an officer may search the decisions",
    "ig-explain": "whether an officer may read what was decided",
    "erasure": "whether an entry of the log may be erased",
    steps.STAGE: "whether what is held of a person is kept, or ends",
}
ANSWER = {
    Outcome.SHARE: "Yes: it may be shared.",
    Outcome.HOLD: "Not yet: it is held until an agreement covers it.",
    Outcome.WITHHOLD: "No: it is withheld, kept sealed and not deleted.",
    Outcome.REFER: "Not by rule: a person must decide.",
}
AGREEMENT = {
    "in-force": "The family's agreement was in force and covered this.",
    "none": "There was no agreement for this.",
    "refused": "Agreement had been refused.",
    "withdrawn": "The agreement had been withdrawn.",
    "out-of-scope": "There was an agreement, but it did not cover this.",
    "expired": "The agreement had expired.",
    "disputed": "Those who may agree did not agree with each other.",
}
LAW = (
    ("gateway", "Statutory gateway"),
    ("article_6", "Lawful basis (UK GDPR Art 6)"),
    ("condition", "Condition for special category data"),
    ("condition_reason", "Reason within that condition"),
)
REASONS = (
    ("rationale", "Reason given"),
    ("harm_threshold", "Safeguarding ground"),
    ("competence", "Young person's competence"),
    ("detriment_test", "Would sharing harm the child more than not sharing"),
    ("public_interest", "Public interest"),
    ("family_told", "Was the family told"),
)
LABELS = {
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
    "restricted": "whether the processing of the person's information is restricted",
}
OWN_RULES = {  # what the hub rules outside the policies
    "nothing-permits-it": "no ground and no agreement permitted it, so the default stood",
    "hold-ended": "no agreement came within the time that it is held for",
    "nobody-named": "nobody was named by what was said, or by somebody who may not ask",
    "overtaken-by-the-register": "the family's registers changed before it was in the log, so nothing of it was shown",
    "error": "something failed, and what fails goes to a person",
    "restriction": "an officer restricted the processing of somebody's information, or lifted that",
    "access": "an officer took this step in answer to a request for access",
    "case-review": "an officer took the chronology out",
    "break-glass-review": "an officer read what was said when the glass was broken",
    "ig-search": "an officer searched the decisions",
    "ig-explain": "an officer read a decision",
    "propose": "an officer proposed that the record ends; another must approve it",
    "approve": "a second officer approved that the record ends",
    "destroying": "its ending has begun: no hold stops it any more",
    "destroyed": "the record was ended, as two officers had decided",
    "hold": "a legal hold was set: nothing is destroyed while it stands",
    "lift": "a legal hold was lifted",
}
NO_POLICY = frozenset(OWN_RULES) - {"nothing-permits-it", "error"}
"""Rules by which the hub itself answered: asking the policies again would be no answer to the same question."""
_CODES = {
    "not-tested": "nobody tested it",
    "more-detrimental": "yes",
    "not-weighed": "nobody weighed it",
    "favours-sharing": "that in sharing outweighs that in confidence",
    "favours-confidence": "that in confidence outweighs that in sharing",
    "agreed": "yes: they agreed to it",
    "told": "yes",
    "not-told": "no",
    "not-said": "nobody recorded it",
    "assessed": "they were assessed as competent, and agreed themselves",
    "presumed": "they are 16 or over, so competence is presumed, and agreed themselves",
    "not-established": "the right to agree was not established",
    "not-assessed": "nobody has assessed it, so their agreement does not count",
    "not-competent": "they were found not competent, so their agreement does not count",
    "another-agreed": "somebody else agreed, and the choice is theirs",
    "person-key": "the key to what was held of them",
    "look-up-keys": "what leads to them",
    "record": "their record",
    "put-aside": "what of them had been put aside",
}
_NONE = {"detriment_test": "no"}  # `none` says nothing in any other field


def plain(name: str) -> str:
    """Return a code as words."""
    return name.replace("-", " ").replace("_", " ")


def of_code(said: str) -> str:
    """Return what a code is called; its own words where it has no other name, and a sentence as it is."""
    first, _, rest = said.partition(": ")
    if rest and first in _CODES:
        return f"{_CODES[first]}: {of_code(rest)}"
    if said in _CODES:
        return _CODES[said]
    if (reason := break_glass.terms().reasons.get(said)) is not None:
        return reason.label
    for name in ("grounds", "condition-reasons", "agreement-capacity"):
        if (code := code_list(name).codes.get(said)) is not None:
            return code.label
    return said if " " in said else plain(said)


def of_field(decision: Decision, name: str) -> str:
    """Return what a field of the record says; nothing where it says nothing."""
    said = getattr(decision, name)
    return _NONE.get(name, "") if said == "none" else of_code(said) if said else ""


def why(rule: str) -> str:
    """Return what a reason of a step towards destruction is called; nothing where it is none."""
    known = reasons()
    return next((of[rule].label for of in (known.propose, known.hold, known.lift) if rule in of), "")
