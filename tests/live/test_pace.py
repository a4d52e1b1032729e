"""When the character goes on without frames: soon after they stop, later for sources that give few, never too often."""

from __future__ import annotations

import pytest

from bodydouble.live.pace import LONGEST_STALL, MOST_RATE, STALL, TURN, Pace


def ticks(pace: Pace, begin: float, seconds: float) -> list[float]:
    times, time = [], begin
    while time < begin + seconds:
        time += max(pace.patience(time), 1e-3)
        if pace.due(time):
            times.append(time)
    return times


@pytest.mark.parametrize(("rate", "stall"), [(30.0, STALL), (5.0, 0.5), (0.5, LONGEST_STALL), (0.0, STALL)])
def test_it_begins_after_more_than_a_frame_is_missed(rate: float, stall: float) -> None:
    pace = Pace()
    pace.framed(10.0, rate, 30.0)
    assert ticks(pace, 10.0, 3.0)[0] == pytest.approx(10.0 + stall, abs=2e-3)


@pytest.mark.parametrize(("asked", "rate"), [(30.0, 30.0), (240.0, MOST_RATE), (12.0, 12.0)])
def test_it_goes_on_at_the_rate_asked_for(asked: float, rate: float) -> None:
    pace = Pace()
    pace.framed(10.0, 30.0, asked)
    assert len(ticks(pace, 11.0, 4.0)) == pytest.approx(4 * rate, abs=5)


def test_frames_in_time_leave_nothing_to_do() -> None:
    pace = Pace()
    for i in range(100):
        time = 10 + i / 5
        pace.framed(time, 5.0, 30.0)
        assert ticks(pace, time, 0.19) == []


def test_a_wait_is_never_long() -> None:
    pace = Pace()
    assert pace.patience(5.0) == 0
    pace.framed(10.0, 0.5, 30.0)
    assert pace.patience(10.0) == TURN


def test_the_period_is_the_slower_of_what_comes_and_what_was_asked() -> None:
    pace = Pace()
    pace.framed(10.0, 15.0, 30.0)
    assert pace.period() == pytest.approx(1 / 15)
    pace.framed(10.0, 60.0, 30.0)
    assert pace.period() == pytest.approx(1 / 30)
    pace.framed(10.0, 0.0, 30.0)
    assert pace.period() == pytest.approx(1 / 30)
