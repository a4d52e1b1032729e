"""Who is who, and how well each is followed: poses of one frame -> the same poses with an identity and a state.

Poses are matched with known people by the similarity of their points (OKS, as COCO measures it) to where constant
velocity puts them. Sizes and speeds are in body sizes (about 0.6 m), so the size of person and picture do not matter.
Seconds. Why this module is not called track: docs/decisions/tracking-module.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import exp, hypot

import numpy as np

from bodydouble.facing import frontal
from bodydouble.skeletons import skeleton
from bodydouble.types import Array, BodyDoubleError, Pose, State

# Identity. Fall-offs as COCO's keypoint evaluation has them (sigmas of cocoeval.py, doubled), other points like wrists.
FALLOFF = {"nose": 0.052, "eye": 0.05, "ear": 0.07, "shoulder": 0.158, "elbow": 0.144, "wrist": 0.124}
FALLOFF |= {"hip": 0.214, "knee": 0.174, "ankle": 0.178}
OTHER_FALLOFF = 0.13
UNFORESEEN = 1.5  # body sizes a second by which people get away from where constant velocity puts them
LEAST_SIMILARITY = 0.2  # as tfjs's keypoint tracker has it (minSimilarity)
LEAST_OVERLAP = 0.35  # of two boxes (IoU): neighbours in a crowd have less, the same person has 0.6 and more
SIZE_OF_BOX = 0.35  # body size as a share of the diagonal of the visible points: about the root of COCO's area
SETTLE = 0.2  # seconds over which a person's velocity and size are averaged
COASTING = 0.5  # seconds that an unseen person is thought to walk on
FORGET = 1.0  # seconds after which an unseen person's identity ends
RELEASE = 2.0  # the same for the one that "largest" has locked on to, before it takes another
UNSEEN_WEIGHT = 0.01  # what points that are not seen count, for when none is
BESIDE = 0.06  # margin around a person's points that still counts as them, of the longer side: hair, hands, clothes
VISIBLE = 0.3  # score from which a point counts for a person's size

# State. Evidence is averaged over AVERAGING seconds, has two levels each, and a state lasts at least DWELL seconds.
AVERAGING = 0.3
DWELL = 0.4
LEGS_GONE, LEGS_BACK = 0.35, 0.65  # weighted score of hips, knees and ankles, the better side; outside the picture 0
# What hips, knees and ankles count there. Hips are seen at a desk, too, where 1/3 would lie on the border.
LEG_SHARES = (0.25, 0.5, 0.25)
AWAY, NOT_AWAY = 0.4, 0.1  # minus the cosine of the chest's yaw, moved by up to FACE_WEIGHT when the face is (un)seen
FACE = ("nose", "left_eye", "right_eye")
FACE_WEIGHT = 0.3
GONE, THERE = 0.25, 0.4  # mean of the SUREST best scores
SUREST = 6


@dataclass(frozen=True)
class _Evidence:
    """What one pose says: each 0..1, but away -1.3..1.3."""

    sure: float
    legs: float
    away: float


def _evidence(pose: Pose, size: tuple[int, int]) -> _Evidence:
    """How sure a pose is, whether its legs are in the picture of `size`, and whether it has turned away."""
    pairs, face = _marks(pose.skeleton)
    scores, points = pose.scores.tolist(), pose.points.tolist()

    def level(point: int) -> float:
        x, y = points[point]
        return scores[point] if 0 <= x <= size[0] and 0 <= y <= size[1] else 0.0

    legs = [max(level(left), level(right)) for left, right in pairs]
    facing = sum(scores[point] for point in face) / len(face)
    sure = sum(sorted(scores)[-SUREST:]) / min(SUREST, len(scores))
    shown = sum(share * leg for share, leg in zip(LEG_SHARES, legs, strict=True))
    return _Evidence(sure, shown, FACE_WEIGHT * (1 - 2 * facing) - frontal(pose))


@cache
def _marks(name: str) -> tuple[list[tuple[int, int]], list[int]]:
    """Of the layout called `name`: left and right of each leg point, and the face."""
    index = skeleton(name).index
    legs = [(index[f"left_{point}"], index[f"right_{point}"]) for point in ("hip", "knee", "ankle")]
    return legs, [index[point] for point in FACE]


class Condition:
    """One person's state over time, with hysteresis in level and in time."""

    def __init__(self, evidence: _Evidence, time: float) -> None:
        self._seen = evidence
        self._time = self._since = time
        self._lost = evidence.sure < (GONE + THERE) / 2
        self._upper = evidence.legs < (LEGS_GONE + LEGS_BACK) / 2
        self._away = evidence.away > (AWAY + NOT_AWAY) / 2

    @property
    def state(self) -> State:
        """The state to show: lost before turned away before upper body only."""
        if self._lost:
            return State.LOST
        if self._away:
            return State.TURNED_AWAY
        return State.UPPER_BODY if self._upper else State.TRACKED

    def update(self, evidence: _Evidence, time: float) -> State:
        """Take in what one more pose says at `time`."""
        share = 1 - exp(-max(time - self._time, 0.0) / AVERAGING)
        self._time = time
        old = self._seen
        self._seen = _Evidence(
            old.sure + share * (evidence.sure - old.sure),
            old.legs + share * (evidence.legs - old.legs),
            old.away + share * (evidence.away - old.away),
        )
        if time - self._since >= DWELL:
            before = self._lost, self._upper, self._away
            self._lost = self._seen.sure < (THERE if self._lost else GONE)
            self._upper = self._seen.legs < (LEGS_BACK if self._upper else LEGS_GONE)
            self._away = self._seen.away > (NOT_AWAY if self._away else AWAY)
            if before != (self._lost, self._upper, self._away):
                self._since = time
        return self.state


@cache
def _falloff(name: str) -> Array:
    """(K,) distance in body sizes at which a point of the layout called `name` no longer resembles itself."""
    names = skeleton(name).points
    return np.array([next((FALLOFF[part] for part in FALLOFF if part in point), OTHER_FALLOFF) for point in names])


def _box(pose: Pose) -> Array:
    """(2, 2) least and greatest x, y of the visible points, or of all when hardly any is visible."""
    visible = pose.scores >= VISIBLE
    points = pose.points[visible] if np.count_nonzero(visible) > 2 else pose.points
    x, y = points.T
    return np.array([[x.min(), y.min()], [x.max(), y.max()]])


def beside(pose: Pose, x: float, y: float) -> float:
    """Pixels from a point of the picture to the person's box with a margin around it, 0 inside."""
    low, high = _box(pose)
    away = np.maximum(np.maximum(low - (x, y), (x, y) - high) - BESIDE * (high - low).max(), 0.0)
    return float(np.hypot(*away))


def _size(pose: Pose) -> float:
    """Body size in pixels, never 0."""
    low, high = _box(pose)
    return max(SIZE_OF_BOX * hypot(*(high - low)), 1.0)


def _area(pose: Pose, frame_size: tuple[int, int]) -> float:
    """Pixels of the person's box within the picture."""
    low, high = np.clip(_box(pose), 0, frame_size)
    return float(np.prod(high - low))


@dataclass(eq=False)
class _Person:
    """Somebody known. velocity: (2,) pixels a second. size: pixels. time: when last seen."""

    name: int
    pose: Pose
    size: float
    time: float
    condition: Condition
    velocity: Array = field(default_factory=lambda: np.zeros(2))

    def similarity(self, pose: Pose, time: float) -> float:
        """0..1, how much `pose` at `time` is where this person should be, and has the same shape."""
        if pose.skeleton != self.pose.skeleton:
            return 0.0
        gone = max(time - self.time, 0.0)
        due = self.pose.points + self.velocity * min(gone, COASTING)
        wide = self.size * np.hypot(_falloff(pose.skeleton), UNFORESEEN * min(gone, FORGET))
        off = (pose.points - due) ** 2
        alike = np.exp(-(off[:, 0] + off[:, 1]) / (2 * wide**2))
        return float(self._weights(pose) @ alike)

    def overlap(self, pose: Pose, time: float) -> float:
        """0..1, how much of the box of `pose` and of this person's, where it should be, is common (IoU).

        All that is left to tell by when a model exchanges left and right or throws limbs about, or when another model
        with another layout takes over.
        """
        gone = max(time - self.time, 0.0)
        if gone > COASTING:
            return 0.0
        due, box = _box(self.pose) + self.velocity * gone, _box(pose)
        common = np.clip(np.minimum(due[1], box[1]) - np.maximum(due[0], box[0]), 0.0, None).prod()
        both = (due[1] - due[0]).prod() + (box[1] - box[0]).prod() - common
        return float(common / both) if both > 0 else 0.0

    def rescale(self, ratio: Array) -> None:
        """The picture's width and height are now `ratio` (2,) times what they were, and its view the same."""
        self.pose = replace(self.pose, points=self.pose.points * ratio)
        self.velocity = self.velocity * ratio
        self.size *= float(np.sqrt(ratio.prod()))

    def _weights(self, pose: Pose) -> Array:
        """(K,) how much each point counts in a comparison with `pose`; in all 1."""
        weights = np.minimum(pose.scores, self.pose.scores) + UNSEEN_WEIGHT
        return np.asarray(weights / weights.sum())

    def see(self, pose: Pose, time: float, frame_size: tuple[int, int]) -> Pose:
        """Take `pose` as this person's; returns it with identity and state."""
        step = time - self.time
        if step > 0 and pose.skeleton == self.pose.skeleton:
            share = 1 - exp(-step / SETTLE)
            moved = self._weights(pose) @ (pose.points - self.pose.points)
            self.velocity = self.velocity + share * (moved / step - self.velocity)
            self.size += share * (_size(pose) - self.size)
        state = self.condition.update(_evidence(pose, frame_size), time)
        self.pose, self.time = pose, time
        return replace(pose, person=self.name, state=state)


class Tracker:
    """Gives people identities and states. person: "largest", "all", or the number of one, as they appear from 1.

    "largest" locks on to the largest person of the first frame with anybody in it, and takes another only when that one
    is gone for RELEASE seconds. Raises BodyDoubleError for another choice.
    """

    def __init__(self, person: str | int = "largest") -> None:
        if person not in ("largest", "all") and not (isinstance(person, int) and person >= 1):
            raise BodyDoubleError(f'no person "{person}" to follow; choose largest, all or a number from 1')
        self.person = person
        self.reset()

    def reset(self) -> None:
        """Forget everybody; identities start from 1 again."""
        self._known: list[_Person] = []
        self._count = 0
        self._locked: _Person | None = None
        self._time = -np.inf
        self._frame_size: tuple[int, int] | None = None

    def __call__(self, poses: Sequence[Pose], frame_size: tuple[int, int], time: float) -> list[Pose]:
        """The people to follow among `poses` of the picture at `time`, with identity and state, by identity.

        frame_size: width, height in pixels. Time that runs backwards forgets everybody, as when a clip is looped.
        """
        if time < self._time:
            self.reset()
        self._time = time
        self._forget(time)
        resized = self._resize(frame_size)
        ordered = sorted(poses, key=lambda pose: -_area(pose, frame_size)) if len(poses) > 1 else list(poses)
        named = self._name(ordered, frame_size, time, resized=resized)
        if self.person == "largest":
            if self._locked is None and named:
                largest = max(named, key=lambda pose: _area(pose, frame_size))
                self._locked = next(known for known in self._known if known.name == largest.person)
            locked = None if self._locked is None else self._locked.name
            return [pose for pose in named if pose.person == locked]
        if self.person != "all":
            return [pose for pose in named if pose.person == self.person]
        return sorted(named, key=lambda pose: pose.person)

    def release(self) -> None:
        """Let go of the one that "largest" has locked on to; the next frame's largest is taken."""
        self._locked = None

    def choose(self, x: float, y: float) -> bool:
        """Lock "largest" on to whoever is at a point of the picture, in pixels; False, and nothing changes, if nobody.

        Of several people there it is the one with the nearest middle.
        """
        there = [known for known in self._known if beside(known.pose, x, y) <= 0]
        if there:
            self._locked = min(there, key=lambda known: float(np.hypot(*(_box(known.pose).mean(axis=0) - (x, y)))))
        return bool(there)

    def recall(self, people: Sequence[Pose], frame_size: tuple[int, int], time: float) -> None:
        """Take over the people of one frame as an earlier run named them; calls go on from there."""
        self._time = time
        self._forget(time)
        self._resize(frame_size)
        for pose in people:
            known = next((known for known in self._known if known.name == pose.person), None)
            if known is None:
                condition = Condition(_evidence(pose, frame_size), time)
                known = _Person(pose.person, pose, _size(pose), time, condition)
                self._known.append(known)
                self._count = max(self._count, pose.person)
            else:
                known.see(pose, time, frame_size)
            if self.person == "largest":
                self._locked = known

    def _forget(self, time: float) -> None:
        """End the identities of people who are gone for long."""
        if self._locked is not None and time - self._locked.time > RELEASE:
            self._locked = None
        self._known = [p for p in self._known if p is self._locked or time - p.time <= FORGET]

    def _resize(self, frame_size: tuple[int, int]) -> bool:
        """Take pictures of this size from now on; whether they had another one."""
        before, self._frame_size = self._frame_size, frame_size
        if before is None or before == frame_size:
            return False
        for known in self._known:
            known.rescale(np.array(frame_size) / before)
        return True

    def _name(
        self, poses: list[Pose], frame_size: tuple[int, int], time: float, *, resized: bool = False
    ) -> list[Pose]:
        """Poses with identities: the most similar pair of a known person and a pose first.

        Who resembles nobody known may still be where somebody was and is missed; the rest are new. resized: the
        pictures just changed their size, and maybe their view: then the only one who is missed is the only one left.
        """
        known, named = list(self._known), dict[int, Pose]()
        for alike, least in ((_Person.similarity, LEAST_SIMILARITY), (_Person.overlap, LEAST_OVERLAP)):
            left = [i for i in range(len(poses)) if i not in named]
            table = {(row, i): alike(person, poses[i], time) for row, person in enumerate(known) for i in left}
            matched = set()
            while table and max(table.values()) >= least:
                row, i = max(table, key=table.__getitem__)
                named[i] = known[row].see(poses[i], time, frame_size)
                matched.add(row)
                table = {pair: value for pair, value in table.items() if pair[0] != row and pair[1] != i}
            known = [person for row, person in enumerate(known) if row not in matched]
        left = [i for i in range(len(poses)) if i not in named]
        if resized and len(known) == len(left) == 1:
            named[left[0]] = known[0].see(poses[left[0]], time, frame_size)
        for i, pose in enumerate(poses):
            if i not in named:
                self._count += 1
                condition = Condition(_evidence(pose, frame_size), time)
                self._known.append(_Person(self._count, pose, _size(pose), time, condition))
                named[i] = replace(pose, person=self._count, state=condition.state)
        return list(named.values())
