"""A person's bone lengths: right within seconds, steady then, whatever the noise, the scale or the model."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.retarget.calibration import Body, Calibration, typical
from bodydouble.retarget.joints import ENDS, STARTS, joints
from bodydouble.skeletons import BODY_BONES, BONE_INDEX
from bodydouble.types import Camera, Pose

CAMERA = Camera((1280, 720), math.radians(60))


@pytest.fixture(scope="module")
def dance(test_data: Path) -> list[Pose]:
    return mocap.poses(test_data / "mocap" / "jesse_dance.bvh", camera=CAMERA)


def true_lengths(poses: list[Pose]) -> np.ndarray:
    worlds = [joints(pose).world for pose in poses]
    return np.median([np.linalg.norm(w[ENDS] - w[STARTS], axis=1) for w in worlds if w is not None], axis=0)


def watch(poses: list[Pose]) -> list[Body]:
    calibration = Calibration()
    return [calibration.update(pose) for pose in poses]


def flat(poses: list[Pose]) -> list[Pose]:
    return [replace(pose, world=None, depth=None) for pose in poses]


def test_finds_metric_lengths_within_seconds(dance: list[Pose]) -> None:
    bodies = watch(dance)
    error = bodies[90].lengths / true_lengths(dance) - 1
    assert np.abs(error).max() < 0.06
    assert bodies[90].metric
    assert abs(bodies[90].height - 1.75) < 0.1


def test_outliers_and_unsure_points_change_little(dance: list[Pose]) -> None:
    rng = np.random.default_rng(5)
    clean = watch(dance)[-1]
    spoilt = []
    for pose in dance:
        world, scores = np.array(pose.world), np.array(pose.scores)
        world += rng.normal(0.0, 0.01, world.shape)
        world[rng.random(33) < 0.1] += rng.normal(0.0, 1.0, 3)
        unsure = rng.random(33) < 0.1
        world[unsure] *= 3.0
        scores[unsure] = 0.1
        spoilt.append(replace(pose, world=world, scores=scores))
    body = watch(spoilt)[-1]
    long = clean.lengths > 0.15
    assert np.abs(body.lengths / clean.lengths - 1)[long].max() < 0.04


def test_keeps_still_once_known(dance: list[Pose]) -> None:
    rng = np.random.default_rng(6)
    noisy = [replace(p, world=p.world + rng.normal(0, 0.01, p.world.shape)) for p in dance if p.world is not None]
    lengths = np.array([body.lengths for body in watch(noisy)])[90:]
    per_second = np.abs(np.diff(np.log(lengths), axis=0)) * 30
    assert np.percentile(per_second, 99) < 0.05


def test_pictures_alone_give_proportions(dance: list[Pose]) -> None:
    body = watch(flat(dance))[-1]
    true = true_lengths(dance)
    limbs = [BONE_INDEX[f"left_{name}"] for name in ("upper_arm", "forearm", "thigh", "shin")]
    ratio = body.lengths[limbs] / true[limbs]
    assert np.abs(ratio / ratio.mean() - 1).max() < 0.06
    assert not body.metric


@pytest.mark.parametrize("scale", [0.05, 20.0])
def test_pictures_of_any_size_give_the_same_proportions(dance: list[Pose], scale: float) -> None:
    scaled = [replace(pose, points=pose.points * scale - 3000.0) for pose in flat(dance)]
    assert np.allclose(watch(scaled)[-1].lengths, watch(flat(dance))[-1].lengths, rtol=1e-6)


def test_sides_share_evidence(dance: list[Pose]) -> None:
    index = [i for i, name in enumerate(mocap.BLAZEPOSE_33.points) if name in ("right_elbow", "right_wrist")]
    hidden = []
    for pose in dance:
        scores = np.array(pose.scores)
        scores[index] = 0.0
        hidden.append(replace(pose, scores=scores))
    body = watch(hidden)[-1]
    left, right = BONE_INDEX["left_forearm"], BONE_INDEX["right_forearm"]
    assert body.lengths[left] == body.lengths[right]
    assert abs(body.lengths[right] / true_lengths(dance)[left] - 1) < 0.03


def test_unseen_legs_are_guessed_from_the_persons_size(dance: list[Pose]) -> None:
    legs = [
        i for i, n in enumerate(mocap.BLAZEPOSE_33.points) if any(w in n for w in ("knee", "ankle", "heel", "foot"))
    ]
    child = []
    for pose in dance:
        scores = np.array(pose.scores)
        scores[legs] = 0.0
        child.append(replace(pose, scores=scores, world=None if pose.world is None else pose.world * 0.6))
    body = watch(child)[-1]
    shin = BONE_INDEX["left_shin"]
    assert abs(body.lengths[shin] / (0.6 * true_lengths(dance)[shin]) - 1) < 0.15
    assert body.confidence[shin] == 0.0


def test_a_person_not_seen_is_typical(dance: list[Pose]) -> None:
    body = Calibration().update(replace(dance[0], scores=np.zeros(33)))
    assert np.allclose(body.lengths, typical().lengths)
    assert not body.confidence.any()


def test_reset_forgets(dance: list[Pose]) -> None:
    calibration = Calibration()
    for pose in dance:
        calibration.update(pose)
    calibration.reset()
    again, first = calibration.update(dance[0]), Calibration().update(dance[0])
    assert np.array_equal(again.lengths, first.lengths)
    assert len(again.lengths) == len(BODY_BONES)
