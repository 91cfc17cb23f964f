"""Children in Need census XML: referrals, assessments and episodes, one child at a time.

The census is collected for statistics: the sharing agreement must cover this other use of it. It has no record ids,
so an event's id stands on authority, child and dates. It states what is so at its reference date, not what changed:
a later census that says the same gives duplicates, one that says otherwise conflicts, of which the authority is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element

import msgspec

from agents.partners import dates, people
from agents.partners.census_case import Case
from agents.partners.census_details import events_of
from agents.partners.markup import child, children, elements, local, text, unwrapped
from agents.partners.source import Source
from agents.partners.taken import Options, Problem, Read, Unused, with_remarks
from agents.partners.words import clean, number
from schemas.records import Remark

_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")


class Header(msgspec.Struct, frozen=True):
    """Who sent the census, and what it says of itself."""

    authority: str = ""
    year: str = ""
    reference: date | None = None


def read(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield the events of each child. What breaks off in the middle has its good part read."""
    remarks: list[Remark] = []
    yield from with_remarks(_children(source, options, remarks), remarks)


def _children(source: Source, options: Options, remarks: list[Remark]) -> Read:
    header, count = Header(), 0
    try:
        for element in elements(unwrapped(source), ("Header", "Child")):
            if local(element) == "Header":
                header = _header(element)
                remarks.extend(_disagreements(header, source.name))
                continue
            count += 1
            yield from _child(element, f"Child[{count}]", header, options)
    except Unused as unused:
        yield unused.problem
    if not count:
        yield Problem("file", "Children", "no-children", "There is no child in the file", "Export it again", blank=True)


def _header(element: Element) -> Header:
    collection, sent = child(element, "CollectionDetails"), child(element, "Source")
    reference = dates.said(text(collection, "ReferenceDate"))
    authority = number(text(sent, "LEA", "LA"))[0] or ""
    return Header(
        authority if re.fullmatch("[0-9]{3}", authority) else "",
        text(collection, "Year"),
        reference.day if reference else None,
    )


def _disagreements(header: Header, name: str) -> Iterator[Remark]:
    """The census year ends on its reference date, 31 March; the file's name often says a year too."""
    years = {header.year or None, str(header.reference.year) if header.reference else None}
    if len(years - {None}) > 1:
        yield Remark(
            "Header/CollectionDetails",
            "years-disagree",
            "Year and ReferenceDate are of different census years",
            "Send the year in which the census year ends",
        )
    named = set(_YEAR.findall(name))
    if named and header.reference and str(header.reference.year) not in named:
        yield Remark(
            "Header/CollectionDetails/ReferenceDate",
            "file-name-disagrees",
            "The file's name says another year",
            "Check that this is the file you meant",
        )


def _child(element: Element, where: str, header: Header, options: Options) -> Read:
    remarks: list[Remark] = []
    known = child(element, "ChildIdentifiers")
    who = _person(known, remarks)
    if not people.person_key(who):
        yield Problem(where, "ChildIdentifiers", "no-person", "Nothing says who the child is", "Send LAchildID")
        return
    if _stray(element):
        remarks.append(Remark(where, "stray-text", "There is text between elements; it is not read", "Take it out"))
    details = children(element, "CINdetails")
    if not details:
        yield Problem(
            where, "CINdetails", "no-details", "The child has no CINdetails", "Nothing, if that is so", blank=True
        )
    authority = header.authority or "unknown"
    cases = (events_of(Case(d, f"{where}/CINdetails[{n}]", authority, who), options) for n, d in enumerate(details, 1))
    yield from with_remarks((part for case in cases for part in case), remarks)


def _person(known: Element | None, remarks: list[Remark]) -> dict[str, Any]:
    upn = text(known, "UPN")
    if upn and text(known, "UPNunknown"):
        remarks.append(
            Remark(
                "ChildIdentifiers/UPNunknown",
                "upn-and-reason",
                "There is a UPN and a reason for having none",
                "Send one of them",
            )
        )
    said = people.identifiers(remarks, local=text(known, "LAchildID"), upn=upn)
    former = people.identifiers(remarks, upn=text(known, "FormerUPN"))
    said += [one for one in former if one not in said]
    born = dates.said(text(known, "PersonBirthDate"))
    if born is None and text(known, "PersonBirthDate"):
        remarks.append(
            Remark(
                "ChildIdentifiers/PersonBirthDate",
                "unreadable-date",
                "The birth date cannot be read; it is left out",
                "Send YYYY-MM-DD",
            )
        )
    if text(known, "PersonDeathDate"):
        remarks.append(
            Remark(
                "ChildIdentifiers/PersonDeathDate",
                "not-used",
                "A death is taken from health's notice only",
                "Nothing to do",
            )
        )
    sex = text(known, "Sex", "GenderCurrent", "Gender", "PersonGenderCurrent")
    return people.person("subject", said, birth_date=born.day if born else None, sex=sex)


def _stray(element: Element) -> bool:
    return any(clean(inner.tail) for inner in element.iter() if inner is not element)
