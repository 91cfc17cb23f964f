"""The hub watches by itself: once a day, a while after its start, and again soon where a run failed."""

from __future__ import annotations

from itertools import pairwise

from agents.watching import AGAIN_SECONDS, DAY_SECONDS, FIRST_SECONDS, Daily


class Ended:
    """A run that ended with this code."""

    def __init__(self, code: int) -> None:
        self.code = code

    def poll(self) -> int | None:
        return self.code


class Running(Ended):
    """A run that goes on until told."""

    def __init__(self) -> None:
        super().__init__(0)
        self.over = False

    def poll(self) -> int | None:
        return self.code if self.over else None


def runs(until: float, codes: list[int]) -> list[float]:
    """Let time pass in minutes; return when a run began."""
    now, began = 0.0, []

    def start() -> Ended:
        began.append(now)
        return Ended(codes[min(len(began), len(codes)) - 1])

    daily = Daily(start, lambda: now, pause=0)
    while now < until:
        daily.step()
        now += 60.0
    return began


def test_it_runs_a_while_after_the_start_and_then_once_a_day() -> None:
    """Not at the start, when the hub catches up."""
    began = runs(3 * DAY_SECONDS, [0])
    assert len(began) == 3
    assert began[0] == FIRST_SECONDS
    assert all(later - earlier >= DAY_SECONDS for earlier, later in pairwise(began))


def test_a_run_that_failed_is_taken_up_again_in_an_hour() -> None:
    """What is read may have been behind, or the log away."""
    began = runs(DAY_SECONDS, [1, 1, 0])
    assert len(began) == 3
    assert began[1] - began[0] < 2 * AGAIN_SECONDS


def test_one_run_at_a_time() -> None:
    """However long it takes."""
    now, began = 0.0, []

    def start() -> Running:
        began.append(Running())
        return began[-1]

    daily = Daily(start, lambda: now, pause=0)
    for _ in range(3):
        now += DAY_SECONDS
        daily.step()
    assert len(began) == 1
    began[0].over = True
    daily.step()
    now += DAY_SECONDS
    daily.step()
    assert len(began) == 2
