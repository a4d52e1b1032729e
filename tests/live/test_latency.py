"""Latency figures: percentiles of the last seconds, bounded memory, and pages that say nonsense change nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.live.latency import AWAITED, MOST, WINDOW, Latency


def run(latency: Latency, begin: float, count: int, *, ready: float = 0.02, posed: float = 0.04) -> float:
    time = begin
    for i in range(count):
        time = begin + i / 30
        sequence = round(time * 30)
        latency.published(sequence, time - ready, time)
        latency.acknowledge(sequence, time - ready + posed, time - ready + posed + 0.01, 60.0, time + 0.03, 2.5)
    return time


def test_figures_are_those_of_what_happened() -> None:
    latency = Latency()
    random = np.random.default_rng(0)
    waits = random.uniform(0.03, 0.09, 270)
    for i, wait in enumerate(waits):
        time = 100 + i / 30
        latency.published(i, time, time + 0.02)
        latency.acknowledge(i, time + wait, time + wait + 0.016, 59.0, time + wait + 0.02, 3.0)
    figures = latency.figures(109.0)
    assert figures.ready == pytest.approx((20, 20))
    assert figures.posed == pytest.approx(tuple(1e3 * np.percentile(waits, (50, 95))), abs=0.6)
    assert figures.drawn == pytest.approx(tuple(1e3 * np.percentile(waits + 0.016, (50, 95))), abs=0.6)
    assert figures.pose_rate == pytest.approx(30, abs=0.6)
    assert figures.draw_rate == 59
    assert figures.work == pytest.approx(3.0)


def test_what_is_old_is_forgotten() -> None:
    latency = Latency()
    end = run(latency, 100.0, 300, posed=0.5)
    run(latency, end + WINDOW + 1, 60, posed=0.05)
    assert latency.figures(end + WINDOW + 3.0).posed == pytest.approx((50, 50))
    figures = latency.figures(end + 100.0)
    assert figures.posed == (0, 0)
    assert figures.pose_rate == figures.draw_rate == 0


def test_memory_is_bounded() -> None:
    latency = Latency()
    for i in range(4 * MOST):
        latency.published(i, 100.0, 100.01)
        latency.acknowledge(i, 100.02, 100.03, 60.0, 100.03)
    assert len(latency._captured) <= AWAITED
    assert all(len(values) <= MOST for values in (latency._ready, latency._posed, latency._drawn, latency._rates))


@settings(deadline=None)
@given(
    sequence=st.integers(-5, 400),
    posed=st.floats(),
    drawn=st.floats(),
    rate=st.floats(),
    work=st.floats(),
)
def test_nonsense_of_a_page_changes_no_figure(
    sequence: int, posed: float, drawn: float, rate: float, work: float
) -> None:
    latency = Latency()
    end = run(latency, 100.0, 100)
    if 100 <= posed <= end + 2 or 100 <= drawn <= end + 2:
        return
    before, delay = latency.figures(end), latency.delay()
    latency.acknowledge(sequence, posed, drawn, rate, end, work)
    after = latency.figures(end)
    assert (after.ready, after.posed, after.drawn, after.pose_rate) == (
        before.ready,
        before.posed,
        before.drawn,
        before.pose_rate,
    )
    assert 0 <= after.draw_rate <= 1000
    assert latency.delay() == delay
    assert math.isfinite(after.work)


def test_the_delay_follows_steadily_and_does_without_pages() -> None:
    latency = Latency()
    assert latency.delay() == 0
    for i in range(60):
        latency.published(i, 50 + i / 30, 50 + i / 30 + 0.02)
    assert latency.delay() == pytest.approx(0.02)
    delays = []
    for i in range(90):
        time = 52 + i / 30
        latency.published(3000 + i, time - 0.02, time)
        latency.acknowledge(3000 + i, time + 0.04, 0.0, 60.0, time + 0.05)
        delays.append(latency.delay())
    assert delays[-1] == pytest.approx(0.06, abs=1e-3)
    assert np.abs(np.diff(delays)).max() < 0.005
