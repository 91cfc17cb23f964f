"""What officers ask of the decisions is logged before it is answered: by codes, and as a class of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agents.ig.asking import Asking
from agents.ig.decisions import AUDIT, EXPLAIN, SEARCH, DecisionLog, Sought, kind_of
from agents.ports import NotWritten
from agents.reading import NOBODY
from consent.decision import Decision, Outcome, decode, encode
from schemas.people import KnownPractitioner
from streams import topology
from tests.core.ig_kit import CLEARED, OFFICER
from tests.core.ig_story import NOW, Told


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A family at which its lead professional looked; its father is an officer, and so is somebody else."""
    told = Told(tmp_path)
    story = told.story
    told.child = story.child("Isolde", "2014-05-06", "Quillfeather")
    mother, father = story.adult("Maud", "1987-02-01"), story.adult("Piers", "1985-02-01")
    told.lead = story.professional("social-care", "early-help-worker")
    told.father = story.professional("social-care", "ig-officer", is_person=father)
    story.relate(told.child, mother)
    story.relate(told.child, father, "father")
    story.agree(mother, told.child)
    story.lead(told.lead, told.child)
    story.marks(told.child, "O", weeks=1)
    told.happens()
    told.look = told.looks(told.lead, told.child)[0]
    return told


def asking(told: Told, officer: KnownPractitioner = OFFICER) -> Asking:
    return Asking(told.reading, told.world.queries, officer)


def asked(told: Told, officer: KnownPractitioner, **sought: object) -> Decision:
    asking(told, officer).search(Sought(**sought), NOW)
    (made,) = told.logged()
    return made


def test_a_search_is_logged_with_who_and_by_what_and_never_with_what_was_typed_or_found(told: Told) -> None:
    """Codes, the hub's own pseudonyms, days; a name that somebody typed is not kept."""
    family, lead = told.family(told.child), told.worker(told.lead).practitioner
    made = asked(told, OFFICER, family=family, recipient=lead, outcome="hold", kind="look", since=NOW)
    assert (made.stage, made.family, made.recipient, made.decided_by) == (SEARCH, family, "w_ig", "w_ig")
    assert set(made.released) == {
        "family", "outcome=hold", "kind=look", "since=2026-11-23", f"recipient={lead}",
    }  # fmt: skip
    assert kind_of(made.stage) == AUDIT
    typed = asked(told, OFFICER, family="f_Isolde", recipient="Quillfeather", ground="Piers", rule="Maud")
    assert typed.family == NOBODY
    assert not [one for one in (b"Isolde", b"Quillfeather", b"Piers", b"Maud") if one in encode(typed)]


def test_nothing_is_found_or_explained_before_it_is_logged(told: Told) -> None:
    """The log does not answer, nothing comes back."""
    told.broker.up = False
    for ask in (lambda: asking(told).search(Sought(), NOW), lambda: asking(told).explain(told.look.id, NOW)):
        with pytest.raises(NotWritten):
            ask()


def test_an_explanation_is_logged_with_the_decision_that_was_read(told: Told) -> None:
    """And a decision that there is not is logged as one."""
    assert asking(told).explain(told.look.id, NOW) == told.look
    (made,) = told.logged()
    assert (made.stage, made.family, made.released) == (EXPLAIN, told.look.family, (told.look.id,))
    assert asking(told).explain("d_nosuch", NOW) is None
    (vain,) = told.logged()
    assert (vain.family, vain.outcome, vain.rules) == (NOBODY, Outcome.WITHHOLD, ("nobody-named",))


def test_the_open_log_does_not_tell_that_a_sealed_decision_was_read(told: Told) -> None:
    """It says what it says where there is no such decision; the sealed log has who read it."""
    sealed = told.world.decide("look", tier="sealed", clearance="sealed", item="e9.p_1")

    def logged(topic: str) -> list[Decision]:
        return [msgspec.structs.replace(decode(one.value or b""), salt=b"") for one in told.broker.records(topic)]

    asking(told, CLEARED).explain(sealed.id, NOW)
    asking(told, CLEARED).explain("d_nosuch", NOW)
    read, none = logged(topology.DECISIONS)[-2:]
    assert read == none
    (made,) = logged(topology.DECISIONS_SEALED)
    assert (made.stage, made.released) == (EXPLAIN, (sealed.id,))


def test_an_officer_who_asks_after_their_own_family_is_told_nothing_and_found_by_the_next_watch(told: Told) -> None:
    """By its decisions or by its pseudonym; a colleague's watch puts it on the queue, theirs does not."""
    me, family = told.worker(told.father), told.family(told.child)
    assert asking(told, me).explain(told.look.id, NOW) is None
    page, counts = asking(told, me).search(Sought(family=family), NOW)
    assert page is not None
    assert (page.decisions, any(counts.values())) == ((), False)
    assert {(one.family, one.outcome) for one in told.logged()} == {
        (family, Outcome.WITHHOLD), (family, Outcome.SHARE),
    }  # fmt: skip
    day = NOW.date()
    assert told.watch(me).run(day, day, NOW) == []
    told.watch(OFFICER).run(day, day, NOW)
    told.logged()
    (case,) = told.cases(OFFICER).all(day)
    assert (case.behaviour, len(case.refers_to)) == ("own-family", 1)
    assert told.cases(me).all(day) == []
    assert DecisionLog(told.world.queries, me).one(case.refers_to[0]) is None
