"""The governor under made loads: it holds the rate where it can, follows a step, and does not go back and forth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.live.governor import CALM, Governor, Rung
from bodydouble.types import BodyDoubleError

LADDER = (Rung("lite", 12.0), Rung("full", 20.0), Rung("heavy", 66.0))
RATE = 1 / 30
LOADING = 1.5  # seconds until another model is there


class Machine:
    """Runs models of given milliseconds on a clock of its own; a load is a factor on all of them over time."""

    def __init__(self, times: dict[str, float], start: str = "full", *, noise: float = 0.1, seed: int = 0) -> None:
        self.governor = Governor(LADDER, start)
        self.times = times
        self.noise = noise
        self.random = np.random.default_rng(seed)
        self.time = 0.0
        self.model = start
        self.governor.using(start, 0.0)
        self.changes: list[tuple[float, str]] = []
        self.late: list[tuple[float, bool]] = []
        self._due: tuple[float, str] | None = None

    def run(self, seconds: float, load: Callable[[float], float] = lambda time: 1.0) -> None:
        end = self.time + seconds
        while self.time < end:
            took = self.times[self.model] / 1e3 * load(self.time) * float(np.exp(self.random.normal(0, self.noise)))
            self.time += max(took, RATE)
            self.late.append((self.time, took + 0.002 > RATE))
            self.governor.observe(self.time, took, 0.002, RATE)
            self._exchange()

    def _exchange(self) -> None:
        wanted = self.governor.choice
        if wanted == self.model:
            self._due = None
            return
        if self._due is None or self._due[1] != wanted:
            self._due = (self.time + LOADING, wanted)
        if self.time >= self._due[0]:
            self.model, self._due = wanted, None
            self.governor.using(wanted, self.time)
            self.changes.append((self.time, wanted))

    def share_late(self, since: float) -> float:
        late = [late for time, late in self.late if time >= since]
        return sum(late) / len(late)


def times(full: float) -> dict[str, float]:
    return {rung.model: full * rung.cost / 20.0 for rung in LADDER}


def test_a_quick_machine_gets_the_heaviest() -> None:
    machine = Machine(times(5.0))
    machine.run(30)
    assert machine.model == "heavy"
    assert len(machine.changes) == 1


def test_a_slow_machine_gets_the_lightest_soon() -> None:
    machine = Machine(times(45.0))
    machine.run(5)
    assert machine.model == "lite"
    assert machine.changes[0][0] < 4.0


def test_a_machine_that_is_too_slow_for_all_stays_with_the_lightest() -> None:
    machine = Machine(times(300.0))
    machine.run(60)
    assert machine.model == "lite"
    assert [model for _, model in machine.changes] == ["lite"]


@settings(max_examples=60, deadline=None)
@given(
    full=st.floats(3, 60),
    ratio=st.floats(0.5, 2.0),
    noise=st.floats(0.0, 0.25),
    seed=st.integers(0, 1000),
    start=st.sampled_from(["lite", "full", "heavy"]),
)
def test_it_does_not_go_back_and_forth_under_a_constant_load(
    full: float, ratio: float, noise: float, seed: int, start: str
) -> None:
    """Whatever the true costs are beside those known: once it has tried, it stays, or tries again ever more rarely."""
    costs = {rung.model: full * (rung.cost / 20.0) ** ratio for rung in LADDER}
    machine = Machine(costs, start, noise=noise, seed=seed)
    machine.run(300)
    assert len(machine.changes) <= 10
    assert len([time for time, _ in machine.changes if time > 120]) <= 4


@settings(max_examples=40, deadline=None)
@given(full=st.floats(3, 45), seed=st.integers(0, 1000), start=st.sampled_from(["lite", "full", "heavy"]))
def test_the_rate_is_held_whenever_the_lightest_can(full: float, seed: int, start: str) -> None:
    machine = Machine(times(full), start, noise=0.05, seed=seed)
    machine.run(60)
    assert machine.share_late(since=10.0) < 0.25


@pytest.mark.parametrize("seed", range(5))
def test_it_follows_a_step_of_load_and_comes_back(seed: int) -> None:
    machine = Machine(times(5.0), noise=0.1, seed=seed)
    machine.run(30)
    assert machine.model == "heavy"
    busy = machine.time
    machine.run(60, lambda time: 6.0)
    assert machine.model == "lite"
    assert machine.changes[-1][0] - busy < 2 * (LOADING + 3.0)
    assert machine.share_late(since=busy + 10) < 0.25
    machine.run(700)
    assert machine.model == "heavy"


def test_short_peaks_change_nothing() -> None:
    machine = Machine(times(14.0), noise=0.05)
    machine.run(120, lambda time: 5.0 if time % 10 < 0.2 else 1.0)
    assert machine.changes == []


def test_a_climb_waits_until_it_has_been_calm() -> None:
    machine = Machine(times(5.0), "lite")
    machine.run(CALM - 1)
    assert machine.governor.choice == "lite"


def test_a_model_that_cannot_be_had_is_left_alone() -> None:
    governor = Governor(LADDER, "full")
    governor.unavailable("full", 0.0)
    assert governor.choice == "lite"
    governor.using("lite", 1.0)
    for i in range(600):
        governor.observe(1 + i * RATE, 0.002, 0.001, RATE)
    assert governor.choice == "heavy"
    governor.unavailable("heavy", 20.0)
    assert governor.choice == "lite"
    governor.unavailable("none of the ladder", 21.0)
    assert governor.choice == "lite"


def test_a_ladder_that_is_none() -> None:
    with pytest.raises(BodyDoubleError, match="lightest first"):
        Governor(tuple(reversed(LADDER)), "full")
    with pytest.raises(BodyDoubleError, match="lightest first"):
        Governor(LADDER, "huge")
