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

from bodydouble.smooth.body import Mask
from bodydouble.types import Array

# How bodies move, in torso lengths and seconds, at amount 0.5. Chosen with `bodydouble bench --smooth` on the motions
# that docs/decisions/steadiness.md names.
WANDER = 1.0  # a resting point drifts this many deviations of its sight across in a second (random walk)
PUSH = 8.0  # white-noise acceleration of a moving point, torso lengths per second to the power 3/2
REST_TIME, MOTION_TIME = 0.5, 0.3  # mean seconds that rest and motion last
START_SPEED = 2.0  # torso lengths a second that a point may have when first seen (standard deviation)
CERTAIN = 20.0  # natural log of the odds beyond which more evidence changes nothing
UNSURE, SURELY = 0.5, 6  # how much a speed's variance, and a chance of rest, take from a speed that is relied on
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
        self.put(np.ones(shape[:-1], dtype=bool), points, noise, size)

    def put(self, rows: Mask, points: Array, noise: Array, size: Array, speed: Array = UNKNOWN) -> None:
        """Start the given rows (C, K) anew at `points` (C, K, 3), of a speed that is guessed: (C, K, 3) or (1,)."""
        self.moving[rows] = 0.5
        self.still[rows] = self.place[rows] = points[rows]
        self.still_spread[rows] = self.spread[rows] = noise[rows] ** 2
        self.speed[rows] = np.broadcast_to(speed, points.shape)[rows]
        self.common[rows] = 0
        self.speed_spread[rows] = (START_SPEED * np.broadcast_to(size, points.shape)[rows]) ** 2

    @property
    def estimate(self) -> Array:
        """(C, K, 3) where each point is."""
        return self.still + self.moving[..., None] * (self.place - self.still)

    @property
    def velocity(self) -> Array:
        """(C, K, 3) how fast each point is, units a second."""
        return self.moving[..., None] * self.speed

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
    def variance(self) -> Array:
        """(C, K, 3) how unsure the estimate is: the filters' own, mixed."""
        return self.still_spread + self.moving[..., None] * (self.spread - self.still_spread)

    def shift(self, by: Array) -> None:
        """Move every point by (C, K, 3)."""
        self.still = self.still + by
        self.place = self.place + by

    def predict(self, step: float, size: Array, noise: Array, calm: Calm) -> None:
        """Carry the state `step` seconds on.

        noise: (C, 1, 1) deviation of a sight across.
        """
        goes_on = self.moving * math.exp(-step / MOTION_TIME)
        stops = self.moving - goes_on
        starts = (1 - self.moving) * -math.expm1(-step / calm.rest)
        self.moving = goes_on + starts
        # of those at rest and of those in motion now, the shares that were in motion; for each axis at once, as thin
        # broadcasts take twice the time
        a = np.repeat(stops / (1 - self.moving), 3).reshape(self.still.shape)
        b = np.repeat(goes_on / self.moving, 3).reshape(self.still.shape)
        bb, apart, wider = b * (1 - b), self.place - self.still, self.spread - self.still_spread
        apart_squared = apart * apart
        spread = self.still_spread + b * wider + bb * apart_squared
        common = b * self.common + bb * apart * self.speed
        unknown = (START_SPEED * size) ** 2
        speed_spread = unknown + b * (self.speed_spread - unknown) + bb * self.speed**2
        wander = (calm.wander * noise) ** 2
        self.still_spread = self.still_spread + a * (wider + (1 - a) * apart_squared) + wander * step
        push = (calm.push * size) ** 2
        self.speed = b * self.speed
        self.place = self.still + b * apart + self.speed * step
        self.still = self.still + a * apart
        self.spread = spread + step * (2 * common + step * speed_spread) + push * step**3 / 3
        self.common = common + step * speed_spread + push * step**2 / 2
        self.speed_spread = speed_spread + push * step

    def update(self, points: Array, noise: Array, drift: Array, trust: Array, evidence: Array) -> None:
        """Take in sights. points, noise: (C, K, 3). trust: (C, K, 3) 1, or 0 for what was not measured.

        drift: (C, 1, 3) how far sights of a resting point wander slowly, which is no motion.

        evidence: (K, K) what each point takes of others' evidence of being in motion.
        """
        off_still, off, variance = points - self.still, points - self.place, noise * noise
        total_still, total = self.still_spread + variance + drift * drift, self.spread + variance
        hints = (off_still**2 / total_still - off**2 / total + np.log(total_still / total)) * trust
        odds = (hints[..., 0] + hints[..., 1] + hints[..., 2]) / 2 @ evidence.T
        odds = np.minimum(np.maximum(odds, -CERTAIN), CERTAIN)
        moving = 1 / (1 + (1 - self.moving) / self.moving * np.exp(-odds))
        self.moving = np.minimum(np.maximum(moving, LEAST_CHANCE), 1 - LEAST_CHANCE)
        gain = trust * self.still_spread / total_still
        self.still = self.still + gain * off_still
        self.still_spread = self.still_spread * (1 - gain)
        share = trust / total
        gain, gain_speed = share * self.spread, share * self.common
        self.place = self.place + gain * off
        self.speed = self.speed + gain_speed * off
        self.spread = self.spread * (1 - gain)
        self.speed_spread = self.speed_spread - gain_speed * self.common
        self.common = self.common * (1 - gain)
