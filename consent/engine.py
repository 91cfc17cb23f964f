"""The decision engine: one request in, one ruling out, by the Cedar policies.

Cedar by itself skips a forbid that fails to evaluate, which would let something through. Here **any** error gives
REFER: an unknown word, a missing one, a policy that cannot be evaluated, or an exception.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import cedarpy
from msgspec import json

from consent import policy
from consent.applicable import Part, Parts, place
from consent.decision import Outcome, Ruling
from consent.minimise import removed_fields
from consent.policy import Policies, Policy
from consent.request import Request
from schemas.errors import Misconfigured

_MEMO_LIMIT = 100_000  # requests kept; a county's traffic shows some thousands of different ones
_STRICTNESS = {Outcome.SHARE: 0, Outcome.HOLD: 1, Outcome.WITHHOLD: 2, Outcome.REFER: 3}
_NUMBER = re.compile(r"`(policy\d+)`")
# Which enumeration of hearth.cedarschema the words of each field of a request come from.
WORDS = {
    "role": "Role",
    "sector": "Sector",
    "clearance": "Tier",
    "involved": "Involved",
    "party": "Party",
    "category": "Category",
    "sensitivity": "Sensitivity",
    "tier": "Tier",
    "publisher": "Agency",
    "purpose": "Purpose",
    "sharing_agreement": "SharingAgreement",
    "agreement": "Agreement",
    "ground": "Ground",
    "approver": "Approver",
    "detriment": "Detriment",
    "body": "Body",
    "override": "Override",
    "competence": "Competence",
    "public_interest": "PublicInterest",
    "opt_out": "OptOut",
    "problems": "Problems",
    "restricted": "Restricted",
}
# Words that count only while the law that asks for them is in force, and what stands for them until then.
_WHILE_READ = {"detriment": "not-tested"}
_CONTEXT = tuple(field for field in WORDS if field not in ("role", "category"))
_CONTEXT_WORD = re.compile(rf'\b(?:{"|".join(sorted({WORDS[f] for f in _CONTEXT}))})::("[^"]+")')
_ACTIONS = frozenset(("link", "disclose", "find"))


class Engine:
    """The policies in force, and the answers given so far. `policy_set` names them; `hits` and `misses` count.

    `switched_on` are names of consent/policy/switches.toml. Raises Misconfigured when any file does not hold together.
    """

    def __init__(self, switched_on: Collection[str] = (), folder: Path = policy.HERE) -> None:
        self._answer_by(policy.load(switched_on, folder))

    @classmethod
    def of(cls, policies: Policies) -> Engine:
        """Return the engine of policies already read. Raises Misconfigured when a list of words is missing."""
        engine = cls.__new__(cls)
        engine._answer_by(policies)
        return engine

    def _answer_by(self, policies: Policies) -> None:
        self.policies = policies
        self.policy_set = self.policies.digest
        self.hits = 0
        self.misses = 0
        self._memo: dict[Request, Ruling] = {}
        self._nothing = cedarpy.Entities.from_json_str("[]")
        read = {p.reads for p in self.policies.by_number.values()}
        self._unread = {field: word for field, word in _WHILE_READ.items() if field not in read}
        if missing := set(WORDS.values()) - set(self.policies.words):
            raise Misconfigured(f"hearth.cedarschema lists no words for {sorted(missing)}")
        self._words = {field: self.policies.words[words] for field, words in WORDS.items()}
        self._parts = Parts(_in_plain_words(self.policies), {"action": _ACTIONS, **self._words})

    def rule(self, request: Request) -> Ruling:
        """Return the ruling on `request`. Never raises: what goes wrong is in `errors`, and the outcome is REFER."""
        try:
            kept = self._memo.get(request)
            if kept is not None:
                self.hits += 1
                return kept
            self.misses += 1
            return self._remember(request, self._decide(request))
        except Exception as wrong:  # noqa: BLE001 (whatever it is, a person decides)
            return _refer((f"the policies could not be asked: {type(wrong).__name__}",))

    def _remember(self, request: Request, ruling: Ruling) -> Ruling:
        if not ruling.errors:  # what failed may not fail again
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            self._memo[request] = ruling
        return ruling

    def _decide(self, request: Request) -> Ruling:
        said = request._asdict()
        if unknown := self._unknown(said):
            return _refer(unknown)
        said |= self._unread
        part = self._parts.of(said)
        result = cedarpy.is_authorized(_question(said, part), part.policies, self._nothing)
        if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
            return _refer(tuple(self._failed(text, part) for text in result.diagnostics.errors) or ("no decision",))
        held = [self._policy(number, part) for number in sorted(result.diagnostics.reasons, key=place)]
        return _shared(held, removed_fields(request)) if result.allowed else _denied(held)

    def _unknown(self, said: dict[str, str]) -> tuple[str, ...]:
        """Name the fields with a word that no policy knows; never the word itself, which may be anything."""
        wrong = [field for field, words in self._words.items() if said[field] not in words]
        if said["action"] not in _ACTIONS:
            wrong.append("action")
        return tuple(f"{field}: not a word that the policies know" for field in wrong)

    def _policy(self, number: str, part: Part) -> Policy:
        return self.policies.by_number[part.numbers[place(number)]]

    def _failed(self, text: str, part: Part) -> str:
        if (number := _NUMBER.search(text)) is None:
            return "the request could not be put"
        return f"{self._policy(number[1], part).id}: could not be evaluated"


def _question(said: dict[str, str], part: Part) -> dict[str, object]:
    """Return the question as Cedar takes it, with no more of the context than is read."""
    return {
        "principal": {"type": "Role", "id": said["role"]},
        "action": {"type": "Action", "id": said["action"]},
        "resource": {"type": "Category", "id": said["category"]},
        "context": json.encode({field: said[field] for field in part.reads}).decode(),
    }


def _in_plain_words(policies: Policies) -> str:
    """Return the policies with plain texts for the words of the context, which Cedar reads three times as fast.

    They have been checked with their enumerations by then: no word is compared with another list's.
    """
    return _CONTEXT_WORD.sub(r"\1", policies.text)


def _refer(errors: Iterable[str]) -> Ruling:
    return Ruling(Outcome.REFER, ("error",), errors=tuple(errors), rationale="Something failed: a person decides.")


def _shared(permits: list[Policy], removed: tuple[str, ...]) -> Ruling:
    first = permits[0]
    return Ruling(
        Outcome.SHARE,
        tuple(p.id for p in permits),
        removed=removed,
        article_6=first.article_6,
        condition=first.condition,
        gateway=first.gateway,
        rationale=first.note,
        review_days=first.review,
    )


def _denied(forbids: list[Policy]) -> Ruling:
    """Every forbid that held is named; the strictest outcome among them stands. None held: nothing permits it."""
    if not forbids:
        return Ruling(Outcome.WITHHOLD, ("nothing-permits-it",), rationale="No ground and no agreement permits it.")
    strictest = max(forbids, key=lambda p: _STRICTNESS[p.outcome])
    return Ruling(strictest.outcome, tuple(p.id for p in forbids), rationale=strictest.note)
