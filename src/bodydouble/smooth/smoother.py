"""One person's poses, steadied: swapped sides undone, leaps doubted, noise filtered, vanished points held and faded.

Time stamps are the poses' own: any frame rate; equal stamps are allowed, a gap of more than GAP glides to the new pose,
and time that runs backwards starts afresh. Noise is given in torso lengths of the person, about 0.5 m.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bodydouble.skeletons import select, selection, skeleton
from bodydouble.smooth.body import Body, Mask, body, every, some
from bodydouble.smooth.bones import Bones
from bodydouble.smooth.gates import NO_SPEED, PUSH_TIME, UNREST, Leaps, Swaps, carried, reach, unrest
from bodydouble.smooth.motion import Calm, Motion
from bodydouble.types import Array, BodyDoubleError, Pose, State

# Standard deviation of one sight in torso lengths, per axis, of image points and of world landmarks: 1.6 px across for
# a torso of 300 px; 1 cm across and 3 cm in depth. And how far sights of a resting point wander, over seconds.
NOISE = np.array([[[0.0054, 0.0054, 0.025]], [[0.02, 0.02, 0.06]]])
DRIFT = np.array([[[0.002, 0.002, 0.0]], [[0.0, 0.0, 0.0]]])
MEASURED = np.ones((2, 1, 3))  # axes that a sight has, and those without depth
MEASURED_FLAT = np.array([[[1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0]]])
LENGTH_AXES = np.array([[[1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0]]])  # an image point's depth is too rough to measure with
LEAST_SCORE = 0.25  # noise grows as a score falls, down to this one
SIZE_TIME = 2.0  # seconds over which the person's size settles
SIZE_EVERY = 0.1  # seconds between looks at it
UNSEEN, SEEN = 0.2, 0.3  # a point vanishes below the one score and is back above the other
FADE, RISE = 0.5, 0.2  # seconds in which a vanished point's score falls from 1 to 0, and a returning one's rises
STOP_TIME = 0.05  # seconds in which a missing person's motion dies out
EASE_TIME = 0.08  # time constant with which a returning point glides to where it is seen
COAST_TIME = 0.1  # seconds after which a predicted motion has died out but for a third: bodies turn and stop
RARE, STALE_TIME = 1 / 12, 0.15  # poses farther apart tell less of the speed now: a third for each STALE_TIME more
GAP = 0.5  # seconds without a frame after which the past no longer tells where points are
FORGET = 1.0  # seconds after which a missing person is gone, as long as tracking.py remembers
LEAST_AMOUNT = 0.25  # below, part of what was seen is mixed in again: a weaker filter would predict badly for the gates


def _stacked(pose: Pose) -> tuple[Array, Array]:
    """Image points with depth, then world landmarks: (C, K, 3); and which axes are measured: (C, 1, 3) of 1 and 0."""
    spaces = np.zeros((1 if pose.world is None else 2, len(pose.points), 3))
    spaces[0, :, :2] = pose.points
    if pose.depth is not None:
        spaces[0, :, 2] = pose.depth
    if pose.world is not None:
        spaces[1] = pose.world
    axes = MEASURED_FLAT if pose.depth is None else MEASURED
    return spaces, axes[: len(spaces)]


class Smoother:
    """Steadies one person's poses. amount: 0 leaves points as measured, 0.5 suits live use, 1 is the calmest.

    At 0 the gates still work: leaps, swaps and vanished points are mended, everything else passes unchanged. What each
    amount costs in lag and leaves in jitter is what `bodydouble bench --smooth` prints. Raises BodyDoubleError for an
    amount outside 0..1.
    """

    def __init__(self, amount: float = 0.5) -> None:
        if not 0 <= amount <= 1:
            raise BodyDoubleError(f"smoothing amount {amount:g}; choose one from 0 (as measured) to 1 (calmest)")
        self.amount = amount
        self._calm = Calm.of(max(amount, LEAST_AMOUNT))
        self._raw = 1 - min(amount / LEAST_AMOUNT, 1)
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._last: Pose | None = None
        self._out: Pose | None = None  # as last returned
        self._handed = False
        self._glides: Mask = np.zeros((0, 0), dtype=bool)  # (C, K) what is to glide from where it was shown
        self._unpaced: Mask | None = None  # rows followed, when speeds are still to be taken
        self._step = 0.0  # seconds before them
        self._time = 0.0
        self._shown = self._offset = self._speed = np.zeros((0, 0, 3))  # (C, K, 3), native units
        self._scores = np.zeros(0)  # (K,) as shown
        self._visible: Mask = np.zeros(0, dtype=bool)  # (K,)

    def __call__(self, pose: Pose) -> Pose:
        """The same pose, steadied: points, depth, world and scores; visibility and presence as measured."""
        points, axes = _stacked(pose)
        last = self._last
        if last is not None and self._handed and pose.time >= self._time:
            return self._take_over(last, pose, points, axes)
        if last is None or last.skeleton != pose.skeleton or len(points) != len(self._shown) or pose.time < self._time:
            return self._start(pose, points)
        step, absent = pose.time - self._time, pose.time - last.time
        self._time = pose.time
        self._measure(points, pose.scores, step)
        left = math.exp(-step / EASE_TIME)
        if absent > GAP:  # what is shown has glided on meanwhile, and the next glide begins there: else it never ends
            self._shown = self._shown - (1 - left) * self._offset
        self._offset *= left
        if absent > GAP:
            return self._resume(pose, points, axes, absent, step)
        return self._follow(pose, points, axes, step)

    def predict(self, ahead: float) -> Pose | None:
        """The pose last returned, carried `ahead` seconds on; None when there is nothing to show. Nothing is changed.

        What is at rest stays; motions die out as COAST_TIME says, so the way is bounded however far ahead is; limbs
        keep the lengths shown. 0 or less gives the pose as it was returned.
        """
        if self._out is None or ahead <= 0:
            return self._out
        coasted = COAST_TIME * -np.expm1(-ahead / COAST_TIME)
        points = self._shown + self._pace() * coasted + self._offset * np.expm1(-ahead / EASE_TIME)
        if len(points) > 1:
            points[1] = self._bones.stretched(points[1], self._shown[1])
        return _placed(self._out, points, self._out.time + ahead, self._out.scores)

    def handover(self) -> None:
        """The next pose comes from another model, of this layout or another: what is shown glides there."""
        self._handed = self._last is not None

    def missing(self, time: float) -> Pose | None:
        """The person at `time`, unseen: held and fading, at last LOST; None when there is nothing to show."""
        if self._last is None:
            return None
        absent = time - self._last.time
        if absent > FORGET:
            self.reset()
            return None
        step = max(time - self._time, 0.0)
        self._time = max(time, self._time)
        self._offset *= math.exp(-step / EASE_TIME)
        self._motion.shift(self._pace() * step)
        self._speed = self._speed * np.exp(-step / STOP_TIME)
        self._visible = np.zeros(len(self._scores), dtype=bool)
        left = max(1 - absent / FADE, 0.0)
        held = replace(
            self._last,
            time=time,
            score=self._last.score * left,
            state=self._last.state if left > 0 else State.LOST,
        )
        return self._show(held, self._last.scores, step)

    def _start(self, pose: Pose, points: Array) -> Pose:
        """Begin with this pose as it is."""
        shape = points.shape[:2]
        self._body: Body = body(pose.skeleton)
        self._time = pose.time
        self._resize(np.ones((len(points), 1, 1)))
        self._sized, self._unmeasured = False, 0.0
        self._measure(points, pose.scores, 0.0)
        self._motion, self._bones = Motion(points, self._noise(pose.scores), self._size), Bones(self._body)
        self._swaps, self._leaps = Swaps(self._body), Leaps(shape[0], self._body)
        self._every = np.ones(shape, dtype=bool)
        self._offset, self._speed = np.zeros_like(points), np.zeros_like(points)
        self._unpaced, self._glides = None, np.zeros(shape, dtype=bool)
        self._shown, self._estimate, self._scores = points, points, pose.scores
        self._visible = pose.scores >= SEEN
        self._handed = False
        self._last = self._out = pose
        return pose

    def _take_over(self, last: Pose, pose: Pose, points: Array, axes: Array) -> Pose:
        """Begin with another model's pose, but show and move on what was shown, where the layouts share points."""
        spaces, step = min(len(points), len(self._shown)), pose.time - self._time
        names, before = skeleton(pose.skeleton).points, skeleton(last.skeleton)
        onto = selection(before, names)
        pace = self._pace()
        shown, speed = onto @ (self._shown + pace * step)[:spaces], onto @ pace[:spaces]
        moving = self._motion.moving[:spaces] @ onto.T
        scores = select(before, names, self._shown[0], self._scores)[1]
        self._start(pose, points)
        known = scores > 0
        both = np.zeros((*points.shape[:2], 1))  # 1 where both models tell
        both[:spaces, known] = 1
        both = both * axes if last.depth is not None else both * MEASURED_FLAT[: len(points)]
        due = points.copy()
        due[:spaces] += both[:spaces] * (shown - points[:spaces])
        now, good = pose.scores, self._every & self._visible
        if pose.time - last.time <= FORGET:
            self._estimate, self._visible = due, self._visible & known
            points, now, good, _, _ = self._judged(pose, points, due, axes * both, pose.time - last.time)
            self._motion.put(self._every, points, self._noise(now), self._size)
        off, held = both * (due - points), (known & ~good)[..., None]
        self._motion.shift(np.where(held, off, 0))
        self._offset = np.where(held, 0, off)
        self._motion.moving[:spaces, known] = moving[:, known]
        self._motion.speed[:spaces, known] = speed[:, known]
        self._speed[:spaces, known] = speed[:, known]
        self._scores = scores
        return self._show(pose, now, step)

    def _measure(self, points: Array, scores: Array, step: float) -> None:
        """Let the person's size settle towards what these points (C, K, 3) show."""
        self._unmeasured += step
        if self._sized and self._unmeasured < SIZE_EVERY:
            return
        step, self._unmeasured = self._unmeasured, 0.0
        seen = scores >= SEEN
        now = self._body.sizes(points * LENGTH_AXES[: len(points)], seen)
        if not now.all():
            return
        share = 1 - np.exp(-step / SIZE_TIME) if self._sized else 1.0
        self._resize(self._size * (now[:, None, None] / self._size) ** share)
        self._sized = True

    def _resize(self, size: Array) -> None:
        """Let the person be of `size` (C, 1, 1), and noise with it."""
        self._size = size
        deviations = NOISE[: len(size)] * size
        self._across, self._deviations = deviations[..., :1], deviations * self._calm.noise
        self._drift = DRIFT[: len(size)] * size * self._calm.drift

    def _noise(self, scores: Array) -> Array:
        """(C, K, 3) standard deviations that the filter reckons with."""
        return np.asarray(self._deviations / np.sqrt(np.maximum(scores, LEAST_SCORE))[:, None])

    def _follow(self, pose: Pose, points: Array, axes: Array, step: float) -> Pose:
        """An ordinary frame."""
        motion, was = self._motion, self._estimate
        motion.predict(step, self._size, self._across, self._calm)
        due = motion.estimate
        points, scores, good, anew, speed = self._judged(pose, points, due, axes, step)
        motion.update(points, self._noise(scores), self._drift, axes * good[..., None], self._body.evidence)
        self._step = step
        self._hold(was, good)
        if len(points) > 1:
            self._bones.learn(was[1], good[1], step)
        self._begin(anew, points, scores, speed)
        return self._finish(pose, points, scores, good, step)

    def _resume(self, pose: Pose, points: Array, axes: Array, absent: float, step: float) -> Pose:
        """A frame after a gap of `absent` seconds: points begin anew where they are seen, and are glided to.

        While nobody can have turned round, sides are kept, and points that leap alone go with the others.
        """
        scores, rows = pose.scores, self._every
        if absent <= FORGET:
            was = self._estimate
            points, scores, good, anew, _ = self._judged(pose, points, was, axes, absent)
            rows = good | anew
            self._begin(rows, points, scores)
            self._hold(was, rows)
        else:
            self._begin(rows, points, scores)
            self._visible = scores >= SEEN
        self._glides = rows & (self._scores > 0)
        self._unpaced, self._speed = None, np.zeros_like(points)
        return self._finish(pose, points, scores, ~self._every, step)

    def _judged(
        self, pose: Pose, points: Array, due: Array, axes: Array, step: float
    ) -> tuple[Array, Array, Mask, Mask, Array]:
        """Points (C, K, 3) and scores (K,) with sides put right, and what the gates say of them.

        due: where points were expected after `step` seconds. Also (C, K) which are to be followed, which are to begin
        anew, and how fast (C, K, 3) those are.
        """
        scores = pose.scores
        seen, far = self._visible & (scores >= UNSEEN), reach(self._size, step)
        if step > PUSH_TIME:
            far = far + UNREST * unrest(points, due, seen, self._body.mirrored)
        scale = axes / far
        points, swapped, turned, torn = self._swaps(points, due, seen, scale, step)
        if some(swapped):
            scores = np.where(swapped, scores[self._body.mirrored], scores)
            seen = self._visible & (scores >= UNSEEN)
        visible = seen | (scores >= SEEN)
        followed = self._every & (seen & ~turned)
        leapt, believed, speed = self._leaps(points, due, self._estimate, followed, torn, scale, step)
        anew = visible & ((visible & ~self._visible) | turned | believed)
        self._visible = visible
        return points, scores, followed & ~(leapt | believed), anew, speed

    def _hold(self, was: Array, good: Mask) -> None:
        """Let points that are not followed (rows not in good) go along with their neighbours."""
        self._unpaced = good
        if not every(good):
            now = self._motion.estimate
            moved = carried(now - was, good, self._body.near)
            self._motion.shift(np.where(good[..., None], 0, was + moved - now))

    def _pace(self) -> Array:
        """(C, K, 3) how fast each point goes; one that is not followed as its neighbours do. When asked for."""
        if self._unpaced is not None:
            good, self._unpaced = self._unpaced, None
            speed = self._motion.sure_velocity
            if self._step > RARE:
                speed *= self._motion.known * math.exp((RARE - self._step) / STALE_TIME)
            self._speed = speed if every(good) else carried(speed, good, self._body.near)
        return self._speed

    def _begin(self, rows: Mask, points: Array, scores: Array, speed: Array = NO_SPEED) -> None:
        """Start rows (C, K) anew where they are seen, as fast as said; what is shown glides there.

        What flies is there at once: a glide would be behind all the way. So is what was not shown.
        """
        if not some(rows):
            return
        self._motion.put(rows, points, self._noise(scores), self._size, speed)
        self._offset = np.where(rows[..., None], 0, self._offset)
        self._glides = rows & (self._scores > 0) & ~speed.any(axis=-1)

    def _finish(self, pose: Pose, points: Array, scores: Array, good: Mask, step: float) -> Pose:
        """Show this frame. good: (C, K) rows that may be shown as measured when nothing is to be smoothed."""
        self._last = pose
        if self._raw > 0:
            seen = points - self._motion.estimate - self._offset
            self._offset = self._offset + np.where(good[..., None], self._raw * seen, 0)
        return self._show(pose, scores, step)

    def _show(self, pose: Pose, scores: Array, step: float) -> Pose:
        """`pose` with the points and scores that are to be shown."""
        self._estimate = self._motion.estimate
        shown = self._estimate + self._offset
        if len(shown) > 1 and self._raw < 1:
            spread = self._motion.variance(1) if some(self._visible) else self._noise(scores)[1] ** 2
            size = float(self._size[1, 0, 0])
            shown[1] = self._bones.held(shown[1], spread, size, 1 - self._raw)
        if some(self._glides):
            off = np.where(self._glides[..., None], self._shown - shown, 0)
            self._offset, shown = self._offset + off, shown + off
            self._glides = self._glides & False
        self._shown = shown
        rising = np.minimum(scores, self._scores + step / RISE)
        if not every(self._visible):
            rising = np.where(self._visible, rising, np.maximum(self._scores - step / FADE, 0))
        self._scores = rising
        self._out = _placed(pose, shown, pose.time, rising)
        return self._out


def _placed(pose: Pose, spaces: Array, time: float, scores: Array) -> Pose:
    """The pose at another time with points, depth and world from (C, K, 3), as far as it has them."""
    return replace(
        pose,
        time=time,
        scores=scores,
        points=spaces[0, :, :2],
        depth=None if pose.depth is None else spaces[0, :, 2],
        world=None if pose.world is None else spaces[1],
    )
