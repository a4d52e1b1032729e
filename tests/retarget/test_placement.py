"""Where a person stands is read in their own heights, apart from what they do."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.retarget.calibration import Body, typical
from bodydouble.retarget.placement import Placer
from bodydouble.types import Camera, Placement, Pose

CAMERA = Camera((1280, 720), math.radians(60))


@pytest.fixture(scope="module")
def standing(test_data: Path) -> Pose:
    return mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=CAMERA, place=(0, 0, 4), fps=5)[20]


def shifted(pose: Pose, x: float, y: float, time: float) -> Pose:
    return replace(pose, points=pose.points + np.array([x, y]), time=time)


def place(pose: Pose, body: Body | None = None) -> Placement:
    return Placer(CAMERA.size)(pose, body or typical(), CAMERA)


def test_sideways_is_in_body_heights(standing: Pose) -> None:
    middle = place(standing)
    tall = middle.size * CAMERA.size[1]
    assert place(shifted(standing, tall, 0, 0)).x - middle.x == pytest.approx(1.0)
    assert middle.size == pytest.approx(1.70 / (4 * 720 / CAMERA.focal), rel=0.06)
    assert middle.score > 0


def test_size_in_the_picture_changes_only_size(standing: Pose) -> None:
    centre = np.array([640, 360])
    big = replace(standing, points=centre + 2 * (standing.points - centre))
    one, two = place(standing), place(big)
    assert two.size == pytest.approx(2 * one.size)
    assert two.x == pytest.approx(one.x)


def test_a_jump_is_seen_and_a_squat_is_not(standing: Pose) -> None:
    placer = Placer(CAMERA.size)
    body = typical()
    tall = place(standing).size * CAMERA.size[1]
    heights = []
    for frame in range(90):
        time = frame / 30
        up = max(0.0, 0.25 - 2.8 * (time - 2.0) ** 2)  # body heights; a jump of 0.6 s
        heights.append(placer(shifted(standing, 0, -up * tall, time), body, CAMERA).y)
    assert max(heights[:50]) == 0.0
    assert max(heights) == pytest.approx(0.25, abs=0.06)
    assert heights[-1] < 0.01
    feet = [i for i, n in enumerate(mocap.BLAZEPOSE_33.points) if any(w in n for w in ("ankle", "heel", "foot"))]
    placer.reset()
    for frame in range(60):
        points = standing.points + np.array([0, 2.0 * frame])
        points[feet] = standing.points[feet]
        assert placer(replace(standing, points=points, time=frame / 30), body, CAMERA).y < 0.03


def test_walking_away_is_no_jump(test_data: Path) -> None:
    placer = Placer(CAMERA.size)
    clip = mocap.load(test_data / "mocap" / "wave_hello.bvh")
    for frame in range(0, 60, 3):
        pose = mocap.blazepose(clip, camera=CAMERA, place=(0, -0.3, 3 + frame / 30), fps=1)[3]
        assert placer(replace(pose, time=frame / 30), typical(), CAMERA).y < 0.03


def test_hips_out_of_the_picture(standing: Pose) -> None:
    scores = np.array(standing.scores)
    scores[[mocap.BLAZEPOSE_33.index[f"{side}_hip"] for side in ("left", "right")]] = 0.0
    whole, part = place(standing), place(replace(standing, scores=scores))
    assert part.picture == pytest.approx(whole.picture, abs=0.05)


def test_nobody_has_no_place(standing: Pose) -> None:
    assert place(replace(standing, scores=np.zeros(33))).score == 0
