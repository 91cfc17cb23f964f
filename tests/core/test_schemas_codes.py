"""Code lists: each with its source, valid on their days, each meaning in one vocabulary."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from schemas.codes import FOLDER, code_list, load, names, vocabulary
from schemas.errors import Misconfigured

TODAY = date(2025, 3, 10)


@pytest.mark.parametrize("name", names())
def test_a_list_names_its_source_and_every_code_has_a_label(name: str) -> None:
    """Nobody has to ask where a code comes from."""
    found = code_list(name)
    assert found.source
    assert all(code.label and code.code == key for key, code in found.codes.items())
    assert found.codes or found.open


@pytest.mark.parametrize(
    "code", [*"/\\LKVPWBDCMSIRTEXGNOUQZ#", "C1", "C2", "J1", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7"]
)
def test_every_attendance_code_of_2024_is_known_and_grouped(code: str) -> None:
    """How a session counts is decided by the class of its code."""
    found = code_list("attendance").get(code, TODAY)
    assert found is not None
    assert found.extra["class"] in {"present", "authorised", "unauthorised", "not-possible", "unable"}


@pytest.mark.parametrize("code", ["K", "J1", "C1", "C2", "Q", "Y1", "Y7"])
def test_a_code_of_2024_was_no_code_before(code: str) -> None:
    """They came with the guidance of 19 August 2024."""
    assert code_list("attendance").get(code, date(2024, 8, 18)) is None
    assert code_list("attendance").get(code, date(2024, 8, 19)) is not None


@pytest.mark.parametrize("code", ["H", "J", "Y"])
def test_a_legacy_code_was_a_code_in_its_time(code: str) -> None:
    """Old marks may still be sent for old sessions, and say what took their place."""
    codes = code_list("attendance")
    assert codes.get(code, date(2023, 5, 2)) is not None
    assert codes.get(code, TODAY) is None
    assert codes.get(codes.codes[code].extra["replaced_by"], TODAY) is not None


def test_a_reason_not_yet_given_is_provisional() -> None:
    """A correction is to be expected."""
    assert code_list("attendance").codes["N"].extra == {"class": "unauthorised", "provisional": True}


@pytest.mark.parametrize(
    ("name", "code", "signs"),
    [
        ("assessment-factors", "3B", {"domestic-abuse", "parental-domestic-abuse"}),
        ("assessment-factors", "4B", {"mental-ill-health", "parental-mental-ill-health"}),
        ("assessment-factors", "1B", {"alcohol", "substance-misuse", "parental-substance-misuse"}),
        ("assessment-factors", "7A", {"young-carer"}),
        ("assessment-factors", "24A", {"exploitation", "criminal-exploitation"}),
        ("assessment-factors", "21", set()),
        ("abuse-categories", "NEG", {"neglect"}),
        ("concern-levels", "significant-harm", {"concern", "concern-significant-harm"}),
        ("offence-outcomes", "acquitted", set()),
        ("snomed", "342191000000101", {"child-protection-plan"}),
        ("snomed", "342891000000105", set()),
    ],
)
def test_a_code_means_this_to_the_hub(name: str, code: str, signs: set[str]) -> None:
    """Risk rules are written in signs, never in codes."""
    assert set(code_list(name).codes[code].signs) == signs


def test_each_strength_is_a_sign_of_its_own_name() -> None:
    """Rules name the strengths that soften them."""
    assert all(code.signs == (name,) for name, code in code_list("strengths").codes.items())


def test_an_agreement_may_name_agencies_and_roles() -> None:
    """The list of recipients is made of both."""
    recipients = code_list("recipients").codes
    assert {"school", "health", "police", "social-care", "health-visitor", "social-worker"} <= set(recipients)


def test_every_practitioner_role_has_its_sector() -> None:
    """What the law lets a statutory body see may differ."""
    roles = code_list("practitioner-roles").codes.values()
    assert {role.extra["sector"] for role in roles} == {"statutory", "voluntary"}


def test_an_open_list_lets_in_only_what_has_its_shape() -> None:
    """Local names are free kebab-case; a SNOMED CT identifier has its check digit."""
    assert code_list("subscribers").get("fenwick-early-help", TODAY) is not None
    assert code_list("subscribers").get("Fenwick Early Help", TODAY) is None
    assert code_list("snomed").get("22298006", TODAY) is not None
    assert code_list("snomed").get("22298007", TODAY) is None


@pytest.mark.parametrize("name", ["categories", "purposes"])
def test_the_sharing_agreements_speak_of_the_same_things(name: str) -> None:
    """An event whose category or purpose no agreement knows could never be shared."""
    text = (FOLDER.parent.parent / "consent" / "sharing" / f"{name}.toml").read_text(encoding="utf-8")
    tables = {key for key, value in tomllib.loads(text).items() if isinstance(value, dict)}
    assert set(code_list(name).codes) == tables


def test_every_sign_is_in_the_vocabulary() -> None:
    """A rule can only be written on signs that are there."""
    used = {sign for name in names() for code in code_list(name).codes.values() for sign in code.signs}
    assert used <= vocabulary()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[codes]\nA = { label = "a" }', "source"),
        ('source = "s"\n[codes]\nA = { signs = [] }', "label"),
        ('source = "s"\n[codes]\nA = { label = "a", signs = ["no-such-sign"] }', "no-such-sign"),
        ('source = "s"\n[codes]\nA = { label = "a", meaning = "x" }', "meaning"),
        ('source = "s"\n[codes]\nA = { label = "a", replaced_by = "B" }', "replaced"),
        ('source = "s"\nopen = "door"\n[codes]\n', "open"),
        ('source = "s"', "codes"),
        ("source =", "bad"),
    ],
)
def test_a_list_that_is_wrong_stops_the_hub(tmp_path: Path, text: str, problem: str) -> None:
    """The hub does not start on files that are wrong, and says what is."""
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(Misconfigured, match=problem):
        load(tmp_path, "bad", vocabulary())


def test_no_file_of_codes_goes_unread() -> None:
    """Every file in the folder is a list."""
    assert {path.suffix for path in FOLDER.iterdir()} == {".toml"}
