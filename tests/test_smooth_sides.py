"""A front taken for a back, as models do it: all at once, limbs alone, torn between, and right again, before long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.smooth import Smoother
from bodydouble.types import Array, Camera, Pose

CAMERA = Camera((1280, 720), float(np.radians(50)))
FPS = 60.0
AMOUNTS = (0.0, 0.3, 0.5, 1.0)
INDEX = BLAZEPOSE_33.index
MIRRORED = list(BLAZEPOSE_33.mirrored)
SIDES = [INDEX[f"{side}_{joint}"] for side in ("left", "right") for joint in ("shoulder", "elbow", "wrist", "hip")]
ARMS = [i for name, i in INDEX.items() if any(part in name for part in ("elbow", "wrist", "pinky", "thumb"))]
ARMS += [INDEX["left_index"], INDEX["right_index"]]
LEGS = [i for name, i in INDEX.items() if any(part in name for part in ("knee", "ankle", "heel", "foot"))]
ALL = list(range(33))
TORSO = 280.0  # pixels, of the man who was filmed


def world(pose: Pose) -> Array:
    assert pose.world is not None
    return pose.world


def depth(pose: Pose) -> Array:
    assert pose.depth is not None
    return pose.depth


def run(poses: list[Pose], amount: float) -> list[Pose]:
    smooth = Smoother(amount)
    return [smooth(pose) for pose in poses]


def wrong(pose: Pose, rows: list[int], share: float = 1.0) -> Pose:
    """Sides exchanged and depth turned about, of some points, or so far on the way there."""
    points, z, in_world = pose.points.copy(), depth(pose).copy(), world(pose).copy()
    points[rows] += share * (pose.points[MIRRORED] - pose.points)[rows]
    z[rows] += share * (-depth(pose)[MIRRORED] - depth(pose))[rows]
    in_world[rows] += share * (world(pose)[MIRRORED] * [1, 1, -1] - world(pose))[rows]
    return replace(pose, points=points, depth=z, world=in_world)


@pytest.fixture(scope="module")
def filmed() -> list[Pose]:
    """Real landmarks of a man who spreads his arms: see the file's `origin`. Right until frame 20 and from 62 on."""
    with np.load(Path(__file__).with_name("front_for_back.npz")) as file:
        rows = zip(file["points"] / 10, file["scores"] / 1e4, file["depth"] / 10, file["world"] / 1e4, strict=True)
        return [
            Pose(BLAZEPOSE_33.name, points, scores, 1.0, i / FPS, depth=z, world=in_world)
            for i, (points, scores, z, in_world) in enumerate(rows)
        ]


def apart(pose: Pose) -> Array:
    """(4,) how far left shoulder, elbow, wrist and hip are to the right of their opposites in the picture."""
    return pose.points[SIDES[:4], 0] - pose.points[SIDES[4:], 0]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_filmed_man_keeps_his_sides(filmed: list[Pose], amount: float) -> None:
    out = run(filmed, amount)
    assert [i for i, pose in enumerate(out) if (apart(pose) < -0.02 * TORSO).any()] == []
    in_world = np.stack([world(pose)[SIDES] for pose in out])
    assert ((in_world[:, :4, 0] - in_world[:, 4:, 0]) > 0).all()
    late = np.stack([np.abs(shown.points - seen.points).max(axis=1) for shown, seen in zip(out, filmed, strict=True)])
    assert late[68:][:, ARMS].max() < 0.1 * TORSO
    assert late[76:].max() < 0.2 * TORSO  # the legs cross meanwhile


def played(truth: list[Pose], seed: int) -> list[Pose]:
    """40 frames exchanged, with frames in between where arms or legs are not, alone are, or are torn."""
    rng = np.random.default_rng(seed)
    seen = list(truth)
    start = 40
    for i in range(start, start + 40):
        seen[i] = wrong(truth[i], ALL)
        if i > start + 8 and rng.random() < 0.4:
            kind = rng.integers(5)
            if kind == 0:
                seen[i] = truth[i]
            elif kind < 3:
                seen[i] = wrong(truth[i], ARMS if kind == 1 else LEGS)
            else:
                limbs = ARMS if kind == 3 else LEGS
                seen[i] = wrong(wrong(truth[i], [k for k in ALL if k not in limbs]), limbs, rng.uniform(0.3, 0.7))
    return seen


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("name", ["wave_hello", "jesse_dance"])
def test_an_actor_keeps_his_sides(test_data: Path, name: str, amount: float) -> None:
    truth = mocap.poses(test_data / "mocap" / f"{name}.bvh", camera=CAMERA, fps=FPS)[:150]
    for seed in range(6):
        out = run(played(truth, seed), amount)
        error = np.stack([np.linalg.norm(world(a) - world(b), axis=-1) for a, b in zip(out, truth, strict=True)])
        assert np.sqrt((error[40:] ** 2).mean()) < 0.06, seed
        assert error[90:].max() < 0.1, seed
