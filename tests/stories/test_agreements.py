"""Stories of agreements: who says yes, who says no, and whose word counts. In memory and on Kafka."""

from __future__ import annotations

from agents.demo.teller import Professional, Somebody, Story
from streams.disclose import View
from tests.stories.told import Told

FOUND_COMPETENT = {"capacity": "competent-young-person", "assessed_by": "school nurse"}


def agreed_family(story: Story, born_years_ago: int) -> tuple[Somebody, Somebody, Professional]:
    """Zoe lives with her mother Jo, who agreed to early help. Zoe was at school, and not brought to the nurse."""
    zoe = story.child("Zoe", f"{story.today.year - born_years_ago}-01-01")
    jo = story.adult("Jo")
    worker = story.professional("social-care", "early-help-worker")
    story.relate(zoe, jo, "mother")
    story.agree(jo, zoe)
    story.lead(worker, zoe)
    story.marks(zoe, "/", weeks=2, ending_days_ago=10)
    story.not_brought(zoe, 15)
    story.strength("school", zoe, 8, "attendance-recovered")
    return zoe, jo, worker


def shown(view: View | None) -> set[str]:
    """What a look shows of what happened to the child."""
    what = {line.what for line in view.lines} if view else set()
    return what & {"AttendanceRecorded", "AppointmentNotAttended", "StrengthObserved", "ConcernSignalled"}


def test_a_fifteen_year_old_who_was_found_competent_says_no_while_her_mother_says_yes(hub: Told, story: Story) -> None:
    """It is Zoe's to decide, and she says no: nothing of hers is shared. Then harm is suspected, and her no yields."""
    zoe, _jo, worker = agreed_family(story, 15)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == {"AttendanceRecorded", "AppointmentNotAttended", "StrengthObserved"}
    story.refuse(zoe, zoe, **FOUND_COMPETENT)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    assert hub.links(story, zoe)["withhold"] == 3
    assert hub.links(story, zoe)["refer"] == 0
    assert hub.agreements(story, worker, zoe) == {"agreement-1": "given", "agreement-2": "refused"}
    story.worried(worker, zoe, 0, level="significant-harm")
    hub.happens(story)
    assert "AppointmentNotAttended" in shown(hub.reads(story, worker, zoe, "safeguarding"))


def test_a_child_whom_nobody_found_competent_says_no_and_a_person_decides(hub: Told, story: Story) -> None:
    """Nobody assessed Zoe. The hub neither obeys her no nor passes over it."""
    zoe, _jo, worker = agreed_family(story, 12)
    story.refuse(zoe, zoe)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    assert hub.links(story, zoe)["refer"] == 3
    assert hub.agreements(story, worker, zoe)["agreement-1"] == "disputed"


def test_a_sixteen_year_old_says_yes_while_both_parents_say_no(hub: Told, story: Story) -> None:
    """At sixteen Zoe is presumed able to decide. What is hers is shared as she agreed."""
    zoe = story.child("Zoe", f"{story.today.year - 17}-01-01")
    jo, alex = story.adult("Jo"), story.adult("Alex")
    worker = story.professional("social-care", "early-help-worker")
    story.relate(zoe, jo, "mother")
    story.relate(zoe, alex, "father")
    story.lead(worker, zoe)
    story.not_brought(zoe, 15)
    story.refuse(jo, zoe, reference="agreement-2", days_ago=30)
    story.refuse(alex, zoe, reference="agreement-3", days_ago=30)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    story.agree(zoe, zoe, reference="agreement-4", days_ago=1, capacity="young-person-16-or-over")
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == {"AppointmentNotAttended"}


def test_two_parents_disagree_and_the_hub_does_not_choose_between_them(hub: Told, story: Story) -> None:
    """Jo agreed; Alex, asked later, did not. What rested on Jo's yes is referred to a person, and shown to nobody."""
    zoe, jo, worker = agreed_family(story, 9)
    alex = story.adult("Alex")
    story.relate(zoe, alex, "father")
    hub.happens(story)
    assert "AppointmentNotAttended" in shown(hub.reads(story, worker, zoe))
    story.refuse(alex, zoe)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    assert hub.links(story, zoe)["refer"] == 3
    assert hub.agreements(story, worker, zoe) == {"agreement-1": "disputed", "agreement-2": "refused"}
    story.withdraw(jo, zoe)
    hub.happens(story)
    assert hub.links(story, zoe)["withhold"] == 3


def test_an_agreement_is_narrowed_and_what_is_left_of_it_is_still_shared(hub: Told, story: Story) -> None:
    """Jo now agrees to strengths alone. Attendance and health are held again; what went well is still seen."""
    zoe, jo, worker = agreed_family(story, 9)
    hub.happens(story)
    story.narrow(jo, zoe, ["strength"])
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == {"StrengthObserved"}
    assert hub.links(story, zoe)["hold"] == 2
    assert hub.agreements(story, worker, zoe) == {"agreement-1": "narrowed"}


def test_the_register_tells_what_stood_and_what_the_hub_knew_of_it(hub: Told, story: Story) -> None:
    """Jo withdrew five days ago, and the hub is told today. Until then it knew of her yes, and of nothing else."""
    zoe, jo, worker = agreed_family(story, 9)
    hub.happens(story)
    before = hub.moment(story)
    story.withdraw(jo, zoe, days_ago=5)
    hub.happens(story)
    assert hub.agreements(story, worker, zoe) == {"agreement-1": "withdrawn"}
    assert hub.agreements(story, worker, zoe, known_at=before) == {"agreement-1": "given"}
    assert shown(hub.reads(story, worker, zoe)) == set()


def test_whoever_does_not_work_with_the_family_is_not_told_what_it_agreed_to(hub: Told, story: Story) -> None:
    """Not even whether there is an agreement."""
    zoe, _jo, _worker = agreed_family(story, 9)
    stranger = story.professional("social-care", "social-worker", subscriber="social-care")
    hub.happens(story)
    assert hub.agreements(story, stranger, zoe) == {}


def test_a_mother_takes_back_at_the_surgery_what_she_agreed_to_with_social_care(hub: Told, story: Story) -> None:
    """Jo tells the health visitor, who knows of no agreement, and writes it down under a number of her own."""
    zoe, jo, worker = agreed_family(story, 9)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == {"AttendanceRecorded", "AppointmentNotAttended", "StrengthObserved"}
    story.withdraw(jo, zoe, agency="health", reference="surgery-12")
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    assert hub.links(story, zoe)["withhold"] == 3
    assert hub.agreements(story, worker, zoe)["agreement-1"] == "withdrawn"


def test_a_withdrawal_by_somebody_whom_the_hub_cannot_place_is_for_a_person(hub: Told, story: Story) -> None:
    """The school knows Jo by no number that the hub knows. It may be she: nothing is shared until somebody asks."""
    zoe, jo, worker = agreed_family(story, 9)
    story.withdraw(jo, zoe, agency="school", reference="front-office-12")
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    assert hub.links(story, zoe)["refer"] == 3
    assert hub.agreements(story, worker, zoe)["agreement-1"] == "disputed"


def test_it_is_all_the_same_who_spoke_of_the_child_first(hub: Told, story: Story) -> None:
    """School and surgery know Zoe by a number each, and only then social care knows that both are hers."""
    zoe, jo, worker = agreed_family(story, 9)
    story.withdraw(jo, zoe, agency="school", reference="front-office-12")
    story.events.sort(key=lambda told: ("school", "health", "social-care").index(told[0]))
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    assert hub.links(story, zoe)["refer"] == 3
    assert hub.agreements(story, worker, zoe)["agreement-1"] == "disputed"


def test_a_nine_year_old_is_said_to_be_sixteen_and_a_person_decides(hub: Told, story: Story) -> None:
    """Whoever filled in the form chose the wrong box. The hub knows when Zoe was born, and relies on nothing."""
    zoe = story.child("Zoe", f"{story.today.year - 9}-01-01")
    worker = story.professional("social-care", "early-help-worker")
    story.agree(zoe, zoe, capacity="young-person-16-or-over")
    story.lead(worker, zoe)
    story.not_brought(zoe, 15)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == set()
    assert hub.links(story, zoe)["refer"] == 1


def test_on_her_sixteenth_birthday_zoe_is_to_be_asked_herself(hub: Told, story: Story) -> None:
    """Jo agreed while Zoe was fifteen. From her birthday on it is held until she is asked; then it is hers to give."""
    birthday = story.day(-2)
    zoe, jo = story.child("Zoe", f"{birthday.year - 16}-{birthday:%m-%d}"), story.adult("Jo")
    worker = story.professional("social-care", "early-help-worker")
    story.relate(zoe, jo, "mother")
    story.agree(jo, zoe)
    story.lead(worker, zoe)
    story.not_brought(zoe, 15)
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == {"AppointmentNotAttended"}
    hub.days_pass(2)
    assert hub.links(story, zoe)["hold"] == 1
    assert shown(hub.reads(story, worker, zoe)) == set()
    story.agree(zoe, zoe, reference="agreement-2", days_ago=-2, capacity="young-person-16-or-over")
    hub.happens(story)
    assert shown(hub.reads(story, worker, zoe)) == {"AppointmentNotAttended"}
