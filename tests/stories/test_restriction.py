"""A mother contests what is recorded of her: kept, and told to nobody until that is settled or a child needs it."""

from __future__ import annotations

from agents.demo.teller import Professional, Somebody, Story
from tests.stories.told import Told, open_rules


def contested(story: Story) -> tuple[Somebody, Somebody, Professional, Professional]:
    """Mia's social worker knows of violence at home; the hospital saw her mother Jo drunk. Jo agreed to early help."""
    mia, jo = story.child("Mia", "2014-05-02"), story.adult("Jo")
    lead = story.professional("social-care", "social-worker")
    officer = story.professional("social-care", "ig-officer", name="Ivo Marsh")
    story.relate(mia, jo, "mother")
    story.agree(jo, mia)
    story.agree(jo, jo, reference="agreement-2", capacity="adult-for-self")
    story.lead(lead, mia)
    story.assessed(mia, ["3A"], 30)
    story.tell(
        "health", "health.EmergencyAttended", [(jo, "subject")], 20, arrived_at=story.noon(20),
        setting="emergency-department", reasons=["alcohol"],
    )
    return mia, jo, lead, officer


def of_her(hub: Told, story: Story, lead: Professional, mia: Somebody) -> set[str]:
    """What the lead professional is shown that is about Jo."""
    view = hub.reads(story, lead, mia)
    assert view is not None
    assert "AssessmentCompleted" in {line.what for line in view.lines}, "what is Mia's own is shown all along"
    hers = {named.person for named in view.persons if named.name.startswith("Jo ")}
    return {line.what for line in view.lines if line.person in hers}


def test_a_mother_contests_what_is_recorded_of_her(hub: Told, story: Story) -> None:
    """Restricted: her worker sees nothing of hers, and the alert that rested on it goes away. A child protection
    enquiry opens: it is shown. The enquiry ends, then the matter is settled and she is told: all is back as it was."""
    mia, jo, lead, officer = contested(story)
    hub.happens(story)
    assert open_rules(hub.alerts(story)).get("parental-trio") == "watch"
    assert "EmergencyAttended" in of_her(hub, story, lead, mia)

    story.restrict(jo, hub.called(officer), days_ago=3)
    hub.happens(story)
    assert of_her(hub, story, lead, mia) == set()
    assert "parental-trio" not in open_rules(hub.alerts(story))
    assert hub.links(story, jo)["share"] >= 3, "nothing of hers is thrown away"

    enquiry = {"episode": "section-47", "reference": "E1", "category_of_abuse": None, "organisation": None}
    story.tell("social-care", "social_care.EpisodeOpened", [(mia, "subject")], 2, on=story.day(2), **enquiry)
    hub.happens(story)
    assert "EmergencyAttended" in of_her(hub, story, lead, mia)
    assert open_rules(hub.alerts(story)).get("parental-trio") == "watch"

    story.tell(
        "social-care", "social_care.EpisodeClosed", [(mia, "subject")], 1, on=story.day(1), episode="section-47",
        reference="E1", reason=None,
    )  # fmt: skip
    hub.happens(story)
    assert of_her(hub, story, lead, mia) == set()

    story.lift(jo, hub.called(officer))
    hub.happens(story)
    assert "EmergencyAttended" in of_her(hub, story, lead, mia)
    assert open_rules(hub.alerts(story)).get("parental-trio") == "watch"


def test_nobody_but_an_information_governance_officer_restricts_or_lifts(hub: Told, story: Story) -> None:
    """Her worker says so, and is not heard; nor is anybody who is not registered."""
    mia, jo, lead, officer = contested(story)
    hub.happens(story)
    story.restrict(jo, hub.called(lead))
    story.restrict(jo, "w_nobody", case="c_other")
    hub.happens(story)
    assert hub.receipts(story)["quarantined"] == 2
    assert "EmergencyAttended" in of_her(hub, story, lead, mia)
    story.restrict(jo, hub.called(officer), days_ago=2)
    story.lift(jo, hub.called(lead))
    hub.happens(story)
    assert of_her(hub, story, lead, mia) == set()
