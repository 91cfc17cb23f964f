"""One case (CINdetails) of the census, and how its events are made."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element

import msgspec

from agents.partners import dates, people
from agents.partners.markup import text
from agents.partners.taken import Options, Problem, Taken
from schemas.codes import code_list
from schemas.records import Remark

_LISTED = re.compile(r"^(?:[a-z]\)\s*)?([A-Za-z0-9]+)(?:\s*[:\u2013-].*)?$", re.S)


class Case(msgspec.Struct, frozen=True):
    """A CINdetails element, where it stands, and whose it is."""

    element: Element
    where: str
    authority: str
    person: dict[str, Any]

    @property
    def referred(self) -> str:
        return text(self.element, "CINreferralDate")


class Make(msgspec.Struct, frozen=True):
    """Makes the events of one case. Dated by what they say, so a repeated census repeats them word for word."""

    case: Case
    options: Options

    def __call__(
        self,
        where: str,
        kind: str,
        day: date,
        facts: tuple[str, ...],
        remarks: list[Remark],
        ground: dict[str, str] | None = None,
        /,
        **data: Any,
    ) -> Taken:
        """Return the event of type hearth.social_care.<kind> that `facts` identify within child and authority."""
        happened, authority = dates.midnight(day), self.case.authority
        data = {"about": people.about([self.case.person], happened, happened, ground=ground), **data}
        key = people.person_key(self.case.person)
        event = people.event(
            self.options,
            f"hearth.social_care.{kind}",
            f"hearth:file/cin-census/{authority}",
            data,
            kind,
            authority,
            key,
            *facts,
        )
        return Taken(where, event, remarks)

    def reference(self, *facts: str) -> str:
        """Return a reference for an episode: the census has none of its own."""
        return people.event_id(
            self.options, "episode", self.case.authority, people.person_key(self.case.person), *facts
        )


def coded(said: str, codes: str, on: date, path: str, remarks: list[Remark]) -> str | None:
    """Return an optional code; `q) 6: Police`, as case systems list it, is 6. One that is no code is left out."""
    code = _LISTED.sub(r"\1", said).strip().upper()
    if code and code_list(codes).get(code, on) is None:
        remarks.append(
            Remark(
                path,
                "unknown-code",
                "It is none of the census codes on that day; it is left out",
                f"Send a code of the list `{codes}`",
            )
        )
        return None
    return code or None


def undated(where: str, path: str) -> Problem:
    """Return the problem of a date that is missing or unreadable."""
    return Problem(where, path, "unreadable-date", "The date is missing or cannot be read", "Send YYYY-MM-DD")
