"""How steady and how late filtered points are: the figures. Arrays are (S, T, K, D) metres: S filters at once.

lag     ms by which a filter follows the true motion through white noise (best shift in least squares)
rest    rms acceleration of a person who stands still, m/s2
moving  rms acceleration error while the person moves, m/s2
error   rms distance from the truth, cm, noise only
gap     rms distance of unseen points, cm
wrong   rms distance of points that teleport or are exchanged, cm
over    how far a step of 20 cm of an arm is overshot, %
stretch rms change of limb lengths, % of each limb's own mean
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from bodydouble.bench.landmarks import View
from bodydouble.bench.trials import STEP, STEP_FRAMES, Sights, Trial
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import Array

EARLIEST, LATEST, FINE = -0.067, 0.25, 1 / 300  # seconds between which lag is looked for, and how finely
SPACES = ("world", "image")
LIMBS = np.array(
    [
        (BLAZEPOSE_33.index[f"{side}_{a}"], BLAZEPOSE_33.index[f"{side}_{b}"])
        for side in ("left", "right")
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    ]
).T


@dataclass(frozen=True, slots=True)
class Figures:
    """What the module's first lines explain, of one filter in one space."""

    lag: float
    rest: float
    moving: float
    error: float
    gap: float
    wrong: float
    over: float
    stretch: float


NAMES = tuple(field.name for field in fields(Figures))


def metres(seen: Sights, space: str, view: View) -> Array:
    """(T, K, D) world landmarks, or image points through the size of a pixel at the person."""
    return seen.world if space == "world" else seen.points * view.pixel


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """What S filters make of a trial: good, bad, rest: (S, T, K, D) metres. step: (S, T, A) heights of a raised arm."""

    good: Array
    bad: Array
    rest: Array
    step: Array


def judged(outs: Filtered, one: Trial, lateness: Lateness, space: str, view: View) -> list[Figures]:
    """The figures of S filters on one trial."""
    truth = metres(one.truth, space, view)
    good, bad, rest = outs.good, outs.bad, outs.rest
    lag = lateness(good)
    off = good[:, one.warm :] - truth[one.warm :]
    limbs = lengths(good[:, one.warm :])
    columns = (
        lag,
        acceleration(rest[:, min(one.warm, rest.shape[1] // 3) :], view.fps),
        acceleration(off, view.fps),
        _rms(off),
        _rms((bad - truth)[:, one.gaps][:, None]),
        _rms((bad - truth)[:, one.wrong][:, None]),
        overshoot(outs.step, space),
        np.sqrt(((limbs / limbs.mean(axis=1, keepdims=True) - 1) ** 2).mean(axis=(1, 2))) * 100,
    )
    return [Figures(*(float(column[row]) for column in columns)) for row in range(len(good))]


def acceleration(points: Array, fps: float) -> Array:
    """(S,) root mean square of the length of the second difference, m/s2."""
    return np.asarray(np.sqrt((np.diff(points, 2, axis=1) ** 2).sum(-1).mean(axis=(1, 2))) * fps**2)


def _rms(off: Array) -> Array:
    """(S,) root mean square distance, cm; 0 where there is nothing to measure."""
    if not off.shape[-2]:
        return np.zeros(len(off))
    return np.asarray(np.sqrt((off**2).sum(-1).mean(axis=(1, 2))) * 100)


def lengths(points: Array) -> Array:
    """(S, T, L) lengths of the limbs."""
    return np.asarray(np.linalg.norm(points[..., LIMBS[0], :] - points[..., LIMBS[1], :], axis=-1))


class Lateness:
    """By how many ms filters follow a motion: the shift of least squares, a parabola through the best three."""

    def __init__(self, truth: Array, warm: int, fps: float) -> None:
        """truth: (T, K, D). warm: frames before anything is measured."""
        self._shifts = np.arange(EARLIEST, LATEST, FINE)
        self._inner = slice(warm, len(truth) - max(int(-EARLIEST * fps), 1) - 1)
        self._middle = truth[self._inner].mean(axis=0)
        frames = np.arange(len(truth), dtype=np.float64)
        rows = []
        for shift in self._shifts:
            at = np.clip(frames - shift * fps, 0, len(truth) - 1)
            low = np.minimum(at.astype(int), len(truth) - 2)
            between = truth[low] + (at - low)[:, None, None] * (truth[low + 1] - truth[low])
            rows.append((between[self._inner] - self._middle).ravel())
        self._moved = np.stack(rows)
        self._own = (self._moved**2).sum(axis=1)

    def __call__(self, outs: Array) -> Array:
        """(S,) ms. outs: (S, T, K, D)."""
        flat = (outs[:, self._inner] - self._middle).reshape(len(outs), -1)
        costs = self._own - 2 * flat @ self._moved.T
        best = np.clip(costs.argmin(axis=1), 1, len(self._shifts) - 2)
        rows = np.arange(len(outs))
        before, here, after = (costs[rows, best + k] for k in (-1, 0, 1))
        bend = before - 2 * here + after
        return np.asarray(
            (self._shifts[best] + FINE * (before - after) / (2 * np.where(bend > 0, bend, np.inf))) * 1000
        )


def overshoot(steps: Array, space: str) -> Array:
    """(S,) how far beyond the step an arm goes, % of it. steps: (S, T, A) heights of the arm's points, metres."""
    sign = 1.0 if space == "world" else -1.0
    goal = steps[:, STEP_FRAMES - 1 : STEP_FRAMES] + sign * STEP
    return np.asarray(np.maximum(sign * (steps[:, STEP_FRAMES:] - goal), 0).max(axis=(1, 2)) / STEP * 100)
