"""What a motion tells a character's own sides: which bone of the person drives which, and how surely.

Directions as Posture has them (+Y up, +Z to the camera); seconds. Remembers what was told before.
"""

from __future__ import annotations

import math

import numpy as np

from bodydouble.skeletons import BODY_BONES, BONE_INDEX, swap_side
from bodydouble.types import Array, Motion, Posture, State

NAMES = tuple(bone.name for bone in BODY_BONES)
MIRRORED = np.array([BONE_INDEX[swap_side(name)] for name in NAMES])
LEG_BONES = np.array([name.endswith(("pelvis", "thigh", "shin", "foot")) for name in NAMES])
HEAD = BONE_INDEX["head"]
THIGHS = np.array([BONE_INDEX["left_thigh"], BONE_INDEX["right_thigh"]])
SHINS = np.array([BONE_INDEX["left_shin"], BONE_INDEX["right_shin"]])
FEET = np.array([BONE_INDEX["left_foot"], BONE_INDEX["right_foot"]])
FLIPPED = np.array([-1.0, 1.0, 1.0])

SURE, UNSURE = 0.5, 0.25  # scores: followed fully from here, not at all from there
# The face's tilt against the head bone's: taken with this time constant while seen, forgotten with the other; seconds.
FACE, FACELESS = 0.05, 0.60


class Sides:
    """Turns one person's motions into directions for a character's own sides. mirror: as Planar."""

    def __init__(self, mirror: bool) -> None:
        self._mirror = mirror
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._swapped = False
        self.turned = False  # whether the sides have changed since the motion before
        self._bias = 0.0  # turn of the head's face against its bone

    def __call__(self, motion: Motion, dt: float, first: bool) -> tuple[Array, Array]:
        """(18, 3) directions in the order of BODY_BONES, and (18,) how surely each is followed, 0..1.

        dt: seconds since the motion before, of which there was none if this is the first.
        """
        directions, sure = self._body(motion)
        return self._faced(directions, motion.posture, dt, first), sure

    def _body(self, motion: Motion) -> tuple[Array, Array]:
        """(18, 3) directions for the character's own sides, and (18,) how surely each is followed, 0..1.

        A person seen from behind drives a character seen from the front: what is at picture left stays there.
        """
        directions, scores = _in_order(motion.posture)
        if (motion.state is State.TURNED_AWAY) != self._mirror:
            directions, scores = directions[MIRRORED], scores[MIRRORED]
        if self._mirror:
            directions = directions * FLIPPED
        sure = smoothstep(scores, UNSURE, SURE)
        if motion.state is State.LOST:
            sure = np.zeros_like(sure)
        elif motion.state is State.UPPER_BODY:
            sure = np.where(LEG_BONES, 0.0, sure)
        elif motion.state is State.TURNED_AWAY:
            sure[HEAD] = 0.0
        # a leg is followed whole or not at all: a thigh alone says nothing of where the person stands
        sure[THIGHS] = sure[SHINS] = np.minimum(sure[THIGHS], sure[SHINS])
        sure[FEET] = np.minimum(sure[FEET], sure[SHINS])
        swapped = motion.state is State.TURNED_AWAY or (self._swapped and motion.state is State.LOST)
        self.turned, self._swapped = swapped != self._swapped, swapped
        return directions, sure

    def _faced(self, directions: Array, told: Posture, dt: float, first: bool) -> Array:
        """The directions with the head upright in its face: what a bone from the neck to the ears tells is biased.

        How far the two differ is remembered while the face is not seen, and forgotten slowly.
        """
        x, y, z = directions[HEAD].tolist()
        drawn, way = math.hypot(x, y), math.atan2(x, y)
        sign = -1.0 if self._mirror else 1.0
        off = told.face * math.remainder(sign * told.tilt - way - self._bias, math.tau) - (1 - told.face) * self._bias
        self._bias += off if first else -math.expm1(-dt / (FACE + (1 - told.face) * FACELESS)) * off
        way += self._bias
        directions = directions.copy()
        directions[HEAD] = drawn * math.sin(way), drawn * math.cos(way), z
        return directions


def smoothstep(value: Array | float, low: Array | float, high: Array | float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.minimum(np.maximum((value - low) / (high - low), 0.0), 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def _in_order(posture: Posture) -> tuple[Array, Array]:
    """Directions and scores in the order of BODY_BONES, zeros for bones that the posture lacks."""
    if posture.bones == NAMES:
        return posture.directions, posture.scores
    directions, scores = np.zeros((len(NAMES), 3)), np.zeros(len(NAMES))
    for name, direction, score in zip(posture.bones, posture.directions, posture.scores, strict=True):
        if name in BONE_INDEX:
            directions[BONE_INDEX[name]], scores[BONE_INDEX[name]] = direction, score
    return directions, scores
