"""Where the code asks what is sealed: a place that is not listed here is a new filter, and wants a scene of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import agents
import consent
import streams

ROOT = Path(agents.__file__).parents[1]
FILTERS = ("streams/sealed.py", "agents/clearance.py")  # all that stands here is in FILTERS of test_sealed_worlds.py
NAMES = ("SEALED", "cleared")
KEPT = """
agents/adapters/keys.py: -
agents/adapters/keys.py: _first
agents/alerting.py: _recipient
agents/bootstrap.py: -
agents/bootstrap.py: sequencer
agents/commands/auditing.py: -
agents/commands/auditing.py: may_read
agents/commands/held.py: held
agents/commands/held.py: told_to
agents/commands/policy_change.py: _logs
agents/commands/quarantine.py: _kit
agents/commands/readers.py: cleared
agents/commands/retention.py: -
agents/commands/review.py: _kit
agents/ig/access.py: _left_sealed
agents/ig/asking.py: _explained
agents/ig/cases.py: _said
agents/ig/decisions.py: __init__
agents/ig/decisions.py: select
agents/ig/measures.py: _actions
agents/ig/own.py: hides
agents/ig/own.py: kept
agents/ig/own.py: own_families
agents/ig/watch.py: _by_log
agents/projector_registers.py: -
agents/queries.py: burden
agents/queries.py: decided
agents/queries.py: quarantine
agents/queries.py: quarantine_counts
agents/queries.py: quarantined
agents/queries.py: review
agents/queries.py: review_counts
agents/queries.py: reviewed
agents/queries.py: standing
agents/reading.py: _unmoved
agents/reading.py: decide
agents/rehearsal.py: -
agents/watching.py: -
consent/decision.py: record
consent/retention/steps.py: record
streams/family.py: _alert_cleared
streams/family.py: _has_sealed
streams/family.py: _set_timer
streams/family.py: _stir
streams/finding.py: may_find
streams/gate.py: -
streams/identity/reviews.py: _emit
streams/intake.py: check_author
streams/intake_split.py: -
streams/intake_split.py: facts
streams/moving.py: _tell_anew
streams/recipients.py: -
streams/recipients.py: as_recipient
streams/topology.py: checkpoints_of
streams/topology.py: decisions_for
streams/waiting.py: asked_again
streams/waiting.py: hold_ends
"""


class Places(ast.NodeVisitor):
    """The functions, or else the module, in which one of the words stands: as a name, or as the whole of a text."""

    def __init__(self) -> None:
        self.within = ["-"]
        self.found: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.within.append(node.name)
        if any(one.arg in NAMES for one in (*node.args.args, *node.args.kwonlyargs)):
            self.found.add(node.name)
        self.generic_visit(node)
        self.within.pop()

    def generic_visit(self, node: ast.AST) -> None:
        named = getattr(node, "id", None) in NAMES or getattr(node, "attr", None) in NAMES
        sealed = isinstance(node, ast.Constant) and node.value == "sealed"
        main = isinstance(node, ast.Compare) and any(getattr(one, "value", "") == "main" for one in node.comparators)
        if named or sealed or main:
            self.found.add(self.within[-1])
        super().generic_visit(node)


def places() -> Iterator[str]:
    """Yield each place as `file: function`."""
    for layer in (agents, streams, consent):
        for file in sorted(Path(layer.__file__ or "").parent.rglob("*.py")):
            name = str(file.relative_to(ROOT))
            if name not in FILTERS and not name.startswith("agents/demo/"):
                seen = Places()
                seen.visit(ast.parse(file.read_text("utf-8")))
                yield from (f"{name}: {one}" for one in sorted(seen.found))


def test_every_place_that_asks_what_is_sealed_is_known() -> None:
    """Found a new one? Put the question into streams/sealed.py or agents/clearance.py, with a scene, or list it."""
    assert sorted(places()) == sorted(KEPT.strip().splitlines())
