"""What cannot be: points that leap, sides that swap; and where a point is that is not seen.

Arrays are (C, K, 3): C spaces (image, world), K points, three axes. Offsets are in units of reach(), so that 1 is as
far as noise and the hardest push explain. Seconds.
"""

from __future__ import annotations

import numpy as np

from bodydouble.smooth.body import Body, Mask, squared
from bodydouble.types import Array

# In torso lengths: what noise and bad guesses explain, per axis, and the hardest acceleration of a hand or foot
# (150 m/s2 at a torso of 0.5 m: fast kicks and punches).
LEAP = np.array([0.15, 0.15, 0.25])
PUSH = 300.0
SUPPORT = 0.5  # half of the neighbours, each differing by less than this share of a leap, make it a movement
LEAP_FRAMES, LEAP_TIME = 3, 0.06  # a leap is believed when the point stays there for so many frames and seconds
SWAP_RATIO = 0.5  # exchanging the sides must leave less than this share of what is unexplained
SWAP_DOUBT = 0.1  # and the frame as given must be explained this badly (1: every point just within its reach)
ACROSS, TURNED = np.array([1.0, 1.0, 0.0]), np.array([1.0, 1.0, -1.0])
WORST = 4.0  # no point counts for more, as it may be wrong for other reasons
SWAP_TIME = 0.8  # seconds after which a lasting exchange is the truth; a model that errs does so for half a second


def reach(size: Array, step: float) -> Array:
    """(C, 1, 3) how far from where it was due a point may be seen after `step` seconds. size: (C, 1, 1)."""
    return np.asarray((LEAP + PUSH * step**2 / 2) * size)


class Swaps:
    """Sees that left and right are exchanged, in arms, legs, the rest of the body or all of it; each space for itself.

    A lasting exchange is believed after SWAP_TIME, so that a person who turns round is not fought.
    """

    def __init__(self, spaces: int, body: Body) -> None:
        self._body = body
        self._lasting = np.zeros((spaces, len(body.groups)))
        self._before: Array | None = None

    def __call__(self, points: Array, due: Array, seen: Mask, scale: Array, step: float) -> tuple[Array, Mask, Mask]:
        """The points (C, K, 3) with sides put right, which of them (C, K) were exchanged, which to believe anew.

        points: as seen. due: where they were expected. seen: (K,). scale: (C, 1 or K, 3) 1 / reach, 0 for axes that are
        not measured. After a wild frame nothing is where it is due, so where points were in the frame before explains
        as well. A model that takes a front for a back exchanges the sides and turns depth about, so depth is no
        witness; it is turned back if that fits better.
        """
        swapped, believed = self._judge(points, due, seen, scale * ACROSS, step)
        if swapped.any():
            exchanged = points[:, self._body.mirrored]
            before = due if self._before is None else self._before
            depth, was = exchanged[..., 2], before[..., 2]
            off = np.where(swapped, np.abs(depth - was) - np.abs(depth + was), 0.0).sum(axis=1, keepdims=True)
            exchanged = np.where((off > 0)[..., None], exchanged * TURNED, exchanged)
            points = np.where(swapped[..., None], exchanged, points)
        self._before = points
        return points, swapped, believed

    def _off(self, points: Array, due: Array, scale: Array) -> Array:
        """(C, K) squared distance from what explains a point best, in reaches."""
        off = squared((points - due) * scale)
        if self._before is not None:
            off = np.minimum(off, squared((points - self._before) * scale))
        return np.asarray(np.minimum(off, WORST))

    def _judge(self, points: Array, due: Array, seen: Mask, scale: Array, step: float) -> tuple[Mask, Mask]:
        """Which points (C, K) are exchanged, and which have been for so long that it is the truth."""
        mirrored, groups = self._body.mirrored, self._body.groups
        as_seen = self._off(points, due, scale)
        if not ((as_seen > SWAP_DOUBT) & seen).any():
            self._lasting[:] = 0
            return np.zeros(as_seen.shape, dtype=bool), np.zeros(as_seen.shape, dtype=bool)
        pairs = self._body.paired & (seen & seen[mirrored])
        weights = pairs.T / np.maximum(pairs.sum(axis=1), 1)
        unexplained = as_seen @ weights
        swapped = unexplained > SWAP_DOUBT
        if swapped.any():
            left = self._off(points.take(mirrored, axis=1), due, scale) @ weights
            swapped &= left < SWAP_RATIO * unexplained
        if not swapped.any():
            self._lasting[:] = 0
            return np.zeros(as_seen.shape, dtype=bool), np.zeros(as_seen.shape, dtype=bool)
        self._lasting = np.where(swapped, self._lasting + step, 0)
        believed = self._lasting > SWAP_TIME
        self._lasting[believed] = 0
        return (swapped & ~believed) @ groups, believed @ groups


class Leaps:
    """Sees points that leap alone, and believes those that stay where they landed."""

    def __init__(self, spaces: int, body: Body) -> None:
        shape = (spaces, len(body.mirrored))
        self._near = body.near > 0
        self._landed = np.zeros((*shape, 3))
        self._frames = np.zeros(shape, dtype=np.intp)
        self._lasting = np.zeros(shape)

    def __call__(
        self, points: Array, due: Array, was: Array, rows: Mask, scale: Array, step: float
    ) -> tuple[Mask, Mask]:
        """Which rows (C, K) have leapt and are to be doubted, and which have stayed and are to be believed anew.

        A leap lands far both from where the point was due and from where it was: velocities may be wrong, too.
        """
        off = (points - due) * scale
        distance = np.sqrt(squared(off))
        far = rows & (distance > 1)
        if far.any():
            far &= squared((points - was) * scale) > 1
        for space, point in np.argwhere(far):
            apart = np.sqrt(squared(off[space] - off[space, point]))
            near = self._near[point] & rows[space]
            together = near & (apart < SUPPORT * distance[space, point])
            far[space, point] = 2 * together.sum() < max(near.sum(), 1)
        if not far.any():
            self._frames[:] = 0
            return far, far
        stays = squared((points - self._landed) * scale) < 1
        again = far & stays & (self._frames > 0)
        self._lasting = np.where(again, self._lasting + step, 0)
        self._frames = np.where(again, self._frames + 1, far.astype(np.intp))
        self._landed = points
        believed = (self._frames >= LEAP_FRAMES) & (self._lasting >= LEAP_TIME)
        self._frames[believed] = 0
        return far & ~believed, believed


def carried(moved: Array, known: Mask, near: Array) -> Array:
    """How far points move with the body: unknown ones take the mean of their neighbours; nothing known, nothing moves.

    An unknown point's own velocity is left out: on motion capture it makes gaps worse, not better.
    moved: (C, K, 3), right where known (C, K). near: (K, K). Returns (C, K, 3).
    """
    out = moved * known[..., None]
    while not known.all():
        counts = known @ near
        new = (counts > 0) & ~known
        if not new.any():
            break
        out = np.where(new[..., None], near @ out / np.maximum(counts, 1)[..., None], out)
        known = known | new
    return out
