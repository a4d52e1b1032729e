"""Made maps of a PoseNet network: noise, and crowds of bodies whose heat, offsets and displacements belong together.

All maps (rows, columns, channels) float32, as the network gives them. Lengths are multiples of 1/16 pixel, so that sums
of a few are exact in float32 and every decoder has the same places before it; for its sake, too, no two cells that
may be a person's root are equally hot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodydouble.skeletons import COCO_17

FINENESS = 16  # parts of a pixel
STANDING = {  # x, y of the left side and the middle, in heights of a body
    "nose": (0, 0),
    "eye": (0.02, -0.02),
    "ear": (0.04, -0.01),
    "shoulder": (0.11, 0.13),
    "elbow": (0.15, 0.3),
    "wrist": (0.16, 0.45),
    "hip": (0.07, 0.42),
    "knee": (0.07, 0.65),
    "ankle": (0.07, 0.88),
}
GAP = 2e-3  # between logits of roots; after the sigmoid still many steps of float32
REACH = 32.0  # pixels around a part where its offsets and displacements are made to lead to it


@dataclass(frozen=True)
class Maps:
    """heatmap 17 logits, offsets 34, forward and backward 32."""

    heatmap: np.ndarray
    offsets: np.ndarray
    forward: np.ndarray
    backward: np.ndarray

    def feed(self) -> dict[str, np.ndarray]:
        """With a batch in front, by name."""
        names = ("heatmap", "offsets", "forward", "backward")
        return {name: getattr(self, name)[None] for name in names}


def fine(values: np.ndarray) -> np.ndarray:
    return (np.round(values * FINENESS) / FINENESS).astype(np.float32)


def noise(seed: int, rows: int, columns: int, level: float = 0.0, length: float = 40.0) -> Maps:
    """Maps of no sense: logits around a level, and lengths that lead anywhere, out of the picture too."""
    random = np.random.default_rng(seed)

    def lengths(channels: int) -> np.ndarray:
        return fine(random.normal(0, length, (rows, columns, channels)))

    heatmap = random.permutation(np.linspace(level - 6, level + 6, rows * columns * 17)).astype(np.float32)
    heatmap = heatmap.reshape(rows, columns, 17)
    return Maps(heatmap, lengths(34), lengths(32), lengths(32))


def body(middle: np.ndarray, height: float, turn: float) -> np.ndarray:
    """(17, 2) y, x of a body standing upright, turned in the picture by radians about its nose."""
    points = []
    for name in COCO_17.points:
        x, y = STANDING[name.split("_")[-1]]
        points.append((y, -x if name.startswith("right") else x))
    c, s = np.cos(turn), np.sin(turn)
    return middle + height * np.array(points) @ np.array([[c, -s], [s, c]])


def crowd(seed: int, rows: int, columns: int, stride: int, people: int) -> Maps:
    """Bodies anywhere, overlapping and cut at the edges, over noise."""
    random = np.random.default_rng(seed)
    maps = noise(seed, rows, columns, level=-6.0, length=20.0)
    grid = np.stack(np.mgrid[0:rows, 0:columns], axis=-1) * float(stride)
    extent = np.array([rows, columns]) * stride
    nearest = np.full((rows, columns, 17), REACH)
    for _ in range(people):
        points = body(random.uniform(0, 0.8, 2) * extent, random.uniform(0.2, 1) * min(extent), random.normal(0, 0.4))
        wrong = random.normal(0, 2, (rows, columns, 17, 2))
        for part, point in enumerate(points):
            away = np.linalg.norm(grid - point, axis=-1)
            mine = away < nearest[..., part]
            nearest[mine, part] = away[mine]
            heat = random.uniform(0, 5) - (away / stride) ** 2
            maps.heatmap[..., part] = np.maximum(maps.heatmap[..., part], heat)
            for axis in range(2):
                maps.offsets[mine, part + 17 * axis] = fine((point - grid + wrong[:, :, part])[mine, axis])
            for edge, (parent, child) in enumerate(EDGES):
                for start, end, moves in ((parent, child, maps.forward), (child, parent, maps.backward)):
                    if start == part:
                        for axis in range(2):
                            lead = points[end] - point + wrong[:, :, part]
                            moves[mine, edge + 16 * axis] = fine(lead[mine, axis])
    heat = maps.heatmap.reshape(-1)
    hot = np.flatnonzero(heat > -1)
    hot = hot[np.argsort(heat[hot], kind="stable")]
    heat[hot] += GAP * np.arange(len(hot), dtype=np.float32)
    return maps


# As published (pose-detection/src/posenet/constants.ts: POSE_CHAIN), on its own so that tests do not repeat the code's.
CHAIN = """
    nose left_eye, left_eye left_ear, nose right_eye, right_eye right_ear, nose left_shoulder, left_shoulder left_elbow,
    left_elbow left_wrist, left_shoulder left_hip, left_hip left_knee, left_knee left_ankle, nose right_shoulder,
    right_shoulder right_elbow, right_elbow right_wrist, right_shoulder right_hip, right_hip right_knee,
    right_knee right_ankle
"""
EDGES = [tuple(COCO_17.index[name] for name in pair.split()) for pair in CHAIN.split(",")]
