"""Poses further apart than the smoother takes for one movement: each is reached before the third."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.smooth import Smoother
from bodydouble.smooth.smoother import FORGET, GAP
from bodydouble.types import Camera, Pose

CAMERA = Camera((1280, 720), float(np.radians(50)))
NEAR = 5.0  # pixels; who waves is 400 high and lifts the hand by 150


@pytest.fixture(scope="module")
def wave(test_data: Path) -> list[Pose]:
    poses = mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=CAMERA, place=(0.0, 0.0, 3.0))
    return [replace(pose, person=1) for pose in poses]


@pytest.mark.parametrize("step", [1.2 * GAP, 1.8 * GAP, 1.5 * FORGET])
@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0])
def test_a_pose_after_gaps_is_reached(wave: list[Pose], amount: float, step: float) -> None:
    low, high = wave[0], max(wave, key=lambda pose: float(np.abs(pose.points - wave[0].points).max()))
    assert np.abs(high.points - low.points).max() > 10 * NEAR
    smooth = Smoother(amount)
    for number, seen in enumerate([low] * 4 + [high] * 4 + [low] * 4):
        shown = smooth(replace(seen, time=number * step))
        if number % 4 > 1:  # one that leaps further than it could go is believed the second time
            assert np.abs(shown.points - seen.points).max() < NEAR
