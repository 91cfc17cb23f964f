"""The Children in Need census: what it states, and the traps in the files that authorities send."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from agents.partners import Options, Taken, read, sniff
from tests.edges.files import KEY, UPN, about, codes, data, outside, person, take

IDENTIFIERS = f"<LAchildID>C1</LAchildID><UPN>{UPN}</UPN><PersonBirthDate>2015-03-27</PersonBirthDate><Sex>F</Sex>"
REFERRAL = """<CINreferralDate>2023-10-06</CINreferralDate><ReferralSource>1A</ReferralSource>
<PrimaryNeedCode>N4</PrimaryNeedCode>"""
ASSESSMENT = """<Assessments><AssessmentActualStartDate>2023-10-09</AssessmentActualStartDate>
<AssessmentAuthorisationDate>2023-11-20</AssessmentAuthorisationDate><FactorsIdentifiedAtAssessment>
<AssessmentFactors>1C</AssessmentFactors><AssessmentFactors>3B</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments>"""
SECTION_47 = """<DateOfInitialCPC>2023-12-24</DateOfInitialCPC><Section47>
<S47ActualStartDate>2023-11-01</S47ActualStartDate>
<DateOfInitialCPC>2023-11-20</DateOfInitialCPC><ICPCnotRequired>false</ICPCnotRequired></Section47>"""
PLAN = """<ChildProtectionPlans><CPPstartDate>2023-11-20</CPPstartDate><CPPendDate>2024-02-01</CPPendDate>
<InitialCategoryOfAbuse>NEG</InitialCategoryOfAbuse><LatestCategoryOfAbuse>PHY</LatestCategoryOfAbuse></ChildProtectionPlans>"""


def census(details: str = REFERRAL, known: str = IDENTIFIERS, header: str = "", attributes: str = "") -> str:
    return f"""<Message{attributes}><Header><CollectionDetails><Collection>CIN</Collection><Year>2024</Year>
<ReferenceDate>2024-03-31</ReferenceDate></CollectionDetails><Source><LEA>201</LEA>{header}</Source></Header><Children>
<Child><ChildIdentifiers>{known}</ChildIdentifiers><CINdetails>{details}<ReferralNFA>0</ReferralNFA></CINdetails></Child>
</Children></Message>"""


def events(text: str | bytes, kind: str = "", name: str = "") -> list[Taken]:
    return [t for t in take(text, "social-care", name)[0] if t.event.type.endswith(kind)]


def test_a_referral_says_from_whom_for_what_need_and_whether_anything_follows() -> None:
    """Source, need, and no further action."""
    [taken] = events(census(), "ReferralReceived")
    assert data(taken) == {"source": "1A", "need": "N4", "no_further_action": False}
    assert person(taken)["identifiers"] == [{"system": "local", "value": "C1"}, {"system": "upn", "value": UPN}]
    assert (person(taken)["sex"], person(taken)["birth_date"]) == ("female", date(2015, 3, 27))
    assert taken.where == "Child[1]/CINdetails[1]"
    assert taken.event.source == "hearth:file/cin-census/201"


def test_an_assessment_is_completed_when_it_is_authorised() -> None:
    """With its factors; one that is not finished is no loss."""
    [taken] = events(census(REFERRAL + ASSESSMENT), "AssessmentCompleted")
    assert data(taken) == {"factors": ["1C", "3B"], "started": date(2023, 10, 9), "authorised": date(2023, 11, 20)}
    unfinished = ASSESSMENT.replace("<AssessmentAuthorisationDate>2023-11-20</AssessmentAuthorisationDate>", "")
    taken_, problems = take(census(REFERRAL + unfinished), "social-care")
    assert [t for t in taken_ if "Assessment" in t.event.type] == []
    assert [(p.code, p.blank) for p in problems] == [("not-authorised", True)]


def test_the_conference_date_is_the_section_47s_own() -> None:
    """DateOfInitialCPC stands in CINdetails as well: a search anywhere below takes the wrong one."""
    closed = events(census(REFERRAL + SECTION_47), "EpisodeClosed")
    assert [(data(t)["episode"], data(t)["on"]) for t in closed] == [("section-47", date(2023, 11, 20))]
    without = SECTION_47.replace("<DateOfInitialCPC>2023-11-20</DateOfInitialCPC>", "")
    assert events(census(REFERRAL + without), "EpisodeClosed") == []


def test_a_section_47_enquiry_and_a_protection_plan_state_their_own_ground() -> None:
    """They are, by what they are, a finding that the threshold is met; a plan of support is not."""
    opened = events(census(REFERRAL + SECTION_47 + PLAN), "EpisodeOpened")
    claims = {data(t)["episode"]: (about(t)["ground"] or {}).get("claim") for t in opened}
    assert claims == {"child-in-need": None, "section-47": "s47", "child-protection-plan": "significant-harm"}


def test_a_protection_plan_opens_under_its_first_category_and_closes_under_one_reference() -> None:
    """Opening and closing are known to belong together."""
    plan = [t for t in events(census(REFERRAL + PLAN)) if data(t).get("episode") == "child-protection-plan"]
    assert [data(t)["on"] for t in plan] == [date(2023, 11, 20), date(2024, 2, 1)]
    assert data(plan[0])["category_of_abuse"] == "NEG"
    assert data(plan[0])["reference"] == data(plan[1])["reference"]


def test_a_case_without_a_plan_is_the_episode_and_closes_with_its_reason() -> None:
    """RC9, referred to early help, must not be lost."""
    closing = "<CINclosureDate>2023-12-01</CINclosureDate><ReasonForClosure>RC9</ReasonForClosure>"
    found = events(census(REFERRAL + closing))
    assert [(t.event.type[19:], data(t).get("reason")) for t in found] == [
        ("ReferralReceived", None),
        ("EpisodeOpened", None),
        ("EpisodeClosed", "RC9"),
    ]


def test_a_referral_without_further_action_opens_nothing() -> None:
    """Nobody was in need."""
    text = census().replace("<ReferralNFA>0", "<ReferralNFA>true")
    assert [t.event.type[19:] for t in events(text)] == ["ReferralReceived"]
    assert data(events(text)[0])["no_further_action"] is True


def test_the_last_plan_closes_with_its_case() -> None:
    """A plan without an end date of its own."""
    plan = "<CINPlanDates><CINPlanStartDate>2023-11-01</CINPlanStartDate></CINPlanDates>"
    closing = "<CINclosureDate>2023-12-01</CINclosureDate><ReasonForClosure>RC7</ReasonForClosure>"
    found = events(census(REFERRAL + closing + plan), "EpisodeClosed")
    assert [(data(t)["episode"], data(t)["on"], data(t)["reason"]) for t in found] == [
        ("child-in-need", date(2023, 12, 1), "RC7")
    ]


def test_stray_text_between_elements_is_not_read() -> None:
    """Someone pasted an element's name behind another."""
    found = events(census(known=IDENTIFIERS.replace("<Person", "stray<Person", 1)), "ReferralReceived")
    assert person(found[0])["birth_date"] == date(2015, 3, 27)
    assert "stray-text" in codes(found[0])


@pytest.mark.parametrize(
    ("element", "sex"),
    [
        ("<GenderCurrent>1</GenderCurrent>", "male"),
        ("<GenderCurrent>2</GenderCurrent>", "female"),
        ("<GenderCurrent>0</GenderCurrent>", None),
        ("<GenderCurrent>9</GenderCurrent>", "9"),
        ("<Sex>M</Sex>", "male"),
        ("<Sex>1</Sex>", "male"),
        ("<Sex>U</Sex>", None),
        ("<Sex>b) Female</Sex>", "female"),
    ],
)
def test_sex_is_written_differently_in_different_years(element: str, sex: str | None) -> None:
    """GenderCurrent 0/1/2/9 in old years, Sex as a letter or a number in new ones."""
    [taken] = events(census(known=IDENTIFIERS.replace("<Sex>F</Sex>", element)), "ReferralReceived")
    assert person(taken)["sex"] == sex


@pytest.mark.parametrize(
    ("said", "truth"), [("0", False), ("1", True), ("false", False), ("true", True), ("TRUE", True), ("maybe", None)]
)
def test_no_further_action_is_written_in_several_ways(said: str, truth: bool | None) -> None:
    """0 and 1, false and true."""
    [taken] = events(census().replace("<ReferralNFA>0", f"<ReferralNFA>{said}"), "ReferralReceived")
    assert data(taken)["no_further_action"] is truth


def test_a_child_may_have_several_cases() -> None:
    """Each is read, in its own place."""
    other = REFERRAL.replace("2023-10-06", "2024-01-15")
    text = census().replace(
        "</CINdetails>", f"</CINdetails><CINdetails>{other}<ReferralNFA>0</ReferralNFA></CINdetails>"
    )
    found = events(text, "ReferralReceived")
    assert [t.where for t in found] == ["Child[1]/CINdetails[1]", "Child[1]/CINdetails[2]"]
    assert found[0].event.id != found[1].event.id


def test_year_reference_date_and_file_name_may_disagree() -> None:
    """Told once, and read all the same."""
    text = census().replace("<Year>2024", "<Year>2023")
    found = events(text, name="CIN_2022.xml")
    assert {"years-disagree", "file-name-disagrees"} <= set(codes(found[0]))
    assert "years-disagree" not in codes(found[1])
    assert codes(events(census(), name="CIN_2024.xml")[0]) == []


@pytest.mark.parametrize("said", ["2024-05-23T11:14:05", "2024-05-23T11:14:05Z", "2024-05-23T11:14:05.123+01:00"])
def test_the_time_of_sending_may_have_a_zone_or_none(said: str) -> None:
    """It does not date the events, so that a census sent again repeats itself word for word."""
    plain, sent = events(census()), events(census(header=f"<DateTime>{said}</DateTime>"))
    assert [t.event for t in plain] == [t.event for t in sent]


@pytest.mark.parametrize("attributes", ["", ' xmlns="http://example.org/cin"', ' xmlns:a="http://example.org/a"'])
def test_namespaces_do_not_matter(attributes: str) -> None:
    """Some files have one, most have none."""
    assert len(events(census(attributes=attributes))) == 2


def test_an_assessment_that_starts_after_it_was_authorised_is_a_remark() -> None:
    """Impossible orders are told, and stop nothing."""
    [taken] = events(census(REFERRAL + ASSESSMENT.replace("2023-10-09", "2028-04-28")), "AssessmentCompleted")
    assert "impossible-order" in codes(taken)


def test_an_unknown_factor_is_a_problem_and_the_good_ones_go_on() -> None:
    """RB is no factor: it is named by its place, and the assessment carries a remark."""
    taken, problems = take(census(REFERRAL + ASSESSMENT.replace("1C", "RB")), "social-care")
    assert [(p.where, p.path, p.code) for p in problems] == [
        ("Child[1]/CINdetails[1]/Assessments[1]", "FactorsIdentifiedAtAssessment/AssessmentFactors[1]", "unknown-code")
    ]
    [assessment] = [t for t in taken if "Assessment" in t.event.type]
    assert data(assessment)["factors"] == ["3B"]
    assert "factors-left-out" in codes(assessment)


def test_no_factors_beside_factors_is_a_remark() -> None:
    """21 must stand alone."""
    [taken] = events(census(REFERRAL + ASSESSMENT.replace("1C", "21")), "AssessmentCompleted")
    assert "none-with-others" in codes(taken)


def test_a_upn_beside_a_reason_for_having_none_is_kept_with_a_remark() -> None:
    """Both were filled in one census, for every child."""
    [taken] = events(census(known=IDENTIFIERS + "<UPNunknown>UN3</UPNunknown>"), "ReferralReceived")
    assert codes(taken) == ["upn-and-reason"]
    assert {"system": "upn", "value": UPN} in person(taken)["identifiers"]


def test_a_failing_upn_is_kept_as_said_with_a_remark() -> None:
    """Only 12 of 332 passed in one census."""
    [taken] = events(census(known=IDENTIFIERS.replace(UPN, "A123456789123")), "ReferralReceived")
    assert {"system": "upn", "value": "A123456789123"} in person(taken)["identifiers"]
    assert "upn-check-letter" in codes(taken)


def test_a_reason_in_the_place_of_the_upn_is_no_upn() -> None:
    """UN1 means not yet assigned."""
    [taken] = events(census(known=IDENTIFIERS.replace(UPN, "UN1")), "ReferralReceived")
    assert [i["system"] for i in person(taken)["identifiers"]] == ["local"]


def test_codes_listed_as_case_systems_show_them_are_read() -> None:
    """`q) 6: Police` is 6."""
    [taken] = events(census().replace(">1A<", ">q) 6: Police<"), "ReferralReceived")
    assert data(taken)["source"] == "6"


def test_an_unknown_need_is_left_out_and_the_referral_goes_on() -> None:
    """One bad code never loses the event that it only describes."""
    [taken] = events(census().replace("N4", "N99"), "ReferralReceived")
    assert data(taken)["need"] is None
    assert "unknown-code" in codes(taken)


def test_a_child_without_any_number_or_name_is_a_problem_and_the_next_is_read() -> None:
    """One bad child never stops the others."""
    bad = "<Child><ChildIdentifiers><Sex>M</Sex></ChildIdentifiers><CINdetails/></Child>"
    taken, problems = take(census().replace("<Child>", bad + "<Child>", 1), "social-care")
    assert [(p.where, p.code) for p in problems] == [("Child[1]", "no-person")]
    assert taken[0].where.startswith("Child[2]")


def test_entities_are_refused() -> None:
    """Billion laughs, and files of the machine, end at the door."""
    for bomb in (
        '<!DOCTYPE m [<!ENTITY a "aaaa">]>',
        '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE m>",
    ):
        taken, problems = take(bomb + census(), "social-care", format="cin-census")
        assert taken == []
        assert codes(problems)[0] == "forbidden-xml"


def test_what_stands_before_a_break_is_read() -> None:
    """A truncated file keeps its good children."""
    text = census().replace("</Children></Message>", "<Child><ChildIdent")
    taken, problems = take(text, "social-care")
    assert len(taken) == 2
    assert codes(problems) == ["broken-xml"]
    assert problems[0].where.startswith("line ")


def test_a_file_that_is_not_in_the_encoding_it_declares_is_read() -> None:
    """It says UTF-8 and is Windows-1252."""
    known = IDENTIFIERS.replace("C1", "Zo\u00eb1")
    content = ('<?xml version="1.0" encoding="UTF-8"?>' + census(known=known)).encode("cp1252")
    [taken] = events(content, "ReferralReceived")
    assert person(taken)["identifiers"][0]["value"] == "Zo\u00eb1"


@pytest.mark.parametrize("lead", [b"\xef\xbb\xbf", b"\r\n  ", b"\xef\xbb\xbf\n"])
def test_a_mark_or_white_space_before_the_declaration_is_passed_over(lead: bytes) -> None:
    """A strict parser refuses it."""
    content = lead + b'<?xml version="1.0" encoding="UTF-8"?>' + census().encode()
    assert sniff(content, "x.json") == "cin-census"
    assert len(events(content)) == 2


def test_xml_escaped_inside_xml_inside_soap_is_read() -> None:
    """Integration engines wrap what they carry."""
    inner = census().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for body in (inner, census()):
        text = f'<s:Envelope xmlns:s="http://soap"><s:Body><r><x>{body}</x></r></s:Body></s:Envelope>'
        assert sniff(text.encode(), "message.xml") == "cin-census"
        assert len(events(text)) == 2


def test_ids_and_problems_hold_nothing_personal() -> None:
    """The authority's own child number is a person's number too."""
    known = IDENTIFIERS.replace("C1", "Planted77")
    text = outside(*take(census(REFERRAL + ASSESSMENT.replace("1C", "RB") + PLAN, known=known), "social-care"))
    assert not any(word in text for word in ("Planted77", UPN, "2015-03-27"))


def test_a_large_census_is_read_as_a_stream(tmp_path: Any) -> None:
    """Memory does not grow with the file."""
    import tracemalloc

    start, child, end = (
        census().partition("<Child>")[0],
        census()[census().index("<Child>") : census().index("</Children>")],
        "</Children></Message>",
    )
    path = tmp_path / "cin.xml"
    with path.open("w") as file:
        file.write(start)
        file.writelines(child.replace(">C1<", f">C{n}<") for n in range(1_000))
        file.write(end)
    tracemalloc.start()
    count = sum(1 for _ in read(path, path.name, "social-care", Options(key=KEY)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 2_000
    assert peak < 3_000_000


def test_an_unborn_child_has_no_birth_date() -> None:
    """The expected date is not one."""
    known = IDENTIFIERS.replace("PersonBirthDate", "ExpectedPersonBirthDate")
    [taken] = events(census(known=known), "ReferralReceived")
    assert person(taken)["birth_date"] is None


def test_events_are_dated_by_london_days() -> None:
    """Midnight in summer is eleven at night in UTC."""
    assert about(events(census())[0])["happened_at"] == datetime.fromisoformat("2023-10-05T23:00:00+00:00")
