"""Where points are and how fast, from noisy sights: two Kalman filters each, mixed by how well each explains them.

One filter is for a point at rest, one for a point in motion (interacting multiple models: Blom and Bar-Shalom, IEEE
Transactions on Automatic Control 33, 1988), so that a resting body is averaged over long and a moving one is followed
at once. What neighbouring points do counts as evidence. Arrays are (C, K, 3): C spaces (image, world), K points, three
axes, each space in its own unit; sizes (C, 1, 1) are torso lengths in that unit; seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bodydouble.smooth.body import ONES, Mask
from bodydouble.types import Array

# How bodies move, in torso lengths and seconds, at amount 0.5. Chosen with `bodydouble bench --smooth` on the motions
# that docs/decisions/steadiness.md names.
WANDER = 1.0  # a resting point drifts this many deviations of its sight across in a second (random walk)
PUSH = 8.0  # white-noise acceleration of a moving point, torso lengths per second to the power 3/2
REST_TIME, MOTION_TIME = 0.5, 0.3  # mean seconds that rest and motion last
START_SPEED = 2.0  # torso lengths a second that a point may have when first seen (standard deviation)
CERTAIN = 20.0  # natural log of the odds beyond which more evidence changes nothing
UNSURE, SURELY = 0.5, 6  # how much a speed's variance, and a chance of rest, take from a speed that is relied on
GROWTH = 5.0  # times the speed before a sight that the speed after it is relied on
UNKNOWN = np.zeros(1)  # speed
LEAST_CHANCE = 1e-6  # neither filter is ever ruled out


@dataclass(frozen=True, slots=True)
class Calm:
    """How calm a body is thought to be, for an amount of smoothing.

    noise, drift: times the noise and the slow wander of a sight. wander, push: as WANDER and PUSH. rest: as REST_TIME.
    """

    noise: float
    drift: float
    wander: float
    push: float
    rest: float

    @classmethod
    def of(cls, amount: float) -> Calm:
        """amount: above 0, 1 at most. Rest grows calmer fast, motion slowly, as lag shows."""
        times = 2 * amount
        slower = times ** (2 if times < 1 else 3)
        return cls(times**0.68, times**2, WANDER / slower, PUSH / times**0.5, REST_TIME * times)


class Motion:
    """A filter for rest and one for motion for each point; native units of each space.

    moving: (C, K) chance that a point is in motion. still, still_spread: (C, K, 3) where it is if at rest, and that
    variance. place, speed: (C, K, 3) where and how fast if in motion; spread, common, speed_spread: their variances.
    """

    def __init__(self, points: Array, noise: Array, size: Array) -> None:
        shape = points.shape
        self.moving = np.zeros(shape[:-1])
        self.still, self.still_spread = np.zeros(shape), np.zeros(shape)
        self.place, self.speed = np.zeros(shape), np.zeros(shape)
        self.spread, self.common, self.speed_spread = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._before = np.zeros(shape)  # speed before the last sight
        self._scratch = np.zeros((7, *shape))  # arrays so small cost less to fill than to make
        self.put(np.ones(shape[:-1], dtype=bool), points, noise, size)

    def put(self, rows: Mask, points: Array, noise: Array, size: Array, speed: Array = UNKNOWN) -> None:
        """Start the given rows (C, K) anew at `points` (C, K, 3), of a speed that is guessed: (C, K, 3) or (1,)."""
        self.moving[rows] = 0.5
        self.still[rows] = self.place[rows] = points[rows]
        self.still_spread[rows] = self.spread[rows] = noise[rows] ** 2
        self.speed[rows] = np.broadcast_to(speed, points.shape)[rows]
        self._before[rows] = self.speed[rows]
        self.common[rows] = 0
        self.speed_spread[rows] = (START_SPEED * np.broadcast_to(size, points.shape)[rows]) ** 2

    @property
    def estimate(self) -> Array:
        """(C, K, 3) where each point is."""
        moving = self._scratch[0]
        moving[...] = self.moving[..., None]
        between = self.place - self.still
        between *= moving
        between += self.still
        return between

    @property
    def sure_velocity(self) -> Array:
        """(C, K, 3) how fast each point surely is: shrunk by how unsure its motion and its speed are, 0 at rest.

        The positive part of James and Stein's estimate (Fourth Berkeley Symposium, 1961), axis by axis.
        """
        squares = self.speed * self.speed
        sure = np.maximum(squares - UNSURE * self.speed_spread, 0.0) / np.maximum(squares, 1e-12)
        moving = np.maximum(2 * self.moving - 1, 0.0)
        return np.asarray((moving**SURELY)[..., None] * sure * self.speed)

    @property
    def known(self) -> Array:
        """(C, K, 1) share of the speed up to GROWTH times what it was before the last sight, which may be wrong."""
        squares = np.maximum((self.speed * self.speed) @ ONES, 1e-12)
        share = GROWTH * ((self._before * self.speed) @ ONES) / squares
        return np.asarray(np.minimum(np.maximum(share, 0.0), 1.0)[..., None])

    def variance(self, space: int) -> Array:
        """(K, 3) how unsure the estimate is in one space: the filters' own, mixed."""
        still = self.still_spread[space]
        return np.asarray(still + self.moving[space, :, None] * (self.spread[space] - still))

    def shift(self, by: Array) -> None:
        """Move every point by (C, K, 3)."""
        self.still += by
        self.place += by

    def predict(self, step: float, size: Array, noise: Array, calm: Calm) -> None:
        """Carry the state `step` seconds on.

        noise: (C, 1, 1) deviation of a sight across.
        """
        a, b, bb, apart, wider, far, more = self._scratch
        goes_on = self.moving * math.exp(-step / MOTION_TIME)
        stops, starts = self.moving - goes_on, (self.moving - 1) * math.expm1(-step / calm.rest)
        self.moving = goes_on + starts
        # of those at rest and of those in motion now, the shares that were in motion; for each axis at once, as thin
        # broadcasts take twice the time
        a[...] = (stops / (1 - self.moving))[..., None]
        share = goes_on / self.moving
        b[...] = share[..., None]
        bb[...] = (share * (1 - share))[..., None]
        np.subtract(self.place, self.still, apart)
        np.subtract(self.spread, self.still_spread, wider)
        np.multiply(apart, apart, far)
        self._mix_moving(b, bb, apart, wider, far, (START_SPEED * size) ** 2)
        # still_spread + a (wider + (1 - a) far), and place, from where it was still
        np.multiply(a, far, more)
        far -= more
        far += wider
        far *= a
        far += (calm.wander * noise) ** 2 * step
        self.still_spread += far
        np.multiply(b, apart, self.place)
        self.place += self.still
        apart *= a
        self.still += apart
        self._move_on(step, (calm.push * size) ** 2)

    def _mix_moving(self, b: Array, bb: Array, apart: Array, wider: Array, far: Array, unknown: Array) -> None:
        """Speeds and variances of what is in motion now: of a share b that was, the rest set off. bb: b (1 - b).

        apart, wider: from still to place, and of their variances; far: apart squared. unknown: a new speed's variance.
        """
        more = self._scratch[-1]
        np.multiply(b, wider, self.spread)
        self.spread += self.still_spread
        np.multiply(bb, far, more)
        self.spread += more
        bb *= self.speed
        np.multiply(bb, apart, more)
        self.common *= b
        self.common += more
        bb *= self.speed
        self.speed_spread -= unknown
        self.speed_spread *= b
        self.speed_spread += unknown
        self.speed_spread += bb
        self.speed *= b

    def _move_on(self, step: float, push: Array) -> None:
        """Let what is in motion move. push: (C, 1, 1) variance that a speed gains in a second."""
        gained, more = self._scratch[:2]
        np.multiply(self.speed, step, more)
        self.place += more
        np.multiply(self.speed_spread, step, gained)
        np.multiply(self.common, 2, more)
        more += gained
        more *= step
        more += push * (step**3 / 3)
        self.spread += more
        gained += push * (step**2 / 2)
        self.common += gained
        self.speed_spread += push * step

    def update(self, points: Array, noise: Array, drift: Array, trust: Array, evidence: Array) -> None:
        """Take in sights. points, noise: (C, K, 3). trust: (C, K, 3) 1, or 0 for what was not measured.

        drift: (C, 1, 3) how far sights of a resting point wander slowly, which is no motion.

        evidence: (K, K) what each point takes of others' evidence of being in motion.
        """
        off_still, off, total_still, total, hints, more, gain = self._scratch
        np.subtract(points, self.still, off_still)
        np.subtract(points, self.place, off)
        np.multiply(noise, noise, more)
        np.add(self.spread, more, total)
        more += drift * drift
        np.add(self.still_spread, more, total_still)
        np.divide(total_still, total, hints)
        np.log(hints, hints)
        np.multiply(off_still, off_still, more)
        more /= total_still
        hints += more
        np.multiply(off, off, more)
        more /= total
        hints -= more
        hints *= trust
        self._before[...] = self.speed
        odds = (hints @ ONES) @ evidence.T
        odds *= -0.5
        np.minimum(np.maximum(odds, -CERTAIN, out=odds), CERTAIN, out=odds)
        moving = 1 / (1 + (1 - self.moving) / self.moving * np.exp(odds, odds))
        self.moving = np.minimum(np.maximum(moving, LEAST_CHANCE, out=moving), 1 - LEAST_CHANCE, out=moving)
        np.multiply(trust, self.still_spread, gain)
        gain /= total_still
        off_still *= gain
        self.still += off_still
        gain *= self.still_spread
        self.still_spread -= gain
        self._correct(off, np.divide(trust, total, total))

    def _correct(self, off: Array, share: Array) -> None:
        """Bring what is in motion nearer to a sight that is off by (C, K, 3). share: trust over its variance."""
        gain, more = self._scratch[4:6]
        np.multiply(share, self.common, gain)
        np.multiply(gain, off, more)
        self.speed += more
        gain *= self.common
        self.speed_spread -= gain
        np.multiply(share, self.spread, gain)
        off *= gain
        self.place += off
        np.multiply(gain, self.spread, more)
        self.spread -= more
        gain *= self.common
        self.common -= gain
