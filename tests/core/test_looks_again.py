"""A look, a find and an officer's step are decided again when anything of the family came while they were logged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from agents.ig.plain import ACCESS
from agents.reading import Behind
from consent.decision import Decision, Outcome
from consent.overtaken import RULE
from schemas.ids import FamilyId
from schemas.records import Identifier, PersonAsKnown
from tests.core.ig_story import NOW, Told


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A child whose mother agreed to early help and to be asked for; a lead professional, a nurse and an officer."""
    told = Told(tmp_path)
    story = told.story
    told.child, told.mother = story.child("Mia", "2014-05-02"), story.adult("Jo")
    story.relate(told.child, told.mother)
    story.tell(
        "social-care", "agreement.AgreementGiven", [(told.mother, "agreed-by"), (told.child, "for")], 90,
        agreement="agreement-1", capacity="parental-responsibility", since=story.day(90), until=None,
        purposes=["early-help", "safeguarding"], categories=["relationships", "health-contact"],
        recipients=["social-care", "health"], assessed_by=None, assessed_on=None, competent_purposes=[],
        competent_categories=[],
    )  # fmt: skip
    told.lead = story.professional("social-care", "early-help-worker")
    told.nurse = story.professional("health", "school-nurse")
    told.officer = story.professional("social-care", "ig-officer")
    story.lead(told.lead, told.child)
    told.event = story.not_brought(told.child, 15)
    told.happens()
    return told


def meanwhile(told: Told, happens: Callable[[], object]) -> None:
    """Have this happen, and be decided on, while the next thing waits for the log."""
    producer = told.reading.producer
    flush = producer.flush

    def first() -> None:
        producer.flush = flush  # type: ignore[method-assign]
        happens()
        told.happens()
        flush()

    producer.flush = first  # type: ignore[method-assign]


def looks(told: Told) -> tuple[set[str], list[Decision]]:
    """What the lead is shown, and the looks as they are in the projection."""
    view = told.reading.look(told.worker(told.lead), told.family(told.child), "early-help", NOW)
    every = [told.world.queries.decision(one.id) for one in told.logged()]
    return {line.what for line in view.lines} if view else set(), [one for one in every if one and one.stage == "look"]


def finds(told: Told) -> list[FamilyId]:
    said = PersonAsKnown("subject", (Identifier("nhs-number", told.child.nhs),), birth_date=told.child.born)
    return told.reading.find(told.worker(told.nurse), said, "safeguarding", NOW)


def test_what_was_taken_back_while_a_look_was_logged_is_not_shown(told: Told) -> None:
    """It is in no register: any record of the family has the look decided again."""
    meanwhile(told, lambda: told.story.not_brought(told.child, 15, retracts=told.event))
    shown, every = looks(told)
    assert "AppointmentNotAttended" not in shown
    assert len({one.decided_at for one in every}) == 2


def test_a_look_that_a_withdrawal_overtook_is_told_as_withheld(told: Told) -> None:
    """Neither the search nor the family's own record says that somebody saw what nobody saw."""
    meanwhile(told, lambda: told.story.withdraw(told.mother, told.child))
    _, every = looks(told)
    first = [one for one in every if one.decided_at == NOW]
    assert first
    assert {(one.outcome, one.rules[0]) for one in first if one.agreement_state == "in-force"} == {
        (Outcome.WITHHOLD, RULE)
    }
    lines = told.access(told.officer).weigh(told.person(told.child), NOW + timedelta(days=1)) or []
    assert not {one.id for one in first} & {line.decision for line in lines}


def test_what_is_sealed_makes_nobody_elses_look_a_second_one(told: Told) -> None:
    """The open log would tell that something came."""
    meanwhile(told, lambda: told.story.not_brought(told.child, 2, tier="sealed"))
    shown, every = looks(told)
    assert "AppointmentNotAttended" in shown
    assert {one.decided_at for one in every} == {NOW}


def test_a_find_that_a_withdrawal_overtook_finds_nobody(told: Told) -> None:
    """The nurse may ask on the family's agreement, and not once it is withdrawn."""
    assert finds(told) == [told.family(told.child)]
    meanwhile(told, lambda: told.story.withdraw(told.mother, told.child))
    assert finds(told) == []
    refused = told.logged()[-1]
    assert (refused.stage, refused.outcome, refused.agreement_state) == ("find", Outcome.WITHHOLD, "withdrawn")


def test_a_find_says_what_the_agencies_agreed_and_who_asked_in_vain(told: Told) -> None:
    """The sharing agreement is asked, not assumed; and the sector of whoever asks is their own."""
    finds(told)
    made = told.logged()[-1].asked
    assert made is not None
    assert (made.publisher, made.sharing_agreement, made.competence) == ("social-care", "in-date", "not-in-question")
    stranger = told.story.professional("health", "voluntary-worker")
    told.happens()
    nobody = PersonAsKnown("subject", (Identifier("nhs-number", told.mother.nhs),), birth_date=told.child.born)
    assert told.reading.find(told.worker(stranger), nobody, "safeguarding", NOW) == []
    asked = told.logged()[-1].asked
    assert asked is not None
    assert (asked.sector, asked.body) == ("voluntary", "voluntary")


def test_nothing_is_shown_to_who_is_known_otherwise_by_then(told: Told) -> None:
    """They left, or were found to be a relative, while it was logged: they must come again, as who they are."""
    gone = {"name": "Sam", "job_role": "early-help-worker", "team": "t", "subscriber": "early-help", "manager": None,
            "clearance": "normal", "phone": None, "email": None, "active": False}  # fmt: skip
    meanwhile(told, lambda: told.story.tell(
        "social-care", "social_care.PractitionerChanged", [], 0, practitioner=told.lead.reference(), **gone
    ))  # fmt: skip
    with pytest.raises(Behind):
        looks(told)


def test_an_officers_step_is_decided_again_too(told: Told) -> None:
    """What came while it was logged is in what is weighed, and each step names the register it was taken under."""
    looks(told)
    meanwhile(told, lambda: told.story.withdraw(told.mother, told.child))
    told.access(told.officer).weigh(told.person(told.child), NOW)
    steps = [one for one in told.logged() if one.stage == ACCESS]
    assert len({one.decided_at for one in steps}) == 2
    assert len({one.register_version for one in steps} - {""}) == 2
