"""A family takes back what it agreed to while its record, the looks and the log are on their way.

Judged by the order of the log: above the act nothing is shared that it forbids, nothing was told that the log has not
as shared, and nothing left later than the set number of seconds after it was decided. HEARTH_RACES says how many races
of each act (the seeds are printed).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from agents.reading import Reading
from agents.runner import Runner
from consent.decision import Decision
from consent.overtaken import RULE, Judged
from streams import again
from streams.timeline import on_day
from tests.stories.racing import ACTS, SEND_SECONDS, TODAY, Race, rests_on_it

RACES = int(os.environ.get("HEARTH_RACES", "8"))
SEED = 20261124


@pytest.fixture
def races(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Counter[str]]:
    """Run races of one act, or fewer `until` one thing was counted; count what was done, and what was wrong."""

    def run(act: str, many: int, until: str = "") -> Counter[str]:
        counts: Counter[str] = Counter()
        for number in range(many):
            if counts[until]:
                break
            race = Race(act, SEED + number, tmp_path / "log")
            with monkeypatch.context() as its_own:
                its_own.setattr("agents.reading.monotonic", race.seconds)
                its_own.setattr("agents.runner.sleep", race.waits)
                counts += judge(act, race, race.run())
            rmtree(tmp_path / "log")
        return counts

    return run


def judge(act: str, race: Race, log: list[Decision]) -> Counter[str]:
    """Return the race's counts, with what is wrong in it under names that begin with `wrong`."""
    counts, acts = race.counts, race.cast.acts()
    index = next((at for at, one in enumerate(log) if one.stage == "link" and one.event in acts), len(log))
    counts["races"] += 1
    counts["acts in the log"] += index < len(log)
    counts["overtaken in the log"] += sum(RULE in one.rules for one in log)
    counts["shared below it"] += sum(rests_on_it(act, one) for one in log[:index])
    counts["wrong: shared above it"] += sum(rests_on_it(act, one) for one in log[index:])
    named = {one.id: one for one in log}
    for told in race.told:
        for decision in (named.get(name) for name in told.decisions):
            if decision is None or decision.outcome != "share":
                counts["wrong: told, and not shared by the log"] += 1
                continue
            late = (told.at - decision.decided_at).total_seconds() > SEND_SECONDS
            counts["wrong: told too late"] += late
            ended = act == "expire" and on_day(decision.decided_at) > TODAY and rests_on_it(act, decision)
            counts["wrong: decided on what had run out"] += ended
            counts["sent" if told.sent else "shown"] += 1
    return counts


def wrong(counts: Counter[str]) -> dict[str, int]:
    return {name: many for name, many in counts.items() if name.startswith("wrong") and many}


PROOFS = (
    "look", "find", "alert opened", "agreement look", "shown", "sent", "shared below it", "looks decided again",
    "overtaken in the log", "sends decided again, grown old", "sends decided again, overtaken",
)  # fmt: skip
"""What must have happened, or the races prove nothing."""


@pytest.mark.fault
@pytest.mark.timeout(7200)
def test_nothing_that_a_family_took_back_is_told_once_that_is_in_the_log(races: Callable[..., Counter[str]]) -> None:
    """Whatever the order and the pace: no look, no find and no alert tells it; what was overtaken is decided again."""
    every: Counter[str] = Counter()
    for act in ACTS:
        counts = races(act, RACES)
        print(f"\n{act}, seeds {SEED}..{SEED + RACES - 1}: {dict(sorted((+counts).items()))}")
        assert not wrong(counts)
        assert counts["acts in the log"] == (0 if act == "expire" else RACES)
        every += counts
    assert not [proof for proof in PROOFS if not every[proof]]


def _as_it_came(told: Any, *_: Any) -> list[Judged]:
    return [Judged() for _ in told]


BROKEN: list[tuple[object, str, Any, str]] = [
    ("agents.adapters.log_files", "judged", _as_it_came, "wrong: shared above it"),
    (Reading, "_stands", lambda *_: True, "wrong: told, and not shared by the log"),
    (Runner, "_too_old", lambda *_: False, "wrong: told too late"),
]


@pytest.mark.parametrize(("where", "name", "broken", "found"), BROKEN, ids=[one[1] for one in BROKEN])
def test_the_judge_finds_what_goes_wrong_without_any_one_of_them(
    where: Any, name: str, broken: Any, found: str, races: Callable[..., Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule, the second look at the record, or the age of what is sent: the races show it."""
    if isinstance(where, str):
        monkeypatch.setattr(f"{where}.{name}", broken)
    else:
        monkeypatch.setattr(where, name, broken)
    assert races("withdraw", 40, found)[found]


def test_a_send_that_is_not_decided_again_is_found(
    races: Callable[..., Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left as it was decided, it waits until it is too old."""
    late = "wrong: told too late"
    monkeypatch.setattr(again, "decide_again", lambda stage, outcome, *_: outcome)
    monkeypatch.setattr(Runner, "_too_old", lambda *_: False)
    assert races("withdraw", 40, late)[late]
