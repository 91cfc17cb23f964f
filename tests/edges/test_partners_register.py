"""Registers as schools export them: what stands in a mark, and what a bad row costs (nothing but itself)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from agents.partners import sniff
from schemas.errors import Misconfigured
from tests.edges.files import NHS, OTHER_UPN, UPN, about, codes, data, one, outside, person, take

HEAD = "UPN,Surname,Forename,DOB,Date,Session,Code,URN\n"


def row(upn: str = UPN, date: str = "2024-09-09", session: str = "AM", code: str = "N", rest: str = "100001") -> str:
    return f"{upn},Kettle,Ada,2012-05-01,{date},{session},{code},{rest}\n"


def marks(text: str | bytes, **options: object) -> tuple[list, list]:
    return take(text, "school", "register.csv", **options)


def test_a_row_is_a_pupils_mark_for_one_session() -> None:
    """Who, which session, which code, which school."""
    taken = one(HEAD + row(), "school")
    assert data(taken) == {"session_date": date(2024, 9, 9), "session": "AM", "code": "N", "establishment": "100001"}
    assert taken.event.type == "hearth.school.AttendanceRecorded"
    assert taken.event.source == "hearth:file/register-csv/100001"
    assert about(taken)["happened_at"] == datetime(2024, 9, 8, 23, tzinfo=UTC)  # midnight in London's summer
    assert person(taken)["identifiers"] == [{"system": "upn", "value": UPN}]
    assert person(taken)["birth_date"] == date(2012, 5, 1)


def test_the_wide_form_gives_a_mark_for_each_filled_cell() -> None:
    """One row per pupil, a column per session; an empty cell is no mark."""
    text = f"UPN,URN,2024-09-09 AM,09/09/2024 PM,Tue 10/09/2024 (AM)\n{UPN},100001,/,\\,\n{OTHER_UPN},100001,N,,-\n"
    events, problems = marks(text)
    assert [(t.where, data(t)["code"]) for t in events] == [
        ("row 2, 2024-09-09 AM", "/"),
        ("row 2, 2024-09-09 PM", "\\"),
        ("row 3, 2024-09-09 AM", "N"),
    ]
    assert problems == []


def test_the_same_mark_has_the_same_id_in_both_forms_and_at_any_place() -> None:
    """The id stands on school, pupil, date and session, so publishing twice gives duplicates."""
    long, _ = marks(HEAD + row(OTHER_UPN) + row())
    wide, _ = marks(f"URN,UPN,2024-09-09 AM\n100001,{UPN},N\n")
    assert long[1].event.id == wide[0].event.id
    assert long[0].event.id != long[1].event.id


def test_a_file_published_twice_says_the_same_word_for_word() -> None:
    """A duplicate must not look like a conflict."""
    assert marks(HEAD + row()) == marks(HEAD + row())


def test_a_revision_corrects_the_one_before() -> None:
    """Where the file can say so, N that became I is a correction, not a conflict."""
    head = HEAD.strip() + ",Revision\n"
    events, _ = marks(head + row(rest="100001,0") + row(code="I", rest="100001,1.0"))
    assert about(events[0])["corrects"] is None
    assert about(events[1])["corrects"] == events[0].event.id


def test_ids_and_problems_hold_nothing_personal() -> None:
    """Names and numbers stand in the data alone."""
    events, problems = marks(HEAD + row() + row(code="QQ") + row(date="Kettle's day") + "Kettle,,,,,,,\n")
    assert len(events) == 1
    assert len(problems) == 3
    text = outside(events, problems)
    assert UPN not in text
    assert "Kettle" not in text


def test_ids_differ_under_another_key() -> None:
    """Without the key nobody can work out whose mark an id stands for."""
    ours, theirs = marks(HEAD + row())[0][0].event.id, take_with_key(b"another key, thirty-two bytes lo")
    assert ours != theirs


def take_with_key(key: bytes) -> str:
    from agents.partners import Options, Taken, read

    parts = [p for p in read((HEAD + row()).encode(), "", "school", Options(key=key)) if isinstance(p, Taken)]
    return parts[0].event.id


# ------------------------------------------------------------------ encodings, rows and cells


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
def test_a_file_may_be_in_any_encoding_that_schools_use(encoding: str) -> None:
    """UTF-8 with and without a mark, UTF-16, Windows-1252 and ISO-8859-1."""
    text = HEAD + row().replace("Kettle", "Bront\u00eb")
    assert person(one(text.encode(encoding), "school"))["family_name"] == "Bront\u00eb"


def test_a_windows_apostrophe_is_read_as_one() -> None:
    """0x92 is a letter in Windows-1252 only."""
    text = (HEAD + row()).encode().replace(b"Kettle", b"O\x92Shea")
    assert person(one(text, "school"))["family_name"] == "O\u2019Shea"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty-file"), (b"\xef\xbb\xbf\r\n", "empty-file"), (HEAD.encode(), "no-rows"), (b",,\n,,\n", "empty-file")],
)
def test_an_empty_or_header_only_file_loses_nothing(content: bytes, code: str) -> None:
    """Nothing to take is said, and is no failure."""
    events, problems = marks(content)
    assert events == []
    assert [(p.code, p.blank) for p in problems] == [(code, True)]


def test_an_instruction_in_row_2_is_passed_over() -> None:
    """Templates tell people how to fill them in; that is no pupil."""
    events, problems = marks(HEAD + "Required,Required,Optional,Enter as DD/MM/YYYY,,,,\n" + row())
    assert [t.where for t in events] == ["row 3"]
    assert [(p.code, p.blank) for p in problems] == [("instruction-row", True)]


def test_a_broken_date_in_row_2_is_a_problem_and_no_instruction() -> None:
    """Only what reads as an instruction is passed over silently."""
    events, problems = marks(HEAD + row(date="soon") + row())
    assert len(events) == 1
    assert [(p.where, p.path, p.code, p.blank) for p in problems] == [("row 2", "date", "unreadable-date", False)]


def test_all_comma_rows_are_passed_over() -> None:
    """Spreadsheets leave them at the end, and in between."""
    events, problems = marks(HEAD + ",,,,,,,\n" + row() + "\n,,,,,,,,,\n")
    assert [t.where for t in events] == ["row 3"]
    assert {p.code for p in problems} == {"blank-row"}


def test_columns_may_stand_in_any_order_with_others_between() -> None:
    """Unknown columns are told of once, by place and not by name, which may hold anything."""
    head = "Ada's notes,Mark,AM/PM,House,School URN,Attendance Date,Unique Pupil Number\n"
    taken = one(head + f"x,N,PM,Red,100001,2024-09-09,{UPN}\n", "school")
    assert data(taken)["session"] == "PM"
    assert codes(taken) == ["unknown-columns"]
    assert "1, 4" in taken.remarks[0].problem
    assert "Ada" not in outside([taken], [])


def test_the_remark_on_unknown_columns_comes_once() -> None:
    """Not once for each of thirty thousand rows."""
    events, _ = marks("House," + HEAD + "Red," + row() + "Red," + row(session="PM"))
    assert [codes(t) for t in events] == [["unknown-columns"], []]


def test_a_title_above_the_header_is_passed_over() -> None:
    """Exports put the school's name first."""
    assert one("Attendance report,,\n\n" + HEAD + row(), "school").where == "row 4"


def test_invisible_characters_in_names_dates_and_numbers_are_taken_out() -> None:
    """Zero-width joiners, non-breaking spaces and FEFF stand in names and in dates too."""
    cells = [f"\ufeff{UPN[:5]}\u200b{UPN[5:]}", "Ket\u200dtle", "\u00a0Ada\u00a0Mary ", "\ufeff2012-05-01"]
    text = HEAD + ",".join([*cells, "2024\u200b-09-09\u00a0", "AM\u00a0", "N\u200d", "100001\n"])
    taken = one(text, "school")
    assert (person(taken)["family_name"], person(taken)["given_names"]) == ("Kettle", "Ada Mary")
    assert person(taken)["identifiers"][0]["value"] == UPN
    assert data(taken)["session_date"] == date(2024, 9, 9)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(end: str) -> None:
    """LF, CRLF, and CR alone from old spreadsheets."""
    events, _ = marks((HEAD + row() + row(session="PM")).replace("\n", end))
    assert [t.where for t in events] == ["row 2", "row 3"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_delimiter_need_not_be_a_comma(delimiter: str) -> None:
    """Spreadsheets in other settings write semicolons or tabs."""
    assert len(marks((HEAD + row()).replace(",", delimiter))[0]) == 1


def test_a_quoted_cell_may_span_lines() -> None:
    """Addresses do; the row after it keeps its number as a spreadsheet counts."""
    head = "Address," + HEAD
    events, _ = marks(head + '"1 High Street\nLeeds\nLS1",' + row() + "x," + row(session="PM"))
    assert [t.where for t in events] == ["row 2", "row 3"]


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    """The rows after it are read."""
    rows = [row(session=half, date=f"2024-09-{day:02}") for day in range(2, 28) for half in ("AM", "PM")]
    events, problems = marks(HEAD + row().replace("Kettle", '"Kettle') + "".join(rows))
    assert len(events) == len(rows)
    assert len([p for p in problems if not p.blank]) == 1


def test_numbers_that_a_spreadsheet_made_decimal_are_mended() -> None:
    """133.0 is 133; a school's URN too."""
    taken = one(HEAD.replace("UPN", "Pupil ID") + row("133.0", rest="100001.0"), "school")
    assert person(taken)["identifiers"] == [{"system": "local", "value": "133"}]
    assert data(taken)["establishment"] == "100001"


def test_a_number_that_a_spreadsheet_destroyed_is_left_out_with_a_remark() -> None:
    """2600e031 became 2.6E+34: nobody can bring it back, and it must not become a key."""
    taken = one(HEAD.replace("UPN", "Pupil ID") + row("2.6E+34"), "school")
    assert person(taken)["identifiers"] == []
    assert codes(taken) == ["spoiled-number"]


def test_a_number_that_only_looks_like_a_power_is_kept() -> None:
    """2600e031 itself is an id."""
    taken = one(HEAD.replace("UPN", "Pupil ID") + row("2600e031"), "school")
    assert person(taken)["identifiers"][0]["value"] == "2600e031"


# ------------------------------------------------------------------ dates, codes, identifiers


@pytest.mark.parametrize(
    "said",
    [
        "2024-09-03",
        "03/09/2024",
        "20240903",
        "3/9/24",
        "03-Sep-2024",
        "2024-Sep-03 00:00:00",
        "Tue 3 September 2024",
        "2024-09-03T00:00:00",
        "03.09.2024",
    ],
)
def test_dates_come_in_many_forms(said: str) -> None:
    """All of these are the third of September."""
    assert data(one(HEAD + row(date=said), "school"))["session_date"] == date(2024, 9, 3)


def test_three_forms_of_date_may_stand_in_one_file() -> None:
    """Each row is read by itself."""
    events, problems = marks(HEAD + row(date="2024-09-03") + row(date="04/09/2024") + row(date="20240905"))
    assert [data(t)["session_date"].day for t in events] == [3, 4, 5]
    assert problems == []


def test_the_column_map_decides_what_03_04_means(tmp_path) -> None:
    """An American map reads the month first."""
    known = (HEAD + row(date="09/03/2024"),)
    assert data(one(*known, "school"))["session_date"] == date(2024, 3, 9)
    from agents.partners import columns

    text = (columns._HERE / "sessions.toml").read_text().replace("day_first = true", "day_first = false")
    (tmp_path / "theirs.toml").write_text(text)
    taken = one(*known, "school", columns=str(tmp_path / "theirs.toml"))
    assert data(taken)["session_date"] == date(2024, 9, 3)


def test_a_date_that_only_the_other_order_can_mean_is_read_with_a_remark() -> None:
    """09/23/2024 is in September, and the school should know that its columns are mixed."""
    taken = one(HEAD + row(date="09/23/2024"), "school")
    assert data(taken)["session_date"] == date(2024, 9, 23)
    assert "date-order" in codes(taken)


def test_a_spreadsheets_count_of_days_is_read_with_a_remark() -> None:
    """45544 is 9 September 2024."""
    taken = one(HEAD + row(date="45544"), "school")
    assert data(taken)["session_date"] == date(2024, 9, 9)
    assert "spreadsheet-date" in codes(taken)


def test_an_afternoon_mark_in_the_morning_is_present_with_a_remark() -> None:
    """A backslash is the afternoon's stroke; the pupil was there either way."""
    taken = one(HEAD + row(code="\\"), "school")
    assert (data(taken)["code"], data(taken)["session"]) == ("\\", "AM")
    assert codes(taken) == ["slash-in-other-session"]


def test_without_a_session_column_the_stroke_tells_the_half_day() -> None:
    """/ is morning; any other mark does not say."""
    head = HEAD.replace("Session", "Colour")
    assert data(one(head + row(code="/"), "school"))["session"] == "AM"
    assert codes(marks(head + row(code="N"))[1]) == ["unreadable-session"]


@pytest.mark.parametrize(
    ("code", "day", "valid"),
    [
        ("Y1", "2024-09-09", True),
        ("Y1", "2023-09-11", False),
        ("H", "2023-09-11", True),
        ("H", "2024-09-09", False),
        ("J", "2024-03-04", True),
        ("J1", "2024-03-04", False),
        ("K", "2024-09-09", True),
    ],
)
def test_codes_are_valid_by_date(code: str, day: str, valid: bool) -> None:
    """K, J1 and Y1 to Y7 came in August 2024; H, J and Y went."""
    events, problems = marks(HEAD + row(code=code, date=day))
    assert bool(events) is valid
    assert codes(problems) == ([] if valid else ["code-not-valid-then"])


def test_one_bad_code_never_stops_the_others() -> None:
    """The bad row is named with its field and its fix."""
    events, problems = marks(HEAD + row(code="ZZ") + row(session="PM"))
    assert [t.where for t in events] == ["row 3"]
    assert [(p.where, p.path, p.code) for p in problems] == [("row 2", "data.code", "unknown-code")]
    assert problems[0].fix


def test_a_failing_upn_is_kept_as_said_with_a_remark() -> None:
    """Eight in ten of one census failed: it must not be lost, and must not be a key."""
    taken = one(HEAD + row("A123456789123"), "school")
    assert person(taken)["identifiers"] == [{"system": "upn", "value": "A123456789123"}]
    assert codes(taken) == ["upn-check-letter"]


def test_two_pupils_with_one_failing_number_are_not_one() -> None:
    """A placeholder in every row must not make their marks conflicts of each other."""
    text = HEAD + row("A123456789123") + row("A123456789123").replace("Ada", "Bea")
    events, _ = marks(text)
    assert events[0].event.id != events[1].event.id


@pytest.mark.parametrize("said", ["", "0", "-", "UN3", "n/a", "unknown"])
def test_a_number_that_says_nothing_is_left_out(said: str) -> None:
    """Blank, 0 and the reason codes UN1 to UN8 are no UPN; name and birth date still say who it is."""
    taken = one(HEAD + row(said), "school")
    assert person(taken)["identifiers"] == []


def test_an_nhs_number_may_be_written_with_spaces() -> None:
    """As it is printed: 999 000 0018."""
    taken = one(HEAD.replace("UPN", "NHS Number") + row("999 000 0018"), "school")
    assert person(taken)["identifiers"][0]["system"] == "nhs-number"
    assert codes(taken) == []
    assert NHS == "9990000018"


@pytest.mark.parametrize("said", ["0000000000", "9990000010", "1111111111"])
def test_an_nhs_number_that_may_be_no_key_is_kept_with_a_remark(said: str) -> None:
    """Ten zeros pass the sum and are refused all the same."""
    taken = one(HEAD.replace("UPN", "NHS Number") + row(said), "school")
    assert person(taken)["identifiers"][0]["value"] == said
    assert codes(taken) == ["nhs-number-fails"]


def test_a_row_that_names_nobody_is_a_problem() -> None:
    """A mark without a pupil helps no one."""
    assert codes(marks(HEAD + ",,,,2024-09-09,AM,N,100001\n")[1]) == ["no-person"]


def test_without_a_school_the_publisher_must_say_which() -> None:
    """The school's name is not its number."""
    assert codes(marks(HEAD + row(rest="St Mary's Primary"))[1]) == ["no-establishment"]
    assert data(one(HEAD + row(rest=""), "school", establishment="100002"))["establishment"] == "100002"


def test_another_agency_may_not_publish_a_register() -> None:
    """Each agency publishes its own types."""
    assert codes(take(HEAD + row(), "police")[1]) == ["not-your-type"]


def test_a_short_row_is_read_as_far_as_it_goes() -> None:
    """A missing cell is an empty one."""
    assert codes(marks(HEAD + f"{UPN},Kettle\n")[1]) == ["short-row"]


def test_headers_that_no_map_knows_are_one_problem() -> None:
    """Not one for each row."""
    events, problems = marks("a,b,c\n1,2,3\n4,5,6\n", format="register-csv")
    assert events == []
    assert codes(problems) == ["missing-columns"]


def test_an_unreadable_column_map_is_the_publishers_own_mistake(tmp_path) -> None:
    """It is said at once, before anything is read."""
    (tmp_path / "bad.toml").write_text("form = 1")
    with pytest.raises(Misconfigured):
        marks(HEAD + row(), columns=str(tmp_path / "bad.toml"), format="register-csv")


def test_a_register_is_told_by_its_header() -> None:
    """A user need not say the format."""
    assert sniff((HEAD + row()).encode(), "anything.txt") == "register-csv"


def test_a_large_register_is_read_as_a_stream(tmp_path) -> None:
    """The first mark comes before the file has been read."""
    from agents.partners import Options, read
    from tests.edges.files import KEY

    path = tmp_path / "register.csv"
    with path.open("w") as file:
        file.write(HEAD)
        for day in range(20_000):
            file.write(row(session="AM", date=f"20{10 + day % 15}-{1 + day % 12:02}-{1 + day % 28:02}"))
    parts = read(path, path.name, "school", Options(key=KEY))
    assert data(next(parts))["code"] == "N"  # type: ignore[arg-type]
