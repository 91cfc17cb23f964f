"""Would the cases notice? Every policy deleted and turned round, every condition deleted and negated, one at a time.

Policies are changed in Cedar's own JSON form. A condition is each conjunct, disjunct and scope of a policy; a member is
each word of a list in one. A mutant that no case notices is a rule that could be lost without anybody seeing it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import cedarpy
import msgspec

from consent.decision import Outcome
from consent.engine import Engine
from consent.policy import Policies, Policy
from consent.request import Request
from consent.trial import Case, Engines, Switches, run
from schemas.errors import Misconfigured

Json = dict[str, Any]
Path = tuple[str | int, ...]
_SCOPES = ("principal", "action", "resource")
_ALL = {"op": "All"}
_NEVER = {"kind": "when", "body": {"Value": False}}


class Condition(msgspec.Struct, frozen=True):
    """One condition of a policy: where it stands in the policy's JSON, and its text.

    `without` takes its place when it is deleted: true in a conjunction, false in a disjunction. None for a member.
    """

    policy: str
    at: Path
    text: str
    without: Json | None = None


class Mutant(msgspec.Struct, frozen=True):
    """One policy changed: what was done to it, and its new JSON."""

    policy: str
    what: str
    changed: Json


class Coverage(msgspec.Struct, frozen=True):
    """How many policies and conditions (members too) there are, and those that no case reaches or decides."""

    policies: int
    conditions: int
    unreached: tuple[str, ...]
    undecided: tuple[Condition, ...]


Cases = Sequence[tuple[Case, Request]]


def coverage(cases: Cases, by: Engines) -> Coverage:
    """Say which policies and conditions the cases reach.

    A case decides a condition when the policy, alone, answers that case otherwise with the condition turned round.
    """
    results = run(cases, by)
    reached = {rule for result in results for rule in result.ruling.rules}
    policies, undecided, count = _everything(cases, by), [], 0
    for name, said in _by_id(policies).items():
        asked = [request for case, request in cases if name in _ids(by(case.switches))]
        holds = _alone(policies, name, said)
        before = {request: holds(request) for request in asked}
        before = dict(sorted(before.items(), key=lambda one: not one[1]))  # where it holds, most conditions turn it
        for condition in conditions(said):
            count += 1
            after = _alone(policies, name, _turned(said, condition))
            if all(after(request) is held for request, held in before.items()):
                undecided.append(condition)
    unreached = tuple(name for name in _by_id(policies) if name not in reached)
    return Coverage(len(_by_id(policies)), count, unreached, tuple(undecided))


def mutants(cases: Cases, by: Engines) -> list[Mutant]:
    """Return every mutant of the policies that the cases are put to, those behind their switches too."""
    return [mutant for said in _by_id(_everything(cases, by)).values() for mutant in _of(said)]


def survivors(cases: Cases, by: Engines, tried: Iterable[Mutant]) -> Iterator[Mutant]:
    """Yield each of the `tried` that every case passes. Raises Misconfigured where a case fails without any change."""
    results = run(cases, by)
    if any(result.wrong for result in results):
        raise Misconfigured("some cases fail on the policies as they are: see `hearth policy test`")
    texts = {switches: _texts(by(switches).policies) for switches in {case.switches for case, _ in cases}}
    for mutant in tried:
        made: dict[Switches, Engine] = {}

        def changed(switches: Switches, mutant: Mutant = mutant, made: dict[Switches, Engine] = made) -> Engine:
            if switches not in made:
                made[switches] = _changed(by(switches).policies, texts[switches], mutant)
            return made[switches]

        # those that the policy decided notice first
        asked = sorted(results, key=lambda r: mutant.policy not in r.ruling.rules)
        if not any(run([(r.case, r.request)], changed)[0].wrong for r in asked):
            yield mutant


def conditions(said: Json) -> Iterator[Condition]:
    """Yield every condition of a policy's JSON, and every member of its lists."""
    name = said["annotations"]["id"]
    for scope in _SCOPES:
        if said[scope] != _ALL:
            yield Condition(name, (scope,), _text(_as_expression(scope, said[scope])), _ALL)
            for number, entity in enumerate(said[scope].get("entities", ())):
                yield Condition(name, (scope, "entities", number), f'{entity["type"]}::"{entity["id"]}"')
    for number, clause in enumerate(said["conditions"]):
        kept = clause["kind"] == "when"
        yield from _walk(name, clause["body"], ("conditions", number, "body"), kept, "")


def _walk(name: str, node: Json, at: Path, without: bool, chain: str) -> Iterator[Condition]:
    """Yield the condition at `at` and those inside it. `chain` is the operator it is a part of, if it goes on here."""
    (operator, inside), *_ = node.items()
    if operator != chain:  # a && b && c is three conditions, not five
        yield Condition(name, at, _text(node), {"Value": without})
    if operator in ("&&", "||"):
        for side in ("left", "right"):
            yield from _walk(name, inside[side], (*at, operator, side), operator == "&&", operator)
    elif operator == "!":
        if next(iter(inside["arg"])) in ("&&", "||"):
            arg = inside["arg"]
            yield from _walk(name, arg, (*at, "!", "arg"), without, next(iter(arg)))
        else:
            yield from _members(name, inside["arg"], (*at, "!", "arg"))
    else:
        yield from _members(name, node, at)


def _members(name: str, node: Any, at: Path) -> Iterator[Condition]:
    if not isinstance(node, dict):
        return
    for key, inside in node.items():
        if key == "Set":
            for number, member in enumerate(inside):
                yield Condition(name, (*at, "Set", number), _text(member))
        else:
            yield from _members(name, inside, (*at, key))


def _of(said: Json) -> Iterator[Mutant]:
    name = said["annotations"]["id"]
    yield Mutant(name, "policy deleted", {**said, "conditions": [_NEVER]})
    yield Mutant(name, "effect inverted", {**said, "effect": "forbid" if said["effect"] == "permit" else "permit"})
    for condition in conditions(said):
        if condition.without is None:
            yield Mutant(name, f"member removed: {condition.text}", _turned(said, condition))
            continue
        yield Mutant(name, f"condition deleted: {condition.text}", _put(said, condition.at, condition.without))
        yield Mutant(name, f"condition negated: {condition.text}", _turned(said, condition))


def _turned(said: Json, condition: Condition) -> Json:
    """Return the policy with the condition negated; with the member removed, for a member."""
    if condition.without is None:
        return _put(said, condition.at, None)
    if condition.at[0] in _SCOPES:
        scope = str(condition.at[0])
        refused = {"kind": "unless", "body": _as_expression(scope, said[scope])}
        return {**said, scope: _ALL, "conditions": [*said["conditions"], refused]}
    return _put(said, condition.at, {"!": {"arg": _get(said, condition.at)}})


def _as_expression(scope: str, said: Json) -> Json:
    """Return the scope `principal == Role::"gp"` as a condition."""
    variable = {"Var": scope}
    if said["op"] == "is":
        return {"is": {"left": variable, "entity_type": said["entity_type"]}}
    entities = [{"Value": {"__entity": one}} for one in said.get("entities", ())]
    right = {"Set": entities} if entities else {"Value": {"__entity": said["entity"]}}
    return {said["op"]: {"left": variable, "right": right}}


def _get(said: Any, at: Path) -> Any:
    for key in at:
        said = said[key]
    return said


def _put(said: Json, at: Path, node: Any) -> Json:
    """Return a copy with another node at `at`; without the list's member there, for None."""
    copy = deepcopy(said)
    holder, last = _get(copy, at[:-1]), at[-1]
    if node is None:
        del holder[last]
    else:
        holder[last] = node
    return copy


def _text(node: Json) -> str:
    bare = {"effect": "permit", **dict.fromkeys(_SCOPES, _ALL), "conditions": [{"kind": "when", "body": node}]}
    return _cedar(bare).partition("when {")[2].rpartition("}")[0].strip()


def _cedar(said: Json) -> str:
    written = {"staticPolicies": {"policy0": said}, "templates": {}, "templateLinks": []}
    return str(cedarpy.policies_from_json_str(json.dumps(written)))


def _everything(cases: Cases, by: Engines) -> Policies:
    return by(tuple(sorted({switch for case, _ in cases for switch in case.switches}))).policies


def _ids(engine: Engine) -> frozenset[str]:
    return frozenset(one.id for one in engine.policies.by_number.values())


def _by_number(policies: Policies) -> dict[str, Json]:
    found: dict[str, Json] = json.loads(cedarpy.policies_to_json_str(policies.text))["staticPolicies"]
    return found


def _by_id(policies: Policies) -> dict[str, Json]:
    return {said["annotations"]["id"]: said for said in _by_number(policies).values()}


def _texts(policies: Policies) -> dict[str, str]:
    said = _by_number(policies)
    return {number: _cedar(said[number]) for number in policies.by_number}


def _alone(policies: Policies, name: str, said: Json) -> Callable[[Request], bool]:
    """Return whether this policy, by itself, holds for a request."""
    about = next(one for one in policies.by_number.values() if one.id == name)
    others = {f"without-{number}": one for number, one in policies.by_number.items() if one is not about}
    by_number = {"policy0": about, **others}  # what the others @read still counts
    engine = Engine.of(msgspec.structs.replace(policies, text=_cedar(said), by_number=by_number))
    return lambda request: name in engine.rule(request).rules


def _changed(policies: Policies, texts: dict[str, str], mutant: Mutant) -> Engine:
    """Return the engine of these policies with one changed; Cedar numbers them in the order of the text."""
    number = next((n for n, one in policies.by_number.items() if one.id == mutant.policy), None)
    if number is None:
        return Engine.of(policies)
    numbers = sorted(texts, key=lambda n: int(n.removeprefix("policy")))
    text = "\n".join(_cedar(mutant.changed) if n == number else texts[n] for n in numbers)
    about = {**policies.by_number, number: _about(policies.by_number[number], mutant.changed)}
    return Engine.of(msgspec.structs.replace(policies, text=text, by_number=about))


def _about(one: Policy, changed: Json) -> Policy:
    permits = changed["effect"] == "permit"
    if permits == (one.outcome is Outcome.SHARE):
        return one
    return msgspec.structs.replace(one, outcome=Outcome.SHARE if permits else Outcome.WITHHOLD)
