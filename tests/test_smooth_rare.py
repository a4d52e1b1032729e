"""Poses that come rarely and unevenly, as on a busy laptop: who stands still is shown still, and motion counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap
from bodydouble.bench import trials
from bodydouble.bench.landmarks import View
from bodydouble.pipeline import Steady
from bodydouble.skeletons import BLAZEPOSE_33, COCO_17, select
from bodydouble.smooth import Smoother
from bodydouble.types import Array, Pose

VIEW = View()
INDEX = BLAZEPOSE_33.index
SHARED = [INDEX[name] for name in COCO_17.points]
RATES = (2.0, 3.0, 5.0, 10.0)
SECONDS = 40.0
NOISE = 0.03  # metres that a point is seen off in the picture at most: 1.5 px of noise and 2 px of wander, 33 points
AHEADS = (0.0, 0.1, 0.3)


@pytest.fixture(scope="module")
def standing(test_data: Path) -> Pose:
    return replace(mocap.poses(test_data / "mocap" / "wave_hello.bvh", camera=VIEW.camera)[0], person=0)


@pytest.fixture(scope="module")
def dance(test_data: Path) -> list[Pose]:
    return [replace(p, person=0) for p in mocap.poses(test_data / "mocap" / "jesse_dance.bvh", camera=VIEW.camera)]


def uneven(rate: float, seed: int) -> Array:
    """(T,) times, each step 0.4 to 1.6 of the mean."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.uniform(0.4, 1.6, round(SECONDS * rate)) / rate)


def seen_still(pose: Pose, times: Array, seed: int) -> trials.Sights:
    """A person who stands still, with noise."""
    truth = trials.held(trials.sights([pose]), 0, len(times), VIEW)
    return replace(trials.noisy(truth, VIEW, np.random.default_rng(seed)), times=times)


def in_picture(pose: Pose, truth: Pose) -> Array:
    """Metres that points are off, (K,) or the (17,) of a pose without a face."""
    rows = SHARED if len(pose.points) == len(SHARED) else slice(None)
    return np.asarray(np.linalg.norm(pose.points - truth.points[rows], axis=1) * VIEW.pixel)


def flat(pose: Pose) -> Pose:
    """As another model has it: fewer points, neither depth nor world landmarks."""
    points, scores = select(BLAZEPOSE_33, COCO_17.points, pose.points, pose.scores)
    return Pose(COCO_17.name, points, scores, 1.0, pose.time, person=pose.person)


def shown(poses: list[Pose], truth: Pose, exchange: int) -> Array:
    """(T, 3) the worst point of each frame, now and predicted. exchange: frames after which the model changes, or 0."""
    smooth, other, rows = Smoother(0.5), False, []
    for i, pose in enumerate(poses):
        if exchange and i and i % exchange == 0:
            smooth.handover()
            other = not other
        smooth(flat(pose) if other else pose)
        ahead = [smooth.predict(seconds) for seconds in AHEADS]
        rows.append([in_picture(later, truth).max() for later in ahead if later is not None])
    return np.array(rows)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("exchange", [0, 5])
def test_who_stands_still_is_shown_still(standing: Pose, rate: float, exchange: int) -> None:
    for seed in range(2):
        times = uneven(rate, seed)
        off = shown(seen_still(standing, times, seed).poses(standing), standing, exchange)
        assert off.max() < 1.2 * NOISE


@pytest.mark.parametrize("rate", RATES)
def test_the_pipeline_shows_them_still(standing: Pose, rate: float) -> None:
    steady = Steady(0.5)
    for i, pose in enumerate(seen_still(standing, uneven(rate, 3), 3).poses(standing)):
        if i % 7 == 5:
            steady.handover()
        steady([pose], pose.time)
        (later,) = steady.predict(0.3)
        assert in_picture(later, standing).max() < 1.2 * NOISE


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("exchange", [0, 6])
def test_exchanged_sides_and_leaps_do_not_make_somebody_flail(standing: Pose, rate: float, exchange: int) -> None:
    """Now and then a wrist or elbow is seen half a metre away, or left for right: neither is shown, nor carried on."""
    rng = np.random.default_rng(1)
    seen = seen_still(standing, uneven(rate, 4), 4).poses(standing)
    for i in range(8, len(seen), 4):
        pose = seen[i]
        points, in_world, depth = pose.points.copy(), pose.world.copy(), pose.depth.copy()  # type: ignore[union-attr]
        if i % 8:
            mirrored = list(BLAZEPOSE_33.mirrored)
            points, in_world, depth = points[mirrored], in_world[mirrored], depth[mirrored]
        else:
            row = INDEX[f"{rng.choice(['left', 'right'])}_{rng.choice(['wrist', 'elbow', 'ankle'])}"]
            way = rng.standard_normal(2)
            way *= 0.55 / np.linalg.norm(way)
            points[row] += way / VIEW.pixel
            in_world[row, :2] += way * [1, -1]
        seen[i] = replace(pose, points=points, world=in_world, depth=depth)
    off = shown(seen, standing, exchange)
    assert off.max() < 3 * NOISE


@pytest.mark.parametrize("rate", [3.0, 5.0])
def test_a_raised_arm_is_shown_at_once(standing: Pose, rate: float) -> None:
    """The gates are not so narrow that a movement between two rare poses is taken for a leap."""
    arm = [INDEX[f"left_{name}"] for name in ("elbow", "wrist", "pinky", "index", "thumb")]
    points, in_world = standing.points.copy(), standing.world.copy()  # type: ignore[union-attr]
    points[arm, 1] -= 0.5 / VIEW.pixel
    in_world[arm, 1] += 0.5
    raised = replace(standing, points=points, world=in_world)
    smooth = Smoother(0.5)
    for i in range(30):
        out = smooth(replace(raised if i >= 20 else standing, time=i / rate))
        if i >= 20:
            assert in_picture(out, raised).max() < NOISE


def test_a_dance_is_followed_five_times_a_second(dance: list[Pose]) -> None:
    """Limbs swing past each other between such poses, and that is not taken for exchanged sides."""
    smooth = Smoother(0.5)
    off = np.array([in_picture(smooth(pose), pose).max() for pose in dance[::6]])
    assert (off < 0.05).mean() > 0.9


def test_what_is_predicted_from_rare_poses_stays_near_the_last(dance: list[Pose]) -> None:
    """At 3 poses a second speeds of long ago tell nothing: predicting is hardly worse than not to."""
    smooth = Smoother(0.5)
    with_it, without = [], []
    for pose, later in zip(dance[::10], dance[6::10], strict=False):
        out = smooth(pose)
        ahead = smooth.predict(0.2)
        assert ahead is not None
        with_it.append(ahead.points - later.points)
        without.append(out.points - later.points)
    assert np.square(with_it).mean() < 1.05 * np.square(without).mean()
