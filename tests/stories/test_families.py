"""Histories of families. Each is told once in memory and once to the hub on Kafka."""

from __future__ import annotations

import pytest

from agents.demo.teller import Professional, Somebody, Story
from tests.stories.told import Told, open_rules


def helped_family(story: Story) -> tuple[Somebody, Somebody, Professional]:
    """Mia lives with her mother Jo, who agreed to early help; a lead professional works with them."""
    mia, jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
    worker = story.professional("social-care", "early-help-worker")
    story.relate(mia, jo, "mother")
    story.agree(jo, mia)
    story.lead(worker, mia)
    return mia, jo, worker


def test_four_agencies_each_knew_a_part_and_one_person_sees_it_together(hub: Told, story: Story) -> None:
    """Police, social care and health each knew one of three troubles. Their lead professional is told of all three."""
    mia, jo, _worker = helped_family(story)
    alex = story.adult("Alex")
    story.relate(mia, alex, "step-parent")
    story.domestic_abuse(jo, alex, 40, children=[mia], features=["physical-violence"])
    story.assessed(mia, ["2B"], 30)
    hub.happens(story)
    assert open_rules(hub.alerts(story)).get("parental-trio") == "watch"
    story.assessed(mia, ["4B"], 5)
    hub.happens(story)
    alerts = {a.rule: a for a in hub.alerts(story)}
    assert alerts["parental-trio"].level == "alert"
    reasons = {r.what for r in alerts["parental-trio"].reasons}
    assert {"domestic-abuse", "mental-ill-health", "substance-misuse"} <= reasons
    assert all(r.ground and r.decision for r in alerts["parental-trio"].reasons)
    assert alerts["parental-trio"].goes_away


def test_most_families_never_raise_an_alert(hub: Told, story: Story) -> None:
    """A child goes to school, sees the health visitor, and nobody is told anything."""
    child, mother = story.child("Ada", "2016-01-09"), story.adult("Eve")
    story.relate(child, mother, "mother")
    story.marks(child, "/", weeks=2)
    hub.happens(story)
    assert hub.alerts(story) == []


def test_what_needs_agreement_is_held_and_released_when_the_family_agrees(hub: Told, story: Story) -> None:
    """The health visitor's missed appointment waits, sealed, until the mother agrees to early help."""
    child, mother = story.child("Ben", "2024-02-01"), story.adult("Ann")
    worker = story.professional("social-care", "early-help-worker")
    story.relate(child, mother, "mother")
    story.lead(worker, child)
    story.not_brought(child, 20)
    hub.happens(story)
    assert hub.links(story, child)["hold"] == 1
    story.agree(mother, child, days_ago=0)
    hub.happens(story)
    assert hub.links(story, child)["hold"] == 0
    view = hub.reads(story, worker, child)
    assert view is not None
    assert "AppointmentNotAttended" in {line.what for line in view.lines}


@pytest.mark.usefixtures("weeks_into_the_school_year")
def test_an_agreement_withdrawn_half_way_shares_nothing_more_that_rested_on_it(hub: Told, story: Story) -> None:
    """Jo withdraws her agreement. What rested on it is no longer shown, and the alert that rested on it goes away."""
    mia, jo, worker = helped_family(story)
    story.marks(mia, "/", weeks=4, ending_days_ago=10)
    story.marks(mia, "O", weeks=1)
    story.not_brought(mia, 15)
    hub.happens(story)
    assert "persistent-absence" in open_rules(hub.alerts(story))
    story.withdraw(jo, mia)
    hub.happens(story)
    assert "persistent-absence" not in open_rules(hub.alerts(story))
    assert hub.links(story, mia)["withhold"] >= 2
    view = hub.reads(story, worker, mia)
    shown = {line.what for line in view.lines} if view else set()
    assert not shown & {"AttendanceRecorded", "AppointmentNotAttended"}


def test_the_lead_professional_who_is_the_alleged_adult_is_not_told(hub: Told, story: Story) -> None:
    """Alex is the family's lead professional, and the adult whom the police name. The duty queue is told instead."""
    mia, jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
    alex = story.adult("Alex", family="Other")
    lead = story.professional("social-care", "early-help-worker", name="Alex Other", is_person=alex)
    story.relate(mia, jo, "mother")
    story.agree(jo, mia)
    story.lead(lead, mia)
    story.domestic_abuse(jo, alex, 12, children=[mia], dash=16)
    hub.happens(story)
    alert = next(a for a in hub.alerts(story) if a.rule == "marac-visible-high-risk")
    assert alert.recipient == "duty"
    assert hub.reads(story, lead, mia, "safeguarding") is None


def test_an_alert_that_passes_to_a_new_lead_does_not_stay_open_with_the_duty_queue(hub: Told, story: Story) -> None:
    """Nobody led for Mia's family, so duty was told. Then a lead is assigned: it is hers now, and no longer duty's."""
    mia, jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
    alex = story.adult("Alex")
    lead = story.professional("social-care", "early-help-worker")
    story.relate(mia, jo, "mother")
    story.agree(jo, mia)
    story.domestic_abuse(jo, alex, 12, children=[mia], dash=16)
    hub.happens(story)
    assert "marac-visible-high-risk" in open_rules(hub.alerts(story, "duty"))
    story.lead(lead, mia)
    hub.happens(story)
    assert "marac-visible-high-risk" in open_rules(hub.alerts(story, "early-help"))
    assert open_rules(hub.alerts(story, "duty")) == {}


def test_a_professional_managed_by_the_alleged_adult_is_not_told_either(hub: Told, story: Story) -> None:
    """The lead's manager is the adult whom the police name."""
    mia, jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
    alex = story.adult("Alex", family="Other")
    boss = story.professional("social-care", "manager", name="Alex Other", is_person=alex)
    lead = story.professional("social-care", "early-help-worker", manager=boss)
    hub.happens(story)
    story.relate(mia, jo, "mother")
    story.lead(lead, mia)
    story.domestic_abuse(jo, alex, 12, children=[mia], dash=16)
    hub.happens(story)
    assert {a.recipient for a in hub.alerts(story)} == {"duty"}


@pytest.mark.usefixtures("weeks_into_the_school_year")
def test_a_corrected_attendance_code_withdraws_an_alert(hub: Told, story: Story) -> None:
    """A week of unexplained absence was a school trip. The marks are corrected, and the alert is withdrawn."""
    mia, _, _ = helped_family(story)
    story.marks(mia, "/", weeks=5, ending_days_ago=10)
    wrong = story.marks(mia, "N", weeks=1)
    hub.happens(story)
    assert "persistent-absence" in open_rules(hub.alerts(story))
    for mark in wrong:
        first = next(e for _, e in story.events if e.id == mark)
        on, session = first.data["session_date"], first.data["session"]
        story.mark(mia, on, session, "V", corrects=mark, recorded_days_ago=0)
    hub.happens(story)
    alert = next(a for a in hub.alerts(story) if a.rule == "persistent-absence")
    assert alert.status == "withdrawn"
    assert not alert.reasons


@pytest.mark.usefixtures("weeks_into_the_school_year")
@pytest.mark.parametrize("mended", [False, True])
def test_a_week_missed_counts_from_the_session_that_makes_enough_of_them(
    hub: Told, story: Story, mended: bool
) -> None:
    """Mia missed a week and was there for three. A rate counts from forty sessions on, and she was there at the last.

    So it is when her school says of one of the first, later, that she was ill.
    """
    mia, _, _ = helped_family(story)
    missed = story.marks(mia, "O", weeks=1, ending_days_ago=24)
    if mended:
        first = story.events[-len(missed)][1].data
        story.mark(mia, first["session_date"], first["session"], "I", corrects=missed[0], recorded_days_ago=20)
    story.marks(mia, "/", weeks=3)
    hub.happens(story)
    assert "persistent-absence" in open_rules(hub.alerts(story))


def test_a_separated_familys_two_homes_learn_nothing_of_each_other(hub: Told, story: Story) -> None:
    """Mia's father lives with a new partner and her son. What happens there is not told in Mia's home, by name."""
    mia, _jo, lead = helped_family(story)
    father, partner = story.adult("Carl"), story.adult("Petra", family="Novak")
    tom = story.child("Tom", "2015-07-07", family="Novak")
    other_lead = story.professional("social-care", "social-worker", name="Robin Lee")
    story.relate(mia, father, "father", together=False)
    story.relate(tom, partner, "mother")
    story.relate(tom, father, "step-parent")
    story.lead(other_lead, tom)
    story.domestic_abuse(partner, father, 9, children=[tom], dash=15)
    hub.happens(story)
    theirs = hub.reads(story, other_lead, tom, "safeguarding")
    assert theirs is not None
    assert "Jo Ashdown" not in {p.name for p in theirs.persons}
    ours = hub.reads(story, lead, mia, "safeguarding")
    names = {p.name for p in ours.persons} if ours else set()
    assert not names & {"Petra Novak", "Tom Novak"}


def test_missing_and_out_of_school_asks_for_the_full_exploitation_tool(hub: Told, story: Story) -> None:
    """Police know that he is missing, the school that he was suspended. Together they ask for the full tool."""
    kit = story.child("Kit", "2011-03-03")
    story.relate(kit, story.adult("Zoe"), "mother")
    story.excluded(kit, 30)
    hub.happens(story)
    assert hub.alerts(story) == []
    story.missing(kit, 6, risk="high")
    hub.happens(story)
    alert = next(a for a in hub.alerts(story) if a.rule == "missing-and-out-of-school")
    assert (alert.level, alert.recipient) == ("mash", "duty")
    assert "exploitation tool" in alert.prompt


def test_three_incidents_in_a_year_are_an_escalation(hub: Told, story: Story) -> None:
    """Three call-outs to the same victim within twelve months."""
    mia, jo, _ = helped_family(story)
    alex = story.adult("Alex")
    for days_ago in (200, 90):
        story.domestic_abuse(jo, alex, days_ago, children=[mia])
    hub.happens(story)
    assert "marac-escalation" not in open_rules(hub.alerts(story))
    story.domestic_abuse(jo, alex, 2, children=[mia], features=["coercive-control"])
    hub.happens(story)
    assert open_rules(hub.alerts(story))["marac-escalation"] == "mash"


def test_an_incident_after_a_marac_referral_is_a_repeat(hub: Told, story: Story) -> None:
    """Same victim, same perpetrator, within twelve months of the last referral."""
    mia, jo, _ = helped_family(story)
    alex = story.adult("Alex")
    story.marac(jo, alex, 100)
    story.domestic_abuse(jo, alex, 3, children=[mia], features=["physical-violence"])
    hub.happens(story)
    assert open_rules(hub.alerts(story))["marac-repeat"] == "mash"


def test_an_incident_with_somebody_else_is_no_repeat(hub: Told, story: Story) -> None:
    """The referral was about another adult."""
    mia, jo, _ = helped_family(story)
    story.marac(jo, story.adult("Alex"), 100)
    story.domestic_abuse(jo, story.adult("Bob"), 3, children=[mia], features=["physical-violence"])
    hub.happens(story)
    assert "marac-repeat" not in open_rules(hub.alerts(story))


def test_two_professionals_who_signal_a_concern_find_each_other(hub: Told, story: Story) -> None:
    """A school nurse and a teacher are both worried: the lead is told of both, and how to reach them."""
    mia, _, _ = helped_family(story)
    nurse = story.professional("health", "school-nurse", name="Nia Nurse")
    safe = story.professional("school", "designated-safeguarding-lead", name="Sol Safe")
    story.involve(nurse, mia, "school nursing")
    story.involve(safe, mia, "pastoral care")
    story.worried(nurse, mia, 30)
    hub.happens(story)
    assert "signals-match" not in open_rules(hub.alerts(story))
    story.worried(safe, mia, 5)
    hub.happens(story)
    alert = next(a for a in hub.alerts(story) if a.rule == "signals-match")
    assert {c.name for c in alert.colleagues} == {"Nia Nurse", "Sol Safe"}
    assert all(c.phone for c in alert.colleagues)


def test_one_professional_who_signals_twice_is_no_match(hub: Told, story: Story) -> None:
    """Two signals by the same person are one voice."""
    mia, _, _ = helped_family(story)
    nurse = story.professional("health", "school-nurse")
    story.worried(nurse, mia, 30)
    story.worried(nurse, mia, 5)
    hub.happens(story)
    assert "signals-match" not in open_rules(hub.alerts(story))


def test_a_strength_stands_beside_an_alert_and_never_cancels_harm(hub: Told, story: Story) -> None:
    """The family engages with support: it is shown, it softens a welfare prompt, and the risk of harm stays."""
    mia, jo, _ = helped_family(story)
    alex = story.adult("Alex")
    story.domestic_abuse(jo, alex, 12, children=[mia], dash=18)
    story.strength("social-care", mia, 3, "engaged-with-support")
    hub.happens(story)
    alert = next(a for a in hub.alerts(story) if a.rule == "marac-visible-high-risk")
    assert (alert.status, alert.level) == ("open", "mash")
    assert {s.what for s in alert.strengths} == {"engaged-with-support"}


def test_the_same_story_told_twice_changes_nothing(hub: Told, story: Story) -> None:
    """A publisher sends everything again: receipts say duplicate, and nobody is alerted twice."""
    mia, jo, _ = helped_family(story)
    story.domestic_abuse(jo, story.adult("Alex"), 12, children=[mia], dash=18)
    hub.happens(story)
    before = {(a.id, a.revision) for a in hub.alerts(story)}
    said = len(story.events)
    story.events += story.events[:said]
    hub.happens(story)
    assert {(a.id, a.revision) for a in hub.alerts(story)} == before
    assert hub.receipts(story) == {"accepted": said, "duplicate": said}


def test_two_numbers_that_belong_to_two_people_are_joined_to_nobody(hub: Told, story: Story) -> None:
    """A notice gives Mia's NHS number and Tom's pupil number for one child: a person decides."""
    mia, tom = story.child("Mia", "2014-05-02"), story.child("Tom", "2015-07-07")
    story.mark(mia, story.day(20), "AM", "/")
    story.mark(tom, story.day(20), "AM", "/")
    story.tell("health", "health.GpChanged", [(mia, "subject")], 19, practice=None, on=None)
    story.tell("health", "health.GpChanged", [(tom, "subject")], 19, practice=None, on=None)
    story.relate(mia, story.adult("Jo"), "mother")
    story.relate(tom, story.adult("Ann"), "mother")
    hub.happens(story)
    muddled = Somebody("Mia", "Ashdown", mia.born, mia.nhs, tom.upn, "")
    story.assessed(muddled, ["16A"], 3)
    hub.happens(story)
    assert "identity-conflict" in hub.reviews(story)


def test_a_look_by_somebody_who_does_not_work_with_the_family_shows_nothing(hub: Told, story: Story) -> None:
    """A curious colleague looks: they see nothing, and the look is in the log."""
    mia, jo, worker = helped_family(story)
    curious = story.professional("social-care", "early-help-worker", name="Curious Colleague")
    story.domestic_abuse(jo, story.adult("Alex"), 12, children=[mia], dash=18)
    hub.happens(story)
    assert hub.reads(story, curious, mia, "safeguarding") is None
    assert hub.reads(story, worker, mia, "safeguarding") is not None


def test_what_is_held_ends_when_no_agreement_comes(hub: Told, story: Story) -> None:
    """Ninety days pass without an agreement: the hold ends, and a person was reminded before."""
    child, mother = story.child("Ben", "2024-02-01"), story.adult("Ann")
    story.relate(child, mother, "mother")
    story.not_brought(child, 20)
    hub.happens(story)
    assert hub.links(story, child)["hold"] == 1
    hub.days_pass(77)
    assert "hold-ends-soon" in hub.reviews(story)
    hub.days_pass(14)
    assert hub.links(story, child)["hold"] == 0
    assert hub.links(story, child)["withhold"] == 1


def test_a_sensitive_diagnosis_is_not_shown_below_the_threshold_of_harm(hub: Told, story: Story) -> None:
    """A sealed item is known to nobody who is not cleared: the look is the same with and without it."""
    mia, _jo, worker = helped_family(story)
    story.not_brought(mia, 15)
    hub.happens(story)
    before = hub.reads(story, worker, mia)
    story.not_brought(mia, 9, tier="sealed")
    hub.happens(story)
    after = hub.reads(story, worker, mia)
    assert before is not None
    assert after is not None
    assert len(before.lines) == len(after.lines)
