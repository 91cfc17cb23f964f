"""What waits to leave is decided again: when it has grown old, or the family's registers have changed since.

An alert that was decided and has not left is taken back, its family is settled as things are now, and what comes of
that leaves instead: the same alert under the same number where it still stands, or nothing of it. What is decided
again is a decision of its own in the log: it shows that nothing was sent long after it was decided.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from streams.family import FamilyStage
from streams.family_state import Value
from streams.outcome import Outcome, Send, State
from streams.timeline import Family


def decide_again(
    stage: FamilyStage, outcome: Outcome, state: State[Value], at: datetime | None, partition: int
) -> Outcome:
    """Return what is to leave instead of `outcome`'s emits, decided as of `at`, with the decisions that this took.

    Without `at`: only for what the registers overtook within the batch. Whatever else is in `outcome` comes back.
    """
    families = {name: _family(state, name) for name in sorted({send.family for send in outcome.sends})}
    old = [s for s in outcome.sends if at is not None or s.register_version != families[s.family].register.version()]
    if not old:
        return outcome
    fresh = _without(outcome, old)
    for name in sorted({send.family for send in old}):
        family = families[name]
        for send in old:
            _take_back(family, send)
        family.as_of = max(family.as_of, at) if family.as_of and at else family.as_of or at
        family.register_version = ""
        stage.settle(family, partition, state, fresh)
        state.put(name, family)
    return fresh


def _family(state: State[Value], name: str) -> Family:
    found = state.get(name)
    assert isinstance(found, Family)  # the stage that made the send put it there
    return found


def _without(outcome: Outcome, old: list[Send]) -> Outcome:
    emits = {id(emit) for send in old for emit in send.emits}
    decided = {decision for send in old for decision in send.decisions}
    gone = {id(send) for send in old}
    return Outcome(
        keys=outcome.keys,
        people=outcome.people,
        decisions=[d for d in outcome.decisions if d.id not in decided],
        emits=[emit for emit in outcome.emits if id(emit) not in emits],
        sends=[send for send in outcome.sends if id(send) not in gone],
    )


def _take_back(family: Family, send: Send) -> None:
    sent = family.alerts.get(send.key)
    if send.family == family.family and sent and sent.status == "open" and sent.revision == send.revision:
        family.alerts[send.key] = msgspec.structs.replace(sent, digest="")
