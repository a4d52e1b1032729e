"""The standard bones of a character, and the building of a Rig from joints and bones.

Joints are pixels of the character's picture, y down. A standard bone exists where both its joints do; fewer joints
give fewer bones. Turns are in degrees here, as makers write them, and in radians in the Rig.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bodydouble.characters.problems import Problems
from bodydouble.skeletons import BODY_BONES
from bodydouble.types import Array, Rig

REQUIRED_JOINTS = ("hip", "neck")
# Joints whose names on a character differ from the body point that drives them.
JOINT_OF_POINT = {
    "head": "head_top",
    "left_foot_index": "left_toe",
    "right_foot_index": "right_toe",
}
FREE = (-360.0, 360.0)  # degrees: no limit in practice
FREE_STRETCH = (0.6, 1.05)
SHORTEST_BONE = 2.0  # pixels; shorter than this has no direction worth the name


@dataclass(frozen=True, slots=True)
class Limits:
    """Least and greatest drawn length as a ratio of rest, and least and greatest turn against the parent in degrees."""

    stretch: tuple[float, float]
    bend: tuple[float, float]


# Looked for by trying them on drawings: a limb that points at the viewer may shorten until its texture looks squashed,
# a trunk or head hardly; what a body cannot do is left to the body that drives it, so limits are wide.
_LIMITS = {
    "spine": Limits((0.75, 1.04), (-90.0, 90.0)),
    "head": Limits((0.85, 1.04), (-50.0, 50.0)),
    "clavicle": Limits((0.6, 1.1), (-35.0, 35.0)),
    "upper_arm": Limits((0.35, 1.05), FREE),
    "forearm": Limits((0.35, 1.05), (-175.0, 175.0)),
    "hand": Limits((0.6, 1.05), (-70.0, 70.0)),
    "pelvis": Limits((0.6, 1.1), (-35.0, 35.0)),
    "thigh": Limits((0.4, 1.05), (-170.0, 170.0)),
    "shin": Limits((0.4, 1.05), (-170.0, 170.0)),
    "foot": Limits((0.6, 1.05), (-70.0, 70.0)),
}


@dataclass(frozen=True, slots=True)
class Bone:
    """One bone as a maker states it: start and end joint by name, parent by name ("" = root); turns in degrees."""

    name: str
    start: str
    end: str
    parent: str
    follows: str
    stretch: tuple[float, float] = FREE_STRETCH
    bend: tuple[float, float] = FREE
    gain: float = 1.0
    spring: float = 0.0


def limits_of(name: str) -> Limits:
    """The default limits of a standard bone, either side; free for others."""
    kind = name.removeprefix("left_").removeprefix("right_")
    return _LIMITS.get(kind, Limits(FREE_STRETCH, FREE))


def joint_of(point: str) -> str:
    """The character's joint for a body point: head -> head_top, left_foot_index -> left_toe, others the same."""
    return JOINT_OF_POINT.get(point, point)


STANDARD = {
    bone.name: Bone(
        bone.name,
        joint_of(bone.start),
        joint_of(bone.end),
        bone.parent,
        bone.name,
        limits_of(bone.name).stretch,
        limits_of(bone.name).bend,
    )
    for bone in BODY_BONES
}
STANDARD_JOINTS = tuple(dict.fromkeys(joint for bone in STANDARD.values() for joint in (bone.start, bone.end)))


def suggestion(name: str, known: Sequence[str]) -> str:
    """A hint at what was meant by a name that is not known: the nearest one, else all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"choose from {', '.join(known)}"


def standard_bones(joints: Mapping[str, tuple[float, float]]) -> dict[str, Bone]:
    """The standard bones whose joints are there, parents first.

    A clavicle or pelvis of no length (a character seen from the side) is left out; its limb hangs from the bone above.
    """
    found: dict[str, Bone] = {}
    for bone in STANDARD.values():
        if bone.start not in joints or bone.end not in joints:
            continue
        kind = bone.name.partition("_")[2]
        if kind in ("clavicle", "pelvis") and math.dist(joints[bone.start], joints[bone.end]) < SHORTEST_BONE:
            continue
        found[bone.name] = bone
    return found


def sort_bones(bones: Mapping[str, Bone], where: str, problems: Problems) -> list[Bone]:
    """Parents before children; as they are if they hang in a circle, which is told, as unknown parents are.

    A standard parent that the character lacks is passed over.
    """
    parents = {bone.name: _parent(bone, bones, where, problems) for bone in bones.values()}
    ordered: dict[str, Bone] = {}
    for name in bones:
        trail: list[str] = []
        while name and name not in ordered and name not in trail:
            trail.append(name)
            name = parents[name]
        if name in trail:
            loop = [*trail[trail.index(name) :], name]
            problems.error(where, f"bones hang from each other in a circle: {' -> '.join(loop)}; change a parent")
            return list(bones.values())
        for passed in reversed(trail):
            ordered[passed] = bones[passed]
    return list(ordered.values())


def parent_name(bone: Bone, bones: Mapping[str, Bone]) -> str | None:
    """The nearest ancestor that exists, "" for a root, None if the parent is no bone at all."""
    name = bone.parent
    while name and name not in bones:
        if name not in STANDARD:
            return None
        name = STANDARD[name].parent
    return name


def _parent(bone: Bone, bones: Mapping[str, Bone], where: str, problems: Problems) -> str:
    name = parent_name(bone, bones)
    if name is None:
        hint = suggestion(bone.parent, list(bones))
        problems.error(where, f'bone "{bone.name}": parent "{bone.parent}" is no bone; {hint}')
        return ""
    return name


def build_rig(
    bones: Sequence[Bone],
    joints: Mapping[str, tuple[float, float]],
    *,
    floor: float,
    top: float,
    facing: str,
) -> Rig:
    """The Rig of sorted bones. joints: pixels by name. floor, top: y of the ground and of the highest point at rest."""
    names = [bone.name for bone in bones]
    by_name = {bone.name: bone for bone in bones}
    parents = [parent_name(bone, by_name) for bone in bones]

    def column(values: Sequence[tuple[float, float]]) -> Array:
        return np.array(values, dtype=np.float64).reshape(-1, 2)

    return Rig(
        names=tuple(names),
        parents=tuple(names.index(parent) if parent else -1 for parent in parents),
        heads=column([joints[bone.start] for bone in bones]),
        tails=column([joints[bone.end] for bone in bones]),
        follows=tuple(bone.follows for bone in bones),
        stretch=column([bone.stretch for bone in bones]),
        bend=np.radians(column([bone.bend for bone in bones])),
        gain=np.array([bone.gain for bone in bones]),
        spring=np.array([bone.spring for bone in bones]),
        floor=floor,
        height=max(floor - top, 1.0),
        facing=facing,
    )
