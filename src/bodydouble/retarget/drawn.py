"""A 2D character's bones as plain numbers, for the walk from parents to children, and how its arms hang at ease.

Character pixels, y down; angles in radians, clockwise as drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bodydouble.skeletons import BONE_INDEX
from bodydouble.types import Rig

# Where an arm of a character that faces us points at the middle of its reach, as drawn: outwards and a little down.
# Angles are counted from there, so that an arm winds up and down on its own side.
REACH = {"left_upper_arm": 0.35, "right_upper_arm": math.pi - 0.35}
# Arms that nobody drives hang at most this far from straight down, radians, however far out they are drawn; one that is
# drawn beyond RAISED is meant to be up. Looked for on characters drawn in A and in T pose.
HANGING = {"upper_arm": 0.50, "forearm": 0.34}
RAISED = 1.75


@dataclass(frozen=True, slots=True)
class Bone:
    """One rig bone.

    rest: drawn angle. along, aside: where it starts in its parent's frame, pixels (a root: x, y in the picture); share:
    along over the parent's length. low, high: turn against the parent; middle: of its reach. foot: undriven, it stays
    flat. hip: it is a leg's first bone. ease: turn against the parent while undriven.
    """

    parent: int
    rest: float
    length: float
    along: float
    aside: float
    share: float
    low: float
    high: float
    middle: float
    driven: bool
    foot: bool
    hip: bool
    ease: float


def bones_of(rig: Rig, at_ease: bool) -> tuple[Bone, ...]:
    """A rig's bones. at_ease: arms that nobody drives hang down, instead of going back to where they are drawn."""
    lines = rig.tails - rig.heads
    rests = np.arctan2(lines[:, 1], lines[:, 0])
    lengths = np.hypot(lines[:, 0], lines[:, 1])
    eased = [at_ease * _eased(follows, rest) for follows, rest in zip(rig.follows, rests.tolist(), strict=True)]
    bones = []
    for i, (parent, follows) in enumerate(zip(rig.parents, rig.follows, strict=True)):
        x, y = rig.heads[i] if parent < 0 else rig.heads[i] - rig.heads[parent]
        share = 0.0
        if parent >= 0:
            c, s = math.cos(rests[parent]), math.sin(rests[parent])
            x, y = x * c + y * s, y * c - x * s
            share = float(x / max(lengths[parent], 1e-9))
        reach = REACH.get(follows) if rig.facing == "front" else None
        bones.append(
            Bone(
                parent,
                float(rests[i]),
                float(lengths[i]),
                float(x),
                float(y),
                share,
                float(rig.bend[i, 0]),
                float(rig.bend[i, 1]),
                0.0 if reach is None else math.remainder(reach - float(rests[i]), math.tau),
                follows in BONE_INDEX,
                follows.endswith("_foot"),
                follows.endswith("_thigh"),
                eased[i] - (eased[parent] if parent >= 0 else 0.0) if follows.endswith(tuple(HANGING)) else 0.0,
            )
        )
    return tuple(bones)


def _eased(follows: str, rest: float) -> float:
    """Turn from rest at which an arm's bone hangs at ease; 0 for others. rest: its drawn angle."""
    limit = HANGING.get(follows.partition("_")[2], math.inf)
    out = math.remainder(rest - math.pi / 2, math.tau)
    return math.copysign(limit, out) - out if limit < abs(out) <= RAISED else 0.0
