"""The information-sharing agreements between agencies, and the kinds and purposes of information they speak of.

Each `<agency>.toml` here is one agreement: the agencies of the hub are those that have one. `categories.toml`,
`purposes.toml`, `sensitive.toml`, `grounds.toml` and `judgements.toml` are the lists they share. Read once, when first
asked for; a file that does not hold together raises Misconfigured, so the hub does not start on it.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from consent.request import Request
from schemas.errors import Misconfigured
from schemas.records import Facts

HERE = Path(__file__).parent
_LISTS = ("categories", "purposes", "sensitive", "grounds", "judgements", "ages")

SharingState = Literal["in-date", "out-of-date", "none"]


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of information (categories.toml). `welfare`: early help shares it on the family's agreement."""

    description: str
    sensitivity: str
    tier: str
    welfare: bool


class Purpose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What information may be shared for (purposes.toml)."""

    description: str
    basis: str


class Covers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which categories may go to which recipients (agencies, `hub`, `statutory`, `voluntary`), and for what."""

    recipients: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]


class Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The law that an agreement relies on, in words."""

    gateway: str
    article_6: str
    condition: str
    appropriate_policy_document: str
    note: str


class Dates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an agreement holds: from `since`; from `review_on` it is out of date, `warn_days` before that it is due."""

    since: date
    review_on: date
    warn_days: int


class SharingAgreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One information-sharing agreement: `agency` publishes under it."""

    id: str
    title: str
    agency: str
    parties: tuple[str, ...]
    source: str
    covers: tuple[Covers, ...]
    law: Law
    dates: Dates


class SensitiveKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes of one field that make an item sensitive (sensitive.toml). `only`: event types it is limited to."""

    id: str
    field: str
    any: frozenset[str]
    only: tuple[str, ...] = ()


def files() -> tuple[Path, ...]:
    """Return every file of this folder that decides what may be shared, by name (they are part of the policy set)."""
    return tuple(sorted(HERE.glob("*.toml")))


def _read(name: str) -> bytes:
    return (HERE / f"{name}.toml").read_bytes()


def _decode(name: str, into: type[msgspec.Struct]) -> dict[str, msgspec.Struct]:
    try:
        said = msgspec.toml.decode(_read(name))
        said.pop("source")
        return msgspec.convert(said, dict[str, into])  # type: ignore[valid-type]
    except (msgspec.ValidationError, KeyError) as wrong:
        raise Misconfigured(f"consent/sharing/{name}.toml: {wrong}") from wrong


@cache
def categories() -> dict[str, Category]:
    """Return every kind of information by its name."""
    return {name: c for name, c in _decode("categories", Category).items() if isinstance(c, Category)}


@cache
def purposes() -> dict[str, Purpose]:
    """Return every purpose by its name."""
    return {name: p for name, p in _decode("purposes", Purpose).items() if isinstance(p, Purpose)}


def category(name: str) -> Category:
    """Return one kind of information. Raises Misconfigured for a name that categories.toml does not have."""
    found = categories().get(name)
    if found is None:
        raise Misconfigured("an event type names a category that consent/sharing/categories.toml does not have")
    return found


@cache
def agreements() -> dict[str, SharingAgreement]:
    """Return the sharing agreement of each agency, by agency. Raises Misconfigured when one does not hold together."""
    return agreements_in(HERE)


def agreements_in(folder: Path) -> dict[str, SharingAgreement]:
    """Return the same of another folder: agreements that are not in force here, or not yet."""
    return {a.agency: a for a in (_agreement(p) for p in sorted(folder.glob("*.toml")) if p.stem not in _LISTS)}


def _agreement(path: Path) -> SharingAgreement:
    try:
        agreement = msgspec.toml.decode(path.read_bytes(), type=SharingAgreement)
    except msgspec.DecodeError as wrong:
        raise Misconfigured(f"consent/sharing/{path.name}: {wrong}") from wrong
    said = {c for covers in agreement.covers for c in covers.categories} - set(categories())
    said |= {p for covers in agreement.covers for p in covers.purposes} - set(purposes())
    if said or agreement.agency != path.stem or agreement.dates.since >= agreement.dates.review_on:
        raise Misconfigured(f"consent/sharing/{path.name}: names {sorted(said)}, or its agency or dates do not fit")
    return agreement


@cache
def agencies() -> tuple[str, ...]:
    """Return the agencies that publish through the hub: those with a sharing agreement."""
    return tuple(sorted(agreements()))


def standing(agreement: SharingAgreement, on: date) -> Literal["not yet", "in date", "due", "out of date"]:
    """Say how an agreement stands on a day: `due` is in date still, within its warning."""
    dates = agreement.dates
    if on < dates.since:
        return "not yet"
    if on >= dates.review_on:
        return "out of date"
    return "due" if on >= dates.review_on - timedelta(days=dates.warn_days) else "in date"


@lru_cache(maxsize=64)
def agreements_changed_on(on: date) -> date:
    """Return the last day up to `on` on which one of them began or went out of date; from then on all is as it is."""
    days = (day for a in agreements().values() for day in (a.dates.since, a.dates.review_on) if day <= on)
    return max(days, default=date.min)


def reviews_due(on: date) -> tuple[SharingAgreement, ...]:
    """Return the agreements that are to be reviewed, the most urgent first: out of date, or within their warning."""
    due = [a for a in agreements().values() if on >= a.dates.review_on - timedelta(days=a.dates.warn_days)]
    return tuple(sorted(due, key=lambda a: (a.dates.review_on, a.id)))


@lru_cache(maxsize=8192)
def sharing_agreement_state(publisher: str, recipient: str, purpose: str, category: str, on: date) -> SharingState:
    """Say how the publisher's agreement stands on `on` for this recipient (agency or sector), purpose and category."""
    return state_of(agreements().get(publisher), recipient, purpose, category, on)


def state_of(
    agreement: SharingAgreement | None, recipient: str, purpose: str, category: str, on: date
) -> SharingState:
    """Say the same of one agreement, or of none."""
    if agreement is None or on < agreement.dates.since:
        return "none"
    if not any(
        recipient in c.recipients and purpose in c.purposes and category in c.categories for c in agreement.covers
    ):
        return "none"
    return "in-date" if on < agreement.dates.review_on else "out-of-date"


class Sensitive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """sensitive.toml as a whole. `roles`: the kind of whoever has that role in an event."""

    source: str
    roles: dict[str, str]
    kind: tuple[SensitiveKind, ...]


def under(request: Request) -> str:
    """Return the id of the sharing agreement that a question is asked under, whose appropriate policy document counts;
    empty where none covers it."""
    found = agreements().get(request.publisher) if request.sharing_agreement != "none" else None
    return found.id if found is not None else ""


@cache
def _sensitive() -> tuple[dict[str, str], dict[str, dict[str, SensitiveKind]]]:
    """Return the roles that make a part sensitive; and, for each field of an event's data, the codes that do."""
    try:
        said = msgspec.toml.decode(_read("sensitive"), type=Sensitive)
    except msgspec.DecodeError as wrong:
        raise Misconfigured(f"consent/sharing/sensitive.toml: {wrong}") from wrong
    by_field: dict[str, dict[str, SensitiveKind]] = {}
    for kind in said.kind:
        by_field.setdefault(kind.field, {}).update(dict.fromkeys(kind.any, kind))
    return said.roles, by_field


@cache
def sensitive_roles() -> frozenset[str]:
    """Return the roles in an event whose part is sensitive whatever the event says."""
    return frozenset(_sensitive()[0])


def sensitivity(facts: Facts) -> str:
    """Return the sensitive kind of an item (`none` for most): of the person's role, of its codes, or its category's."""
    roles, by_field = _sensitive()
    if facts.role in roles:
        return roles[facts.role]
    for field, kinds in by_field.items():
        said = facts.data.get(field)
        if facts.category == "involvement" and isinstance(said, str):
            said = _words(said, kinds)
        for code in said if isinstance(said, list) else (said,):
            kind = kinds.get(code) if isinstance(code, str) else None
            if kind is not None and (not kind.only or facts.type in kind.only):
                return kind.id
    return category(facts.category).sensitivity


def _words(text: str, kinds: dict[str, SensitiveKind]) -> list[str]:
    """Return the codes whose words stand in a free text."""
    plain = f"-{'-'.join(text.casefold().split())}-"
    return [code for code in kinds if f"-{code}-" in plain]
