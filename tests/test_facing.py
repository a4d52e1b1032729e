"""A model that takes a front for a back is put right; who turns, or is seen from behind, is left as seen."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.facing import BACK_TIME, FRONT_TIME, Facing, exchanged, frontal
from bodydouble.pipeline import Steady
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import Array, Camera, Pose, State

CAMERA = Camera((1280, 720), math.radians(60))
FPS = 15.0
LEFT, RIGHT = (BLAZEPOSE_33.index[f"{side}_shoulder"] for side in ("left", "right"))
# What blazepose-lite said of a man before the camera, 15 times a second: + a front, - a back.
CLAIMS = "--+++++++--------+----++-+++++---+---------------++++-++++++-------+----++-+++++---+--------------"


@pytest.fixture(scope="module")
def wave(test_data: Path) -> mocap.Clip:
    return mocap.load(test_data / "mocap" / "wave_hello.bvh")


def person(clip: mocap.Clip, yaw: Array, fps: float = FPS) -> list[Pose]:
    """Somebody who turns as said, radians a frame; 0 faces the camera."""
    _, points = mocap.resampled(clip, fps)
    points = mocap.turned(points - mocap._hips(points)[0], -float(mocap.heading(points)[0]))
    rows = np.arange(len(yaw)) % len(points)
    moved = np.stack([mocap.turned(points[row], float(turn)) for row, turn in zip(rows, yaw, strict=True)])
    return [
        replace(pose, person=1)
        for pose in mocap.view(moved + np.array([0, 0, -3.5]), np.arange(len(yaw)) / fps, CAMERA)
    ]


def flicker(poses: list[Pose], claims: str) -> list[Pose]:
    """The poses of somebody who faces the camera, exchanged where the model claims a back."""
    return [exchanged(pose) if claim == "-" else pose for pose, claim in zip(poses, claims, strict=True)]


def test_exchanging_twice_changes_nothing(wave: mocap.Clip) -> None:
    pose = person(wave, np.array([0.4]))[0]
    there, back = exchanged(pose), exchanged(exchanged(pose))
    assert frontal(there) == pytest.approx(-frontal(pose))
    for name in ("points", "scores", "depth", "world", "visibility", "presence"):
        assert np.array_equal(getattr(back, name), getattr(pose, name))


def test_a_front_taken_for_a_back_again_and_again_is_a_front(wave: mocap.Clip) -> None:
    front = person(wave, np.zeros(len(CLAIMS)))
    facing = Facing()
    right = [facing(pose) for pose in flicker(front, CLAIMS)]
    soon = 2 + math.ceil(FRONT_TIME * FPS)
    for pose, true in list(zip(right, front, strict=True))[soon:]:
        assert np.array_equal(pose.points, true.points)
        assert np.allclose(pose.world, true.world)


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_who_turns_round_is_left_as_seen(wave: mocap.Clip, fps: float) -> None:
    turn = np.linspace(0, 4 * math.pi, round(2.0 * fps))  # once a second
    facing = Facing()
    for pose in person(wave, turn, fps):
        assert facing(pose) is pose
        assert not facing.changed


def test_a_back_is_left_as_seen_through_single_errors(wave: mocap.Clip) -> None:
    back = person(wave, np.full(60, math.pi))
    facing = Facing()
    for i, pose in enumerate(back):
        right = facing(exchanged(pose) if i % 20 == 10 else pose)
        assert np.array_equal(right.points, pose.points)
        assert facing.told(right).state is State.TURNED_AWAY


def test_a_back_that_lasts_is_believed(wave: mocap.Clip) -> None:
    """The first sight was wrong, or somebody turned unseen."""
    front = person(wave, np.zeros(60))
    facing = Facing()
    changed = []
    for pose in flicker(front, "+" * 10 + "-" * 50):
        right = facing(pose)
        assert (frontal(right) > 0) == (not any(changed) and not facing.changed)
        changed.append(facing.changed)
    assert changed.count(True) == 1
    assert changed.index(True) == pytest.approx(10 + BACK_TIME * FPS, abs=1)


@pytest.mark.parametrize("claims", [CLAIMS, CLAIMS[::-1], "+" * 30 + "-" * 45 + "+" * 23])
def test_the_state_goes_with_the_sides_that_are_shown(wave: mocap.Clip, claims: str) -> None:
    """Who is shown from behind is said to be: else the character crosses its arms and legs."""
    steady = Steady(0.5)
    for pose in flicker(person(wave, np.zeros(len(claims))), claims):
        for shown in (*steady([pose], pose.time), *steady.predict(0.05)):
            behind = shown.points[LEFT, 0] < shown.points[RIGHT, 0]
            assert (shown.state is State.TURNED_AWAY) == behind


def test_a_turn_is_told_once_each_way(wave: mocap.Clip) -> None:
    turn = np.concatenate((np.zeros(10), np.linspace(0, 2 * math.pi, 60), np.full(10, 2 * math.pi)))
    rng = np.random.default_rng(5)
    facing = Facing()
    states = []
    for pose in person(wave, turn + 0.05 * rng.standard_normal(len(turn)), 30.0):
        states.append(facing.told(facing(pose)).state)
    assert sum(a is not b for a, b in itertools.pairwise(states)) == 2
    assert states[10 + 30] is State.TURNED_AWAY and states[-1] is State.TRACKED


@pytest.mark.parametrize("yaw", [-1.9, -1.5, 1.0, 1.5, 1.7, 1.9])
def test_side_on_the_state_does_not_flicker(wave: mocap.Clip, yaw: float) -> None:
    rng = np.random.default_rng(1)
    sways = yaw + 0.15 * np.sin(np.arange(120) / 5) + 0.03 * rng.standard_normal(120)
    facing = Facing()
    states = [facing.told(facing(pose)).state for pose in person(wave, sways, 30.0)]
    assert sum(a is not b for a, b in itertools.pairwise(states)) <= 1


def test_states_of_others_stay(wave: mocap.Clip) -> None:
    pose = replace(person(wave, np.zeros(1))[0], state=State.UPPER_BODY)
    facing = Facing()
    assert facing.told(facing(pose)).state is State.UPPER_BODY
    doubted = replace(pose, state=State.TURNED_AWAY, time=0.1)
    assert facing.told(facing(doubted)).state is State.UPPER_BODY
    assert facing.shown(replace(pose, state=State.LOST)).state is State.LOST
