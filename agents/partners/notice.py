"""One notice of a domestic abuse incident, from either layout, as the hub's event."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from agents.partners import dates, people
from agents.partners.taken import Options, Problem, Taken, Unused
from agents.partners.words import clean, number, or_none, plain, truth
from schemas.codes import code_list
from schemas.records import Remark

SOURCE = "hearth:file/operation-encompass"
TYPE = "hearth.police.DomesticAbuseIncidentAttended"
_MOST_DASH = 24  # questions in the DASH list
_ROLES = {
    "child": "child children linkedchild youngperson dependant",
    "alleged": "alleged suspect accused perpetrator offender respondent allegedperpetrator perp",
    "victim": "victim complainant aggrieved injuredparty survivor",
    "witness": "witness",
}
_WORDS = {word: role for role, words in _ROLES.items() for word in words.split()}
_COMPANY = re.compile(r"\b(ltd|limited|plc|llp|inc|c\.?i\.?c|company|council|trust)\b\.?\s*$", re.I)
_ORGANISATION = {"organisation", "organization", "company", "business", "corporate", "legalentity", "nonperson"}


class Notice(msgspec.Struct, frozen=True):
    """A notice by the fields of columns/encompass.toml, its people likewise, and the features that it states."""

    where: str
    said: dict[str, Any]
    persons: list[dict[str, Any]]
    features: list[str]


def flagged(said: object) -> bool:
    """Tell whether a flag column is set; some forces write the column's own name instead of True."""
    return bool(truth(said)) or plain(said) in _WORDS


def taken(notice: Notice, options: Options) -> Taken:
    """Return the event of a notice. Raises Unused where it gives none."""
    remarks: list[Remark] = []
    reference = or_none(notice.said.get("reference"))
    if reference is None:
        raise _no(notice, "reference", "missing", "The incident's reference is missing", "Give the police reference")
    happened = dates.instant(notice.said.get("happened_at"))
    if happened is None:
        raise _no(
            notice,
            "happened_at",
            "unreadable-time",
            "The time of the incident cannot be read",
            "Write YYYY-MM-DDThh:mm:ssZ",
        )
    persons = _persons(notice, remarks)
    if not persons:
        raise _no(
            notice, "persons", "no-person", "The notice names nobody", "Name the child, the victim and the alleged"
        )
    about = people.about(
        persons, happened, _recorded(notice, happened), ground=people.ground("encompass", "Operation Encompass notice")
    )
    ids = [
        people.event_id(options, "encompass", plain(notice.said.get("force")), plain(reference), str(n))
        for n in _revisions(notice)
    ]
    about["corrects"] = ids[0] if len(ids) > 1 else None
    data = {"about": about, "reference": reference, **_facts(notice, remarks)}
    return Taken(notice.where, people.event(options, TYPE, SOURCE, data, id=ids[-1]), remarks)


def _recorded(notice: Notice, happened: datetime) -> datetime:
    return dates.instant(notice.said.get("recorded_at")) or happened


def _revisions(notice: Notice) -> list[int]:
    """Return the revision, after the one that it corrects."""
    said, _ = number(notice.said.get("revision"))
    revision = int(said) if said and said.isdigit() else 0
    return [revision - 1, revision] if revision else [0]


def _facts(notice: Notice, remarks: list[Remark]) -> dict[str, Any]:
    said, _ = number(notice.said.get("dash_yes"))
    dash = int(said) if said and said.isdigit() and int(said) <= _MOST_DASH else None
    if dash is None and clean(notice.said.get("dash_yes")) == "0":
        dash = 0
    elif dash is None and or_none(notice.said.get("dash_yes")):
        remarks.append(
            Remark(
                "dash_yes",
                "out-of-range",
                "The DASH count is not a number from 0 to 24; it is left out",
                "Send how many questions were answered yes",
            )
        )
    known = code_list("domestic-abuse-features").codes
    if set(notice.features) - set(known):
        remarks.append(
            Remark(
                "features",
                "unknown-code",
                "Features that are no code are left out",
                "Send codes of the list `domestic-abuse-features`",
            )
        )
    return {
        "dash_yes": dash,
        "children_present": truth(notice.said.get("children_present")),
        "voice_of_child": or_none(notice.said.get("voice_of_child")),
        "circumstances": or_none(notice.said.get("circumstances")),
        "features": [f for f in notice.features if f in known],
        "crime": truth(notice.said.get("crime")),
    }


def _persons(notice: Notice, remarks: list[Remark]) -> list[dict[str, Any]]:
    """Return each person once. Of several roles, a child is the child, and one who is alleged stays alleged."""
    found: dict[str, dict[str, Any]] = {}
    ranks = [*_ROLES, "linked"]
    for said in notice.persons:
        if _is_company(said):
            remarks.append(
                Remark(
                    "persons[]",
                    "organisation-left-out",
                    "An organisation is no person; it is left out",
                    "Nothing to do",
                )
            )
            continue
        who = _person(said, remarks)
        key = people.person_key(who)
        if not key:
            remarks.append(
                Remark(
                    "persons[]",
                    "person-without-name",
                    "Someone has neither name nor number and is left out",
                    "Name them when they are known",
                )
            )
            continue
        role = min(who["role"], found.get(key, who)["role"], key=ranks.index)
        found[key] = {**found.get(key, who), "role": role}
    return list(found.values())


def _person(said: dict[str, Any], remarks: list[Remark]) -> dict[str, Any]:
    known = people.identifiers(remarks, **{name: said.get(name) for name in ("nhs_number", "upn", "local")})
    fields = {name: said.get(name) for name in ("family_name", "given_names", "sex", "address", "postcode", "phone")}
    if not clean(fields["family_name"]) and not clean(fields["given_names"]):
        fields["given_names"], _, fields["family_name"] = clean(said.get("name")).rpartition(" ")
    born = dates.said(said.get("birth_date"))
    return people.person(_role(said, remarks), known, birth_date=born.day if born else None, **fields)


def _role(said: dict[str, Any], remarks: list[Remark]) -> str:
    words = [
        _WORDS[w]
        for w in (*map(plain, re.split(r"[ ,;/+&]+", clean(said.get("role")))), plain(said.get("role")))
        if w in _WORDS
    ]
    words += [name for name in _ROLES if flagged(said.get(name))]
    if not words:
        remarks.append(
            Remark(
                "persons[].role",
                "unknown-role",
                "The role is missing or unknown; taken as linked",
                "Say victim, alleged, child or witness",
            )
        )
        return "linked"
    return min(words, key=list(_ROLES).index)


def _is_company(said: dict[str, Any]) -> bool:
    if plain(said.get("person_type")) in _ORGANISATION:
        return True
    names = (clean(said.get(name)) for name in ("name", "family_name"))
    return (
        not clean(said.get("birth_date"))
        and not clean(said.get("given_names"))
        and any(_COMPANY.search(n) for n in names)
    )


def _no(notice: Notice, path: str, code: str, problem: str, fix: str) -> Unused:
    return Unused(Problem(notice.where, path, code, problem, fix))
