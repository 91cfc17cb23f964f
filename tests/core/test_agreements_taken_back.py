"""Withdrawing is as easy as giving (UK GDPR Art 7(3)): to whichever agency, under whatever reference, it counts."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.register import Register
from schemas.ids import PersonId
from tests.core.register_kit import (
    CHILD,
    FATHER,
    FOUND_COMPETENT,
    MOTHER,
    SIBLING,
    Said,
    gave,
    refused,
    register,
    said,
    state,
    withdrew,
)


def told_elsewhere(one: Said, agency: str = "school") -> Said:
    """The same, told to another agency, which has references of its own."""
    facts, item = one
    return msgspec.structs.replace(facts, agency=agency), item


def for_both() -> Said:
    """The mother's yes for the child and for the sibling."""
    facts, _ = gave()
    others = {MOTHER: "agreed-by", SIBLING: "for"}
    return said("g", "agreement.AgreementGiven", others=others, **facts.data)


def nobody_named(kind: str = "Withdrawn", **more: Any) -> Said:
    """Told about the child, and it does not say by whom."""
    return said("x", f"agreement.Agreement{kind}", agreement="X9", on="2026-02-01", **more)


@pytest.mark.parametrize(
    "elsewhere",
    [told_elsewhere(withdrew()), withdrew(ref="unknown"), told_elsewhere(withdrew(ref="unknown"), "health")],
    ids=["another agency", "another reference", "both"],
)
def test_what_is_withdrawn_elsewhere_is_withdrawn_from_that_day(elsewhere: Said) -> None:
    """The mother need not know where her agreement is kept, nor what it is called there."""
    for items in permutations((gave(), elsewhere)):
        found = register(*items)
        assert state(found, "2026-01-31") == "in-force"
        assert state(found) == "withdrawn"
        assert state(found, person=MOTHER) == "withdrawn"


def test_a_withdrawal_elsewhere_counts_for_those_whom_it_names() -> None:
    """She takes it back for the sibling alone; for the child her yes stands."""
    of_sibling = said("w", "agreement.AgreementWithdrawn", SIBLING, "for", {MOTHER: "agreed-by"}, agreement="S9",
                      on="2026-02-01")  # fmt: skip
    found = register(for_both(), of_sibling)
    assert state(found, person=SIBLING) == "withdrawn"
    assert state(found, person=CHILD) == "in-force"


def test_a_withdrawal_elsewhere_that_names_nobody_else_is_about_all_that_she_agreed_to() -> None:
    """`I take it back`, said at the school's desk."""
    alone = said("w", "agreement.AgreementWithdrawn", MOTHER, "agreed-by", agreement="S9", on="2026-02-01")
    found = register(for_both(), alone)
    assert [state(found, person=person) for person in (CHILD, SIBLING, MOTHER)] == ["withdrawn"] * 3


def test_a_withdrawal_that_finds_its_own_agreement_leaves_another_alone() -> None:
    """She takes back what she gave the school; what she gave social care is another agreement."""
    school = told_elsewhere(gave("s", ref="S1"))
    found = register(gave(), school, told_elsewhere(withdrew(ref="S1")))
    assert state(found) == "in-force"


def test_what_she_gives_after_a_withdrawal_stands_whatever_its_reference() -> None:
    """A later yes is a yes, under the reference of the withdrawal or under another; the earlier one stays withdrawn."""
    for ref in ("S9", "A2"):
        again = gave("g2", ref=ref, since="2026-02-10", categories=["strength"])
        for items in permutations((gave(), withdrew(ref="S9"), again)):
            found = register(*items)
            assert state(found, "2026-02-09", category="strength") == "withdrawn"
            assert state(found, category="strength") == "in-force"
            assert state(found) != "in-force"


def test_another_persons_withdrawal_elsewhere_makes_a_dispute_and_decides_nothing() -> None:
    """What the father takes back is what the father said: of the mother's yes a person decides."""
    his = withdrew("f", by=FATHER, ref="A1")
    assert state(register(gave(), his)) == "disputed"
    both = (gave(), gave("f1", by=FATHER, ref="F1"), his)
    assert state(register(*both)) == "disputed"


@pytest.mark.parametrize("yes", [gave(), gave("y", by=CHILD, ref="Y1", **FOUND_COMPETENT)], ids=["parent", "own"])
def test_where_nobody_says_who_withdrew_a_person_decides(yes: Said) -> None:
    """It may be whoever agreed: it is neither obeyed nor ignored, a competent young person's own yes no less."""
    assert state(register(yes, nobody_named())) == "disputed"
    assert state(register(yes, nobody_named("Narrowed", categories=["strength"]))) == "disputed"
    assert state(register(yes, nobody_named("Narrowed", categories=["strength"])), category="strength") == "in-force"


def test_what_is_narrowed_elsewhere_is_narrowed() -> None:
    """To take back a part is as easy as to take back all."""
    less = said("n", "agreement.AgreementNarrowed", others={MOTHER: "agreed-by"}, agreement="S9", on="2026-02-01",
                categories=["strength"])  # fmt: skip
    found = register(gave(), told_elsewhere(less))
    assert state(found) == "out-of-scope"
    assert state(found, category="strength") == "in-force"


def test_a_competent_young_person_takes_back_elsewhere_what_they_gave() -> None:
    """By the right by which they gave it."""
    yes = gave("y", by=CHILD, ref="Y1", **FOUND_COMPETENT)
    no = said("z", "agreement.AgreementWithdrawn", CHILD, "agreed-by", agreement="S9", on="2026-02-01")
    assert state(register(gave(), yes)) == "in-force"
    assert state(register(gave(), yes, no)) == "withdrawn"


def test_a_child_whom_two_agencies_know_by_two_ids_is_one() -> None:
    """Agreed to for the one, taken back, or given anew, for the other: as if it had been said of one."""
    twin, on = PersonId("p_child_again"), date(2026, 3, 1)

    def of(*items: Said) -> tuple[str, str]:
        """How it stands for the child of both ids, and in the list."""
        found, same = register(*items), {twin: CHILD}
        heard = found.heard("early-help", "attendance", "social-care", "social-worker", (CHILD, twin), on)
        (first, *_) = [one for one in found.agreements(on, same) if one.reference == "A1"]
        return heard.state, first.state

    by_nobody = said("x", "agreement.AgreementWithdrawn", twin, agreement="X9", on="2026-02-01")
    by_her = said("w", "agreement.AgreementWithdrawn", twin, "for", {MOTHER: "agreed-by"}, agreement="S9",
                  on="2026-02-01")  # fmt: skip
    again = gave("g2", ref="A2", since="2026-02-10")
    own = said("o", "agreement.AgreementRefused", twin, "agreed-by", agreement="Y1", on="2026-02-01", **FOUND_COMPETENT)
    assert of(gave()) == ("in-force", "given")
    assert of(gave(), by_nobody) == ("disputed", "disputed")
    assert of(gave(), by_her) == ("withdrawn", "withdrawn")
    assert of(gave(), by_her, again) == ("in-force", "withdrawn")
    assert of(gave(), own)[0] == "refused"


def test_a_withdrawal_that_is_taken_back_itself_no_longer_counts() -> None:
    """It was an error: the yes is there again."""
    gone = withdrew(ref="S9")
    mistake = withdrew("w2", ref="S9", hours=1, retracts="w")
    assert state(register(gave(), gone, mistake)) == "in-force"


def test_an_earlier_refusal_elsewhere_outweighs_no_later_yes() -> None:
    """Of several agreements the one that was given last is not lost to what was said before it."""
    later = gave("a0", ref="B1", since="2026-02-10")
    assert state(register(gave("z9"), refused(), later)) == "in-force"


def test_the_list_of_agreements_shows_what_was_taken_back_elsewhere() -> None:
    """With the step that did it; for whom it was not taken back it stands."""
    of_sibling = said("w", "agreement.AgreementWithdrawn", SIBLING, "for", {MOTHER: "agreed-by"}, agreement="S9",
                      on="2026-02-01")  # fmt: skip
    found = {one.reference: one for one in register(for_both(), of_sibling).agreements(date(2026, 3, 1))}
    assert (found["A1"].state, found["A1"].whom) == ("given", (CHILD,))
    whole = {one.reference: one for one in register(gave(), withdrew(ref="S9")).agreements(date(2026, 3, 1))}
    assert whole["A1"].state == "withdrawn"
    assert [step.act for step in whole["A1"].steps] == ["given", "withdrawn"]


ACTS = [
    gave(), told_elsewhere(gave("s", ref="S1", since="2026-02-05")), withdrew(ref="S9"),
    told_elsewhere(withdrew("w3", ref="S1", on="2026-02-20")), nobody_named(),
    gave("f", by=FATHER, ref="F1"), withdrew("w4", by=FATHER, ref="Q9", on="2026-02-15"), refused(on="2026-01-20"),
]  # fmt: skip


@settings(max_examples=100)
@given(st.permutations(ACTS), st.integers(1, len(ACTS)))
def test_what_was_taken_back_does_not_depend_on_the_order_of_telling(order: list[Said], most: int) -> None:
    """Nor on what came twice: the register is a function of the set of acts, whichever of them are there."""
    some = order[:most]
    days = ("2026-01-31", "2026-02-01", "2026-02-06", "2026-02-16", "2026-03-01")

    def told(found: Register) -> list[str]:
        return [state(found, day, person=person) for day in days for person in (CHILD, MOTHER, FATHER, None)]

    assert told(register(*some)) == told(register(*reversed(some), *some))


@settings(max_examples=150)
@given(st.lists(st.sampled_from(ACTS), max_size=6, unique_by=lambda one: one[1]), st.sampled_from(["A1", "S1", "new"]))
def test_no_withdrawal_of_hers_leaves_anything_in_force_on_her_word(acts: list[Said], ref: str) -> None:
    """Whatever was said before: told elsewhere under a reference of nothing, her last word is that she withdrew."""
    last = told_elsewhere(withdrew("last", ref=ref, on="2026-02-28"), "police")
    found = register(*acts, last)
    assert state(found, person=MOTHER) != "in-force"
