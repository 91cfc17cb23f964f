"""Families as a pure function of what agencies stated: the order never matters, and a hostel is no family."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codes import code_list
from schemas.ids import EventKey, FamilyId, PersonId
from schemas.people import Relationship
from schemas.records import Member
from streams.identity.families import HOUSEHOLD_LIMIT, Worked, role_of, standing, work_out


def own(person: PersonId) -> FamilyId:
    return FamilyId(f"f_{person}")


def said(event: str, child: str, other: str, how: str = "parent", home: bool = True, **more: object) -> Relationship:
    """Return a statement recorded on 1 March 2025 unless said otherwise."""
    fields = {"recorded_at": datetime(2025, 3, 1, tzinfo=UTC), **more}
    return Relationship(EventKey(event), PersonId(child), PersonId(other), how, home, **fields)


def worked(*statements: Relationship, limit: int = HOUSEHOLD_LIMIT) -> Worked:
    children = {s.person for s in statements} | {s.other for s in statements if role_of(s.relationship) == "sibling"}
    return work_out(children, statements, own, limit)


def roles(members: tuple[Member, ...]) -> dict[str, tuple[str, bool]]:
    return {m.person: (m.role, m.home) for m in members}


def test_children_who_live_with_the_same_parent_share_one_home() -> None:
    """Two children, one mother: one family, under the smaller of their ids."""
    found = worked(said("1", "c1", "mum"), said("2", "c2", "mum"))
    assert found.homes == {"c1": "f_c1", "c2": "f_c1"}
    assert roles(found.families[FamilyId("f_c1")]) == {
        "c1": ("child", True),
        "c2": ("child", True),
        "mum": ("parent", True),
    }


def test_a_separated_parent_is_a_member_who_does_not_live_there() -> None:
    """The father lives elsewhere with another child: two families, and he is in both."""
    found = worked(said("1", "c1", "mum"), said("2", "c1", "dad", home=False), said("3", "c2", "dad"))
    assert found.homes == {"c1": "f_c1", "c2": "f_c2"}
    assert roles(found.families[FamilyId("f_c1")])["dad"] == ("parent", False)
    assert roles(found.families[FamilyId("f_c2")])["dad"] == ("parent", True)


def test_a_stated_sibling_in_the_same_household_shares_the_home() -> None:
    """Without any adult known, siblings who live together are one family; who live apart are two."""
    together, apart = worked(said("1", "c1", "c2", "sibling")), worked(said("1", "c1", "c2", "sibling", home=False))
    assert together.homes["c1"] == together.homes["c2"]
    assert apart.homes["c1"] != apart.homes["c2"]
    assert roles(apart.families[apart.homes[PersonId("c1")]])["c2"] == ("sibling", False)


def test_a_lodger_or_a_grandparent_joins_nobodys_children() -> None:
    """Only a parent, a carer or a sibling makes one household of two children."""
    found = worked(said("1", "c1", "x", "lodger"), said("2", "c2", "x", "grandparent"))
    assert found.homes["c1"] != found.homes["c2"]
    assert roles(found.families[FamilyId("f_c1")])["x"] == ("other-adult", True)


def test_a_hostel_never_merges() -> None:
    """Thirty children with one stated carer are thirty families, each with the carer; a person is asked once."""
    found = worked(*(said(f"{n}", f"c{n:02}", "warden", "carer") for n in range(30)))
    assert len(set(found.homes.values())) == 30
    assert found.too_wide == (("warden",),)
    assert all(roles(members)["warden"] == ("carer", True) for members in found.families.values())


def test_a_hostel_does_not_part_brothers_and_sisters() -> None:
    """The tie to the warden is not followed; each mother's children still share their home."""
    families = [(f"m{m}", f"c{m}{n}") for m in range(6) for n in range(2)]
    statements = [said(f"m{c}", c, mother) for mother, c in families]
    found = worked(*statements, *(said(f"w{c}", c, "warden", "carer") for _, c in families))
    assert len(set(found.homes.values())) == 6
    assert found.too_wide == (("warden",),)


def test_a_family_of_twelve_is_a_household() -> None:
    """Ten children and two parents is large, and a family."""
    found = worked(*(said(f"{p}{n}", f"c{n}", p) for n in range(10) for p in ("mum", "dad")))
    assert len(set(found.homes.values())) == 1
    assert found.too_wide == ()


def test_a_statement_taken_back_does_not_count() -> None:
    """Retracted before or after it came, it leaves nothing behind."""
    one, two = said("1", "c1", "mum"), said("2", "c2", "mum")
    back = said("3", "c2", "mum", retracted=True, corrects=EventKey("2"))
    found = worked(one, two, back)
    assert found.homes == {"c1": "f_c1", "c2": "f_c2"}
    assert roles(found.families[FamilyId("f_c2")]) == {"c2": ("child", True)}


def test_a_correction_replaces_what_it_corrects() -> None:
    """They never lived together after all."""
    mended = said("2", "c1", "dad", home=False, corrects=EventKey("1"))
    assert standing([mended, said("1", "c1", "dad")]).now == {"dad": mended}


def test_the_statement_recorded_last_stands() -> None:
    """Two agencies differ about the same two people: the later record decides, in whatever order they arrive."""
    early = said("1", "c1", "dad", recorded_at=datetime(2024, 1, 1, tzinfo=UTC))
    late = said("2", "c1", "dad", home=False)
    assert standing([late, early]).now == standing([early, late]).now == {"dad": late}


def test_a_child_who_moved_to_a_carer_has_the_carers_home() -> None:
    """The mother's time has ended: she stays a member of the child's record, with dates, and no household."""
    moved = date(2025, 2, 1)
    found = worked(
        said("1", "c1", "mum", until=moved), said("2", "c2", "mum"), said("3", "c1", "aunt", "carer", since=moved)
    )
    assert found.homes["c1"] != found.homes["c2"]
    members = {m.person: m for m in found.families[found.homes[PersonId("c1")]]}
    assert (members[PersonId("mum")].home, members[PersonId("mum")].until) == (False, moved)
    assert members[PersonId("aunt")].home


def test_every_stated_relationship_has_a_place() -> None:
    """Each code of the list gives one of the roles a member can have."""
    assert {role_of(code) for code in code_list("relationships").codes} == {"parent", "carer", "sibling", "other-adult"}


people = st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])
days = st.dates(date(2024, 1, 1), date(2024, 1, 9))
statements = st.lists(
    st.builds(
        lambda child, other, how, home, day, until, mends, back: (child, other, how, home, day, until, mends, back),
        people,
        people,
        st.sampled_from(["parent", "carer", "sibling", "lodger"]),
        st.booleans(),
        days,
        st.none() | days,
        st.none() | st.integers(0, 9),
        st.booleans(),
    ).filter(lambda s: s[0] != s[1]),
    max_size=14,
)


def built(rows: list[tuple]) -> list[Relationship]:
    return [
        said(
            f"e{n}",
            child,
            other,
            how,
            home,
            recorded_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
            until=until,
            corrects=None if mends is None else EventKey(f"e{mends}"),
            retracted=back and mends is not None,
        )
        for n, (child, other, how, home, day, until, mends, back) in enumerate(rows)
    ]


@settings(max_examples=300)
@given(statements, st.randoms(use_true_random=False), st.integers(2, 12))
def test_families_do_not_depend_on_the_order_of_statements(rows: list[tuple], random: object, limit: int) -> None:
    """Corrections, retractions, ended times and too large households included."""
    first = built(rows)
    other = list(first)
    random.shuffle(other)  # type: ignore[attr-defined]
    assert worked(*first, limit=limit) == worked(*other, limit=limit)


@settings(max_examples=200)
@given(statements, st.integers(2, 12))
def test_every_child_has_exactly_one_home_and_no_merged_household_is_too_large(rows: list[tuple], limit: int) -> None:
    """Each child is at home in one family, and a home of several children keeps to the limit."""
    found = worked(*built(rows), limit=limit)
    for child, home in found.homes.items():
        at_home = [f for f, members in found.families.items() if roles(members).get(child) == ("child", True)]
        assert at_home == [home]
    for members in found.families.values():
        if sum(m.role == "child" for m in members) > 1:
            assert sum(m.home for m in members) <= limit
