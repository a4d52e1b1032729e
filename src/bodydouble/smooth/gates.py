"""What cannot be: points that leap, sides that swap; and where a point is that is not seen.

Arrays are (C, K, 3): C spaces (image, world), K points, three axes. Offsets are in units of reach(), so that 1 is as
far as noise and the hardest push explain. Seconds.
"""

from __future__ import annotations

import numpy as np

from bodydouble.smooth.body import Body, Indices, Mask, every, some, squared
from bodydouble.types import Array

# In torso lengths: what noise and bad guesses explain, per axis, and the hardest acceleration of a hand or foot
# (150 m/s2 at a torso of 0.5 m: fast kicks and punches).
LEAP = np.array([0.13, 0.13, 0.23])
PUSH = 300.0
# Seconds that such a push lasts at most: a 15th. Poses farther apart come rarely, and the body itself tells how it
# moves: a point may be so many times farther off than half of them are.
PUSH_TIME, UNREST = 0.07, 4.0
FRAME = 1 / 30  # seconds that a fault counts in the frame where it is first seen: when it began is not known
LIMB = 1.5  # reaches beyond which a limb's points leap though they move together: real kicks start harder than one does
SUPPORT = 0.75  # half of the neighbours, each differing by less than this share of a leap, make it a movement
LEAP_FRAMES, LEAP_TIME = 3, 0.06  # a leap is believed when the point stays there for so many frames and seconds
FLYING = 2  # undoubted frames after which the last two sights tell where a point is flying
SWERVE = 0.7  # share of its way since the frame before by which a flying point may miss where that pointed
FLIGHT = 0.5  # reaches a frame that a flying point covers at least
DOUBT_TIME = 0.2  # or when it has been elsewhere for so many seconds, wherever
SWAP_RATIO = 0.5  # exchanging the sides must leave less than this share of what is unexplained
SWAP_DOUBT = 0.1  # and the frame as given must be explained this badly (1: every point just within its reach)
# When poses come rarely, limbs swing past each other: only the whole body is thought to be exchanged, and only if so
# many more of the trunk's points are explained better by so much, squared reaches, than worse.
TRUNK_DOUBT, TRUNK_POINTS = 0.02, 4
PART_RATIO, PART_DOUBT = 0.3, 0.3  # the same for a part of a limb against the rest of it: fewer points, more chance
ACROSS, TURNED = np.array([1.0, 1.0, 0.0]), np.array([1.0, 1.0, -1.0])
NO_SPEED = np.zeros(1)
WORST = 4.0  # no point counts for more, as it may be wrong for other reasons
LIMBS = 1  # which of a body's levels are the whole limbs; what is between the sides follows the whole body
STRANGE = 1.0  # a limb left with more is no witness for the next frame
TORN = 0.85  # and if its points are off by a common share of the way to the other side, so nearly, it is torn (cosine)
SWAP_TIME = 0.8  # seconds after which a lasting exchange is the truth; a model that errs does so for half a second
LIMB_TIME, TORN_TIME = 0.4, 0.2  # the same for limbs without the trunk, and for those that made no sense so long ago
PART_TIME = 0.12  # the same for a part of a limb: such errors are briefer; and for an exchange back


def reach(size: Array, step: float) -> Array:
    """(C, 1, 3) how far from where it was due a point may be seen after `step` seconds. size: (C, 1, 1)."""
    return np.asarray((LEAP + PUSH * min(step, PUSH_TIME) ** 2 / 2) * size)


def unrest(points: Array, due: Array, seen: Mask, mirrored: Indices) -> Array:
    """(C, 1, 1) how far half of the points (C, K, 3) in sight (K,) are from where they were due, across.

    Sides may be exchanged, if that fits better: it is the body's movement that is asked for.
    """
    if not some(seen):
        return np.zeros((len(points), 1, 1))
    off = np.stack([points - due, points.take(mirrored, axis=1) - due])[:, :, seen] * ACROSS
    return np.asarray(np.median(np.sqrt(squared(off)), axis=2).min(axis=0)[:, None, None])


def lasted(seconds: Array, holds: Mask, step: float) -> Array:
    """For how many seconds something has held, after a frame of `step` seconds; 0 where it does not hold now."""
    return np.asarray(np.where(holds, seconds + np.where(seconds > 0, step, min(step, FRAME)), 0.0))


class Swaps:
    """Sees that left and right are exchanged, in arms, legs, parts of them, the rest or all, in all spaces alike.

    A lasting exchange is believed after SWAP_TIME, so that a person who turns round is not fought; that of a limb
    alone, or back from one that was believed shortly before, sooner.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        # seconds: exchanged; in part of a limb; without the trunk; not so since that was
        # believed, and since the limb last made no sense, too
        self._lasting, self._parting, self._alone = np.zeros((3, len(body.mirrored)))
        self._settled, self._sure = np.full((2, len(body.mirrored)), SWAP_TIME)
        self._before: Array | None = None
        self._two_sided = body.mirrored != np.arange(len(body.mirrored))
        self._seen: Mask | None = None  # (K,) points for which the weights below hold
        self._weights: list[Array] = []  # (K, G) of each level, mean over a group's points in sight; then of the limbs
        self._all_weights = np.zeros((len(body.mirrored), 0))
        doubts = [
            np.full(len(level), SWAP_DOUBT if at <= LIMBS else PART_DOUBT) for at, level in enumerate(body.levels)
        ]
        self._doubts = np.concatenate([*doubts, np.full(len(body.levels[LIMBS]), np.nextafter(STRANGE, 0))])

    def __call__(
        self, points: Array, due: Array, seen: Mask, scale: Array, step: float
    ) -> tuple[Array, Mask, Mask, Mask]:
        """The points (C, K, 3) with sides put right; and (K,) which were exchanged, are to be believed anew, are torn.

        points: as seen. due: where they were expected. seen: (K,). scale: (C, 1 or K, 3) 1 / reach, 0 for axes that are
        not measured. After a wild frame nothing is where it is due, so where points were in the last sound frame
        explains as well. A model that takes a front for a back exchanges the sides and turns depth about, so depth is
        no witness; it is turned back if that fits better. Torn are limbs put between the sides: not to be followed.
        """
        before = due if self._before is None else self._before
        swapped, believed, sound, torn = self._judge(points, due, before, seen, scale * ACROSS, step)
        if some(swapped):
            exchanged = points[:, self._body.mirrored]
            depth, was = exchanged[..., 2], before[..., 2]
            off = np.where(swapped, np.abs(depth - was) - np.abs(depth + was), 0.0).sum(axis=1, keepdims=True)
            exchanged = np.where((off > 0)[..., None], exchanged * TURNED, exchanged)
            points = np.where(swapped[:, None], exchanged, points)
        self._before = points if every(sound) else np.where(sound[:, None], points, before)
        return points, swapped, believed, torn

    def _judge(
        self, points: Array, due: Array, before: Array, seen: Mask, scale: Array, step: float
    ) -> tuple[Mask, Mask, Mask, Mask]:
        """Which points (K,) are exchanged, which have been so long that it is the truth, which make sense, are torn."""
        mirrored = self._body.mirrored
        as_seen = _off(points, due, before, scale)
        swapped = np.zeros(len(mirrored), dtype=bool)
        self._weigh(seen)
        if not some(as_seen @ self._all_weights > self._doubts):  # most frames: no group is off
            self._lasting[:] = self._parting[:] = self._alone[:] = 0
            self._settled += step
            self._sure += step
            return swapped, swapped, ~swapped, swapped
        exchanged = _off(points.take(mirrored, axis=1), due, before, scale)
        whole = swapped
        rare = step > PUSH_TIME  # limbs swing past each other meanwhile
        for level, groups in enumerate(self._body.levels[: 1 if rare else None]):
            doubt, ratio = (SWAP_DOUBT, SWAP_RATIO) if level <= LIMBS else (PART_DOUBT, PART_RATIO)
            weights = self._weights[level]
            unexplained = np.where(swapped, exchanged, as_seen) @ weights
            left = np.where(swapped, as_seen, exchanged) @ weights
            swapped = swapped ^ (((unexplained > doubt) & (left < ratio * unexplained)) @ groups)
            whole = swapped if level <= LIMBS else whole
        limbs = self._body.levels[LIMBS]
        if rare:
            better = (as_seen - exchanged) * (limbs[-1] & seen)
            if np.count_nonzero(better > TRUNK_DOUBT) < np.count_nonzero(better < -TRUNK_DOUBT) + TRUNK_POINTS:
                swapped = whole = np.zeros_like(swapped)
            return *self._settle(swapped, whole, step), np.ones_like(swapped), np.zeros_like(swapped)
        torn = np.where(swapped, exchanged, as_seen) @ self._weights[-1] >= STRANGE
        odd = torn @ limbs
        if some(odd):
            torn = torn & (_between(points, due, due.take(mirrored, axis=1), scale, limbs & seen) > TORN)
        self._sure[odd] = 0
        return (
            *self._settle(swapped, whole, step),
            ~odd,
            torn @ limbs,
        )

    def _weigh(self, seen: Mask) -> None:
        """Set the weights for the points (K,) in sight, if those have changed."""
        if self._seen is not None and np.array_equal(seen, self._seen):
            return
        self._seen = seen
        pairs = seen & seen[self._body.mirrored] & self._two_sided
        groups = [*(level & pairs for level in self._body.levels), self._body.levels[LIMBS] & seen]
        self._weights = [members.T / np.maximum(members.sum(axis=1), 1) for members in groups]
        self._all_weights = np.concatenate(self._weights, axis=1)

    def _settle(self, swapped: Mask, whole: Mask, step: float) -> tuple[Mask, Mask]:
        """Which of the points (K,) are still held to be exchanged, and which are believed. whole: by whole limbs."""
        self._parting = lasted(self._parting, swapped ^ whole, step)
        settled = self._parting > PART_TIME
        self._parting[settled] = 0
        swapped = swapped ^ settled
        self._lasting = lasted(self._lasting, swapped, step)
        trunk = (swapped & self._body.levels[LIMBS][-1]).any()
        self._alone = np.maximum(self._alone - step, 0) * swapped if trunk else lasted(self._alone, swapped, step)
        sound = np.where(swapped, 0, step)
        self._settled, self._sure = self._settled + sound, self._sure + sound
        believed = self._lasting > np.minimum(SWAP_TIME, np.maximum(self._settled, PART_TIME))
        believed |= self._alone > np.minimum(LIMB_TIME, np.maximum(self._sure, TORN_TIME))
        self._lasting[believed] = self._settled[believed] = self._sure[believed] = 0
        return swapped & ~believed, believed | settled


def _between(points: Array, due: Array, opposite: Array, scale: Array, groups: Mask) -> Array:
    """(G,) cosine between how groups (G, K) of points are off and the way to where their opposites were due."""
    off, way = (points - due) * scale, (opposite - due) * scale
    along, far, apart = ((a * b).sum(axis=(0, 2)) @ groups.T for a, b in ((off, way), (off, off), (way, way)))
    return np.asarray(along / np.sqrt(np.maximum(far * apart, 1e-12)))


def _off(points: Array, due: Array, before: Array, scale: Array) -> Array:
    """(K,) mean squared distance from what explains a point best, in reaches."""
    off = np.minimum(squared((points - due) * scale), squared((points - before) * scale))
    return np.asarray(np.add.reduce(np.minimum(off, WORST, out=off)) / len(off))


class Leaps:
    """Sees points and whole limbs that leap alone, and believes those that stay where they landed or fly on.

    What moves hard is ahead of where the filter has it, but not of where its last two sights point.
    """

    def __init__(self, spaces: int, body: Body) -> None:
        shape = (spaces, len(body.mirrored))
        self._near, self._roots = body.near > 0, body.roots
        self._seen = self._before = np.zeros((*shape, 3))
        self._step = 0.0  # seconds between those two
        self._sound, self._frames = np.zeros((2, *shape), dtype=np.intp)  # frames in a row undoubted; doubted alike
        self._lasting, self._doubted = np.zeros(shape), np.zeros(shape)
        self._doubting = False  # whether any row was doubted in the last frame

    def __call__(
        self, points: Array, due: Array, was: Array, rows: Mask, torn: Mask, scale: Array, step: float
    ) -> tuple[Mask, Mask, Array]:
        """Which rows (C, K) have leapt and are to be doubted, which are to be believed anew, and how fast (C, K, 3).

        A leap lands far from where the point was due, from where it was and from where it was flying: velocities may
        be wrong, too. What neighbours do as well is a movement, but not what a limb does that leaves the shoulder or
        hip it hangs on.
        """
        far, believed, speed = self._judge(points, due, was, rows, torn, scale, step)
        self._before, self._seen, self._step = self._seen, points, step
        self._sound += 1
        self._sound *= rows & ~(far | believed)
        return far, believed, speed

    def _judge(
        self, points: Array, due: Array, was: Array, rows: Mask, torn: Mask, scale: Array, step: float
    ) -> tuple[Mask, Mask, Array]:
        """As __call__, before this frame is remembered."""
        off = (points - due) * scale
        distance = squared(off)
        far = rows & (distance > 1)
        if some(far):
            distance = np.sqrt(distance)
            onward = self._seen + (self._seen - self._before) * (step / self._step if self._step > 0 else 0.0)
            astray = squared((points - onward) * scale)
            fast = squared((self._seen - self._before) * scale)
            swerves = astray > np.maximum(1, SWERVE**2 * fast)
            far &= (squared((points - was) * scale) > 1) & ((self._sound < FLYING) | swerves)
            far = far & torn | self._alone(off, distance, rows, far, step)
        if not some(far):
            if self._doubting:
                self._frames[:] = 0
                self._doubted[:] = 0
            self._doubting = False
            return far, far, NO_SPEED
        self._doubting = True
        moved = squared((points - self._seen) * scale)
        flies = (astray < np.maximum(1, SWERVE**2 * moved)) & (astray < moved) & (moved > FLIGHT**2)
        flies &= self._frames > 0
        again = far & (flies | (moved < 1)) & (self._frames > 0)
        self._lasting = np.where(again, self._lasting + step, 0)
        self._frames = np.where(again, self._frames + 1, far.astype(np.intp))
        self._doubted = lasted(self._doubted, far, step)
        believed = (self._frames >= LEAP_FRAMES) & (self._lasting >= LEAP_TIME)
        believed |= (self._doubted > DOUBT_TIME) | (far & flies)
        self._frames[believed] = 0
        self._doubted[believed] = 0
        speed = np.where(flies[..., None], (points - self._seen) / max(step, 1e-6), 0.0)
        return far & ~believed, believed, speed

    def _alone(self, off: Array, distance: Array, rows: Mask, far: Mask, step: float) -> Mask:
        """Which rows in far (C, K) are off as most neighbours are not, or far off as the root is not.

        The latter must be so in the picture: world landmarks lag more in fast motion. Depth does not tell, as it turns
        about when a front is taken for a back.
        """
        space, point = np.nonzero(far)
        most = SUPPORT * distance[space, point]
        together = squared(off[space] - off[space, point][:, None]) < (most * most)[:, None]
        near = self._near[point] & rows[space]
        alone = far.copy()
        alone[far] = 2 * (near & together).sum(axis=1) < np.maximum(near.sum(axis=1), 1)
        across = off[0] * ACROSS
        mine, root = squared(across), self._roots
        if step > PUSH_TIME:  # time enough to raise an arm
            return alone
        astray = far[0] & rows[0, root] & (mine > LIMB**2) & (squared(across - across[root]) > SUPPORT**2 * mine)
        return np.asarray(alone | (far & astray))


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
