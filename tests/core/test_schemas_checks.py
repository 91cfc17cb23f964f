"""Check digits: which identifiers may be keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.checks import nhs_number, snomed_ok, upn, upn_check_letter, upn_fault

USABLE_NHS = [
    "9990000018",
    "9990000026",
    "9990000034",
    "9990000042",
    "9990000050",
    "9990000069",
    "9990000077",
    "9990000085",
    "9990000093",
    "0762639571",  # leading zero: lost where it is read as a number
    "0607230002",  # Scottish CHI shape, passes modulus 11
    "4000000632",
    "9876543210",
    "9912003888",
    "9000000009",
    "9000000017",
    "9000000025",
    "9000000033",
]
PRINTED_NHS = [
    ("999 000 0026", "9990000026"),
    ("999-000-0026", "9990000026"),
    ("999\u00a0000\u00a00026", "9990000026"),
    ("\ufeff9990000026", "9990000026"),
    ("99\u200b90000026", "9990000026"),
    (" 9990000026\t", "9990000026"),
]
UNUSABLE_NHS = [
    ("012-345-6789", "hyphens may go; the digits counted up fill a box"),
    ("01 2345 6789", "wrong grouping"),
    ("999 000-0026", "mixed grouping"),
    ("9990000010", "wrong check digit"),
    ("TP12345678", "letters"),
    ("abc", "short"),
    ("1234567890", "fails"),
    ("19729852545", "eleven digits"),
    ("729852545", "nine digits"),
    ("9912003890", "published example that fails"),
    ("9000000015", "published example that fails"),
    ("1112223330", "published example that fails"),
    ("9434765918", "fails"),
    ("0", "means unknown"),
    ("", "means unknown"),
    ("0000000000", "passes modulus 11"),
    ("1111111111", "passes modulus 11"),
    ("9999999999", "passes modulus 11"),
    ("٩٩٩٠٠٠٠٠١٨", "digits of another script"),
]
USABLE_UPN = [
    "H801200001001",
    "G80120000101A",
    "R201100018042",
    "T20110001804V",
    "B801200005001",
    "X845212818005",
]
UNUSABLE_UPN = [
    ("Z801200001001", "check-letter"),
    ("A801200005001", "check-letter"),
    ("R247962919251", "check-letter"),
    ("X428558133462", "check-letter"),
    ("B123456789012", "check-letter"),
    ("A123456789123", "check-letter"),
    ("X06805040829A", "check-letter"),
    ("R900400001001", "local-authority"),
    ("E000200005001", "local-authority"),
    ("A950000178301", "local-authority"),
    ("H243278544154", "local-authority"),
    ("A123456789012", "local-authority"),
    ("G80120000101S", "shape"),
    ("G80120000101I", "shape"),
    ("G80120000101O", "shape"),
    ("H813E00000121", "shape"),
    ("H8131-0000121", "shape"),
    ("H81311 000121", "shape"),
    ("H813111E00121", "shape"),
    ("H8131111E0121", "shape"),
    ("H81311111E121", "shape"),
    ("H813111111E21", "shape"),
    ("H8131111111E1", "shape"),
    ("H81311ED111E1", "shape"),
    ("X80120000A001", "shape"),
    ("BADCODE", "shape"),
    ("UN1", "shape"),
    ("UN5", "shape"),
    ("UN7", "shape"),
    ("UPN3sDSG", "shape"),
    ("I072272729588", "shape"),
    ("S074885779408", "shape"),
    ("123456789123I", "shape"),
    ("", "shape"),
]


@pytest.mark.parametrize("number", USABLE_NHS)
def test_an_nhs_number_that_passes_modulus_11_may_be_a_key(number: str) -> None:
    """Ten digits whose last is the check digit stand as they are."""
    assert nhs_number(number) == number


@pytest.mark.parametrize(("said", "number"), PRINTED_NHS)
def test_an_nhs_number_may_be_said_as_it_is_printed(said: str, number: str) -> None:
    """Spaces or hyphens in the printed grouping, and what spreadsheets leave behind, are taken out."""
    assert nhs_number(said) == number


@pytest.mark.parametrize(("said", "why"), UNUSABLE_NHS)
def test_an_nhs_number_that_cannot_be_right_is_no_key(said: str, why: str) -> None:
    """Two people must never be joined on a number that is nobody's."""
    assert nhs_number(said) is None, why


@pytest.mark.parametrize("number", USABLE_UPN)
def test_a_pupil_number_that_passes_its_check_may_be_a_key(number: str) -> None:
    """The check letter agrees and the authority exists; temporary numbers are numbers."""
    assert upn(number) == number


def test_a_pupil_number_may_be_in_lower_case_with_spaces_around() -> None:
    """The DfE's own service takes it so."""
    assert upn(" g80120000101a ") == "G80120000101A"


@pytest.mark.parametrize(("said", "why"), UNUSABLE_UPN)
def test_a_pupil_number_that_cannot_be_right_is_no_key_and_says_why(said: str, why: str) -> None:
    """S, I and O count nothing in the check, so the alphabet is checked too."""
    assert upn(said) is None
    assert upn_fault(said) == why


@given(st.text(alphabet="0123456789", min_size=9, max_size=9), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_in_an_nhs_number_is_always_found(first: str, place: int, off: int) -> None:
    """Modulus 11 finds every single slip."""
    whole = [first + digit for digit in "0123456789" if nhs_number(first + digit)]
    slipped = [n[:place] + str((int(n[place]) + off) % 10) + n[place + 1 :] for n in whole]
    assert all(nhs_number(number) is None for number in slipped)


@given(st.text(alphabet="0123456789", min_size=9, max_size=9))
def test_a_computed_check_letter_makes_a_pupil_number(rest: str) -> None:
    """The letter that the sum gives is the letter that the check asks for."""
    rest = "873" + rest
    assert upn(upn_check_letter(rest) + rest) is not None


@pytest.mark.parametrize("code", ["836881000000105", "1064961000000107", "802271000000100", "22298006"])
def test_a_snomed_identifier_passes_verhoeff(code: str) -> None:
    """National and core identifiers carry one check digit."""
    assert snomed_ok(code)
    assert not snomed_ok(code[:-1] + str((int(code[-1]) + 1) % 10))


@given(st.text(max_size=40))
def test_checks_never_raise(said: str) -> None:
    """Whatever a partner sends, an identifier is usable or not."""
    assert nhs_number(said) is None or len(nhs_number(said) or "") == 10
    assert upn(said) is None or upn_fault(said) == ""
    assert snomed_ok(said) in (True, False)
