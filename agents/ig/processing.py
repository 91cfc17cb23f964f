"""The record of processing (UK GDPR Art 30) and the facts that a data-protection impact assessment needs (Art 35).

Both are made from the files that the hub runs on: sharing agreements, policies, code lists, contracts, combination
rules, retention classes, topics. What those files do not hold is named as missing; it is never filled in here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from agents.adapters.keys import FIRST_SUBSCRIBERS
from agents.adapters.quarantine_keys import KEPT_DAYS
from agents.adapters.topics import hub_topics
from agents.ig.exemptions import law
from agents.ig.measures import definitions
from agents.ig.rights import rights
from agents.ig.watch import behaviours
from consent import break_glass, minimise, policy, retention, sharing
from consent.agreement_ages import ages
from consent.judgements import meanings
from consent.policy import Policy
from consent.trial import table
from schemas import codes
from schemas.contract import contracts
from streams import topology
from streams.risk.rules import rule_book

_ROOT = Path(__file__).parents[2]
_ROOMS = ("schemas", "consent", "streams", "agents")
_NOT_THE_HUB = _ROOT / "agents" / "demo"
_DAY_MS = 86_400_000
NOT_HERE = (
    "Name and contact details of the controller, joint controllers and data protection officer (Art 30(1)(a))",
    "Transfers to third countries, and their safeguards (Art 30(1)(e))",
    "Security measures outside the hub: the broker's access lists, disks, backups, people (Art 30(1)(g))",
    "The views of data subjects, and the data protection officer's advice (Art 35(2), (9))",
)

BESIDE = (
    ("key store", "a person's keys until their record is destroyed; the key of a record put aside for "
     f"{KEPT_DAYS} days, or until somebody's record is destroyed whom it names"),
    ("both logs, in files", "for ever: salted commitments, and decisions in pseudonyms and codes, under no key"),
    ("stages' state and its changelogs", "what each family's state is now, sealed under the persons' keys"),
    ("projection (SQL)", "as long as the topics that it is made from"),
    ("tokens", "until they expire"),
)  # fmt: skip
"""What the hub keeps that is on no topic, and how long."""
_ASIDE = {topology.REVIEW, topology.REVIEW_SEALED}
_OF_COMBINATION = ("id", "version", "title", "scope", "grade", "source", "window_days", "prompt", "goes_away")
Section = dict[str, Any]


def record(on: date, subscribers: Iterable[str] = FIRST_SUBSCRIBERS) -> Section:
    """Return the record of processing as of a day, as plain data. Raises Misconfigured where a file is wrong.

    `subscribers`: the systems to which alerts go.
    """
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
        "stores": [_store(one.name, one.config) for one in hub_topics(sharing.agencies(), subscribers, 1)],
        "stores_beside_the_topics": [{"store": name, "kept": kept} for name, kept in BESIDE],
        "retention": [_class(one) for one in retention.classes()],
        "legal_holds": [
            {"reason": code, "which_is": one.label, "source": retention.reasons().source}
            for code, one in retention.reasons().hold.items()
        ],
        "destruction": [
            {"reason": code, "which_is": one.label, "before_its_day": one.early, "source": retention.reasons().source}
            for code, one in retention.reasons().propose.items()
        ],
        "break_glass": [_glass(code, one) for code, one in break_glass.terms().reasons.items()],
        "made_from": [
            {"file": str(file.relative_to(_ROOT)), "sha256": sha256(file.read_bytes()).hexdigest()} for file in _files()
        ],
        "not_in_these_files": NOT_HERE,
    }


def impact_facts(on: date, subscribers: Iterable[str] = FIRST_SUBSCRIBERS) -> Section:
    """Return the facts for an impact assessment as of a day, as plain data, with the record of processing in front."""
    on_now = policy.switched_on(on)
    return {
        **record(on, subscribers),
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
    return {
        "category": name, **_plain(one), "published_by": publishers, "event_types": sorted(c.type for c in every),
        "kept": "with the person's record: see retention",
    }  # fmt: skip


def _agreement(one: sharing.SharingAgreement, on: date) -> Section:
    standing = sharing.standing(one, on)
    return {**_plain(one), "standing": standing.upper() if standing in ("due", "out of date") else standing}


def _store(name: str, config: dict[str, str]) -> Section:
    """Return how long a topic keeps what stands on it, by its own settings and by the key that seals it."""
    ways, days = config.get("cleanup.policy", ""), int(config.get("retention.ms", "-1")) // _DAY_MS
    if days < 0 and "compact" in ways:
        kept = "the latest record of each key"
    elif days < 0:
        kept = _for_ever(name)
    else:
        kept = f"{days} days" + (", of each key the latest record alone" if "compact" in ways else "")
    return {"topic": name, "kept": kept}


def _for_ever(topic: str) -> str:
    if topic == topology.FAMILY_ITEMS:
        return "sealed, each part until its person's key is destroyed"
    if topic in _ASIDE:
        sealed = f"what is sealed in it until its person's key is destroyed, or its own, after {KEPT_DAYS} days"
        return f"for ever: pseudonyms and codes; {sealed}"
    return "for ever: pseudonyms and codes, under no key"


def _class(one: retention.RetentionClass) -> Section:
    return {
        "class": one.title, "id": one.id, "of": one.of, "statuses": one.statuses, "kept_here": _periods(one.hub),
        "master_record_of_the_source": _periods(one.master), "source": one.source, "checked": one.checked,
    }  # fmt: skip


def _periods(periods: Iterable[retention.Period]) -> list[str]:
    return [f"{one.years} years from {one.trigger}" for one in periods]


def _glass(code: str, one: break_glass.Reason) -> Section:
    terms = break_glass.terms()
    return {
        "reason": code, "which_is": one.label, "source": one.source, "hours": terms.hours, "purpose": terms.purpose,
        "terms": terms.source,
    }  # fmt: skip


def _files() -> list[Path]:
    """Return every table that the hub runs on, in order: all in its rooms, but for the demo's."""
    every = (file for room in _ROOMS for file in (_ROOT / room).rglob("*.toml"))
    return sorted(file for file in every if _NOT_THE_HUB not in file.parents)


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
    yield from (f"retention class: {one.id}" for one in retention.classes() if not one.checked)
    if not retention.reasons().checked:
        yield "retention: the reasons for destruction, for holds and for lifting them"
    if not break_glass.terms().checked:
        yield "break-glass: its hours and its terms"


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
