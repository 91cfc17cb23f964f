"""The record of processing (UK GDPR Art 30) and the facts that a data-protection impact assessment needs (Art 35).

Both are made from the files that the hub runs on: sharing agreements, policies, code lists, contracts, combination
rules, topics. What those files do not hold is named as missing; it is never filled in here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from agents.adapters.topics import hub_topics
from agents.ig.cases import rights
from agents.ig.exemptions import law
from agents.ig.measures import definitions
from agents.ig.watch import behaviours
from consent import minimise, policy, sharing
from consent.agreement_ages import ages
from consent.judgements import meanings
from consent.policy import Policy
from consent.trial import table
from schemas import codes
from schemas.contract import contracts
from streams.risk.rules import rule_book

_DAY_MS = 86_400_000
NOT_HERE = (
    "Name and contact details of the controller, joint controllers and data protection officer (Art 30(1)(a))",
    "Transfers to third countries, and their safeguards (Art 30(1)(e))",
    "Security measures outside the hub: the broker's access lists, disks, backups, people (Art 30(1)(g))",
    "The views of data subjects, and the data protection officer's advice (Art 35(2), (9))",
)

_OF_COMBINATION = ("id", "version", "title", "scope", "grade", "source", "window_days", "prompt", "goes_away")
Section = dict[str, Any]


def record(on: date) -> Section:
    """Return the record of processing as of a day, as plain data. Raises Misconfigured where a file is wrong."""
    return {
        "law": "UK GDPR Art 30(1)",
        "made_on": on,
        "policy_set": policy.load(policy.switched_on(on)).digest,
        "purposes": [{"purpose": name, **_plain(one)} for name, one in sharing.purposes().items()],
        "data_subjects": [{"role": c.code, "who": c.label} for c in codes.code_list("roles").codes.values()],
        "categories": [_category(name, one) for name, one in sharing.categories().items()],
        "recipients": [
            {"role": c.code, "who": c.label, "sector": c.extra.get("sector", "")}
            for c in codes.code_list("practitioner-roles").codes.values()
        ],
        "sharing_agreements": [_agreement(one, on) for _, one in sorted(sharing.agreements().items())],
        "stores": [_store(one.name, one.config) for one in hub_topics(sharing.agencies(), (), 1)],
        "not_in_these_files": NOT_HERE,
    }


def impact_facts(on: date) -> Section:
    """Return the facts for an impact assessment as of a day, as plain data, with the record of processing in front."""
    on_now = policy.switched_on(on)
    return {
        **record(on),
        "law": "UK GDPR Art 35(7)",
        "events": [_event(one) for _, one in sorted(contracts().items())],
        "decisions_by_rule": [_policy(one) for one in policy.load(on_now).by_number.values()],
        "law_not_in_force": [
            {"switch": name, **_plain(one), "on": name in on_now} for name, one in policy.switches().items()
        ],
        "minimisation": [_minimising(one) for one in minimise.rules().rule],
        "combinations": [{name: getattr(one, name) for name in _OF_COMBINATION} for one in rule_book().rules],
        "watched_behaviours": [{"behaviour": n, **_plain(one)} for n, one in behaviours().items()],
        "rights": [{"right": name, **_plain(one)} for name, one in rights().kind.items()],
        "access_exemptions": [{"exemption": name, **_plain(one)} for name, one in law().exemption.items()],
        "unconfirmed": sorted(_unconfirmed()),
    }


def _plain(one: msgspec.Struct) -> Section:
    said: Section = msgspec.to_builtins(one)
    return said


def _category(name: str, one: sharing.Category) -> Section:
    every = [contract for contract in contracts().values() if contract.category == name]
    publishers = sorted({agency for contract in every for agency in contract.agencies})
    return {"category": name, **_plain(one), "published_by": publishers, "event_types": sorted(c.type for c in every)}


def _agreement(one: sharing.SharingAgreement, on: date) -> Section:
    standing = sharing.standing(one, on)
    return {**_plain(one), "standing": standing.upper() if standing in ("due", "out of date") else standing}


def _store(name: str, config: dict[str, str]) -> Section:
    if config.get("cleanup.policy") == "compact":
        return {"topic": name, "kept": "the latest record of each key"}
    kept = int(config.get("retention.ms", "-1"))
    return {"topic": name, "kept": "until the keys are destroyed" if kept < 0 else f"{kept // _DAY_MS} days"}


def _event(one: Any) -> Section:
    fields = [field["name"] for field in one.schema["fields"] if field["name"] != "about"]
    said = {"type": one.type, "about": one.doc, "published_by": one.agencies, "category": one.category}
    return {**said, "fields": fields}


def _minimising(one: minimise.Rule) -> Section:
    when = {field: sorted(words) for field, words in one.when.items()}
    return {"rule": one.id, "basis": one.basis, "removes": one.remove, "when": when}


def _policy(one: Policy) -> Section:
    return {"rule": one.id, "outcome": one.outcome.value, "basis": one.basis, "source": one.source, "note": one.note}


def _unconfirmed() -> Iterable[str]:
    """Name every law, threshold, period and code that is marked as confirmed by nobody."""
    for name in codes.names():
        every = codes.code_list(name).codes.values()
        yield from (f"code list {name}: {code.code}" for code in every if not code.checked)
    yield from (f"behaviour watch: {name}" for name, one in behaviours().items() if not one.checked)
    yield from (f"rights: {name}" for name, one in rights().kind.items() if not one.checked)
    yield from (f"access exemption: {name}" for name, one in law().exemption.items() if not one.checked)
    yield from (f"measure: {name}" for name, one in definitions().items() if not one.checked)
    yield from (f"age in the register of agreements: {name}" for name, one in ages().items() if not one.checked)
    yield from (f"combination: {one.id}" for one in rule_book().rules if not one.checked)
    every_policy = policy.load(policy.switches()).by_number.values()
    yield from (f"policy: {one.id}" for one in every_policy if not one.checked)
    yield from (f"judgement: {code}" for code, one in meanings().items() if not one.checked)
    yield from (f"law of the cases: {name}: {row.unchecked}" for name, row in table().rows.items() if row.unchecked)


def markdown(record: Section) -> str:
    """Return a record as a page that people read: a heading and a list or a table for each part."""
    lines = ["# Record of processing" if "Art 30" in record["law"] else "# Facts for an impact assessment", ""]
    for name, said in record.items():
        heading = name.replace("_", " ").capitalize()
        if isinstance(said, list | tuple):
            lines += [f"## {heading}", "", *_listed(said), ""]
        else:
            lines += [f"{heading}: {said}", ""]
    return "\n".join(lines)


def _listed(said: Iterable[Any]) -> Iterable[str]:
    for one in said:
        if not isinstance(one, dict):
            yield f"- {one}"
            continue
        (_, first), *rest = one.items()
        yield f"- **{first}**"
        kept = [(name.replace("_", " "), value) for name, value in rest if value not in ("", [], ())]
        yield from (f"  - {name}: {_words(value)}" for name, value in kept)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_words(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(one) if not isinstance(one, dict) else f"({_words(one)})" for one in value)
    return str(value)
