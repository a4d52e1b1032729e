"""The course of a long live run: every frame in its minute."""

from __future__ import annotations

import pytest

from bodydouble.bench.live_course import course, course_lines

BEGUN = 5000.0


def test_each_minute_has_its_own_figures() -> None:
    when = [BEGUN + i / 10 for i in range(1900)]
    took = [0.040 + 0.010 * (i // 600) for i in range(1900)]
    memory = [100.0] * 126 + [110.0] * 127 + [120.0] * 127
    first, second, third = course(when, took, memory, BEGUN, 190.0)
    assert (first.end, second.end, third.end) == pytest.approx((190 / 3, 380 / 3, 190))
    assert (first.p50, second.p50, third.p50) == pytest.approx((40, 50, 60))
    assert first.count + second.count + third.count == 1900
    assert (first.megabytes, second.megabytes, third.megabytes) == (100, 110, 120)
    assert len(course_lines((first, second, third))) == 4
    assert course_lines((first,))[1].split() == ["1:03", "40.0", "50.0", "634", "100"]


def test_minutes_without_a_frame_and_runs_too_short() -> None:
    stretches = course([BEGUN + 1], [0.05], [100.0, 101.0, 102.0], BEGUN, 180.0)
    assert [one.count for one in stretches] == [1, 0, 0]
    assert stretches[1].p50 == stretches[1].p95 == 0
    assert course([BEGUN], [0.1], [1.0], BEGUN, 119.0) == ()
    assert course_lines(()) == []
