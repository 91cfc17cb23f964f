"""A dozen written histories, played through the hub by the demo. Everybody in them is made up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from agents.demo.teller import Professional, Somebody, Story


def stories(today: date, base: str = "demo") -> list[Story]:
    """Return the twelve histories; the first is the one whose timeline the demo shows."""
    made = []
    for number, tell in enumerate(_HISTORIES, start=1):
        story = Story(f"{base}/{number}", today, title=(tell.__doc__ or "").strip())
        tell(story)
        made.append(story)
    return made


def _helped(story: Story) -> tuple[Somebody, Somebody, Professional]:
    child, mother = story.child("Mia", "2014-05-02"), story.adult("Jo")
    worker = story.professional("social-care", "early-help-worker", name="Sam Carter")
    story.relate(child, mother, "mother")
    story.agree(mother, child)
    story.lead(worker, child)
    story.involve(worker, child, "early help")
    return child, mother, worker


def _three_troubles(story: Story) -> None:
    """Police, school and social care each knew a part; the lead professional sees it together."""
    mia, jo, _ = _helped(story)
    alex = story.adult("Alex")
    nurse = story.professional("health", "school-nurse", name="Nia Okafor")
    story.relate(mia, alex, "step-parent")
    story.involve(nurse, mia, "school nursing")
    story.marks(mia, "/", weeks=7, ending_days_ago=10)
    story.marks(mia, "O", weeks=1)
    story.domestic_abuse(jo, alex, 40, children=[mia], dash=11, features=["physical-violence"])
    story.assessed(mia, ["2B"], 30)
    story.not_brought(mia, 21, "camhs")
    story.assessed(mia, ["4B"], 6)
    story.strength("school", mia, 4, "engaged-with-support")


def _missing_and_suspended(story: Story) -> None:
    """The police know that he goes missing, the school that he was suspended."""
    kit, _, _ = _helped(story)
    story.excluded(kit, 30)
    story.missing(kit, 6, risk="high")


def _held(story: Story) -> None:
    """A missed appointment waits, sealed: nobody has asked the family yet."""
    child, mother = story.child("Ben", "2024-02-01"), story.adult("Ann")
    story.relate(child, mother, "mother")
    story.not_brought(child, 20)


def _withdrawn(story: Story) -> None:
    """The mother withdraws her agreement: what rested on it is withheld, and its alert goes away."""
    mia, jo, _ = _helped(story)
    story.marks(mia, "/", weeks=6, ending_days_ago=10)
    story.marks(mia, "O", weeks=1)
    story.withdraw(jo, mia)


def _lead_is_alleged(story: Story) -> None:
    """The lead professional is the adult whom the police name: the duty queue is told instead."""
    mia, jo = story.child("Ivy", "2013-09-09"), story.adult("Rae")
    alex = story.adult("Alex", family="Stone")
    lead = story.professional("social-care", "early-help-worker", name="Alex Stone", is_person=alex)
    story.relate(mia, jo, "mother")
    story.agree(jo, mia)
    story.lead(lead, mia)
    story.domestic_abuse(jo, alex, 12, children=[mia], dash=16)


def _corrected(story: Story) -> None:
    """A week of unexplained absence was a school trip: the marks are corrected, the alert withdrawn."""
    mia, _, _ = _helped(story)
    story.marks(mia, "/", weeks=6, ending_days_ago=10)
    wrong = set(story.marks(mia, "N", weeks=1))
    for _, event in [e for e in story.events if e[1].id in wrong]:
        on, session = event.data["session_date"], event.data["session"]
        story.mark(mia, on, session, "V", corrects=event.id, recorded_days_ago=0)


def _escalation(story: Story) -> None:
    """Three incidents with the same victim within twelve months."""
    mia, jo, _ = _helped(story)
    alex = story.adult("Alex")
    for days_ago in (200, 90, 2):
        story.domestic_abuse(jo, alex, days_ago, children=[mia], features=["coercive-control"])


def _repeat(story: Story) -> None:
    """A new incident after a referral to the MARAC."""
    mia, jo, _ = _helped(story)
    alex = story.adult("Alex")
    story.marac(jo, alex, 100)
    story.domestic_abuse(jo, alex, 3, children=[mia], features=["physical-violence"])


def _two_worried(story: Story) -> None:
    """A school nurse and a safeguarding lead are both worried, and find each other."""
    mia, _, _ = _helped(story)
    nurse = story.professional("health", "school-nurse", name="Nia Okafor")
    safe = story.professional("school", "designated-safeguarding-lead", name="Sol Brand")
    story.involve(nurse, mia, "school nursing")
    story.involve(safe, mia, "pastoral care")
    story.worried(nurse, mia, 30)
    story.worried(safe, mia, 5)


def _separated(story: Story) -> None:
    """A father in two homes: what happens in one is not told, by name, in the other."""
    mia, _, _ = _helped(story)
    father, partner = story.adult("Carl"), story.adult("Petra", family="Novak")
    tom = story.child("Tom", "2015-07-07", family="Novak")
    story.relate(mia, father, "father", together=False)
    story.relate(tom, partner, "mother")
    story.relate(tom, father, "step-parent")
    story.domestic_abuse(partner, father, 9, children=[tom], dash=15)


def _unsure(story: Story) -> None:
    """A notice mixes two children's numbers: it is joined to nobody, and a person decides."""
    mia, tom = story.child("Una", "2014-05-02"), story.child("Tom", "2015-07-07")
    story.relate(mia, story.adult("Jo"), "mother")
    story.relate(tom, story.adult("Ann"), "mother")
    story.assessed(Somebody("Una", "Ashdown", mia.born, mia.nhs, tom.upn), ["16A"], 3)


def _sealed(story: Story) -> None:
    """Something is known only to the named professional: nobody else can tell that it is there."""
    mia, _, _ = _helped(story)
    story.not_brought(mia, 9, tier="sealed")


_HISTORIES: tuple[Callable[[Story], None], ...] = (
    _three_troubles,
    _missing_and_suspended,
    _held,
    _withdrawn,
    _lead_is_alleged,
    _corrected,
    _escalation,
    _repeat,
    _two_worried,
    _separated,
    _unsure,
    _sealed,
)
