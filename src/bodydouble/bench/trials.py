"""What a pose model would make of the truth: noise on a good day; gaps, teleports and exchanged sides on a bad one.

The amounts are those by which steadiness is judged: world landmarks 1 cm white noise across and 3 cm in depth; image
points 1.5 px white and 2 px of slow wander; wrists and ankles unseen for 5 to 15 frames at a time; 1 % of points
teleport; 0.5 % of frames have left and right exchanged. All from a seeded generator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bodydouble.bench.landmarks import View
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import Array, Pose

Mask = npt.NDArray[np.bool_]
WORLD_NOISE = np.array([0.01, 0.01, 0.03])  # metres, white
PIXEL_NOISE, WANDER, WANDER_TIME = 1.5, 2.0, 1.0  # pixels white, pixels of slow wander, over about so many seconds
DEPTH_NOISE = 4.5  # pixels: as the world's depth against its width
VANISHING = [BLAZEPOSE_33.index[name] for name in ("left_wrist", "right_wrist", "left_ankle", "right_ankle")]
UNSEEN, BETWEEN = (5, 16), (30, 90)  # frames that a point is unseen, and seen in between (least, most + 1)
UNSEEN_SCORE, GUESS = 0.05, 0.15  # the score of an unseen point, and metres that a model's guess is off per axis
TELEPORTS, SWAPS = 0.01, 0.005  # shares of points, and of frames
LEAP = (0.2, 0.8)  # metres that a teleport goes
WARM_UP = 60  # frames before anything is measured, fewer in short motions
REST_FRAMES = 300
STEP, STEP_FRAMES = 0.2, 45  # metres that an arm is raised at once, and frames before and after


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """What is seen of a person over time: pixels (T, K, 2), depth (T, K) pixels, world (T, K, 3) metres, scores."""

    times: Array
    points: Array
    depth: Array
    world: Array
    scores: Array

    def poses(self, like: Pose) -> list[Pose]:
        """As poses of the layout of `like`."""
        return [
            replace(
                like,
                time=float(time),
                points=self.points[i],
                depth=self.depth[i],
                world=self.world[i],
                scores=self.scores[i],
            )
            for i, time in enumerate(self.times)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One motion with one seed: the truth, and what is seen of it.

    good: with noise only. bad: with all faults; gaps, wrong: (T, K) where it has them. rest: a person standing still,
    with noise; rest_truth: that pose. warm: frames before anything is measured.
    """

    truth: Sights
    good: Sights
    bad: Sights
    gaps: Mask
    wrong: Mask
    rest: Sights
    warm: int


def sights(poses: list[Pose]) -> Sights:
    """Poses that have depth and world landmarks, as arrays."""
    columns = [(pose.points, pose.depth, pose.world, pose.scores) for pose in poses]
    points, depth, world, scores = (np.stack([row[at] for row in columns]) for at in range(4))  # type: ignore[misc]
    return Sights(np.array([pose.time for pose in poses]), points, depth, world, scores)


def trial(truth: Sights, view: View, seed: int) -> Trial:
    """The motion `truth` with the noise and the faults of one seed."""
    rng = np.random.default_rng(seed)
    good = noisy(truth, view, rng)
    bad, gaps, wrong = spoilt(good, view, rng)
    rest = noisy(held(truth, len(truth.times) // 3, REST_FRAMES, view), view, rng)
    warm = min(WARM_UP, len(truth.times) // 3)
    gaps[:warm] = wrong[:warm] = False
    return Trial(truth, good, bad, gaps, wrong, rest, warm)


def held(truth: Sights, frame: int, count: int, view: View) -> Sights:
    """`count` frames of the pose that a motion has in one."""
    rows = np.full(count, frame)
    return Sights(
        np.arange(count) / view.fps, truth.points[rows], truth.depth[rows], truth.world[rows], truth.scores[rows]
    )


def noisy(truth: Sights, view: View, rng: np.random.Generator) -> Sights:
    """As a model sees it on a good day: white noise and slow wander."""
    frames, count = truth.scores.shape
    keep = np.exp(-1 / view.fps / WANDER_TIME)
    wander = np.zeros((frames, count, 2))
    slow = np.zeros((count, 2))
    for i in range(frames):
        slow = keep * slow + np.sqrt(1 - keep**2) * WANDER * rng.standard_normal((count, 2))
        wander[i] = slow
    return Sights(
        truth.times,
        truth.points + wander + PIXEL_NOISE * rng.standard_normal((frames, count, 2)),
        truth.depth + DEPTH_NOISE * rng.standard_normal((frames, count)),
        truth.world + WORLD_NOISE * rng.standard_normal((frames, count, 3)),
        truth.scores,
    )


def spoilt(seen: Sights, view: View, rng: np.random.Generator) -> tuple[Sights, Mask, Mask]:
    """Exchanges, teleports and gaps on top. Also where (T, K) points are unseen, and where they are wrong."""
    frames, count = seen.scores.shape
    points, depth, world, scores = seen.points.copy(), seen.depth.copy(), seen.world.copy(), seen.scores.copy()
    gaps = vanished(frames, count, rng)
    teleports = rng.random((frames, count)) < TELEPORTS
    swaps: Mask = np.asarray(rng.random(frames) < SWAPS)
    mirrored = list(BLAZEPOSE_33.mirrored)
    for values in (points, depth, world):
        values[swaps] = values[swaps][:, mirrored]
    ways = rng.standard_normal((frames, count, 3))
    ways *= rng.uniform(*LEAP, (frames, count, 1)) / np.linalg.norm(ways, axis=2, keepdims=True)
    ways[~teleports] = 0
    world += ways
    points += ways[..., :2] * [1, -1] / view.pixel
    lost = int(gaps.sum())
    world[gaps] += GUESS * rng.standard_normal((lost, 3))
    points[gaps] += GUESS / view.pixel * rng.standard_normal((lost, 2))
    scores[gaps] = UNSEEN_SCORE
    return Sights(seen.times, points, depth, world, scores), gaps, (swaps[:, None] | teleports) & ~gaps


def vanished(frames: int, count: int, rng: np.random.Generator) -> Mask:
    """(T, K) where wrists and ankles are unseen."""
    gaps = np.zeros((frames, count), dtype=bool)
    for point in VANISHING:
        at = int(rng.integers(WARM_UP // 2, WARM_UP // 2 + 60))
        while at < frames:
            length = int(rng.integers(*UNSEEN))
            gaps[at : at + length, point] = True
            at += length + int(rng.integers(*BETWEEN))
    return gaps


def stepped(truth: Sights, view: View) -> tuple[Sights, list[int]]:
    """A person who raises the left arm by STEP from one frame to the next, without noise; and the arm's points."""
    arm = [BLAZEPOSE_33.index[f"left_{name}"] for name in ("elbow", "wrist", "pinky", "index", "thumb")]
    still = held(truth, 0, 2 * STEP_FRAMES, view)
    still.world[STEP_FRAMES:, arm, 1] += STEP
    still.points[STEP_FRAMES:, arm, 1] -= STEP / view.pixel
    return still, arm
