"""Whether what was put aside names somebody: by a number, or by their name and something else of theirs."""

from __future__ import annotations

from datetime import date

import pytest

from schemas.records import Identifier, PersonAsKnown
from streams.naming import named, names_of

MIA = names_of([
    PersonAsKnown("subject", (Identifier("nhs-number", "943 476 5919"), Identifier("local", "47-11")), "Van der Berg",
                  "Mia Rose", date(2015, 5, 2)),
    PersonAsKnown("child", (Identifier("local", "MIS-77120459"),), "Øster", None),
])  # fmt: skip


@pytest.mark.parametrize("text", [
    '{"value":"9434765919"}', "seen: 943-476-5919, twice", "no. mis77120459", "\x12Mia\x18Van der Berg\x02",
    "MIA VAN DER BERG was not brought", '"family_name":"van der berg","birth_date":"2015-05-02"',
    "the Van der Berg child, number 4711", 'O: "\\u00d8ster", mis-77120459', "0Van der Berg, Mia",
])  # fmt: skip
def test_it_names_them(text: str) -> None:
    """However it is written, in bytes that nobody could decode too."""
    assert named(text, MIA)


@pytest.mark.parametrize("text", [
    "", "Mia was not brought", "Van der Berg senior", "a number 4711", "Vanessa Bergman, and Miami", "9434765918",
    "Van der Berg, born 2015-05-021", "the Berg family and Mia",
])  # fmt: skip
def test_it_does_not_name_them(text: str) -> None:
    """A first name, a family name or a short number alone is somebody else's as well."""
    assert not named(text, MIA)


def test_of_whom_nothing_is_known_nothing_is_found() -> None:
    """Their keys are gone: what they were known by cannot be told any more."""
    assert not named("anything at all", names_of([]))
    assert not named("anything at all", names_of([PersonAsKnown("subject", given_names="Anything")]))
