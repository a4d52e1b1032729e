"""A person's own limb lengths, learnt from world landmarks, and how limbs are brought to them: gently.

A limb's length is one more sight of where its end is (a constrained Kalman update: Simon, IET Control Theory and
Applications 4, 2010): what is least sure gives way most, which is mostly depth. Metres, or any one unit; seconds.
"""

from __future__ import annotations

import numpy as np

from bodydouble.smooth.body import Body, Mask, squared
from bodydouble.types import Array

LEARN_TIME = 4.0  # seconds over which lengths are averaged
LEARN_EVERY = 0.1  # seconds between looks
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
        self._own, self._trust, self._wrong = np.zeros(count), np.zeros(count), np.full(count, LEAST)
        self._elapsed = 0.0
        self._rounds = [(*body.bones[:, rows], np.ascontiguousarray(body.hanging[:, rows])) for rows in body.rounds]
        upper, lower = (slice(rows[0], rows[-1] + 1) for rows in body.rounds)
        self._order: tuple[tuple[slice, slice | None], ...] = ((upper, None), (lower, upper))

    def learn(self, points: Array, good: Mask, step: float) -> None:
        """Take in the limbs of points (K, 3) whose both ends are good (K,), now and then."""
        self._elapsed += step
        if self._elapsed < LEARN_EVERY:
            return
        starts, ends = self._body.bones
        since = (good[starts] & good[ends]) * self._elapsed
        self._elapsed = 0.0
        now = np.sqrt(squared(points[ends] - points[starts]))
        self._lengths = self._lengths + since / (self._seconds + np.maximum(since, LEAST)) * (now - self._lengths)
        self._seconds = np.minimum(self._seconds + since, LEARN_TIME)
        known, twins = self._lengths * self._seconds, self._body.twins
        seconds = self._seconds + self._seconds[twins]
        self._own = (known + known[twins]) / np.maximum(seconds, LEAST)
        self._wrong = np.maximum(WRONG * self._own, LEAST)
        self._trust = seconds / (seconds + 2 * TRUST_TIME)

    def held(self, points: Array, spread: Array, size: float, share: float = 1.0) -> Array:
        """points (K, 3) with limbs nearer to their lengths, upper arms and thighs first.

        spread: (K, 3) variances of a sight. size: a torso length. share: how much of the correction is made.
        """
        starts, ends = self._body.bones
        limbs = points.take(ends, axis=0) - points.take(starts, axis=0)
        spreads, slack, trust = spread.take(ends, axis=0), (SLACK * size) ** 2, share * self._trust
        moves = np.empty(limbs.shape)
        for rows, above in self._order:
            if above is not None:  # a forearm begins where the upper arm was brought to
                limbs[rows] -= moves[above]
            limb = limbs[rows]
            square = np.maximum(squared(limb), LEAST**2)
            lengths = np.sqrt(square)
            gives = spreads[rows] * limb  # times a length
            apart = self._own[rows] - lengths
            doubt = apart / self._wrong[rows]
            doubt = 1 + doubt * doubt
            total = np.einsum("ij,ij->i", gives, limb) / square + slack
            off = trust[rows] * apart / (total * doubt * doubt * lengths)
            np.multiply(gives, off[:, None], moves[rows])
        return np.asarray(points + self._body.hanging @ moves)

    def stretched(self, points: Array, like: Array) -> Array:
        """points (K, 3) with every limb exactly as long as in `like` (K, 3)."""
        out = points.copy()
        for starts, ends, hanging in self._rounds:
            limbs, before = out[ends] - out[starts], like[ends] - like[starts]
            ratio = np.sqrt(squared(before) / np.maximum(squared(limbs), LEAST**2))
            out += hanging @ (limbs * (ratio - 1)[:, None])
        return out
