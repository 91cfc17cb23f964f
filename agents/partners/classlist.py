"""A school's class list: each row says that a child is on the roll, and who their parents are.

A list rarely says when a child joined: without such a column, the day the list stands for (`--on`) is used.
Whether a parent lives with the child is not said either; the contract's default (they do) stands, with a remark.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from agents.partners import dates, people
from agents.partners.register import establishment_of, person_of
from agents.partners.relations import relationship
from agents.partners.sheet import Sheet, body, sheet
from agents.partners.source import Source
from agents.partners.table import Row
from agents.partners.taken import Options, Problem, Read, Taken, Unused, with_remarks
from agents.partners.words import lines, or_none, plain
from schemas.records import Remark

JOINED = "hearth.school.PupilJoinedRoll"
RELATED = "hearth.social_care.RelationshipStated"


def read(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield a child's place on the roll and one relationship for each named parent."""
    found = sheet(source, ("class-list",), options)
    if isinstance(found, Problem):
        yield found
        return
    if lacking := _lacking(found, options):
        yield lacking
        return
    if any(f"parent_{n}_name" in found.header.places for n in (1, 2)):
        found.remarks.append(
            Remark(
                "header",
                "household-not-said",
                "The list does not say who lives with the child; parents are taken to",
                "State the relationship where they do not",
            )
        )
    yield from with_remarks(_rows(found, options), found.remarks)


def _lacking(known: Sheet, options: Options) -> Problem | None:
    """A list that neither dates itself nor names its school gives no event at all: one problem, not one a row."""
    if "joined_on" not in known.header.places and options.stated_on is None:
        return Problem(
            "row 1",
            "joined_on",
            "no-date",
            "A class list says neither when children joined nor which day it stands for",
            "Say --on, or add a column of joining dates",
        )
    if "establishment" not in known.header.places and not options.establishment:
        return Problem(
            "row 1",
            "establishment",
            "no-establishment",
            "Nothing says which school this is",
            "Add a URN column, or say --establishment",
        )
    return None


def _rows(known: Sheet, options: Options) -> Read:
    for row in body(known):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield from _row(known, row, options)
        except Unused as unused:
            yield unused.problem


def _row(known: Sheet, row: Row, options: Options) -> Read:
    where, remarks, cell = f"row {row.number}", list[Remark](), known.header.cell
    child = {**person_of(known, row, where, "subject", remarks), "address": _address(known, row)}
    school = establishment_of(known, row, where, options)
    said = dates.said(cell(row, "joined_on"), known.columns.day_first)
    on = said.day if said else options.stated_on
    if on is None:
        raise Unused(
            Problem(where, "joined_on", "unreadable-date", "The joining date cannot be read", "Write it as YYYY-MM-DD")
        )
    if said is None:
        remarks.append(
            Remark(
                "joined_on",
                "joining-date-not-said",
                "The day the list stands for is used as the joining day",
                "Add a column of joining dates",
            )
        )
    parents = [_parent(known, row, n, child, (school, on), options) for n in (1, 2)]
    remarks += [p for p in parents if isinstance(p, Remark)]
    data = {
        "about": _about([child], on, options),
        "establishment": school,
        "on": on,
        "year_group": or_none(cell(row, "year_group")),
    }
    facts = ("roll", school, people.person_key(child))
    yield Taken(where, people.event(options, JOINED, _source(school), data, *facts), remarks)
    yield from (p for p in parents if isinstance(p, Taken))


def _parent(
    known: Sheet, row: Row, n: int, child: dict[str, Any], roll: tuple[str, date], options: Options
) -> Taken | Remark | None:
    said = {f: known.header.cell(row, f"parent_{n}_{f}") for f in ("name", "relationship", "phone", "email")}
    if not or_none(said["name"]):
        return (
            Remark(
                f"parent_{n}_name",
                "parent-without-name",
                "A parent has contact details and no name, so is left out",
                "Give the name",
            )
            if any(or_none(s) for s in said.values())
            else None
        )
    given, _, family = said["name"].rpartition(" ")
    adult = people.person("adult", [], given_names=given, family_name=family, phone=said["phone"])
    what, remarks = relationship(said["relationship"], f"parent_{n}_relationship")
    data = {
        "about": _about([{**child, "role": "child"}, adult], roll[1], options),
        "relationship": what,
        "same_household": True,
        "since": None,
        "until": None,
    }
    facts = ("relationship", roll[0], people.person_key(child), plain(said["name"]), what)
    return Taken(
        f"row {row.number}, parent {n}", people.event(options, RELATED, _source(roll[0]), data, *facts), remarks
    )


def _about(persons: list[dict[str, Any]], on: date, options: Options) -> dict[str, Any]:
    happened = dates.midnight(on)
    return people.about(persons, happened, options.recorded_at or happened)


def _address(known: Sheet, row: Row) -> str | None:
    parts = (lines(known.header.raw(row, field)) for field in ("address_1", "address_2", "town"))
    return ", ".join(part for part in parts if part) or None


def _source(school: str) -> str:
    return f"hearth:file/class-list-csv/{school}"
