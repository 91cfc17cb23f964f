"""Generated histories: a family or two, those who work with them, and what is told of them, some of it sealed."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from agents.demo.people import Professional, Somebody
from agents.demo.teller import Story
from schemas.codec import from_json
from schemas.contract import contracts
from schemas.samples import sample
from tests.worlds.history import NIGHT, TODAY, Cast, Script, Told


class Teller:
    """Generates one history; every choice is the seed's."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.story = Story(f"world {seed}", TODAY)
        self.marked: list[tuple[str, Somebody, date, str]] = []
        self.named: dict[str, list[str]] = {"open": [], "sealed": []}

    def script(self) -> Script:
        cast = self._cast()
        self.cast = cast
        ground = len(self.story.events)
        for _ in range(self.draw.randint(6, 14)):
            self._say("normal" if self.draw.random() < 0.8 else self.draw.choice(("sensitive", "shielded")))
        openly = len(self.story.events)
        for _ in range(self.draw.randint(1, 4)):
            self._say("sealed")
        closely = len(self.story.events)
        for _ in range(self.draw.randint(0, 3)):
            self._say("normal")
        places = self._places(ground, openly, closely, len(self.story.events))
        start = datetime.combine(TODAY, time(18), UTC)
        gaps = [timedelta(days=self.draw.choice((0, 0, 0, 1, 6, 30))) for _ in places]
        told, at = [], start
        for n, gap in zip(places, gaps, strict=True):
            at += gap if n >= ground else timedelta()
            agency, event = self.story.events[n]
            told.append(Told(agency, event, at, openly <= n < closely))
        ticks = [start + timedelta(days=n) for n in range(1, 130, self.draw.choice((7, 13, 40)))]
        held_up = timedelta(hours=self.draw.choice((0, 0, 0, 0, 10)))
        breaks = self.draw.randrange(len(cast.workers))
        return Script(cast, told, ticks, max(at, ticks[-1]) + NIGHT, held_up, breaks)

    def _places(self, ground: int, openly: int, closely: int, end: int) -> list[int]:
        """The ground first; then the open events in order, and the sealed ones anywhere between."""
        places = [*range(ground, openly), *range(closely, end)]
        for n in range(openly, closely):
            places.insert(self.draw.randint(0, len(places)), n)
        if self.draw.random() < 0.3:  # what arrives in another order than it was said
            self.draw.shuffle(places)
        return [*range(ground), *places]

    def _cast(self) -> Cast:
        story, draw = self.story, self.draw
        mia, tom = story.child("Mia", "2014-05-02"), story.child("Tom", "2016-08-08")
        jo, alex, eve = story.adult("Jo"), story.adult("Alex"), story.adult("Eve", family="Other")
        lead = story.professional(
            "social-care", "early-help-worker", is_person=draw.choice((None, None, alex, eve)),
            clearance=draw.choice(("normal", "normal", "sensitive", "shielded", "sealed")),
        )  # fmt: skip
        boss = story.professional("social-care", "manager", subscriber="duty", is_person=draw.choice((None, alex)))
        nurse = story.professional("health", "school-nurse", subscriber="health", manager=draw.choice((None, boss)))
        dsl = story.professional("school", "designated-safeguarding-lead", subscriber="school", clearance="shielded")
        staff = story.professional("social-care", "ig-officer", subscriber="ig")
        named = story.professional(
            "social-care", "manager", subscriber="named-professional", clearance="sealed",
            is_person=draw.choice((None, None, eve)),
        )  # fmt: skip
        # serves the named professional's queue, and is cleared for none of what is sealed
        deputy = story.professional("social-care", "manager", subscriber="named-professional", clearance="shielded")
        keeper = story.professional("social-care", "ig-officer", subscriber="ig", clearance="sealed")
        story.relate(mia, jo, "mother")
        if draw.random() < 0.8:
            story.relate(tom, jo, "mother")
        if draw.random() < 0.5:
            story.relate(mia, alex, "step-parent")
        story.not_brought(tom, 200)
        story.missing(mia, 300, risk="low")
        story.domestic_abuse(eve, alex, 390, children=[])
        if draw.random() < 0.7:
            story.agree(jo, mia, until_days_ahead=draw.choice((None, 40)))
        if draw.random() < 0.8:
            story.lead(lead, mia)
        for worker, service in ((nurse, "school nursing"), (dsl, "pastoral"), (named, "safeguarding")):
            if draw.random() < 0.7:
                story.involve(worker, mia, service)
        if draw.random() < 0.6:
            for mark in story.marks(mia, draw.choice("/ON"), weeks=draw.choice((1, 1, 2)), ending_days_ago=4):
                event = next(e for _, e in reversed(story.events) if e.id == mark)
                self.marked.append((mark, mia, event.data["session_date"], event.data["session"]))
        cleared = [keeper, named, *([lead] if story.events[_of(story, lead)][1].data["clearance"] == "sealed" else [])]
        return Cast([mia, tom, jo, alex, eve], [lead, boss, nurse, dsl, staff, named, deputy, keeper], cleared, staff)

    def _say(self, tier: str) -> None:
        """One event: of a kind that may raise an alert, join families, count, mend another, or fill a register."""
        kind = "sealed" if tier == "sealed" else "open"
        more: dict[str, Any] = {"tier": tier}
        told = getattr(self, f"_{self.draw.choice(_KINDS if kind == 'open' else _SEALED_KINDS)}")(more)
        if told:
            self.named[kind].append(told)

    def _children(self) -> Somebody:
        return self.draw.choice(self.cast.people[:2])

    def _abuse(self, more: dict[str, Any]) -> str:
        mia, tom, jo, alex, eve = self.cast.people
        dash, features = self.draw.choice((None, 15)), self.draw.choice(([], ["physical-violence"]))
        children = self.draw.sample([mia, tom], self.draw.randint(1, 2))
        victim, alleged = self.draw.choice(((jo, alex), (jo, eve), (eve, alex), (jo, self._stranger())))
        return self.story.domestic_abuse(
            victim, alleged, self.draw.randint(1, 60), children=children, dash=dash, features=features, **more
        )

    def _assessment(self, more: dict[str, Any]) -> str:
        factors = self.draw.choice((["2B"], ["4B"], ["2B", "4B"], ["3B"]))
        return self.story.assessed(self._children(), factors, self.draw.randint(1, 60), **more)

    def _absence(self, more: dict[str, Any]) -> str:
        return self.story.not_brought(self._children(), self.draw.randint(1, 80), **more)

    def _missing(self, more: dict[str, Any]) -> str:
        return self.story.missing(self._children(), self.draw.randint(1, 60), risk="high", **more)

    def _worry(self, more: dict[str, Any]) -> str:
        level = self.draw.choice(("worried", "significant-harm"))
        worker = self.draw.choice(self.cast.workers[:4])
        return self.story.worried(worker, self._children(), self.draw.randint(1, 40), level, **more)

    def _strength(self, more: dict[str, Any]) -> str:
        return self.story.strength("school", self._children(), self.draw.randint(1, 60), "attendance-recovered", **more)

    def _mark(self, more: dict[str, Any]) -> str:
        child, on = self._children(), TODAY - timedelta(days=self.draw.randint(1, 20))
        if self.marked and self.draw.random() < 0.5:
            _, child, on, _ = self.draw.choice(self.marked)
        return self.story.mark(child, on, self.draw.choice(("AM", "PM")), self.draw.choice("/NO"), **more)

    def _mend_mark(self, more: dict[str, Any]) -> str:
        if not self.marked:
            return self._mark(more)
        mark, child, on, session = self.draw.choice(self.marked)
        mends = self.draw.choice(("corrects", "retracts"))
        return self.story.mark(child, on, session, "O", recorded_days_ago=0, **{mends: mark}, **more)

    def _mend(self, more: dict[str, Any]) -> str:
        """Correct or take back an earlier event, open or sealed, whichever this one is."""
        earlier = [*self.named["open"], *self.named["sealed"]]
        told = [(a, e) for a, e in self.story.events if e.id in earlier and "Attendance" not in e.type]
        if not told:
            return self._absence(more)
        agency, event = self.draw.choice(told)
        mends = self.draw.choice(("corrects", "retracts"))
        about = {**event.data["about"], "corrects": None, "retracts": None, mends: event.id, **more}
        about["recorded_at"] = about["recorded_at"] + timedelta(days=1)
        number = f"{event.id}{len(self.story.events):04d}"
        self.story.events.append(
            (agency, msgspec.structs.replace(event, id=number, data={**event.data, "about": about}))
        )
        return number

    def _relation(self, more: dict[str, Any]) -> str:
        """A relationship that would join, or part, families."""
        mia, tom, jo, alex, eve = self.cast.people
        child, other, what = self.draw.choice(
            ((mia, eve, "father"), (tom, alex, "father"), (tom, jo, "mother"), (mia, tom, "sibling"))
        )
        return self.story.relate(
            child, other, what, days_ago=self.draw.randint(1, 90), together=self.draw.random() < 0.7, **more
        )

    def _register(self, more: dict[str, Any]) -> str:
        """An agreement given or withdrawn, a lead assigned, somebody who begins to work with the family."""
        mia, jo = self.cast.people[0], self.cast.people[2]
        before = len(self.story.events)
        what = self.draw.randint(0, 3)
        if what == 0:
            self.story.agree(jo, mia, reference="agreement-2", days_ago=3)
        elif what == 1:
            self.story.withdraw(jo, mia, days_ago=2)
        elif what == 2:
            self.story.lead(self.draw.choice(self.cast.workers[:3]), mia, days_ago=2)
        else:
            self.story.involve(self.draw.choice(self.cast.workers[:4]), mia, "outreach", days_ago=2)
        for n in range(before, len(self.story.events)):
            agency, event = self.story.events[n]
            data = {**event.data, "about": {**event.data["about"], **more}}
            self.story.events[n] = (agency, msgspec.structs.replace(event, data=data))
        return self.story.events[-1][1].id

    def _enquiry(self, more: dict[str, Any]) -> str:
        return self.story.tell(
            "social-care", "social_care.EpisodeOpened", [(self._children(), "subject")], 9,
            episode="section-47", reference=f"E{len(self.story.events)}", on=TODAY - timedelta(days=9), **more,
        )  # fmt: skip

    def _stranger(self) -> Somebody:
        return self.draw.choice((self.story.adult("New", family="Comer"), self.cast.people[3]))

    def _otherwise(self, more: dict[str, Any]) -> str:
        """Somebody known, by another name, with another birth date, or with a number that nobody knew of them."""
        known = self._children()
        said = Somebody(
            self.draw.choice((known.given, "Renamed")), known.family,
            self.draw.choice((known.born, date(2013, 1, 1))), known.nhs, known.upn,
            self.draw.choice((known.local, "9999999")),
        )  # fmt: skip
        return self.story.not_brought(said, self.draw.randint(1, 30), **more)

    def _staff(self, more: dict[str, Any]) -> str:
        """A practitioner who has left, or is somebody's relative after all."""
        worker = self.draw.choice(self.cast.workers[:2])
        is_person = self.draw.choice((None, self.cast.people[3]))
        return self.story.tell(
            "social-care", "social_care.PractitionerChanged", [(is_person, "self")] if is_person else [], 1,
            practitioner=worker.reference(), name="Sam Changed", job_role="early-help-worker", team="another",
            subscriber="early-help", manager=None, clearance="normal", phone=None, email=None,
            active=self.draw.random() < 0.5, **more,
        )  # fmt: skip


    def _any(self, more: dict[str, Any]) -> str:
        """An event of any type that there is: its sample, about these people."""
        kinds = [kind for kind in contracts().values() if kind.goes != "people" or "Superseded" in kind.type]
        kind = self.draw.choice(sorted(kinds, key=lambda one: one.type))
        agency = self.draw.choice(kind.agencies)
        event = from_json(sample(kind.type))
        child, *others = [self._children(), *self.draw.sample(self.cast.people[2:], 3)]
        about, data = event.data["about"], dict(event.data)
        who = zip((child, *others), about["persons"], strict=False)
        said = [one.said(agency, person["role"]) for one, person in who]
        ago = self.draw.randint(1, 60)
        about = {**about, "persons": said, "happened_at": self.story.noon(ago), "recorded_at": self.story.noon(ago - 1)}
        for field in data.keys() & {"practitioner", "for_practitioner"}:
            data[field] = self.draw.choice(self.cast.workers).reference() if data[field] else None
        if "agreement" in data:
            data["agreement"] = "agreement-1"
        number = f"any-{len(self.story.events)}"
        event = msgspec.structs.replace(
            event, id=number, source=f"hearth:demo/{agency}", data={**data, "about": {**about, **more}}
        )
        self.story.events.append((agency, event))
        return number

    def _reused(self, more: dict[str, Any]) -> str:
        """An event under the id of one told before, of whichever tier, with what it said or something else."""
        earlier = [*self.named["open"], *self.named["sealed"]]
        told = [(a, e) for a, e in self.story.events if e.id in earlier]
        if not told:
            return self._absence(more)
        agency, event = self.draw.choice(told)
        about = {**event.data["about"], **more}
        if self.draw.random() < 0.5:
            about["happened_at"] -= timedelta(hours=1)
        self.story.events.append((agency, msgspec.structs.replace(event, data={**event.data, "about": about})))
        return ""


_KINDS = (
    "abuse", "abuse", "abuse", "assessment", "assessment", "absence", "missing", "missing", "worry", "strength",
    "mark", "mark", "mend_mark", "mend", "relation", "relation", "register", "enquiry", "otherwise", "staff",
    "any", "any", "any", "any", "reused", "reused",
)  # fmt: skip
_SEALED_KINDS = (*_KINDS, *("abuse", "abuse", "missing", "missing", "assessment", "relation", "relation"))


def _of(story: Story, worker: Professional) -> int:
    return next(n for n, (_, e) in enumerate(story.events) if e.data.get("practitioner") == worker.reference())


