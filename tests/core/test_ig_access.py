"""Subject access and case review: plain words, nothing of anybody else's, every choice logged before it is shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from agents.alerting import Alerting
from agents.ig.decisions import MACHINE, kind_of
from agents.ig.exemptions import CHOOSE, RELEASE, THIRD_PARTY, Choice, Unchosen, law
from agents.ig.plain import ACCESS, CASE_REVIEW
from agents.ports import NotWritten
from agents.reading import NOBODY
from agents.rehearsal import QUEUES
from consent.decision import CHECK, Outcome, encode
from tests.core.ig_story import NOW, Told

LATER = NOW + timedelta(days=1)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A child with a mother and a father; a lead professional who looked; two officers, one of them the father."""
    told = Told(tmp_path)
    story = told.story
    told.child = story.child("Isolde", "2014-05-06", "Quillfeather")
    told.mother = story.adult("Maud", "1987-02-01", "Quillfeather")
    told.father = story.adult("Piers", "1985-02-01", "Quillfeather")
    told.lead = story.professional("social-care", "early-help-worker", name="Pat Winterbourne")
    told.nurse = story.professional("health", "school-nurse")
    told.officer = story.professional("social-care", "ig-officer")
    told.party = story.professional("social-care", "ig-officer", is_person=told.father)
    story.relate(told.child, told.mother)
    story.relate(told.child, told.father, "father")
    story.agree(told.mother, told.child)
    story.lead(told.lead, told.child)
    story.involve(told.lead, told.child, "Early help")
    story.marks(told.child, "O", weeks=3)
    story.not_brought(told.child, 20)
    story.worried(told.lead, told.child, 9)
    told.happens()
    told.looks(told.lead, told.child)
    return told


def chosen(told: Told, what: str = RELEASE, **more: str) -> dict[str, Choice]:
    lines = told.access(told.officer).weigh(told.person(told.child), LATER)
    assert lines
    told.logged()
    return {line.decision: Choice(what, **more) for line in lines if line.proposed == CHOOSE}


def give(told: Told, choices: dict[str, Choice], requester: str = "subject"):
    return told.access(told.officer).give(told.person(told.child), requester, choices, "c_1", LATER)


def test_the_record_says_who_saw_what_when_and_why_in_plain_words_and_names_nobody(told: Told) -> None:
    """Roles, descriptions and days; no pseudonym, no name, no id of anything."""
    given = give(told, chosen(told))
    text = msgspec.json.encode(given).decode()
    entry = next(one for one in given.entries if one.did == "looked at")
    assert entry.who == "Early help worker"
    assert "A pupil's marks, session by session" in text
    assert "To support a family early, on its agreement" in text
    assert entry.on == NOW.date()
    for never in ("Quillfeather", "Isolde", "Maud", "Winterbourne", "p_", "f_", "d_", "w_"):
        assert never not in text


def test_nothing_is_shown_before_its_decisions_are_acknowledged(told: Told) -> None:
    """Neither the lines, nor the record, nor the chronology: the log does not answer, nothing comes back."""
    choices = chosen(told)
    told.broker.up = False
    desk = told.access(told.officer)
    for ask in (
        lambda: desk.weigh(told.person(told.child), LATER),
        lambda: give(told, choices),
        lambda: desk.chronology(told.family(told.child), LATER),
    ):
        with pytest.raises(NotWritten):
            ask()


def test_every_choice_is_logged_in_the_officer_s_name_with_its_law_and_what_it_left_out(told: Told) -> None:
    """What was released by which record, what was left out on which law, by whom."""
    choices = chosen(told)
    left = sorted(choices)[0]
    choices[left] = Choice("serious-harm-social-work")
    given = give(told, choices)
    logged = told.logged()
    assert {one.stage for one in logged} == {ACCESS}
    (released,) = [one for one in logged if one.outcome is Outcome.SHARE]
    (withheld,) = [one for one in logged if one.rules == ("serious-harm-social-work",)]
    me = told.worker(told.officer).practitioner
    assert released.decided_by == withheld.decided_by == me
    assert left in withheld.removed
    assert left not in released.released
    assert withheld.rationale == law().exemption["serious-harm-social-work"].law
    assert given.left_out == law().words.left_out


def test_what_may_tell_of_harm_waits_for_a_person_and_a_record_without_the_choice_is_refused(told: Told) -> None:
    """A concern is never told by rule; every choice must be made, be one, and be open to the one who asks."""
    lines = told.access(told.officer).weigh(told.person(told.child), LATER)
    by = {line.what: line.proposed for line in lines}
    assert by["A professional's signal of concern"] == CHOOSE
    assert by["A pupil's marks, session by session"] == RELEASE
    choices, before = chosen(told), len(told.logged())
    name = sorted(choices)[0]
    for wrong, requester in (
        ({}, "subject"),
        ({**choices, "d_other": Choice(RELEASE)}, "subject"),
        ({**choices, name: Choice("whatever")}, "subject"),
        ({**choices, name: Choice(THIRD_PARTY)}, "subject"),
        ({**choices, name: Choice("child-abuse-data")}, "subject"),
        ({**choices, name: Choice("serious-harm-health")}, "subject"),
        (choices, "a-neighbour"),
    ):
        with pytest.raises(Unchosen):
            give(told, wrong, requester)
    assert len(told.logged()) == before
    assert give(told, {**choices, name: Choice("child-abuse-data")}, "parental-responsibility")
    nurse = told.worker(told.nurse).practitioner
    assert give(told, {**choices, name: Choice("serious-harm-health", nurse)})


def test_the_record_does_not_tell_whether_anything_was_left_out(told: Told) -> None:
    """All left out and nothing there are the same record, but for the plain lines."""
    everything = give(told, chosen(told, "serious-harm-social-work"))
    plain = {line.what for line in told.access(told.officer).weigh(told.person(told.child), LATER)
             if line.proposed == RELEASE}  # fmt: skip
    assert {what for one in everything.entries for what in one.what} <= plain
    assert (everything.left_out, everything.complain) == (law().words.left_out, law().words.complain)


def test_what_is_about_somebody_else_of_the_family_is_left_out_by_rule(told: Told) -> None:
    """The mother's record has nothing of what was seen about her child, and the log says on which law."""
    desk = told.access(told.officer)
    child = told.person(told.child)
    told.world.decide("look", family=told.family(told.child), item=f"e1.{told.person(told.mother)}", minutes=3)
    lines = desk.weigh(told.person(told.mother), LATER)
    assert lines is not None
    marks = [line for line in lines if told.world.queries.decision(line.decision).subjects == (child,)]
    assert marks
    assert {line.proposed for line in marks} == {THIRD_PARTY}
    choices = {line.decision: Choice(RELEASE) for line in lines if line.proposed == CHOOSE}
    told.logged()
    given = desk.give(told.person(told.mother), "subject", choices, "c_1", LATER)
    assert given is not None
    (left,) = [one for one in told.logged() if one.rules == (THIRD_PARTY,)]
    assert {line.decision for line in marks} <= set(left.removed)
    assert left.decided_by == "rule"


def test_for_a_family_as_a_whole_every_line_waits_for_a_person(told: Told) -> None:
    """What one member may be told another may not."""
    lines = told.access(told.officer).weigh(told.family(told.child), LATER)
    assert lines
    assert {line.proposed for line in lines} == {CHOOSE}


def test_nothing_sealed_is_in_any_record_or_chronology_without_the_clearance(told: Told) -> None:
    """The same with and without a sealed decision; the record of access has none for anybody."""
    desk, family, child = told.access(told.officer), told.family(told.child), told.person(told.child)
    before = (desk.weigh(child, LATER), desk.chronology(family, LATER))
    told.world.decide("look", family=family, item=f"e9.{child}", tier="sealed", clearance="sealed")
    assert (desk.weigh(child, LATER), desk.chronology(family, LATER)) == before
    cleared = msgspec.structs.replace(desk.officer, clearance="sealed")
    again = type(desk)(desk.reading, desk.queries, cleared)
    assert again.weigh(child, LATER) == before[0]
    told.logged()
    assert [one.log for one in again.chronology(family, LATER) or () if one.log != "main"] == ["sealed"]
    assert sorted(one.log for one in told.logged()) == ["main", "sealed"]


def test_a_shielded_disclosure_is_never_told_by_rule(told: Told) -> None:
    """Who works from where may tell where somebody is."""
    child = told.person(told.child)
    made = told.world.decide("look", family=told.family(told.child), item=f"e8.{child}", tier="shielded")
    lines = told.access(told.officer).weigh(child, LATER)
    assert {line.decision: line.proposed for line in lines or ()}[made.id] == CHOOSE


def test_an_officer_who_is_a_party_is_answered_as_if_nobody_were_known(told: Told) -> None:
    """The father handles neither his child's record nor its chronology; the attempt is logged, under no family."""
    for desk, subject in (
        (told.access(told.party), told.person(told.child)),
        (told.access(told.officer), "p_nobody"),
    ):
        told.logged()
        assert desk.weigh(subject, LATER) is None
        (attempt,) = told.logged()
        assert (attempt.family, attempt.outcome, attempt.rules) == (NOBODY, Outcome.WITHHOLD, ("nobody-named",))
    assert told.access(told.party).chronology(told.family(told.child), LATER) is None


def test_the_chronology_holds_every_decision_in_order_with_its_ground_and_its_export_is_logged(told: Told) -> None:
    """Machine decisions and looks, as they were taken."""
    family = told.family(told.child)
    every = told.access(told.officer).chronology(family, LATER)
    assert every is not None
    assert [one.decided_at for one in every] == sorted(one.decided_at for one in every)
    assert {"link", "look"} <= {one.stage for one in every}
    (export,) = told.logged()
    assert (export.stage, export.outcome, export.family) == (CASE_REVIEW, Outcome.SHARE, family)
    assert encode(export)


def test_a_colleague_to_whom_an_alert_might_be_handed_over_has_not_looked(told: Told) -> None:
    """Whether they may be told is a check of the hub's own, allowed or not: no record says that they saw anything."""
    story = told.story
    colleague = story.professional("social-care", "early-help-worker")
    story.involve(colleague, told.child, "Early help")
    story.not_brought(told.child, 40)
    story.marks(told.child, "O", weeks=6)
    told.happens()
    desk = Alerting(told.world.queries, told.reading, QUEUES)
    record = next(one for one in desk.mine(told.worker(told.lead)) if one.family == told.family(told.child))
    before = told.access(told.officer).weigh(told.person(told.child), LATER)
    told.logged()
    checks = []
    for who, may in ((colleague, True), (told.nurse, False)):
        assert desk.may_open(told.worker(who), record, NOW) is may
        checks += told.logged()
        assert {one.recipient for one in checks[-1:]} == {told.worker(who).practitioner}
    assert {(one.stage, kind_of(one.stage)) for one in checks} == {(CHECK, MACHINE)}
    assert told.access(told.officer).weigh(told.person(told.child), LATER) == before
    told.logged()
    assert desk.open(told.worker(colleague), record, NOW) is not None
    assert {one.stage for one in told.logged()} == {"look"}


def test_what_a_young_person_decided_for_themself_is_no_parents_to_have_by_rule(tmp_path: Path) -> None:
    """She is told her own lines by rule; her father's request waits for an officer, who may leave them to her."""
    told = Told(tmp_path)
    story = told.story
    told.child = story.child("Zoe", story.day(17 * 365).isoformat())
    told.officer = story.professional("social-care", "ig-officer")
    lead = story.professional("social-care", "early-help-worker")
    story.relate(told.child, story.adult("Piers"), "father")
    story.agree(told.child, told.child, capacity="young-person-16-or-over")
    story.lead(lead, told.child)
    story.not_brought(told.child, 20)
    told.happens()
    told.looks(lead, told.child)
    desk, child = told.access(told.officer), told.person(told.child)
    hers = {line.decision for line in desk.weigh(child, LATER) or () if line.proposed == RELEASE}
    his = desk.weigh(child, LATER, "parental-responsibility")
    assert hers
    assert {line.proposed for line in his or () if line.decision in hers} == {CHOOSE}
    theirs = {line.decision: Choice("their-own-to-ask") for line in his or () if line.proposed == CHOOSE}
    with pytest.raises(Unchosen):
        desk.give(child, "subject", theirs, "c_1", LATER)
    given = desk.give(child, "parental-responsibility", theirs, "c_1", LATER)
    assert given is not None
    assert given.entries == ()


def test_the_log_says_who_asked_and_a_request_is_answered_to_nobody_else(told: Told) -> None:
    """Each record of what was given names the one who asked by their right to; a second one asks anew."""
    choices = chosen(told)
    give(told, choices)
    logged = told.logged()
    assert {(one.recipient, one.role) for one in logged} == {("c_1", "subject")}
    with pytest.raises(Unchosen):
        give(told, chosen(told), "parental-responsibility")


def test_an_officer_may_weigh_what_is_about_somebody_else_and_tell_it(told: Told) -> None:
    """Leaving out what is about another is a balance: the rule leaves it out, a named officer may release it."""
    desk, mother = told.access(told.officer), told.person(told.mother)
    told.world.decide("look", family=told.family(told.child), item=f"e1.{mother}", minutes=3)
    lines = desk.weigh(mother, LATER) or []
    choices = {line.decision: Choice(RELEASE) for line in lines if line.proposed in (CHOOSE, THIRD_PARTY)}
    assert any(line.proposed == THIRD_PARTY for line in lines)
    assert desk.give(mother, "subject", choices, "c_1", LATER)
    assert [one.rules for one in told.logged() if one.rules == (THIRD_PARTY,)] == []


def test_that_something_sealed_was_left_out_stands_in_the_sealed_log_alone(told: Told) -> None:
    """Those cleared can answer for it afterwards; the open log is as if it were not there."""
    child = told.person(told.child)
    family = told.family(told.child)
    one = told.world.decide("look", family=family, item=f"e9.{child}", tier="sealed", clearance="sealed")
    give(told, chosen(told))
    (left,) = [record for record in told.logged() if record.log == "sealed"]
    assert (left.outcome, left.removed, left.recipient) == (Outcome.WITHHOLD, (one.id,), "c_1")


def test_who_was_given_a_record_before_is_told_in_the_next_one(told: Told) -> None:
    """To be given the record is to see something; that an officer weighed the request is not."""
    give(told, chosen(told))
    told.logged()
    lines = told.access(told.officer).weigh(told.person(told.child), LATER + timedelta(days=1)) or []
    assert [line.who for line in lines if line.what == law().words.record] == [
        law().requester["subject"].label.capitalize()
    ]
