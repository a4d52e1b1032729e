"""The points that body bones hang between, read from a pose in any layout.

Image points here are y up, so that angles read as in Posture. Tables are made once per layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from bodydouble.skeletons import BODY_BONES, selection, skeleton
from bodydouble.types import Array, Pose

NAMES = tuple(dict.fromkeys(name for bone in BODY_BONES for name in (bone.start, bone.end)))
INDEX = {name: i for i, name in enumerate(NAMES)}
STARTS = np.array([INDEX[bone.start] for bone in BODY_BONES])
ENDS = np.array([INDEX[bone.end] for bone in BODY_BONES])

# Below this a point counts as unseen: models give well under it to limbs outside of the picture (smooth.py fades to 0).
SEEN = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """The named points of one pose, in the order of NAMES.

    points: (N, 2) pixels, x right, y UP. scores: (N,) 0..1. world: (N, 3) metres from the hips, or None.
    depth: (N,) pixels, positive = nearer the camera, or None.
    """

    points: Array
    scores: Array
    world: Array | None
    depth: Array | None

    @property
    def bone_scores(self) -> Array:
        """(B,) the lesser score of each bone's two ends."""
        return np.asarray(np.minimum(self.scores[STARTS], self.scores[ENDS]))


@cache
def _tables(name: str) -> tuple[Array, npt.NDArray[np.intp], Array]:
    """How NAMES come from the K points of a layout.

    (N, K) weights; (P, N) the points that each one needs, repeated where it needs fewer; (N,) 1, or 0 if it has none.
    """
    weights = selection(skeleton(name), NAMES)
    needed = [np.flatnonzero(row) if row.any() else np.zeros(1, dtype=np.intp) for row in weights]
    most = max(len(points) for points in needed)
    return weights, np.array([np.resize(points, most) for points in needed]).T, np.ceil(weights.max(axis=1))


@lru_cache(maxsize=4)  # calibration, posture and placement read the same pose one after the other
def joints(pose: Pose) -> Joints:
    """The named points of `pose`; one that the layout lacks has score 0."""
    weights, needed, had = _tables(pose.skeleton)
    scores = pose.scores[needed].min(axis=0) * had
    points = weights @ pose.points
    points[:, 1] *= -1.0
    world = None if pose.world is None else weights @ pose.world
    depth = None if pose.depth is None else -(weights @ pose.depth)
    return Joints(points, scores, world, depth)


def dot(a: Array, b: Array) -> Array:
    """(N,) products of (N, 3) vectors. On so few, three sums take a third of the time of one over an axis."""
    product = a * b
    return np.asarray(product[:, 0] + product[:, 1] + product[:, 2])


def upper_quantile(values: Array, weights: Array, share: float) -> float:
    """The value that `share` of the weight lies below; 0 when there is no weight. values, weights: (N,)."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    if total[-1] <= 0.0:
        return 0.0
    return float(np.interp(share * total[-1], total - 0.5 * weights[order], values[order]))
