"""Named keypoint layouts, the body bones between them, and maps from one layout to another.

Tables only. Orders as published: COCO-17 (cocodataset), BlazePose-33 (mediapipe docs/solutions/pose.md),
Halpe-26 (mmpose halpe26.py), OpenPose BODY_25 (openpose doc/02_output.md). Left is the person's left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bodydouble.types import Array, BodyDoubleError


@dataclass(frozen=True)
class Skeleton:
    """A keypoint layout: its name, its points in the model's order, and the edges worth drawing, by name."""

    name: str
    points: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each point by name."""
        return {name: i for i, name in enumerate(self.points)}

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """For each point the index of its opposite side: left and right exchanged."""
        return tuple(self.index[swap_side(name)] for name in self.points)

    def __len__(self) -> int:
        return len(self.points)


def swap_side(name: str) -> str:
    """The same point or bone of the other side: left_wrist -> right_wrist, mouth_left -> mouth_right, nose -> nose."""
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def _sides(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Edges given for the left, for both sides."""
    return tuple(pair for a, b in pairs for pair in ((a, b), (swap_side(a), swap_side(b))))


_TRUNK = (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"))
_LIMBS = _sides(
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("left_shoulder", "left_hip"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
)
_COCO_POINTS = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
COCO_17 = Skeleton(
    "coco-17",
    _COCO_POINTS,
    (*_TRUNK, *_LIMBS, *_sides(("nose", "left_eye"), ("left_eye", "left_ear"))),
)
BLAZEPOSE_33 = Skeleton(
    "blazepose-33",
    (
        *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer"),
        *("left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder"),
        *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky"),
        *("left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel"),
        *("left_foot_index", "right_foot_index"),
    ),
    (
        *_TRUNK,
        *_LIMBS,
        *_sides(
            ("nose", "left_eye"),
            ("left_eye", "left_ear"),
            ("left_wrist", "left_thumb"),
            ("left_wrist", "left_index"),
            ("left_wrist", "left_pinky"),
            ("left_index", "left_pinky"),
            ("left_ankle", "left_heel"),
            ("left_heel", "left_foot_index"),
            ("left_ankle", "left_foot_index"),
        ),
        ("mouth_left", "mouth_right"),
    ),
)
HALPE_26 = Skeleton(
    "halpe-26",
    (
        *_COCO_POINTS,
        *("head", "neck", "hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe"),
        *("left_heel", "right_heel"),
    ),
    (*_TRUNK, *_LIMBS, ("head", "neck"), *_sides(("left_ankle", "left_heel"), ("left_heel", "left_big_toe"))),
)
BODY_25 = Skeleton(
    "body-25",
    (
        *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
        *("hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
        *("right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel"),
        *("right_big_toe", "right_small_toe", "right_heel"),
    ),
    (*_TRUNK, *_LIMBS),
)
SKELETONS = {skeleton.name: skeleton for skeleton in (COCO_17, BLAZEPOSE_33, HALPE_26, BODY_25)}

# A point that a layout lacks, as the mean of points that it may have; tried in order, the first that exists is taken.
DERIVED: dict[str, tuple[tuple[str, ...], ...]] = {
    "hip": (("left_hip", "right_hip"),),
    "neck": (("left_shoulder", "right_shoulder"),),
    "head": (("left_ear", "right_ear"), ("left_eye", "right_eye"), ("nose",)),
    "left_hand": (("left_index", "left_pinky"),),
    "right_hand": (("right_index", "right_pinky"),),
    "left_big_toe": (("left_foot_index",),),
    "right_big_toe": (("right_foot_index",),),
    "left_foot_index": (("left_big_toe",),),
    "right_foot_index": (("right_big_toe",),),
}


@dataclass(frozen=True)
class BodyBone:
    """A bone of the human body between two named points; `parent` is the bone it hangs from, "" for the root."""

    name: str
    start: str
    end: str
    parent: str


BODY_BONES: tuple[BodyBone, ...] = (
    BodyBone("spine", "hip", "neck", ""),
    BodyBone("head", "neck", "head", "spine"),
    BodyBone("left_clavicle", "neck", "left_shoulder", "spine"),
    BodyBone("right_clavicle", "neck", "right_shoulder", "spine"),
    BodyBone("left_upper_arm", "left_shoulder", "left_elbow", "left_clavicle"),
    BodyBone("right_upper_arm", "right_shoulder", "right_elbow", "right_clavicle"),
    BodyBone("left_forearm", "left_elbow", "left_wrist", "left_upper_arm"),
    BodyBone("right_forearm", "right_elbow", "right_wrist", "right_upper_arm"),
    BodyBone("left_hand", "left_wrist", "left_hand", "left_forearm"),
    BodyBone("right_hand", "right_wrist", "right_hand", "right_forearm"),
    BodyBone("left_pelvis", "hip", "left_hip", ""),
    BodyBone("right_pelvis", "hip", "right_hip", ""),
    BodyBone("left_thigh", "left_hip", "left_knee", "left_pelvis"),
    BodyBone("right_thigh", "right_hip", "right_knee", "right_pelvis"),
    BodyBone("left_shin", "left_knee", "left_ankle", "left_thigh"),
    BodyBone("right_shin", "right_knee", "right_ankle", "right_thigh"),
    BodyBone("left_foot", "left_ankle", "left_foot_index", "left_shin"),
    BodyBone("right_foot", "right_ankle", "right_foot_index", "right_shin"),
)
BONE_INDEX = {bone.name: i for i, bone in enumerate(BODY_BONES)}


def skeleton(name: str) -> Skeleton:
    """The layout called `name`. Raises BodyDoubleError naming the known ones."""
    try:
        return SKELETONS[name]
    except KeyError:
        raise BodyDoubleError(f'no skeleton "{name}"; choose from {", ".join(SKELETONS)}') from None


def selection(source: Skeleton, names: Sequence[str]) -> Array:
    """(N, K) weights: row n times the source's points gives the point called names[n].

    Points the source lacks come from DERIVED; a row of zeros means that it has no such point.
    """
    weights = np.zeros((len(names), len(source)))
    for row, name in zip(weights, names, strict=True):
        if name in source.index:
            row[source.index[name]] = 1.0
            continue
        for parts in DERIVED.get(name, ()):
            if all(part in source.index for part in parts):
                row[[source.index[part] for part in parts]] = 1.0 / len(parts)
                break
    return weights


def select(source: Skeleton, names: Sequence[str], points: Array, scores: Array) -> tuple[Array, Array]:
    """Points by name from a pose in another layout.

    points: (K, D). scores: (K,). Returns ((N, D), (N,)); a derived point has the least score of its parts, and one that
    the source lacks has score 0 at the origin.
    """
    weights = selection(source, names)
    used = weights > 0
    lowest = np.where(used, scores, np.inf).min(axis=1, initial=np.inf)
    return weights @ points, np.where(used.any(axis=1), lowest, 0.0)
