"""A spring's path does not depend on the frame rate."""

from __future__ import annotations

import pytest

from bodydouble.retarget.spring import Spring


def swing(looseness: float, rate: int, parent_speed: float, seconds: float) -> float:
    spring = Spring(looseness)
    turn = spring(0.0, 0.0, (0.0, 0.0), 100.0, 0.0)
    for frame in range(1, round(seconds * rate) + 1):
        turn = spring(0.0, parent_speed * frame / rate, (0.0, 0.0), 100.0, 1 / rate)
    return turn


@pytest.mark.parametrize("looseness", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("seconds", [0.2, 0.6, 2.0])
def test_the_same_at_any_frame_rate(looseness: float, seconds: float) -> None:
    fine = swing(looseness, 1000, 2.0, seconds)
    for rate in (5, 15, 60):
        assert swing(looseness, rate, 2.0, seconds) == pytest.approx(fine, abs=1e-9)


def test_trails_what_moves_evenly_and_rests_with_what_rests() -> None:
    assert swing(1.0, 60, 2.0, 3.0) < 6.0 - 0.1
    assert swing(1.0, 60, 0.0, 1.0) == 0.0


def test_a_moving_start_drags_the_tip_behind() -> None:
    spring = Spring(0.5)
    for frame in range(30):
        turn = spring(1.5708, 0.0, (300.0 * frame / 30, 0.0), 100.0, 1 / 30)  # hangs down, moves to the right
    assert turn > 0.05  # clockwise from down is to the left
