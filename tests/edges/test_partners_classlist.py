"""A school's class list: who is on the roll, and who their parents are."""

from __future__ import annotations

from datetime import date
from typing import Any

from agents.partners import sniff
from tests.edges.files import NHS, about, codes, data, outside, person, take

HEAD = (
    "PARENT_1_NAME,PARENT_1_RELATIONSHIP,PARENT_1_EMAIL,PARENT_1_PHONE,PARENT_2_NAME,PARENT_2_RELATIONSHIP,CHILD_FIRST_NAME,"
    "CHILD_LAST_NAME,CHILD_DATE_OF_BIRTH,CHILD_ADDRESS_LINE_1,CHILD_TOWN,CHILD_POSTCODE,CHILD_NHS_NUMBER\n"
)
ROW = "Meg Moor,Mum,,07000000001,Tom Dale,Step-father,Ada,Moor,02/01/2010,1 Low Row,Leeds,LS1 1AA,999 000 0018\n"
SAID: dict[str, Any] = {"stated_on": date(2024, 9, 2), "establishment": "100001"}


def test_a_child_and_each_named_parent_become_a_place_on_the_roll_and_relationships() -> None:
    """One row, three events."""
    events, problems = take(HEAD + ROW, "school", **SAID)
    assert problems == []
    assert [t.event.type.rpartition(".")[2] for t in events] == [
        "PupilJoinedRoll",
        "RelationshipStated",
        "RelationshipStated",
    ]
    assert data(events[0]) == {"establishment": "100001", "on": date(2024, 9, 2), "year_group": None}
    assert [data(t)["relationship"] for t in events[1:]] == ["mother", "step-parent"]
    adult = person(events[1], "adult")
    assert (adult["given_names"], adult["family_name"], adult["phone"]) == ("Meg", "Moor", "07000000001")
    assert person(events[1], "child")["birth_date"] == date(2010, 1, 2)
    assert person(events[0])["address"] == "1 Low Row, Leeds"


def test_the_day_the_list_stands_for_is_used_with_a_remark() -> None:
    """A class list does not say when a child joined."""
    events, _ = take(HEAD + ROW, "school", **SAID)
    assert "joining-date-not-said" in codes(events[0])
    assert "household-not-said" in codes(events[0])


def test_without_a_date_a_class_list_is_one_problem() -> None:
    """An event must say when; guessing today would make each publication new."""
    events, problems = take(HEAD + ROW * 3, "school", establishment="100001")
    assert events == []
    assert codes(problems) == ["no-date"]
    assert codes(take(HEAD + ROW, "school", stated_on=date(2024, 9, 2))[1]) == ["no-establishment"]


def test_a_parent_with_contact_details_and_no_name_is_left_out_with_a_remark() -> None:
    """Someone without a name cannot be told from anyone else."""
    events, _ = take(HEAD + ROW.replace("Meg Moor,Mum", ","), "school", **SAID)
    assert len(events) == 2
    assert "parent-without-name" in codes(events[0])


def test_a_relationship_that_nobody_knows_is_a_parent_with_a_remark() -> None:
    """The list of parents says at least that."""
    events, _ = take(HEAD + ROW.replace("Mum", "Zzz"), "school", **SAID)
    assert data(events[1])["relationship"] == "parent"
    assert codes(events[1]) == ["unknown-relationship"]


def test_a_short_list_with_a_byte_order_mark_gives_places_on_the_roll() -> None:
    """Only the columns that are needed."""
    text = "CHILD_FIRST_NAME,CHILD_LAST_NAME,CHILD_DATE_OF_BIRTH,CHILD_POSTCODE\r\nAda,Moor,15/01/2012,LS1 1AA\r\n"
    events, _ = take(b"\xef\xbb\xbf" + text.encode(), "school", **SAID)
    assert [person(t)["birth_date"] for t in events] == [date(2012, 1, 15)]


def test_a_child_keeps_their_id_when_the_list_is_sorted_otherwise() -> None:
    """Ids do not stand on places."""
    other = ROW.replace("Ada", "Bea").replace("999 000 0018", "")
    first, _ = take(HEAD + ROW + other, "school", **SAID)
    second, _ = take(HEAD + other + ROW, "school", **SAID)
    assert {t.event.id for t in first} == {t.event.id for t in second}
    assert len({t.event.id for t in first}) == 6


def test_two_children_with_one_nhs_number_keep_their_own_parents() -> None:
    """Twins typed with one number: whose it is, a person decides; nothing is lost here."""
    other = ROW.replace("Ada", "Bea").replace("Meg Moor", "Liz Hill").replace("Tom Dale", "Ray Hill")
    events, _ = take(HEAD + ROW + other, "school", **SAID)
    assert len({t.event.id for t in events if "Relationship" in t.event.type}) == 4


def test_ids_and_remarks_hold_nothing_personal() -> None:
    """Names and numbers stand in the data alone."""
    text = outside(*take(HEAD + ROW + ROW.replace("02/01/2010", "Moorday"), "school", **SAID))
    assert not any(word in text for word in ("Moor", "Ada", NHS, "999 000", "07000"))


def test_a_class_list_is_told_from_a_register() -> None:
    """By the columns it has."""
    assert sniff((HEAD + ROW).encode(), "x.csv") == "class-list-csv"


def test_relationships_hold_since_nobody_knows_when() -> None:
    """A list says that, not from when."""
    events, _ = take(HEAD + ROW, "school", **SAID)
    assert data(events[1])["since"] is None
    assert about(events[1])["tier"] == "normal"
