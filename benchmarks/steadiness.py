"""How steady and how late is smooth.py? Motion capture with seeded noise, against an EMA and MediaPipe's One Euro.

    python benchmarks/steadiness.py FILE.bvh ... [--seeds 3] [--amount 0.3 0.5 0.7]

Noise: world landmarks 1 cm white across and 3 cm in depth; image points 1.5 px white and 2 px of slow wander at 720p,
the person 3 m from a 50-degree camera; 1 % of points teleport, 0.5 % of frames are swapped left to right, wrists and
ankles are unseen for 5 to 15 frames at a time. Each figure is a mean over files and seeds:

lag       ms by which the filtered motion of white noise alone is late (best shift on the true motion)
rest      rms acceleration of a person who stands still, m/s2 (image points: through the size of a pixel at 3 m)
moving    rms acceleration error while the person moves
error     rms distance from the truth while the person moves, cm; clean frames only
gap, bad  rms distance of unseen points, and of teleported and swapped ones, cm
over      how far the filtered points go beyond a step of 20 cm of the whole arm, %
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import mocap
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.smooth import Smoother
from bodydouble.types import Array, Camera, Pose

CAMERA = Camera((1280, 720), float(np.radians(50)))
FPS = 30.0
DISTANCE = 3.0
PIXEL = DISTANCE / CAMERA.focal  # metres across at the person
WARM_UP = 60  # frames before anything is measured
VANISHING = [BLAZEPOSE_33.index[name] for name in ("left_wrist", "right_wrist", "left_ankle", "right_ankle")]
Mask = npt.NDArray[np.bool_]
Filter = Callable[[Pose], Pose]


def world_of(pose: Pose) -> Array:
    """(K, 3) world landmarks of a pose that has them."""
    if pose.world is None:
        raise ValueError("a pose without world landmarks")
    return pose.world


def depth_of(pose: Pose) -> Array:
    """(K,) depth of a pose that has it."""
    if pose.depth is None:
        raise ValueError("a pose without depth")
    return pose.depth


class Euro:
    """The One Euro filter on every coordinate, as MediaPipe sets it (docs of its pose_landmark_filtering.pbtxt)."""

    def __init__(self, least: float, beta: float, derivative: float = 1.0) -> None:
        self.least, self.beta, self.derivative = least, beta, derivative
        self.value: Array | None = None
        self.speed = np.zeros(1)
        self.time = 0.0

    def __call__(self, value: Array, time: float, scale: float) -> Array:
        """The filtered value; scale: 1 / the size that speeds are measured in."""
        if self.value is None:
            self.value, self.speed, self.time = value, np.zeros_like(value), time
            return value
        step, self.time = time - self.time, time

        def share(cutoff: Array | float) -> Array:
            return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff * step)))

        slope = (value - self.value) * scale / step
        self.speed = self.speed + share(self.derivative) * (slope - self.speed)
        self.value = self.value + share(self.least + self.beta * np.abs(self.speed)) * (value - self.value)
        return self.value


def one_euro() -> Filter:
    """MediaPipe's filters: image points scaled by the person's size, world landmarks as they are."""
    image, world = Euro(0.05, 80.0), Euro(0.1, 40.0)

    def run(pose: Pose) -> Pose:
        scale = 1 / float(np.mean(np.ptp(pose.points, axis=0)))
        return replace(pose, points=image(pose.points, pose.time, scale), world=world(world_of(pose), pose.time, 1.0))

    return run


def average(share: float) -> Filter:
    """Exponential moving average with a fixed share of the new value."""
    last: list[Pose] = []

    def run(pose: Pose) -> Pose:
        if last:
            points = last[0].points + share * (pose.points - last[0].points)
            world = world_of(last[0]) + share * (world_of(pose) - world_of(last[0]))
            pose = replace(pose, points=points, world=world)
        last[:] = [pose]
        return pose

    return run


def noisy(truth: list[Pose], rng: np.random.Generator) -> list[Pose]:
    """The truth as a model would see it on a good day: white noise and slow wander."""
    count = len(BLAZEPOSE_33)
    wander = np.zeros((count, 2))
    keep = np.exp(-1 / FPS / 1.0)  # wanders over about a second
    out = []
    for pose in truth:
        wander = keep * wander + np.sqrt(1 - keep**2) * 2.0 * rng.standard_normal((count, 2))
        out.append(
            replace(
                pose,
                points=pose.points + wander + 1.5 * rng.standard_normal((count, 2)),
                depth=depth_of(pose) + 4.5 * rng.standard_normal(count),
                world=world_of(pose) + rng.standard_normal((count, 3)) * [0.01, 0.01, 0.03],
            )
        )
    return out


def spoilt(seen: list[Pose], rng: np.random.Generator) -> tuple[list[Pose], Mask, Mask]:
    """Gaps, teleports and swaps on top of noise. Returns poses, and (T, K) where points are unseen, and are wrong."""
    shape = (len(seen), len(BLAZEPOSE_33))
    gaps, bad = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for point in VANISHING:
        at = WARM_UP // 2 + int(rng.integers(0, 60))
        while at < len(seen):
            length = int(rng.integers(5, 16))
            gaps[at : at + length, point] = True
            at += length + int(rng.integers(30, 90))
    teleports = rng.random(shape) < 0.01
    swaps = rng.random(len(seen)) < 0.005
    out = []
    mirrored = list(BLAZEPOSE_33.mirrored)
    for i, pose in enumerate(seen):
        points, world = pose.points.copy(), world_of(pose).copy()
        depth, scores = depth_of(pose), pose.scores.copy()
        if swaps[i]:
            points, world, depth = points[mirrored], world[mirrored], depth[mirrored]
            bad[i] = True
        jump = rng.uniform(0.2, 0.8, (shape[1], 1)) * _directions(rng, shape[1])
        world = world + np.where(teleports[i, :, None], jump, 0)
        points = points + np.where(teleports[i, :, None], jump[:, :2] / PIXEL, 0)
        lost = gaps[i]
        world[lost] += rng.normal(0, 0.15, (int(lost.sum()), 3))  # a guess, as models make
        points[lost] += rng.normal(0, 0.15 / PIXEL, (int(lost.sum()), 2))
        scores[lost] = 0.05
        out.append(replace(pose, points=points, world=world, depth=depth, scores=scores))
    bad |= teleports
    return out, gaps, bad & ~gaps


def _directions(rng: np.random.Generator, count: int) -> Array:
    vectors = rng.standard_normal((count, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def spaces(poses: list[Pose]) -> dict[str, Array]:
    """(T, K, D) metres: world landmarks, and image points through the size of a pixel."""
    world = [world_of(pose) for pose in poses]
    return {"world": np.stack(world), "image": np.stack([pose.points for pose in poses]) * PIXEL}


def acceleration(points: Array) -> float:
    """Root mean square of the length of the second difference, m/s2."""
    return float(np.sqrt((np.diff(points, 2, axis=0) ** 2).sum(-1).mean()) * FPS**2)


def distance(a: Array, b: Array) -> float:
    """Root mean square distance, cm."""
    return float(np.sqrt(((a - b) ** 2).sum(-1).mean()) * 100)


def lateness(out: Array, truth: Array) -> float:
    """ms by which `out` follows `truth`: the shift of least squares, interpolated between frames."""
    shifts = np.arange(-2.0, 6.01, 0.1)
    costs = []
    inner = slice(WARM_UP, len(truth) - 4)
    frames = np.arange(len(truth), dtype=np.float64)
    for shift in shifts:
        at = np.clip(frames - shift, 0, len(truth) - 1)
        low = np.minimum(at.astype(int), len(truth) - 2)
        moved = truth[low] + (at - low)[:, None, None] * (truth[low + 1] - truth[low])
        costs.append(((out - moved)[inner] ** 2).sum())
    best = int(np.argmin(costs))
    return float(shifts[best] / FPS * 1000)


def step_overshoot(make: Callable[[], Filter], still: Pose) -> dict[str, float]:
    """Largest excursion beyond a step of 20 cm of the left arm, in % of the step, without noise."""
    arm = [BLAZEPOSE_33.index[f"left_{name}"] for name in ("elbow", "wrist", "pinky", "index", "thumb")]
    world, points = world_of(still).copy(), still.points.copy()
    world[arm, 1] += 0.2
    points[arm, 1] -= 0.2 / PIXEL
    run = make()
    out = []
    for i in range(90):
        now = still if i < 45 else replace(still, world=world, points=points)
        out.append(run(replace(now, time=i / FPS)))
    both = spaces(out)
    past = both["world"][45:, arm, 1] - world[arm, 1]
    past_image = -(both["image"][45:, arm, 1] - points[arm, 1] * PIXEL)
    return {"world": float(past.max()) / 0.2 * 100, "image": float(past_image.max()) / 0.2 * 100}


def measure(make: Callable[[], Filter], clips: list[list[Pose]], seeds: int) -> dict[str, dict[str, float]]:
    """All figures by space, means over clips and seeds; and milliseconds a frame."""
    rows: dict[str, list[dict[str, float]]] = {"world": [], "image": []}
    spent, frames = 0.0, 0
    for truth in clips:
        true = spaces(truth)
        over = step_overshoot(make, truth[0])
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            seen = noisy(truth, rng)
            bad_day, gaps, bad = spoilt(seen, rng)
            still = [replace(truth[len(truth) // 3], time=i / FPS) for i in range(300)]
            run = make()
            rest = spaces([run(pose) for pose in noisy(still, rng)])
            run = make()
            clock = time.perf_counter()
            good = spaces([run(pose) for pose in seen])
            spent, frames = spent + time.perf_counter() - clock, frames + len(seen)
            run = make()
            mended = spaces([run(pose) for pose in bad_day])
            gaps[:WARM_UP], bad[:WARM_UP] = False, False
            for space, row in rows.items():
                t, g, m = true[space], good[space], mended[space]
                row.append(
                    {
                        "lag": lateness(g, t),
                        "rest": acceleration(rest[space][WARM_UP:]),
                        "moving": acceleration((g - t)[WARM_UP:]),
                        "error": distance(g[WARM_UP:], t[WARM_UP:]),
                        "gap": distance(m[gaps], t[gaps]),
                        "bad": distance(m[bad], t[bad]),
                        "over": over[space],
                    }
                )
    means = {s: {key: float(np.mean([r[key] for r in row])) for key in row[0]} for s, row in rows.items()}
    means["cost"] = {"ms": spent / frames * 1000}
    return means


def main() -> None:
    parser = argparse.ArgumentParser(description="Steadiness of smooth.py against other filters")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--amount", type=float, nargs="+", default=[0.25, 0.5, 0.75, 1.0])
    options = parser.parse_args()
    clips = [mocap.poses(file, camera=CAMERA, fps=FPS, place=(0.0, 0.0, DISTANCE)) for file in options.files]
    filters: dict[str, Callable[[], Filter]] = {
        "no filter": lambda: lambda pose: pose,
        "EMA 0.63": lambda: average(0.63),
        "EMA 0.33": lambda: average(0.33),
        "One Euro (MediaPipe)": one_euro,
    }
    for amount in options.amount:
        filters[f"bodydouble {amount:g}"] = lambda amount=amount: Smoother(amount)  # type: ignore[misc]
    table = {name: measure(make, clips, options.seeds) for name, make in filters.items()}
    for space in ("world", "image"):
        keys = list(next(iter(table.values()))[space])
        print(f"\n{space:24}" + "".join(f"{key:>9}" for key in keys) + "       ms")
        for name, figures in table.items():
            values = "".join(f"{figures[space][key]:9.1f}" for key in keys)
            print(f"{name:24}{values}{figures['cost']['ms']:9.3f}")


if __name__ == "__main__":
    main()
