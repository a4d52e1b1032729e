"""The user's own bone lengths, learnt while watching: no T-pose, per person.

Lengths are metres where the model gives world points; else units of the body's own standing height (their sum is held
to the priors'). A bone's length is the median of its world lengths, or, of pictures only, a high quantile of its drawn
length over the body's scale in that frame. Both sides share one length. Why: docs/decisions/perspective.md
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodydouble.retarget.joints import ENDS, SEEN, STARTS, Joints, joints, upper_quantile
from bodydouble.skeletons import BODY_BONES
from bodydouble.types import Array, Pose

# Ratios to standing height: spine, forearm, thigh and shin from Drillis and Contini (1966) as in Winter, Biomechanics
# and Motor Control of Human Movement, 4th ed., fig. 4.1. The others end at other points there than those that pose
# models mark (shoulder joints, hip joints, ears, knuckles, the ball of the foot): from the two motion-capture people
# and one person by BlazePose full that the tests have, rounded.
RATIOS = {
    "spine": 0.288,
    "head": 0.115,
    "clavicle": 0.110,
    "upper_arm": 0.155,
    "forearm": 0.146,
    "hand": 0.055,
    "pelvis": 0.057,
    "thigh": 0.245,
    "shin": 0.246,
    "foot": 0.105,
}
# Standing height from the parts that make it up: ankle to floor 0.039, and ear to crown 0.067 (same source).
STATURE_PARTS = ("spine", "head", "thigh", "shin")
KINDS = tuple(RATIOS)
KIND_OF_BONE = np.array([KINDS.index(bone.name.removeprefix("left_").removeprefix("right_")) for bone in BODY_BONES])
LEFT = np.array([np.flatnonzero(kind == KIND_OF_BONE)[0] for kind in range(len(KINDS))])
RIGHT = np.array([np.flatnonzero(kind == KIND_OF_BONE)[-1] for kind in range(len(KINDS))])
PRIOR = np.array(list(RATIOS.values()))
STATURE = 1.70  # metres: a round figure between the means of women and men in most countries

PRIOR_SECONDS = 0.3  # evidence that the prior is worth: a few good frames outweigh it
SAMPLES = 96  # kept lengths per bone; beyond them every second is dropped and the spacing doubles
SPACING = 1 / 10  # seconds between kept samples at first: pose noise is alike in neighbouring frames
SPACING_AT_MOST = 1.0  # the memory then spans SAMPLES seconds and follows a slow change, as of a model's idea of size
# Shown lengths follow the evidence with this time constant, fast at first (nobody has seen the character yet), then so
# slowly that the character is not seen to breathe: least, growth per second watched, most; seconds.
EASE_LEAST, EASE_GROWTH, EASE_MOST = 0.04, 0.3, 1.5
REACH = 0.90  # quantile of drawn lengths taken for the true one: limbs lie in the picture plane now and then
SCALE_REACH = 0.80  # quantile over bones that gives a frame's scale: some bone lies in the picture plane nearly always
# A 2D-only length stays within these ratios of the prior. Long is seen, short may only mean "never in the picture
# plane" (a foot that points at the camera), so the lower limit is the tighter one.
SHORTEST, LONGEST = 1 / 1.2, 1.4


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A person's own proportions.

    lengths: (B,) of skeletons.BODY_BONES, in metres, or in standing heights if not `metric`. confidence: (B,) 0 (a
    prior) .. 1 (measured). height: standing height in the same unit.
    """

    lengths: Array
    confidence: Array
    height: float
    metric: bool


def typical(metric: bool = True) -> Body:
    """The body that is assumed of a person not yet seen."""
    height = STATURE if metric else 1.0
    return Body(PRIOR[KIND_OF_BONE] * height, np.zeros(len(BODY_BONES)), height, metric)


def known(learnt: Body, own: Body | None) -> Body:
    """A learnt body with the lengths that are known better; `own` in another unit gives proportions only."""
    if own is None:
        return learnt
    unit = 1.0 if learnt.metric == own.metric else learnt.height / own.height
    share = own.confidence
    lengths = np.exp((1 - share) * np.log(learnt.lengths) + share * np.log(own.lengths * unit))
    return Body(lengths, np.maximum(learnt.confidence, share), own.height * unit, learnt.metric)


def drawn_scale(drawn: Array, lengths: Array, weights: Array) -> float:
    """Pixels per unit of length in one frame of a body of known proportions.

    drawn: (B,) lengths in the picture. lengths: (B,) own lengths. weights: (B,) 0 = unseen. No bone is drawn longer
    than it is, so the scale is a high quantile of their ratios; long bones count more, a pixel matters less to them.
    """
    return upper_quantile(drawn / lengths, weights * lengths, SCALE_REACH)


class Calibration:
    """Learns one person's bone lengths from their poses; settles within seconds and then keeps still.

    own: lengths that are known already (neutral.py); they take the place of what would be learnt of those bones.
    doubt: seconds of evidence that the typical body is worth.
    """

    def __init__(self, own: Body | None = None, *, doubt: float = PRIOR_SECONDS) -> None:
        self._own, self._doubt = own, doubt
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._samples: npt.NDArray[np.float32] = np.full((SAMPLES, len(BODY_BONES)), np.nan, dtype=np.float32)
        self._count = 0
        self._spacing = SPACING
        self._kept_at = -np.inf
        self._began = 0.0
        self._time: float | None = None
        self._metric: bool | None = None
        self._target = typical()
        self._body = typical()

    @property
    def learnt(self) -> Body:
        """What all that was seen so far says; update() returns a body that eases towards it."""
        return self._target

    def update(self, pose: Pose) -> Body:
        """Learn from one pose and return the person's body as known by now. Times must not run backwards."""
        metric = pose.world is not None
        if metric != self._metric or (self._time is not None and pose.time < self._time):
            self.reset()
            self._metric, self._began = metric, pose.time
            self._target = self._body = known(typical(metric), self._own)
        if pose.time - self._kept_at >= self._spacing * 0.999:
            self._keep(joints(pose), pose.time)
        self._body = self._ease(pose.time)
        self._time = pose.time
        return self._body

    def _keep(self, seen: Joints, time: float) -> None:
        """Store this frame's lengths and learn from all that are stored."""
        ends = seen.points if seen.world is None else seen.world
        lengths = np.linalg.norm(ends[ENDS] - ends[STARTS], axis=1)
        good = (seen.bone_scores >= SEEN) & (lengths > 0.0)
        if not good.any():
            return
        self._kept_at = time
        if self._count >= SAMPLES and self._spacing < SPACING_AT_MOST:
            kept = self._samples[::2].copy()
            self._samples[:] = np.nan
            self._samples[: len(kept)] = kept
            self._count = len(kept)
            self._spacing *= 2
        self._samples[self._count % SAMPLES] = np.where(good, lengths, np.nan)
        self._count += 1
        self._target = known(self._learn_world() if self._metric else self._learn_drawn(), self._own)

    def _stored(self) -> Array:
        return self._samples[: min(self._count, SAMPLES)].astype(np.float64)

    def _learn_world(self) -> Body:
        """Medians of the metric lengths of both sides, drawn to the prior where little was seen."""
        pooled = _by_kind(self._stored())
        seconds = np.isfinite(pooled).sum(axis=0) * self._spacing / 2
        middle = _quantile(pooled, 0.5)
        return _blend(middle, seconds, self._doubt, metric=True)

    def _learn_drawn(self) -> Body:
        """Scale of each frame from all bones as known so far, then the length of each bone from all frames."""
        drawn = self._stored()
        pooled = _by_kind(drawn / _frame_scales(drawn, self._target.lengths)[:, None])
        seconds = np.isfinite(pooled).sum(axis=0) * self._spacing / 2
        known = seconds > 0
        reach = np.where(known, np.clip(_quantile(pooled, REACH), PRIOR * SHORTEST, PRIOR * LONGEST), PRIOR)
        reach *= PRIOR[known].sum() / reach[known].sum()  # the unit is the body's own: only ratios are known
        return _blend(reach, seconds, self._doubt, metric=False)

    def _ease(self, time: float) -> Body:
        """The shown body moves towards the learnt one."""
        if self._time is None:
            return self._target
        constant = min(EASE_LEAST + EASE_GROWTH * (time - self._began), EASE_MOST)
        share = -np.expm1(-(time - self._time) / constant)
        old, new = self._body, self._target
        return Body(
            old.lengths + share * (new.lengths - old.lengths),
            new.confidence,
            old.height + share * (new.height - old.height),
            new.metric,
        )


def _by_kind(samples: Array) -> Array:
    """(T, B) lengths as (2T, kinds): both sides of a kind below one another, a middle bone twice. NaN = unseen."""
    return np.concatenate((samples[:, LEFT], samples[:, RIGHT]))


def _quantile(values: Array, share: float) -> Array:
    """(C,) quantiles down the columns of (R, C) values, NaN left out; 0 where a column is empty."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.isfinite(ordered).sum(axis=0)
    at = share * np.maximum(count - 1, 0)
    low = at.astype(np.intp)
    columns = np.arange(values.shape[1])
    below = ordered[low, columns]
    above = ordered[np.minimum(low + 1, np.maximum(count - 1, 0)), columns]
    return np.where(count > 0, below + (at - low) * (above - below), 0.0)


def _frame_scales(drawn: Array, lengths: Array) -> Array:
    """(T,) drawn_scale of every stored frame. drawn: (T, B), NaN = unseen."""
    ratios = np.where(np.isfinite(drawn), drawn / lengths, np.inf)
    order = np.argsort(ratios, axis=1)
    weights = np.take_along_axis(np.where(np.isfinite(drawn), lengths, 0.0), order, axis=1)
    total = np.cumsum(weights, axis=1)
    middle = total - 0.5 * weights
    wanted = SCALE_REACH * total[:, -1]
    rows, last = np.arange(len(drawn)), np.isfinite(drawn).sum(axis=1) - 1
    above = np.minimum((middle < wanted[:, None]).sum(axis=1), last)
    below = np.maximum(above - 1, 0)
    gap = middle[rows, above] - middle[rows, below]
    share = np.clip((wanted - middle[rows, below]) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
    low, high = ratios[rows, order[rows, below]], ratios[rows, order[rows, above]]
    return np.asarray(low + share * (high - low))


def _blend(lengths: Array, seconds: Array, doubt: float, metric: bool) -> Body:
    """A body of measured lengths (kinds,), each worth `seconds`; the unseen ones fit the person's size.

    doubt: seconds that the prior is worth.
    """
    trust = seconds / (seconds + doubt)
    safe = np.where(seconds > 0, lengths, PRIOR)
    weight = trust * PRIOR
    stature = STATURE if metric else 1.0
    size = float(np.exp((weight @ np.log(safe / PRIOR) + 0.05 * np.log(stature)) / (weight.sum() + 0.05)))
    blended = np.exp(trust * np.log(safe) + (1 - trust) * np.log(PRIOR * size))
    parts = [KINDS.index(kind) for kind in STATURE_PARTS]
    height = float(blended[parts].sum() / PRIOR[parts].sum())
    return Body(blended[KIND_OF_BONE], trust[KIND_OF_BONE], height, metric)
