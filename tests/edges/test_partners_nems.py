"""National Events messages (FHIR STU3 XML): who is the mother and who the baby, and what is not worked out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from agents.partners import sniff
from tests.edges.files import NHS, OTHER_NHS, about, codes, data, one, outside, person, take

ID = "7f0f2c3e-6a51-4f0e-9a53-1d8f6f9a7b10"
STILL = """<Observation><code><coding><code value="237364002"/></coding></code><valueCodeableConcept><coding>
<code value="{}"/></coding></valueCodeableConcept></Observation>"""


def number(value: str) -> str:
    return (
        f'<identifier><system value="https://fhir.nhs.uk/Id/nhs-number"/><value value="{value}"/></identifier>'
        if value
        else ""
    )


def patient(nhs: str, given: str, born: str = "", rest: str = "", meta: str = "") -> str:
    date_ = f'<birthDate value="{born}"/>' if born else ""
    name = f'<name><use value="official"/><family value="MOOR"/><given value="{given}"/></name>'
    before, after = (rest, "") if rest.startswith("<extension") else ("", rest)
    return f"<Patient>{meta}{before}{number(nhs)}{name}{date_}{after}</Patient>"


def header(kind: str, action: str = "new", routed: str = OTHER_NHS, updated: str = "2024-06-01T15:00:00+00:00") -> str:
    return f"""<MessageHeader><id value="{ID}"/><meta><lastUpdated value="{updated}"/></meta>
<extension url="https://fhir.nhs.uk/STU3/StructureDefinition/Extension-RoutingDemographics-1">
<extension url="nhsNumber"><valueIdentifier><system value="https://fhir.nhs.uk/Id/nhs-number"/>
<value value="{routed}"/></valueIdentifier></extension></extension>
<extension url="https://fhir.nhs.uk/STU3/StructureDefinition/Extension-MessageEventType-1"><valueCodeableConcept><coding>
<code value="{action}"/></coding></valueCodeableConcept></extension>
<event><code value="{kind}"/></event><timestamp value="2024-06-01T14:00:00+00:00"/></MessageHeader>"""


def message(*resources: str) -> str:
    entries = "".join(
        f'<entry><fullUrl value="urn:uuid:{n}"/><resource>{r}</resource></entry>' for n, r in enumerate(resources)
    )
    return f'<Bundle xmlns="http://hl7.org/fhir"><type value="message"/>{entries}</Bundle>'


def birth(mother: str = OTHER_NHS, still: str = "1", related: bool = True, **said: Any) -> str:
    communication = '<Communication><subject><reference value="urn:uuid:2"/></subject></Communication>'
    link = '<RelatedPerson><patient><reference value="urn:uuid:4"/></patient></RelatedPerson>'
    baby = patient(
        NHS, "Jack", "2024-05-31", '<address><line value="4 New Row"/><postalCode value="LS1 1AA"/></address>'
    )
    return message(
        header("pds-birth-notification-1", **said),
        communication,
        patient(mother, "Sally", "1990-02-03"),
        link if related else "<Basic/>",
        baby,
        STILL.format(still),
    )


def test_in_a_birth_message_the_subject_is_the_mother_and_the_baby_is_the_related_person() -> None:
    """The routing demographics are the mother's too."""
    events, problems = take(birth(), "health")
    assert problems == []
    related, record = events
    assert data(related) == {
        "relationship": "mother",
        "same_household": True,
        "since": date(2024, 5, 31),
        "until": None,
    }
    assert person(related, "child")["given_names"] == "Jack"
    assert person(related, "adult")["given_names"] == "Sally"
    assert (record.event.type, person(record)["given_names"]) == ("hearth.health.DemographicsChanged", "Jack")
    assert person(record)["address"] == "4 New Row"
    assert related.event.id != record.event.id


def test_the_mother_may_have_no_nhs_number() -> None:
    """She is still the mother."""
    events, _ = take(birth(mother=""), "health")
    assert person(events[0], "adult")["identifiers"] == []


def test_without_a_related_person_nobody_guesses_the_baby() -> None:
    """The other Patient might be anyone."""
    assert codes(take(birth(related=False), "health")[1]) == ["no-person"]


def test_a_stillbirth_makes_no_child() -> None:
    """Nobody is to be sent a record of a child that did not live."""
    events, problems = take(birth(still="2"), "health")
    assert events == []
    assert codes(problems) == ["message-not-used"]


def test_an_update_corrects_and_only_last_updated_orders() -> None:
    """The timestamp may be older than the original's."""
    first, second = (
        take(birth(action=a, updated=u), "health")[0][0]
        for a, u in (("new", "2024-06-01T15:00:00Z"), ("update", "2024-06-02T15:00:00Z"))
    )
    assert about(second)["corrects"] == first.event.id
    assert about(second)["recorded_at"] == datetime(2024, 6, 2, 15, tzinfo=UTC)


def test_a_delete_without_a_patient_is_known_by_the_header() -> None:
    """Only an NHS number in an extension."""
    first = one(message(header("pds-change-of-gp-1", routed=NHS), patient(NHS, "Jack")), "health")
    gone = one(message(header("pds-change-of-gp-1", action="delete", routed=NHS)), "health")
    assert about(gone)["retracts"] == first.event.id
    assert person(gone)["identifiers"] == [{"system": "nhs-number", "value": NHS}]


@pytest.mark.parametrize(
    ("status", "said", "remark"), [("2", "2", []), ("U", "U", []), ("", "1", ["not-said-by-signal"])]
)
def test_a_death_notice_may_be_removed(status: str, said: str, remark: list[str]) -> None:
    """U: the patient is not dead."""
    extension = f"""<extension url="https://fhir.hl7.org.uk/x/Extension-CareConnect-DeathNotificationStatus-1">
<extension url="deathNotificationStatus"><valueCodeableConcept><coding>
<code value="{status}"/></coding></valueCodeableConcept></extension></extension>"""
    found = one(message(header("pds-death-notification-1"), patient(NHS, "Jack", rest=extension)), "health")
    assert data(found)["notification"] == said
    assert codes(found) == remark


def test_a_change_of_practice_names_the_practice_unless_the_patient_is_restricted() -> None:
    """The practice tells roughly where somebody lives."""
    practice = '<generalPractitioner><reference value="https://directory.spineservices.nhs.uk/STU3/Organization/B86056"/></generalPractitioner>'
    open_ = one(message(header("pds-change-of-gp-1"), patient(NHS, "Jack", rest=practice)), "health")
    assert data(open_)["practice"] == "B86056"
    secret = '<meta><security><code value="R"/></security></meta>'
    hidden = one(message(header("pds-change-of-gp-1"), patient(NHS, "Jack", rest=practice, meta=secret)), "health")
    assert data(hidden)["practice"] is None
    assert about(hidden)["tier"] == "shielded"


def test_a_change_of_address_says_so() -> None:
    """And a restricted patient's new address is left out."""
    home = '<address><line value="4 New Row"/><city value="LEEDS"/></address>'
    found = one(message(header("pds-change-of-address-1"), patient(NHS, "Jack", rest=home)), "health")
    assert data(found)["changed"] == ["address"]
    assert person(found)["address"] == "4 New Row, LEEDS"


@pytest.mark.parametrize("kind", ["vaccinations-1", "professional-contacts-1", "newborn-hearing-1"])
def test_what_the_hub_has_no_word_for_is_not_used(kind: str) -> None:
    """A vaccination that was not given says neither why nor by whom it was refused in the hub's words."""
    assert codes(take(message(header(kind), patient(NHS, "Jack")), "health")[1]) == ["message-not-used"]


def test_a_message_called_json_is_known_for_what_it_is() -> None:
    """The name of a file lies."""
    assert sniff(birth().encode(), "message.json") == "nhs-nems"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<Bundle><entry/></Bundle>", "not-a-message"),
        ("<Bundle><entry>", "broken-xml"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Bundle>&b;</Bundle>', "forbidden-xml"),
    ],
)
def test_what_is_no_message_is_one_problem(text: str, code: str) -> None:
    """Broken, bombed, or without a header."""
    assert codes(take(text, "health", format="nhs-nems")[1]) == [code]


def test_ids_and_problems_hold_nothing_personal() -> None:
    """Neither mother's nor child's."""
    text = outside(*take(birth(), "health"))
    assert not any(word in text for word in (NHS, OTHER_NHS, "MOOR", "Sally", "New Row"))
