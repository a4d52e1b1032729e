"""A person's own limb lengths, learnt from world landmarks, and how limbs are brought to them: gently.

A limb's length is one more sight of where its end is (a constrained Kalman update: Simon, IET Control Theory and
Applications 4, 2010): what is least sure gives way most, which is mostly depth. Metres, or any one unit; seconds.
"""

from __future__ import annotations

import numpy as np

from bodydouble.smooth.body import Body, Mask, squared
from bodydouble.types import Array

LEARN_TIME = 4.0  # seconds over which lengths are averaged
TRUST_TIME = 0.7  # seconds after which a length is trusted by half
SLACK = 0.01  # in torso lengths: how much a limb's length in world landmarks differs from itself, though rigid
WRONG = 0.25  # share of a length by which what is seen differs when the length learnt is rather wrong
LEAST = 1e-9  # a limb shorter than this has no direction


class Bones:
    """Learns the limbs' lengths and holds limbs at them. Arms and legs only: a trunk bends."""

    def __init__(self, body: Body) -> None:
        self._body = body
        count = len(body.bones[0])
        self._lengths, self._seconds = np.zeros(count), np.zeros(count)

    def learn(self, points: Array, good: Mask, step: float) -> None:
        """Take in the limbs of points (K, 3) whose both ends are good (K,)."""
        starts, ends = self._body.bones
        both = good[starts] & good[ends]
        now = np.sqrt(squared(points[ends] - points[starts]))
        share = both * step / (self._seconds + max(step, LEAST))
        self._lengths = self._lengths + share * (now - self._lengths)
        self._seconds = np.minimum(self._seconds + both * step, LEARN_TIME)

    def held(self, points: Array, spread: Array, size: float, share: float = 1.0) -> Array:
        """points (K, 3) with limbs nearer to their lengths, upper arms and thighs first.

        spread: (K, 3) variances of a sight. size: a torso length. share: how much of the correction is made.
        """
        twins = self._body.twins
        seconds = self._seconds + self._seconds[twins]
        own = (self._lengths * self._seconds + (self._lengths * self._seconds)[twins]) / np.maximum(seconds, LEAST)
        trust = share * seconds / (seconds + 2 * TRUST_TIME)
        out = points.copy()
        for rows in self._body.rounds:
            starts, ends = self._body.bones[:, rows]
            limbs = out[ends] - out[starts]
            lengths = np.maximum(np.sqrt(squared(limbs)), LEAST)
            ways = limbs / lengths[:, None]
            gives = spread[ends] * ways
            total = (gives * ways).sum(axis=1) + (SLACK * size) ** 2
            apart = own[rows] - lengths
            doubt = 1 + (apart / (WRONG * np.maximum(own[rows], LEAST))) ** 2
            off = trust[rows] * apart / (total * doubt * doubt)
            out += self._body.hanging[:, rows] @ (gives * off[:, None])
        return out

    def stretched(self, points: Array, like: Array) -> Array:
        """points (K, 3) with every limb exactly as long as in `like` (K, 3)."""
        out = points.copy()
        for rows in self._body.rounds:
            starts, ends = self._body.bones[:, rows]
            limbs, before = out[ends] - out[starts], like[ends] - like[starts]
            ratio = np.sqrt(squared(before) / np.maximum(squared(limbs), LEAST**2))
            out += self._body.hanging[:, rows] @ (limbs * (ratio - 1)[:, None])
        return out
