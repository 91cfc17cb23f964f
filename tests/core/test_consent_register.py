"""A family's registers: what was agreed, which grounds are open, who works with them; in whatever order it arrives."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.grounds import NO_GROUND, Claimed, stronger
from consent.register import Register
from schemas.errors import Refusal
from schemas.ids import EventKey, PersonId
from schemas.records import Ground
from tests.core.register_kit import (
    CHILD,
    FATHER,
    MOTHER,
    SCOPE,
    SIBLING,
    Said,
    gave,
    lifted,
    refused,
    register,
    restricted,
    said,
    state,
    withdrew,
)

# ------------------------------------------------------------------ agreements


def test_an_agreement_covers_what_it_names_and_nothing_else() -> None:
    """Purpose, category, recipient, person and date each have to be named."""
    found = register(gave(until="2026-06-01"))
    assert state(found) == "in-force"
    assert state(found, purpose="direct-care") == "out-of-scope"
    assert state(found, category="offence") == "out-of-scope"
    assert state(found, agency="school", role="teacher") == "out-of-scope"
    assert state(found, agency="hub", role="hub") == "in-force"
    assert state(found, person=SIBLING) == "none"
    assert state(found, person=FATHER) == "none"
    assert state(found, person=None) == "in-force"
    assert state(Register()) == "none"


def test_an_agreement_that_names_no_recipient_covers_nobody() -> None:
    """An agreement is specific, or it is none."""
    assert state(register(gave(recipients=[])), agency="hub", role="hub") == "out-of-scope"


@pytest.mark.parametrize(
    ("on", "expected"),
    [("2025-12-31", "none"), ("2026-01-01", "in-force"), ("2026-05-31", "in-force"), ("2026-06-01", "expired")],
)
def test_an_agreement_holds_from_its_first_day_up_to_its_end(on: str, expected: str) -> None:
    """`since` is a day of it; `until` is the first day that is not."""
    assert state(register(gave(until="2026-06-01")), on) == expected


@pytest.mark.parametrize(("on", "expected"), [("2026-01-31", "in-force"), ("2026-02-01", "withdrawn")])
def test_a_withdrawn_agreement_shares_nothing_from_that_day(on: str, expected: str) -> None:
    """From the day of withdrawal nothing rests on it; what was shared before is history."""
    assert state(register(gave(), withdrew()), on) == expected


def test_giving_again_after_a_withdrawal_stands() -> None:
    """A family may come back."""
    found = register(gave(), withdrew(), gave("g2", since="2026-02-10", hours=1))
    assert state(found, "2026-02-05") == "withdrawn"
    assert state(found, "2026-02-10") == "in-force"


def test_a_withdrawal_on_the_day_of_giving_wins_the_race() -> None:
    """On one day, recorded at one instant, the stricter act stands, whichever arrived first."""
    items = [gave(since="2026-02-01"), withdrew(on="2026-02-01")]
    assert state(register(*items)) == state(register(*reversed(items))) == "withdrawn"


def test_a_withdrawal_that_arrives_before_its_agreement_still_counts() -> None:
    """An early withdrawal is kept, and ends the agreement that arrives after it."""
    found = register(withdrew())
    assert state(found) == "withdrawn"
    facts, item = gave()
    found.apply(facts, item)
    assert state(found) == "withdrawn"


def test_a_narrowed_agreement_covers_what_is_left() -> None:
    """What the narrowing leaves empty stays as it was."""
    narrowed = said("n", "agreement.AgreementNarrowed", agreement="A1", on="2026-02-01", categories=["strength"])
    found = register(gave(), narrowed)
    assert state(found, "2026-01-31") == "in-force"
    assert state(found) == "out-of-scope"
    assert state(found, category="strength") == "in-force"


def test_a_refusal_is_not_silence() -> None:
    """Asked and refused withholds; never asked holds."""
    assert state(register(refused())) == "refused"
    assert state(register(refused(purposes=["direct-care"]))) == "none"


def test_a_later_refusal_outweighs_an_earlier_yes_elsewhere() -> None:
    """The same person, asked again by another agency, said no; and may say yes again."""
    assert state(register(gave(), refused())) == "refused"
    assert state(register(refused(on="2025-12-01"), gave())) == "in-force"


@pytest.mark.parametrize("objects", [withdrew(by=FATHER, ref="A1"), refused(by=FATHER), withdrew(by=FATHER, ref="A9")])
def test_one_parent_agrees_and_the_other_does_not(objects: Said) -> None:
    """The hub never chooses between them."""
    assert state(register(gave(), objects)) == "disputed"


def test_both_parents_agree_and_one_withdraws() -> None:
    """Of one agreement that both gave, the one who withdraws makes it disputed."""
    both = said(
        "g",
        "agreement.AgreementGiven",
        others={MOTHER: "agreed-by", FATHER: "agreed-by"},
        agreement="A1",
        capacity="parental-responsibility",
        since="2026-01-01",
        **SCOPE,
    )
    assert state(register(both)) == "in-force"
    assert state(register(both, withdrew(by=FATHER))) == "disputed"


def test_a_parent_speaks_for_their_own_information_alone() -> None:
    """The mother's yes carries her own information, not the father's; his refusal does not touch hers."""
    found = register(gave(), refused(by=FATHER))
    assert state(found, person=MOTHER) == "in-force"
    assert state(found, person=FATHER) == "refused"


def test_a_competent_young_persons_own_word_prevails() -> None:
    """For what is theirs, over a parent's yes and over a parent's no."""
    own = gave("y", by=CHILD, ref="Y1", capacity="competent-young-person", assessed_by="staff 12")
    assert state(register(own, refused(by=MOTHER))) == "in-force"
    right = {"capacity": "competent-young-person", "assessed_by": "staff 12"}
    no = said("z", "agreement.AgreementRefused", CHILD, "agreed-by", agreement="Y2", on="2026-02-01", **right)
    assert state(register(gave(), no)) == "refused"
    assert state(register(gave(), no), person=MOTHER) == "in-force"


def test_competence_under_sixteen_was_assessed_by_somebody() -> None:
    """Without an assessor it is no agreement; at 16 and over none is needed."""
    assert state(register(gave("y", by=CHILD, capacity="competent-young-person"))) == "none"
    assert state(register(gave("y", by=CHILD, capacity="young-person-16-or-over"))) == "in-force"


def test_a_corrected_agreement_is_what_the_correction_says() -> None:
    """The correction stands in its place; taking the correction back brings the first word back."""
    wrong = gave("g", categories=["offence"])
    right = gave("g2", hours=1, corrects=EventKey("g"))
    back = gave("g3", hours=2, retracts=EventKey("g2"))
    assert state(register(wrong)) == "out-of-scope"
    assert state(register(wrong, right)) == "in-force"
    assert state(register(wrong, right, back)) == "out-of-scope"
    assert state(register(gave(), gave("x", hours=1, retracts=EventKey("g")))) == "none"


def test_the_latest_of_two_corrections_stands() -> None:
    """And the earlier one does not come back beside it."""
    first = gave("c1", hours=1, corrects=EventKey("g"), categories=["offence"])
    last = gave("c2", hours=2, corrects=EventKey("g"))
    assert state(register(last, first, gave())) == "in-force"
    assert state(register(first, gave(), last), category="offence") == "out-of-scope"


def test_an_agreement_event_that_does_not_read_is_refused_without_its_values() -> None:
    """The refusal names the field, never what stood in it."""
    with pytest.raises(Refusal) as refusal:
        register(gave(since="Wednesday"))
    assert "Wednesday" not in str(refusal.value)
    assert refusal.value.__cause__ is None


# ------------------------------------------------------------------ grounds


def opened(found: Register, on: str, person: PersonId | None = CHILD) -> str:
    ground = found.ground_for(person, date.fromisoformat(on))
    return ground.claim if ground else "none"


def test_a_claim_opens_a_ground_until_its_review() -> None:
    """The publisher's claim stands for its days, for that child, and carries its reason but no free text."""
    claim = Ground("significant-harm", "a long sentence", "staff 9", "consent-would-prejudice-protection")
    found = register(said("c", "school.AttendanceRecorded", role="subject", ground=claim))
    assert opened(found, "2026-02-28") == "none"
    assert opened(found, "2026-03-28") == "significant-harm"
    assert opened(found, "2026-03-29") == "none"
    assert opened(found, "2026-03-28", SIBLING) == "none"
    assert opened(found, "2026-03-28", None) == "significant-harm"
    ground = found.ground_for(CHILD, date(2026, 3, 2))
    assert ground is not None
    assert ground.condition_reason == "consent-would-prejudice-protection"
    assert ground.items == ("c.p_child",)
    assert "sentence" not in ground.rationale


def test_an_enquiry_is_a_ground_for_the_whole_family_until_it_is_closed() -> None:
    """From the day it opens, for the child, the siblings and the adults; not on the day it closes."""
    episode = {"episode": "section-47", "reference": "E1"}
    start = said("o", "social_care.EpisodeOpened", role="subject", on="2026-03-01", **episode)
    end = said("x", "social_care.EpisodeClosed", role="subject", on="2026-04-01", **episode)
    other = said(
        "y", "social_care.EpisodeClosed", role="subject", on="2026-03-05", episode="section-47", reference="E0"
    )
    found = register(end, start, other)
    assert [opened(found, d) for d in ("2026-02-28", "2026-03-31", "2026-04-01")] == ["none", "s47", "none"]
    assert opened(found, "2026-03-31", SIBLING) == "s47"


def test_a_missing_child_is_a_ground_until_some_days_after_they_are_found() -> None:
    """At medium or high risk; low risk opens nothing."""
    gone = said("m", "police.ChildReportedMissing", role="subject", agency="police", reference="M1", risk="high")
    back = said("f", "police.ChildFound", role="subject", agency="police", reference="M1", hours=48)
    assert opened(register(gone), "2027-01-01") == "significant-harm"
    found = register(gone, back)
    assert opened(found, "2026-03-16") == "significant-harm"
    assert opened(found, "2026-03-17") == "none"
    low = said("m", "police.ChildReportedMissing", role="subject", agency="police", reference="M1", risk="low")
    assert opened(register(low), "2026-03-02") == "none"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"dash_yes": 13}, "encompass"),
        ({"dash_yes": 14}, "significant-harm"),
        ({"features": ["verbal-argument"], "children_present": True}, "encompass"),
        ({"features": ["physical-violence"], "children_present": True}, "significant-harm"),
        ({"features": ["physical-violence"], "children_present": False}, "encompass"),
    ],
)
def test_a_domestic_abuse_incident_opens_what_it_tells(more: dict[str, Any], expected: str) -> None:
    """A notice to the school always; cause to suspect harm from 14 answers, or violence before children."""
    found = register(
        said("d", "police.DomesticAbuseIncidentAttended", role="child", agency="police", reference="D", **more)
    )
    assert opened(found, "2026-03-10") == expected


def test_the_alleged_persons_part_opens_nothing_in_their_other_family() -> None:
    """The same incident reaches every family of an adult in it; only the child's own part is a ground."""
    high = {"reference": "D", "dash_yes": 20, "agency": "police"}
    alleged = said("d", "police.DomesticAbuseIncidentAttended", FATHER, "alleged", {CHILD: "child"}, **high)
    mother = said("d", "police.DomesticAbuseIncidentAttended", MOTHER, "victim", {CHILD: "child"}, **high)
    assert opened(register(alleged, mother), "2026-03-02", None) == "none"


def test_a_corrected_claim_closes_its_ground() -> None:
    """A concern set down to `worried` is no cause to suspect harm, whichever of the two arrives first."""
    first = said("c", "any_agency.ConcernSignalled", role="subject", level="significant-harm")
    second = said("d", "any_agency.ConcernSignalled", role="subject", level="worried", hours=1, corrects=EventKey("c"))
    assert opened(register(first), "2026-03-02") == "significant-harm"
    assert opened(register(first, second), "2026-03-02") == "none"
    assert opened(register(second, first), "2026-03-02") == "none"


def test_an_earlier_correction_does_not_stand_beside_a_later_one() -> None:
    """Corrected to harm and then to `worried`: no ground is open, in either order."""
    first = said("c", "any_agency.ConcernSignalled", role="subject", level="needs-support")
    harm = said("d", "any_agency.ConcernSignalled", role="subject", level="significant-harm", hours=1, corrects="c")
    last = said("e", "any_agency.ConcernSignalled", role="subject", level="worried", hours=2, corrects="c")
    assert opened(register(first, harm), "2026-03-02") == "significant-harm"
    assert opened(register(first, harm, last), "2026-03-02") == "none"
    assert opened(register(last, first, harm), "2026-03-02") == "none"


def test_the_strongest_open_ground_is_the_one_named() -> None:
    """Life before enquiry, enquiry before suspicion."""
    items = [
        said(name, "health.EmergencyAttended", role="subject", ground=Ground(name))
        for name in ("encompass", "significant-harm", "s47", "vital-interests")
    ]
    for most in range(1, 5):
        assert opened(register(*items[:most]), "2026-03-02") == items[most - 1][1].partition(".")[0]


def test_an_items_own_claim_and_the_open_ground_give_the_stronger() -> None:
    """A notice to the school does not hide that an enquiry is open; free text stays out of what is logged."""
    found = register(
        said("o", "social_care.EpisodeOpened", role="subject", on="2026-03-01", episode="section-47", reference="E1")
    )
    enquiry = found.ground_for(CHILD, date(2026, 3, 2))
    assert stronger(Ground("encompass", "a sentence"), enquiry).claim == "s47"
    assert stronger(Ground("vital-interests", "a sentence", "", "why"), enquiry) == Claimed(
        "vital-interests", "why", "As stated by the publisher"
    )
    assert stronger(Ground("never-heard-of"), enquiry).claim == "never-heard-of"
    assert stronger(Ground("s47"), None).claim == "s47"
    assert stronger(None, None) == NO_GROUND
    assert stronger(None, enquiry) == Claimed(
        "s47", "consent-not-reasonably-expected", "A section 47 enquiry is open", enquiry.items, date(2026, 3, 1), None
    )


def test_a_flag_no_longer_set_closes_its_ground() -> None:
    """Cleared, or followed by the code that says `no longer`."""
    flag = said(
        "s", "health.SafeguardingFlagSet", role="subject", agency="health", flag="342191000000101", on="2026-03-01"
    )
    over = said(
        "t", "health.SafeguardingFlagSet", role="subject", agency="health", flag="342891000000105", on="2026-03-05"
    )
    assert opened(register(flag), "2026-03-05") == "significant-harm"
    assert opened(register(flag, over), "2026-03-05") == "none"


# ------------------------------------------------------------------ who works with the family


def work(event: str, kind: str, who: str, day: str, hours: int = 0, **more: Any) -> Said:
    field = "since" if kind == "InvolvementStarted" else "on"
    return said(event, f"social_care.{kind}", hours=hours, practitioner_id=who, **{field: day}, **more)


def test_the_lead_is_the_last_assigned_whose_lead_has_not_ended() -> None:
    """A handover is two events on one day, in either order; an end of one lead never ends another's."""
    first, second = (
        work("a", "LeadProfessionalAssigned", "w_1", "2026-01-01"),
        work("b", "LeadProfessionalAssigned", "w_2", "2026-02-01"),
    )
    ended = work("c", "LeadProfessionalEnded", "w_1", "2026-02-01", hours=1)
    found = register(second, ended, first)
    assert found.lead(date(2026, 1, 31)) == "w_1"
    assert found.lead(date(2026, 2, 1)) == "w_2"
    assert register(first, ended).lead(date(2026, 2, 1)) is None
    assert Register().lead(date(2026, 2, 1)) is None


def test_those_involved_now_are_listed_with_the_lead() -> None:
    """Who has ended is not; who starts tomorrow is not yet."""
    found = register(
        work("a", "InvolvementStarted", "w_1", "2026-01-01", service="health visiting"),
        work("b", "InvolvementEnded", "w_1", "2026-02-01"),
        work("c", "InvolvementStarted", "w_2", "2026-01-15", service="family support"),
        work("d", "LeadProfessionalAssigned", "w_3", "2026-01-20"),
        work("e", "InvolvementStarted", "w_4", "2026-02-02", service="school nursing"),
    )
    now = [(i.practitioner, i.service) for i in found.involved(date(2026, 2, 1))]
    assert now == [("w_2", "family support"), ("w_3", "lead professional")]
    assert found.next_change(date(2026, 2, 1)) == date(2026, 2, 2)


def test_an_involvement_without_a_practitioner_is_refused() -> None:
    """It would be lost otherwise, and with it who leads."""
    with pytest.raises(Refusal):
        register(said("a", "social_care.LeadProfessionalAssigned", on="2026-01-01"))


# ------------------------------------------------------------------ the fold

HISTORY = [
    gave(until="2026-09-01"),
    withdrew(by=FATHER, on="2026-02-15"),
    gave("g2", by=FATHER, ref="B1", since="2026-02-20", hours=3),
    gave("g3", hours=5, corrects=EventKey("g2"), by=FATHER, ref="B1", since="2026-02-21"),
    gave("g4", hours=6, corrects=EventKey("g3"), by=FATHER, ref="B1", since="2026-02-22"),
    gave("g5", hours=7, retracts=EventKey("g4"), by=FATHER, ref="B1", since="2026-02-22"),
    said("n", "agreement.AgreementNarrowed", agreement="A1", on="2026-03-01", categories=["strength"], hours=1),
    refused("r", ref="C1", on="2026-05-01"),
    said("o", "social_care.EpisodeOpened", role="subject", on="2026-03-01", episode="section-47", reference="E1"),
    said("x", "social_care.EpisodeClosed", role="subject", on="2026-04-01", episode="section-47", reference="E1"),
    said("c", "any_agency.ConcernSignalled", role="subject", level="significant-harm"),
    said("d", "any_agency.ConcernSignalled", role="subject", level="worried", hours=9, corrects=EventKey("c")),
    work("l", "LeadProfessionalAssigned", "w_1", "2026-01-01"),
    work("k", "LeadProfessionalAssigned", "w_2", "2026-02-01"),
    work("e", "LeadProfessionalEnded", "w_1", "2026-02-01"),
    gave("u", ref="U1", corrects=EventKey("v")),
    gave("v", ref="U1", corrects=EventKey("u"), hours=1),
    said("att", "school.AttendanceRecorded", role="subject", corrects=EventKey("never-came")),
    restricted("p1", "C1", "2026-02-01"),
    restricted("p2", "C2", "2026-03-15", about=CHILD, others={MOTHER: "subject"}),
    restricted("p3", "C1", "2026-05-01", hours=3),
    restricted("p4", "C1", "2026-02-01", retracts=EventKey("p1")),
    lifted("p5", "C1", "2026-03-01", hours=2),
    lifted("p6", "C2", "2026-04-01", about=CHILD),
]
DAYS = [date(2026, month, day) for month in (1, 2, 3, 4, 5, 9) for day in (1, 15, 21, 22)]


def answers(found: Register) -> list[Any]:
    people = (CHILD, MOTHER, FATHER, None)
    asked = [("early-help", c, "social-care", "social-worker", p) for c in ("attendance", "strength") for p in people]
    return [
        *[found.agreement_state(*question, day) for question in asked for day in DAYS],
        *[found.ground_for(person, day) for person in people for day in DAYS],
        *[found.restricted((person,), day) for person in (CHILD, MOTHER, FATHER) for day in DAYS],
        *[(found.lead(day), found.involved(day), found.next_change(day)) for day in DAYS],
        found.version(),
    ]


EXPECTED = answers(register(*HISTORY))


@settings(max_examples=150)
@given(order=st.permutations(HISTORY), repeated=st.lists(st.sampled_from(HISTORY), max_size=5))
def test_the_register_does_not_depend_on_order_or_repeats(order: list[Said], repeated: list[Said]) -> None:
    """Any order, with repeats, gives the same answers on every day, and the same version."""
    assert answers(register(*order, *repeated)) == EXPECTED


def test_the_history_tells_something() -> None:
    """The property above would hold for a register that always said `none`: this one does not."""
    states = {answer[0] for answer in EXPECTED if isinstance(answer, tuple) and isinstance(answer[0], str)}
    assert {"in-force", "disputed", "none", "refused", "withdrawn"} <= states
    assert {True, False} <= {answer for answer in EXPECTED if isinstance(answer, bool)}


@settings(max_examples=100)
@given(
    links=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=8, unique_by=lambda x: x[0]
    ),
    order=st.randoms(use_true_random=False),
)
def test_circles_of_corrections_end_the_same_way(links: list[tuple[int, int, bool]], order: Any) -> None:
    """Events that correct and retract each other in a circle neither hang nor depend on order."""
    items = [
        gave(
            f"e{a}",
            ref=f"R{a}",
            hours=a,
            **({"retracts": EventKey(f"e{b}")} if takes_back else {"corrects": EventKey(f"e{b}")}),
        )
        for a, b, takes_back in links
    ]
    shuffled = list(items)
    order.shuffle(shuffled)
    assert register(*items).version() == register(*shuffled).version()


def test_the_version_changes_with_what_stands_and_only_then() -> None:
    """Ordinary items and orphan corrections change nothing; an agreement does; taking it back restores."""
    found = Register()
    empty = found.version()
    facts, item = said("att", "school.AttendanceRecorded", role="subject")
    assert found.apply(facts, item) is False
    found.apply(*said("b", "school.AttendanceRecorded", role="subject", corrects=EventKey("att")))
    assert found.version() == empty
    found.apply(*gave())
    given_ = found.version()
    assert given_ != empty
    found.apply(*gave())
    assert found.version() == given_
    found.apply(*gave("x", hours=1, retracts=EventKey("g")))
    assert found.version() == empty


def test_a_person_who_leaves_takes_their_part_along() -> None:
    """After a wrong merge is undone, nothing of theirs decides here."""
    found = register(gave())
    found.forget(CHILD)
    assert state(found) == "none"
    assert found.version() == Register().version()


def test_a_register_survives_being_stored() -> None:
    """Stored and read back it gives the same answers."""
    found = register(*HISTORY)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Register)
    assert stored == found
    assert answers(stored) == EXPECTED
    assert msgspec.json.decode(msgspec.json.encode(found), type=Register) == found


@settings(max_examples=60)
@given(after=st.dates(date(2025, 12, 1), date(2026, 12, 1)))
def test_nothing_changes_by_time_before_the_next_change(after: date) -> None:
    """A timer set for that day misses nothing."""
    found = register(*HISTORY)
    following = found.next_change(after) or date(2027, 1, 1)
    for day in (after + timedelta(days=n) for n in range(1, min(40, (following - after).days))):
        assert state(found, day.isoformat()) == state(found, after.isoformat())
        assert opened(found, day.isoformat()) == opened(found, after.isoformat())
        assert found.involved(day) == found.involved(after)
