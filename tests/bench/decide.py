"""What one decision costs: asked of Cedar (cold), or known already (memoised); beside bare Cedar, in one run.

The requests are those of consent/policy/cases.toml, each different. Bare Cedar is asked the same, of the same policies
as they are written, parsed once. The targets are 150 µs cold and 1 µs memoised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import mean, median

import cedarpy

from consent import trial
from consent.engine import _CONTEXT, WORDS, Engine
from consent.request import Request
from tests.bench.report import Figures

_MEMOISED_ROUNDS = 50
COLD, BARE = "µs a cold decision", "µs the same of bare Cedar"


def add(figures: Figures, repeats: int) -> None:
    """Measure every case's request `repeats` times, each time by an engine that has decided nothing yet."""
    requests = sorted({request for case, request in trial.table().cases if not case.switches})
    for _ in range(repeats):
        engine = Engine()
        bare = _bare(engine)
        cold = [_microseconds(engine.rule, request) for request in requests]
        known = [_microseconds(engine.rule, request) for _ in range(_MEMOISED_ROUNDS) for request in requests]
        figures.add(COLD, median(cold), at_most=150)
        figures.add("µs a cold decision, on average: its policies parsed on first use", mean(cold))
        figures.add(BARE, median([_microseconds(bare, request) for request in requests]))
        figures.add("µs a memoised decision", median(known), at_most=1)
    figures.ratio("a cold decision ÷ bare Cedar", COLD, BARE)
    figures.notes.append(f"{len(requests):,} different requests, those of consent/policy/cases.toml")


def _microseconds(ask: Callable[[Request], object], request: Request) -> float:
    begun = time.perf_counter_ns()
    ask(request)
    return (time.perf_counter_ns() - begun) / 1000


def _bare(engine: Engine) -> Callable[[Request], object]:
    """Return Cedar alone, asked about the policies as they are written."""
    policies = cedarpy.PolicySet.from_str(engine.policies.text)
    nothing = cedarpy.Entities.from_json_str("[]")

    def ask(request: Request) -> object:
        said = request._asdict()
        context = {field: {"__entity": {"type": WORDS[field], "id": said[field]}} for field in _CONTEXT}
        scopes = {"principal": f'Role::"{request.role}"', "resource": f'Category::"{request.category}"'}
        asked = {**scopes, "action": f'Action::"{request.action}"', "context": context}
        return cedarpy.is_authorized(asked, policies, nothing).allowed

    return ask
