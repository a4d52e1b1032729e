"""What a keypoint layout says of the body: neighbours, sides, groups that are mistaken together, and its size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from bodydouble.skeletons import skeleton
from bodydouble.types import Array

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

# Lengths between joints in torso lengths (hips' middle to shoulders' middle): adult means after Winter, Biomechanics
# and Motor Control of Human Movement, figure 4.1, between the points that models mark.
LIMBS = {
    ("left_shoulder", "right_shoulder"): 0.72,
    ("shoulder", "elbow"): 0.56,
    ("elbow", "wrist"): 0.52,
    ("hip", "knee"): 0.84,
    ("knee", "ankle"): 0.84,
    ("shoulder", "hip"): 1.02,
}
SIZE_QUANTILE = 0.8  # foreshortening only shortens, so the long limbs tell the size; the longest may be a wrong point
LEGS = ("knee", "ankle", "heel", "foot", "toe")
ARMS = ("elbow", "wrist", "pinky", "index", "thumb")
PARTS = (("elbow",), ("wrist", "pinky", "index", "thumb"), ("knee",), ("ankle", "heel", "foot", "toe"))
BONES = (("shoulder", "elbow"), ("hip", "knee"), ("elbow", "wrist"), ("knee", "ankle"))  # upper ones first
HANDS_AND_FEET = {"wrist": ("pinky", "index", "thumb"), "ankle": ("heel", "foot", "toe")}
ENDS = (("heel", "foot", "toe"),)  # within one of PARTS
ONES = np.ones(3)
HEAD = ("nose", "eye", "ear", "mouth", "head")


@dataclass(frozen=True, eq=False)
class Body:
    """Index arrays for a layout of K points.

    near: (K, K) 1 where two points move together. evidence: (K, K) what each point takes of others' evidence.
    mirrored: (K,) opposite sides. roots: (K,) the shoulder or hip that a point's limb hangs on, itself for the trunk.
    levels: (G, K) groups of points whose sides are mistaken together, the widest first: all, then arms, legs
    and the rest, then parts of limbs, then parts of those. limbs: (2, L) ends of limbs; ratios: (L,) their lengths in
    torso lengths. bones: (2, B) ends of limbs that do not bend; twins: (B,) the same limb of the other side; hanging:
    (K, B) 1 for what moves with a limb's end; rounds: rows of bones, upper ones first.
    """

    near: Array
    evidence: Array
    mirrored: Indices
    roots: Indices
    levels: tuple[Mask, ...]
    limbs: Indices
    ratios: Array
    bones: Indices
    twins: Indices
    hanging: Array
    rounds: tuple[Indices, ...]

    def sizes(self, points: Array, seen: Mask) -> Array:
        """(C,) torso lengths read off the limbs in sight. points: (C, K, D). seen: (K,). 0 when no limb is in sight."""
        starts, ends = self.limbs
        both = np.flatnonzero(seen[starts] & seen[ends])
        if not both.size:
            return np.zeros(len(points))
        limbs = points.take(starts[both], axis=1) - points.take(ends[both], axis=1)
        lengths = np.sqrt(squared(limbs)) / self.ratios[both]
        lengths.sort(axis=1)
        return np.asarray(lengths[:, round(SIZE_QUANTILE * (both.size - 1))])


def some(mask: Mask) -> bool:
    """Whether any is true. On so few, counting takes a third of the time of any()."""
    return bool(np.count_nonzero(mask))


def every(mask: Mask) -> bool:
    """Whether all are true, as some()."""
    return bool(np.count_nonzero(mask) == mask.size)


def squared(vectors: Array) -> Array:
    """(...) squared lengths of (..., 3) vectors. On so few, a product takes a third of the time of a sum over axes."""
    return np.asarray((vectors * vectors) @ ONES)


@cache
def body(name: str) -> Body:
    """The index arrays of the layout called `name`. Raises BodyDoubleError for an unknown one."""
    table = skeleton(name)
    index, count = table.index, len(table)
    head = [point for point in table.points if any(part in point for part in HEAD)]
    links = [*table.edges, *((a, b) for a in head for b in head if a != b)]
    links += [(a, b) for a in ("nose", "neck") for b in ("left_shoulder", "right_shoulder")]
    near = np.zeros((count, count))
    for a, b in links:
        if a in index and b in index:
            near[index[a], index[b]] = near[index[b], index[a]] = 1.0
    legs = _called(table.points, LEGS)
    arms = _called(table.points, ARMS) & ~legs  # a foot_index is no finger
    limbs, ratios = [], []
    for (a, b), ratio in LIMBS.items():
        pairs = (
            [(a, b)] if a in index and b in index else [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right")]
        )
        limbs += [(index[start], index[end]) for start, end in pairs]
        ratios += [ratio] * len(pairs)
    evidence = np.eye(count) + near / np.maximum(near.sum(axis=1, keepdims=True), 1)
    mirrored = np.array(table.mirrored)
    parts = [_called(table.points, part) & (legs if part[0] in LEGS else arms) for part in PARTS]
    ends = [_called(table.points, end) for end in ENDS]
    levels = tuple(
        np.array(groups)
        for groups in ([arms | True], [arms, legs, ~(arms | legs)], [p for p in parts if p.any()], ends)
        if groups
    )
    bones, hanging = _bones(table.points, arms, legs)
    half = bones.shape[1] // 2
    return Body(
        near,
        evidence,
        mirrored,
        _roots(table.points, arms, legs),
        levels,
        np.array(limbs).T,
        np.array(ratios),
        bones,
        np.arange(2 * half) ^ 1,
        hanging,
        (np.arange(half), np.arange(half, 2 * half)),
    )


def _bones(points: tuple[str, ...], arms: Mask, legs: Mask) -> tuple[Indices, Array]:
    """(2, B) ends of limbs, left and right in turn, and (K, B) what moves with each one's end."""
    rows = [(f"{side}_{start}", f"{side}_{end}") for start, end in BONES for side in ("left", "right")]
    hanging = np.zeros((len(points), len(rows)))
    for column, (_, end) in enumerate(rows):
        side, _, joint = end.partition("_")
        limb = legs if joint == "ankle" else arms
        for row, point in enumerate(points):
            hand = limb[row] and side in point and any(part in point for part in HANDS_AND_FEET.get(joint, ()))
            hanging[row, column] = float(point == end or bool(hand))
    return np.array([[points.index(start), points.index(end)] for start, end in rows]).T, hanging


def _called(points: tuple[str, ...], names: tuple[str, ...]) -> Mask:
    """(K,) which points have one of the names in theirs."""
    return np.array([any(name in point for name in names) for point in points])


def _roots(points: tuple[str, ...], arms: Mask, legs: Mask) -> Indices:
    """(K,) the shoulder or hip of each point's limb, where the layout has it; else the point itself."""
    roots = np.arange(len(points))
    for mask, joint in ((arms, "shoulder"), (legs, "hip")):
        for row in np.flatnonzero(mask):
            root = f"{points[row].split('_')[0]}_{joint}"
            if root in points:
                roots[row] = points.index(root)
    return roots
