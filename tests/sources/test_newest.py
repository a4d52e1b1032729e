"""The slot that keeps the newest frame: laws of time, order and count; black pictures; streams' time stamps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from fake_cameras import FakeClock, seen
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.sources.arrival import DRIFT, JUMP_SECONDS, Arrival
from bodydouble.sources.black import DARK_SECONDS, LIGHT_SECONDS, BlackWatch
from bodydouble.sources.live import Condition
from bodydouble.sources.newest import LEAST_STEP, STALL_SECONDS, Newest

STALLED = (Condition.FAILED, "nothing comes")
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.floats(allow_nan=True, allow_infinity=True)),
        st.tuples(st.just("put"), st.floats(-0.2, 0.2)),
        st.tuples(st.sampled_from(["read", "skip", "trouble"]), st.just(0.0)),
        st.tuples(st.just("wait"), st.floats(0, 0.1)),
    ),
    max_size=60,
)


@given(ACTIONS)
def test_laws(actions: list[tuple[str, float]]) -> None:
    clock = FakeClock()
    newest = Newest("made", clock, STALLED)
    frames, images = [], []
    for action, value in actions:
        if action == "put":
            images.append(seen())
            newest.put(images[-1], clock.now + value)
        elif action == "skip":
            newest.skip()
        elif action == "trouble":
            newest.trouble(Condition.BUSY, "busy")
        elif action == "wait":
            clock.now += value
        else:
            frame = newest.read(0)
            if frame is not None:
                assert any(frame.image is image for image in images)
                assert frame.time <= clock.now
                frames.append(frame)
    health = newest.health
    waiting = newest.read(0) is not None
    assert health.captured == len(frames) + waiting + health.dropped
    assert all(b.time - a.time >= LEAST_STEP * 0.999 and b.index > a.index for a, b in pairwise(frames))
    newest.close()
    assert newest.put(seen(), clock.now) is False
    assert newest.read(0) is None
    assert newest.health.captured == len(frames) + waiting + newest.health.dropped


def test_a_newer_frame_takes_the_place_of_one_that_was_not_read() -> None:
    clock = FakeClock()
    newest = Newest("made", clock, STALLED)
    for _ in range(3):
        clock.now += 1 / 30
        newest.put(seen(), clock.now)
    frame = newest.read(0)
    assert frame is not None
    assert (frame.index, frame.time) == (2, clock.now)
    assert newest.read(0) is None
    assert (newest.health.captured, newest.health.dropped) == (3, 2)


@pytest.mark.parametrize("fps", [5, 24, 30, 120])
def test_the_rate_is_measured_and_forgotten_when_pictures_stop(fps: int) -> None:
    clock = FakeClock()
    newest = Newest("made", clock, STALLED)
    for _ in range(3 * fps):
        clock.now += 1 / fps
        newest.put(seen(), clock.now)
    assert newest.health.fps == pytest.approx(fps)
    clock.now += STALL_SECONDS
    assert newest.health.fps == 0
    assert (newest.health.condition, newest.health.message) == STALLED
    newest.put(seen(), clock.now)
    assert newest.health.condition is Condition.LIVE


def test_a_known_trouble_is_not_overwritten_by_silence() -> None:
    clock = FakeClock()
    newest = Newest("made", clock, STALLED)
    newest.trouble(Condition.BUSY, "in use")
    clock.now += 100
    assert (newest.health.condition, newest.health.message) == (Condition.BUSY, "in use")


def watched(levels: list[int], step: float = 1 / 30) -> list[bool]:
    watch = BlackWatch()
    return [watch(seen(level), step * index) for index, level in enumerate(levels)]


def test_black_is_told_after_a_second_and_taken_back_sooner() -> None:
    dark = watched([3] * 60)
    assert dark.index(True) / 30 == pytest.approx(DARK_SECONDS, abs=0.05)
    both = watched([3] * 60 + [100] * 30)
    assert both[60:].index(False) / 30 == pytest.approx(LIGHT_SECONDS, abs=0.05)


def test_a_picture_between_dark_and_light_changes_nothing() -> None:
    assert not any(watched([24] * 200))
    assert all(watched([3] * 60 + [24] * 200)[60:])


def test_flicker_does_not_come_through() -> None:
    assert not any(watched([3, 3, 3, 100] * 60))
    assert all(watched([3] * 60 + [100, 3, 3, 3] * 60)[60:])


def test_a_picture_of_one_colour_shows_nothing() -> None:
    watch = BlackWatch()
    blue = np.full((48, 64, 3), (0, 0, 200), np.uint8)
    assert [watch(blue, t / 30) for t in range(60)][-1]
    rng = np.random.default_rng(1)
    noisy = BlackWatch()
    pictures = [rng.integers(90, 110, (48, 64, 3)).astype(np.uint8) for _ in range(60)]
    assert not any(noisy(image, t / 30) for t, image in enumerate(pictures))


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=80), st.floats(-1e5, 1e5), st.sampled_from([1 / 30, 1 / 5]))
def test_bursts_do_not_shake_a_streams_times(delays: list[float], start: float, step: float) -> None:
    """Stamps are even, arrivals are not: times stay even to the drift, and never lie ahead of the arrival."""
    arrival = Arrival()
    arrived, times = -np.inf, []
    for index, delay in enumerate([0.0, *delays]):
        arrived = max(arrived, 50 + index * step + delay)
        times.append(arrival(start + index * step, arrived))
        assert times[-1] <= arrived
    assert np.diff(times) == pytest.approx(np.full(len(delays), step), abs=DRIFT * (0.5 + step * len(delays)) + 1e-9)
    assert times[-1] >= 50 + (len(delays)) * step - 1e-6


def test_stamps_that_begin_anew_are_tied_anew() -> None:
    arrival = Arrival()
    assert [arrival(90.0 + k, 10.0 + k) for k in range(3)] == [10.0, 11.0, 12.0]
    assert arrival(0.0, 13.0) == 13.0
    assert arrival(1.0 - JUMP_SECONDS / 2, 14.0) == pytest.approx(14.0 - JUMP_SECONDS / 2, abs=2 * DRIFT)
    assert arrival(None, 15.0) == 15.0
    assert arrival(float("nan"), 16.0) == 16.0
