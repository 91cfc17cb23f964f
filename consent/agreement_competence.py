"""By what right somebody agrees, and over what: parental responsibility, or their own competence.

Under 16 a young person decides for themselves what they were found competent to decide: by whom, when, and about what
(Gillick v West Norfolk AHA [1986] AC 112). From 16 they are presumed able (Family Law Reform Act 1969 s8; Mental
Capacity Act 2005 s1(2)). Whoever is not yet known to be able does not decide alone, and is not passed over either.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from schemas.ids import PersonId

ASSESSED = "competent-young-person"  # competence under 16 is assessed by somebody, who is named
NOT_COMPETENT = "young-person-not-competent"  # so was found of them
OF_YOUNG_PEOPLE = frozenset((ASSESSED, "young-person-16-or-over"))
FOR_THEMSELVES = OF_YOUNG_PEOPLE | {NOT_COMPETENT, "adult-for-self"}  # and for nobody else
_RIGHTFUL = (FOR_THEMSELVES | {"parental-responsibility", "local-authority"}) - {NOT_COMPETENT}


class Competence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """By what right one act was done; `capacity` is empty where the act does not say.

    Where competence was assessed: by whom, on which day (none: by the first day of the act), and for which purposes
    and categories (empty: all).
    """

    capacity: str = ""
    assessed_by: str = ""
    assessed_on: date | None = None
    purposes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def stands(self, on: date) -> bool:
        """Whether this is a right on `on`: it is known, and competence that was to be assessed was assessed by then."""
        return self.assessed(on) if self.capacity == ASSESSED else self.capacity in _RIGHTFUL

    def assessed(self, on: date) -> bool:
        """Whether somebody who is named had assessed competence by `on`."""
        return bool(self.assessed_by) and (self.assessed_on is None or self.assessed_on <= on)

    def denied(self, on: date) -> bool:
        """Whether somebody had found by `on` that they are not competent."""
        return self.capacity == NOT_COMPETENT and self.assessed(on)

    def reaches(self, purpose: str, category: str) -> bool:
        """Whether the right reaches so far: a decision on competence is about something; any other right is not."""
        if self.capacity not in (ASSESSED, NOT_COMPETENT):
            return True
        named = not self.purposes or purpose in self.purposes
        return named and (not self.categories or category in self.categories)


class Voice(msgspec.Struct, frozen=True):
    """Whose word counts for what is asked about somebody: theirs (`own`), others' (`others`), or nobody's (`none`).

    `unsettled`: they object, and nobody is known to have found them competent to. `right` is by what right the word
    counts: `presumed` from 16, `assessed` before, `adult`, `parental-responsibility`, `local-authority`;
    `not-established` where nobody said, or found a young person competent.
    """

    whose: str
    right: str = ""
    by: PersonId = PersonId("")


class Heard(msgspec.Struct, frozen=True):
    """How agreement stands, the event key of the act that makes it so (or empty), and whose it is.

    `competence` is a word of consent/request.py: not-in-question, competent, not-assessed, not-competent or
    another-agreed.
    """

    state: str
    event: str = ""
    competence: str = "not-in-question"


_RIGHTS = {
    ASSESSED: "assessed",
    "young-person-16-or-over": "presumed",
    "adult-for-self": "adult",
    "parental-responsibility": "parental-responsibility",
    "local-authority": "local-authority",
}


def right_of(competence: Competence, on: date) -> str:
    """Return by what right, as `Voice` says it."""
    return _RIGHTS.get(competence.capacity, "") if competence.stands(on) else "not-established"


def competence(data: dict[str, Any]) -> Competence:
    """Return what an agreement event says of competence: what it is about, where no scope of the decision is said.

    Raises ValueError or TypeError where the day does not read.
    """
    assessed_on = data.get("assessed_on")
    return Competence(
        capacity=data.get("capacity") or "",
        assessed_by=data.get("assessed_by") or "",
        assessed_on=date.fromisoformat(assessed_on) if assessed_on else None,
        purposes=tuple(data.get("competent_purposes") or data.get("purposes") or ()),
        categories=tuple(data.get("competent_categories") or ()),
    )
