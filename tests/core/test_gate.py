"""The gate's question: whatever goes wrong in putting it goes to a person, and the record says in which field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from consent.decision import Outcome
from consent.engine import Engine
from consent.register import Register
from schemas.ids import EventKey, FamilyId, ItemId
from schemas.records import Facts, Ground
from streams.gate import HUB, Answer, Gate, Recipient
from tests.core.register_kit import CHILD, gave, register
from tests.core.test_judgements import APPROVED, HARM, judged

ON = date(2026, 3, 1)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKER = Recipient("w_worker", "social-worker", "statutory", "social-care", "normal")
GATE = Gate(Engine(), lambda n: b"0" * n)


def asked(found: Register, to: Recipient, **said: Any) -> Answer:
    """What the gate says of a concern about the child that is as `said`."""
    fields: dict[str, Any] = {"agency": "school", "role": "subject", "category": "concern", "purpose": "early-help"}
    facts = Facts("hearth.any_agency.ConcernSignalled", source="s", digest="d", happened_at=AT, recorded_at=AT,
                  **{**fields, **said})  # fmt: skip
    return GATE.link(facts, (CHILD,), found, ON) if to is HUB else GATE.disclose(facts, (CHILD,), found, ON, to)


def recorded(answer: Answer, found: Register, to: Recipient) -> Any:
    return GATE.record(
        answer, place=0, stage="", family=FamilyId("f_1"), to=to, items=(ItemId("e.p_child"),), event=EventKey("e"),
        subjects=(CHILD,), register=found, at=AT,
    )  # fmt: skip


@pytest.mark.parametrize(("said", "error"), [
    ({"data": None}, "sensitivity: AttributeError"),
    ({"category": "gossip"}, "sensitivity: Misconfigured"),
    ({"category": ["concern"]}, "sharing_agreement: TypeError"),
    ({"purpose": {"early-help"}}, "agreement: TypeError"),
    ({"category": None}, "category: not a word that the policies know"),
    ({"purpose": ""}, "purpose: not a word that the policies know"),
    ({"agency": "housing"}, "publisher: not a word that the policies know"),
    ({"tier": "x"}, "tier: not a word that the policies know"),
    ({"ground": Ground("because")}, "ground: not a word that the policies know"),
])  # fmt: skip
@pytest.mark.parametrize("to", [HUB, WORKER], ids=["link", "disclose"])
def test_whatever_cannot_be_resolved_is_referred_and_recorded(said: dict[str, Any], error: str, to: Recipient) -> None:
    """An item with something that nobody foresaw: a decision all the same, that a person decides, and what failed."""
    found = register(gave(recipients=["social-care"], categories=["concern"]))
    assert asked(found, to).ruling.outcome is Outcome.SHARE
    made = recorded(asked(found, to, **said), found, to)
    assert (made.outcome, made.rules) == (Outcome.REFER, ("error",))
    assert error in made.errors


@pytest.mark.parametrize(("part", "error"), [
    ("heard", "agreement: KeyError"), ("findings", "judgements: KeyError"), ("ground_for", "ground: KeyError"),
])  # fmt: skip
def test_a_register_that_cannot_be_read_is_referred(
    part: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agreement, judgements, grounds: without any one of them nothing is decided by rule, and no words are told."""

    def broken(*_: Any) -> Any:
        raise KeyError("Tidewater Row")

    monkeypatch.setattr(Register, part, broken)
    answer = asked(register(), WORKER)
    assert answer.ruling.outcome is Outcome.REFER
    assert answer.ruling.errors[0] == error
    assert "Tidewater" not in str(answer)


def test_an_informants_part_is_closed_below_harm_and_above_it_waits_for_a_named_approver() -> None:
    """Kept from before, or whatever came with it: who told an agency is a sensitive kind of its own."""
    for to in (HUB, WORKER):
        below = asked(register(gave(recipients=["social-care"], categories=["concern"])), to, role="informant")
        assert (below.ruling.outcome, below.ruling.rules) == (Outcome.WITHHOLD, ("sensitive-without-harm",))
        above = asked(register(), to, role="informant", ground=HARM)
        assert (above.ruling.outcome, above.request.sensitivity) == (Outcome.REFER, "informant")
        yes = judged(**{**APPROVED, "sensitivity": "informant", "purposes": ["early-help"]})
        assert asked(register(yes), to, role="informant", ground=HARM).ruling.outcome is Outcome.SHARE
