"""What a named person recorded about sharing: found by the gate where it counts, and on the record of the decision."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from consent.decision import Outcome, decode, encode
from consent.engine import WORDS, Engine
from consent.explain import explain
from consent.judgements import JUDGEMENT, Finding, meanings
from consent.register import Register
from consent.request import Request
from consent.sharing import sensitivity
from schemas.codes import code_list
from schemas.errors import Refusal
from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from schemas.records import Facts, Ground
from streams.gate import HUB, Answer, Gate, Recipient
from tests.core.register_kit import CHILD, MOTHER, NOON, SIBLING, register, said
from tests.core.register_kit import Said as Told

ON = date(2026, 3, 1)
HARM = Ground("significant-harm", condition_reason="consent-cannot-be-given")
WORKER = Recipient("w_worker", "social-worker", "statutory", "social-care", "normal")
MANAGER = Recipient("w_manager", "manager", "statutory", "social-care", "normal")
GATE = Gate(Engine(), lambda n: b"0" * n)
DUTY = Gate(Engine(("duty-to-disclose",)), lambda n: b"0" * n)


def judged(event: str = "j", code: str = "approved", by: str = "w_lead", on: str = "2026-03-01", **more: Any) -> Told:
    """One record about the child: an approval for safeguarding, from 1 March 2026, unless said otherwise."""
    fields = {"purposes": ["safeguarding"], "circumstances": "c", "about": CHILD, **more}
    about = fields.pop("about")
    return said(event, "sharing.JudgementRecorded", about, "subject", judgement=code, said_by=by, on=on, **fields)


def asked(found: Register, to: Recipient = WORKER, on: date = ON, gate: Gate = GATE, **more: Any) -> Answer:
    """What the gate says of an item about the child, for safeguarding; `data` may make it sensitive."""
    fields: dict[str, Any] = {"category": "health-contact", "purpose": "safeguarding", **more}
    kind = "hearth.health.AppointmentNotAttended"
    facts = Facts(kind, fields.pop("agency", "health"), "s", "d", NOON, NOON, "subject", **fields)
    if to is HUB:
        return gate.link(facts, (CHILD,), found, on)
    return gate.disclose(facts, (CHILD,), found, on, to)


def clinic(found: Register, *rest: Any, **more: Any) -> Answer:
    """The same of an appointment at a sexual health clinic, in a case of significant harm."""
    return asked(found, *rest, data={"service": "sexual-health"}, **{"ground": HARM, **more})


APPROVED = {"sensitivity": "sexual-health"}

# ------------------------------------------------------------------ each kind, from the register to the outcome


def test_a_sensitive_item_above_harm_waits_for_a_named_approver_and_is_shared_once_one_is_recorded() -> None:
    """To the hub, so that it is linked, and to the worker; the record carries who approved."""
    for to in (HUB, WORKER):
        assert clinic(register(), to).ruling.outcome is Outcome.REFER
        answer = clinic(register(judged(recipients=["social-care"], **APPROVED)), to)
        assert (answer.ruling.outcome, answer.request.approver) == (Outcome.SHARE, "named")
        assert answer.findings == (Finding("approver", "named", "w_lead", ON, EventKey("j")),)


def test_below_harm_no_approval_opens_what_is_sensitive() -> None:
    """It is the young person's own, whoever approves."""
    answer = clinic(register(judged(**APPROVED)), ground=None)
    assert (answer.ruling.outcome, answer.request.approver) == (Outcome.WITHHOLD, "named")


def test_an_approver_may_not_be_the_one_who_asks() -> None:
    """Their own approval does not count for them; another's does, though theirs is the later."""
    theirs = judged(by="w_worker", on="2026-03-01", hours=2, **APPROVED)
    assert clinic(register(theirs)).ruling.outcome is Outcome.REFER
    assert clinic(register(theirs), MANAGER).ruling.outcome is Outcome.SHARE
    both = clinic(register(theirs, judged("k", on="2026-02-28", **APPROVED)))
    assert (both.ruling.outcome, both.findings[0].by) == (Outcome.SHARE, "w_lead")


def test_an_approver_who_thinks_again_is_heard() -> None:
    """Of two at one instant the no stands, whichever came first; a later yes stands again."""
    yes, no = judged(**APPROVED), judged("a", "not-approved", **APPROVED)
    for both in permutations((yes, no)):
        assert clinic(register(*both)).ruling.outcome is Outcome.REFER
    again = judged("y2", hours=1, **APPROVED)
    assert clinic(register(yes, no, again)).ruling.outcome is Outcome.SHARE


@pytest.mark.parametrize(("code", "expected"), [
    ("not-more-detrimental", Outcome.SHARE), ("more-detrimental", Outcome.WITHHOLD), (None, Outcome.REFER),
])  # fmt: skip
def test_the_duty_of_2026_is_decided_by_the_detriment_test(code: str | None, expected: Outcome) -> None:
    """Once it is in force: tested, and no more harm: told; more harm: not; nobody tested: a person does."""
    answer = asked(register(*([judged(code=code)] if code else [])), gate=DUTY)
    assert answer.ruling.outcome is expected
    assert [f.says for f in answer.findings] == ([meanings()[code].says] if code else [])


def test_before_the_duty_is_in_force_the_test_changes_nothing() -> None:
    """It may be made and recorded; no rule reads it yet."""
    without, tested = asked(register()), asked(register(judged(code="not-more-detrimental")))
    assert tested.ruling == without.ruling


def test_a_public_interest_that_was_weighed_and_approved_lifts_the_confidence() -> None:
    """Both are needed; and a balance against telling keeps it."""
    sharing, approved = judged("s", "favours-sharing"), judged("a")
    answer = asked(register(sharing, approved))
    assert (answer.ruling.outcome, answer.ruling.rules) == (Outcome.SHARE, ("overriding-public-interest",))
    assert answer.ruling.review_days == 28
    assert asked(register(sharing)).ruling.outcome is not Outcome.SHARE
    kept = asked(register(sharing, approved, judged("c", "favours-confidence", hours=1)))
    assert kept.ruling.outcome is Outcome.WITHHOLD
    assert "public-interest-favours-confidence" in kept.ruling.rules


@pytest.mark.parametrize(("code", "expected"), [
    ("not-opted-out", Outcome.SHARE), ("opted-out", Outcome.WITHHOLD), (None, Outcome.REFER),
])  # fmt: skip
def test_secondary_use_waits_for_the_opt_out_check(code: str | None, expected: Outcome) -> None:
    """To the authority's planning only, and nothing of one who opted out.

    No agreement between these agencies covers it, so that nothing leaves for it yet: asked here as if one did.
    """
    records = [judged(code=code, purposes=["secondary-use"])] if code else []
    found = asked(register(*records), MANAGER, agency="social-care", category="assessment", purpose="secondary-use")
    covered = found.request._replace(sharing_agreement="in-date")
    assert GATE.engine.rule(covered).outcome is expected
    assert found.ruling.outcome is not Outcome.SHARE


@pytest.mark.parametrize(("code", "more", "told"), [
    ("family-told", {}, "told"),
    ("family-not-told", {"not_told_because": "consent-would-prejudice-protection"},
     "not-told: consent-would-prejudice-protection"),
    (None, {}, "not-said"),
])  # fmt: skip
def test_the_record_says_whether_the_family_was_told_and_if_not_why(code: str | None, more: Any, told: str) -> None:
    """Of a disclosure; of a link nobody is told, for nobody outside the hub is."""
    found = register(*([judged(code=code, **more)] if code else []))
    assert asked(found, ground=HARM).family_told == told
    assert asked(found, HUB, ground=HARM).family_told == ""


# ------------------------------------------------------------------ what does not count


@pytest.mark.parametrize("more", [
    {"purposes": ["early-help"]}, {"categories": ["attendance"]}, {"recipients": ["police"]}, {"about": SIBLING},
    {"sensitivity": "hiv"}, {"sensitivity": None}, {"on": "2026-03-02"}, {"on": "2026-02-01"},
    {"on": "2026-02-20", "until": "2026-03-01"}, {"on": "2026-02-01", "until": "2027-01-01"},
])  # fmt: skip
def test_what_is_for_something_else_or_of_another_time_does_not_count(more: dict[str, Any]) -> None:
    """Another purpose, kind, recipient, person or sensitive kind; not yet, no longer, or longer than may be."""
    answer = clinic(register(judged(**{**APPROVED, **more})))
    assert (answer.ruling.outcome, answer.request.approver, answer.findings) == (Outcome.REFER, "none", ())


@pytest.mark.parametrize("more", [
    {"categories": ["attendance", "health-contact"]}, {"recipients": ["social-care"]},
    {"recipients": ["social-worker"]}, {"about": MOTHER, "others": {CHILD: "subject"}}, {"on": "2026-02-02"},
    {"until": "2026-03-02"},
])  # fmt: skip
def test_what_names_it_counts(more: dict[str, Any]) -> None:
    """The kind, the agency or the role, the child among several; on its last day still."""
    assert clinic(register(judged(**{**APPROVED, **more}))).ruling.outcome is Outcome.SHARE


def test_what_was_taken_back_does_not_count_in_whatever_order_it_came() -> None:
    """And what corrects it counts in its place."""
    first = judged(**APPROVED)
    back = judged("b", hours=1, retracts=EventKey("j"), **APPROVED)
    for both in permutations((first, back)):
        assert clinic(register(*both)).ruling.outcome is Outcome.REFER
    mended = judged("m", hours=1, corrects=EventKey("j"), **{**APPROVED, "sensitivity": "hiv"})
    assert clinic(register(first, mended)).ruling.outcome is Outcome.REFER


def test_time_and_the_version_of_the_register_tell_when_to_ask_again() -> None:
    """The day on which it ends is a day on which the answer may change; its coming changes the version."""
    found = register(judged(until="2026-03-09"))
    assert found.next_change(ON) == date(2026, 3, 9)
    assert register(judged()).next_change(ON) == ON + timedelta(days=meanings()["approved"].days)
    assert found.version() != register().version()


def test_a_record_that_does_not_read_is_refused_and_one_without_an_author_does_not_count() -> None:
    """Without a day it says nothing; without a name nobody approved."""
    with pytest.raises(Refusal):
        register(judged(on="yesterday"))
    assert clinic(register(judged(by="", **APPROVED))).ruling.outcome is Outcome.REFER


def test_a_finding_that_nobody_knows_any_more_goes_to_a_person() -> None:
    """What it meant cannot be read, so it is neither taken for a yes nor passed over."""
    answer = asked(register(judged(code="waved-through")), ground=HARM)
    assert answer.ruling.outcome is Outcome.REFER
    assert any("approver" in error for error in answer.ruling.errors)


def test_what_was_recorded_is_still_there_after_the_register_was_stored() -> None:
    """A worker that takes over reads it as it was written."""
    found = register(judged(**APPROVED))
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Register)
    assert stored.version() == found.version()
    assert clinic(stored).ruling.outcome is Outcome.SHARE


# ------------------------------------------------------------------ the record, and what it tells


def test_the_decision_carries_who_said_it_and_explains_it() -> None:
    """In pseudonyms and codes; the words of the reason stay where they are sealed. It reads back as it was."""
    found = register(judged(circumstances="Seen at Tidewater Row", **APPROVED))
    answer = clinic(found)
    made = GATE.record(
        answer, place=-1, stage="look", family=FamilyId("f_1"), to=WORKER, items=(ItemId("e.p_child"),),
        event=EventKey("e"),
        subjects=(CHILD,), register=found, at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    assert decode(encode(made)) == made
    assert [(f.word, f.says, f.by, f.event) for f in made.said_by] == [("approver", "named", "w_lead", "j")]
    assert b"Tidewater" not in encode(made)
    line = "Recorded by practitioner w_lead, counting from 01 March 2026: approver, named (event j)."
    assert line in explain(made)


def test_a_record_about_a_sensitive_kind_is_kept_as_closely_as_the_kind() -> None:
    """It would tell that there is something: nobody sees it below harm, and above it only those it approves."""
    facts = judged(**APPROVED)[0]
    assert sensitivity(facts) == "sexual-health"
    seen = lambda found, to, **more: GATE.disclose(  # noqa: E731
        msgspec.structs.replace(facts, purpose="safeguarding", **more), (CHILD,), found, ON, to
    ).ruling.outcome
    found = register(judged(categories=["health-contact"], recipients=["social-worker"], **APPROVED))
    assert seen(found, WORKER) is Outcome.WITHHOLD
    assert seen(found, WORKER, ground=HARM) is Outcome.SHARE
    assert seen(found, MANAGER, ground=HARM) is Outcome.REFER


def test_every_code_has_a_meaning_that_the_policies_can_read() -> None:
    """Each list equal to the other; each answer a word of the question, or for the record alone."""
    assert set(code_list("judgements").codes) == set(meanings())
    words = Engine().policies.words
    for code, meaning in meanings().items():
        assert 0 < meaning.days <= 365, code
        if meaning.word != "family_told":
            assert meaning.word in Request._fields
            assert meaning.says in words[WORDS[meaning.word]], code


def test_every_sensitive_kind_can_be_named_and_makes_its_record_sensitive() -> None:
    """A kind that no approval could name would stay closed for ever; one that did not hide its record would tell."""
    kinds = set(Engine().policies.words[WORDS["sensitivity"]]) - {"none"}
    assert set(code_list("sensitive-kinds").codes) == kinds
    assert {sensitivity(judged(sensitivity=kind)[0]) for kind in kinds} == kinds
    assert judged()[0].type == JUDGEMENT
    assert PersonId("p_child") == CHILD
