"""The calibration by one button: a person stands still and at ease, and what is seen then is taken as neutral.

Yields the camera's tilt, the person's own lengths, and how their trunk, head and feet are held at ease, so that a
character stands as drawn when they do. Radians; camera axes x right, y up, z to the camera. Why: docs/decisions/feel.md

    watch = NeutralWatch(camera)
    watch.add(people, time)              # each frame after the countdown: everybody in it
    if watch.finished:
        neutral = watch.result()         # or raises BodyDoubleError, a plain sentence that says why

and from then on, for each frame (Act):

    calibration = Calibration(neutral.body)                                     # once
    told = neutral.applied(posture(pose, body, camera))
    place = placer(pose, body, camera, neutral.level)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bodydouble.retarget.calibration import Body, Calibration
from bodydouble.retarget.joints import NAMES as POINTS
from bodydouble.retarget.joints import SEEN, joints
from bodydouble.retarget.planar import FLAT
from bodydouble.retarget.posture import NAMES, facing, posture
from bodydouble.retarget.sight import pixels_per_unit
from bodydouble.skeletons import BONE_INDEX
from bodydouble.types import Array, BodyDoubleError, Camera, Pose, Posture, State

STILL_SECONDS = 2.0  # of standing still that are wanted
PATIENCE = 6.0  # seconds from the first frame until it has failed
# Body heights that the points of one frame may lie off their mean so far (root mean square) and still count as
# standing still: sway and noise have 0.01, a step 0.06 and more. The points farthest off are not asked, as a wrist that
# leaps takes its hand along.
MOVED = 0.03
OUTLIERS = 4
FEWEST = 6  # points of a body by which stillness is told
ASIDE = 1.0  # radians of yaw from which a person does not face the camera
TILTED = 0.8  # radians: a camera is not tilted that far on purpose, the person lies, sits bent or was seen wrongly
HELD_OFF = 0.6  # radians: a bone held this far from where it belongs is not at ease, and is left as it is
# Bones that a picture without depth shows too short, whoever stands before it: they point at the camera.
POINTED = np.array([name.endswith(("hand", "foot")) for name in NAMES])
DOUBT = 0.02  # seconds of evidence that a typical body is worth beside a person who stood still to be measured
GAP = 0.5  # seconds without the person after which standing still begins anew

SPINE, HEAD = BONE_INDEX["spine"], BONE_INDEX["head"]
LEGS = np.array([[BONE_INDEX[f"{side}_{part}"] for part in ("thigh", "shin")] for side in ("left", "right")])
FEET = np.array([BONE_INDEX["left_foot"], BONE_INDEX["right_foot"]])
SHOULDERS = np.array([BONE_INDEX["left_clavicle"], BONE_INDEX["right_clavicle"]])
# Where the bones of the trunk point in a body that stands as characters are drawn.
BELONGS = {"spine": (0.0, 1.0, 0.0), "head": (0.0, 1.0, 0.0)}
BELONGS |= {f"left_{part}": (1.0, 0.0, 0.0) for part in ("clavicle", "pelvis")}
BELONGS |= {f"right_{part}": (-1.0, 0.0, 0.0) for part in ("clavicle", "pelvis")}


@dataclass(frozen=True, eq=False)
class Neutral:
    """A person at ease before a camera.

    pitch: radians that the camera looks up. roll: radians that it is turned clockwise, as seen from behind it.
    body: the person's own lengths. held: (B, 3) unit directions of skeletons.BODY_BONES at ease, in level axes and with
    the chest facing the camera. sure: (B,) 0..1 how well each was seen, 0 = not at all. face: radians that the face is
    tilted to picture right at ease, before a level camera; 0 where it was not seen.
    """

    pitch: float
    roll: float
    body: Body
    held: Array
    sure: Array
    face: float = 0.0

    @cached_property
    def level(self) -> Array:
        """(3, 3) level_from_camera: rotation that undoes the camera's tilt."""
        return tilt(self.pitch, self.roll)

    @cached_property
    def whole(self) -> bool:
        """Whether the legs were in view; if not, only the upper part is calibrated."""
        return bool(self.sure[LEGS].min() > 0)

    @property
    def note(self) -> str:
        """What to tell of it: "" if all was in view, else one sentence on what is not calibrated."""
        return "" if self.whole else "calibrated from the hips up, as the legs were out of view"

    @cached_property
    def _mended(self) -> Array:
        """(B, 3, 3) rotation that carries each bone from how it is held to where it belongs, the chest to the front."""
        wanted = self.held.copy()
        for name, direction in BELONGS.items():
            wanted[BONE_INDEX[name]] = direction
        for foot in FEET:
            x, _, z = self.held[foot]
            ahead = math.cos(FLAT) / max(math.hypot(x, z), 1e-9)
            wanted[foot] = (x * ahead, math.sin(FLAT), z * ahead)
        turns = np.stack([_swing(a, b) for a, b in zip(self.held, wanted, strict=True)])
        away = np.arccos(np.clip((self.held * wanted).sum(axis=1), -1.0, 1.0))
        turns[(away > HELD_OFF) | (self.sure <= 0)] = np.eye(3)
        return turns

    def applied(self, told: Posture) -> Posture:
        """A posture with the camera's tilt, and the person's own way to stand, undone."""
        if told.bones != NAMES:
            return told
        directions = told.directions @ self.level.T
        yaw = facing(directions, told.scores)
        turned = _turn(yaw)
        mended = np.einsum("bij,bj->bi", self._mended, directions @ turned) @ turned.T
        mended[told.scores == 0] = [0.0, -1.0, 0.0]
        return Posture(NAMES, mended, told.scores, yaw, told.tilt + self.roll - self.face, told.face)

    def to_toml(self) -> dict[str, float | bool | list[float]]:
        """Everything, as flat values for a TOML file."""
        return {
            "pitch": self.pitch,
            "roll": self.roll,
            "metric": self.body.metric,
            "height": self.body.height,
            "lengths": self.body.lengths.tolist(),
            "confidence": self.body.confidence.tolist(),
            "held": self.held.ravel().tolist(),
            "sure": self.sure.tolist(),
            "face": self.face,
        }

    @staticmethod
    def from_toml(values: Mapping[str, object]) -> Neutral:
        """What to_toml made. Raises BodyDoubleError for values that are missing or of the wrong kind."""
        count = len(NAMES)
        pitch, roll, height, face = (_numbers(values, name, 1)[0] for name in ("pitch", "roll", "height", "face"))
        lengths, sure = _numbers(values, "lengths", count), _numbers(values, "sure", count)
        confidence, held = _numbers(values, "confidence", count), _numbers(values, "held", 3 * count).reshape(-1, 3)
        metric = values.get("metric")
        long = np.linalg.norm(held, axis=1)
        shares = np.concatenate((confidence, sure))
        good = isinstance(metric, bool) and height > 0 and lengths.min() > 0 and long.min() > 0
        if not good or shares.min() < 0 or shares.max() > 1 or max(abs(pitch), abs(roll), abs(face)) > math.pi:
            raise BodyDoubleError("a saved calibration holds impossible values; calibrate again")
        body = Body(lengths, confidence, float(height), bool(metric))
        return Neutral(float(pitch), float(roll), body, held / long[:, None], sure, float(face))


class NeutralWatch:
    """Looks at a person who stands still. camera: as posture() takes it."""

    def __init__(self, camera: Camera | None = None) -> None:
        self._camera = camera
        self._began: float | None = None
        self._time = 0.0
        self._frames = self._crowded = self._empty = self._shoulderless = 0
        self._calibration = Calibration()
        self._restart()

    def _restart(self) -> None:
        """Begin the stretch of standing still anew."""
        self._stretch: list[Pose] = []
        self._tall = 0.0  # sum of the body's heights in pixels
        self._sums, self._counts = np.zeros((len(POINTS), 2)), np.zeros(len(POINTS))

    def add(self, people: Sequence[Pose], time: float) -> None:
        """One frame: everybody in it, as steadied, and when it was. Times must not run backwards."""
        if self.finished:
            return
        self._began = time if self._began is None else self._began
        self._time = time
        self._frames += 1
        there = [pose for pose in people if pose.state is not State.LOST]
        self._empty += not there
        self._crowded += len(there) > 1
        if len(there) != 1:
            if self._stretch and time - self._stretch[-1].time > GAP:
                self._restart()
            return
        pose = there[0]
        seen = joints(pose)
        body = self._calibration.update(pose)
        tall = pixels_per_unit(seen, body) * body.height
        if tall <= 0 or seen.bone_scores[SHOULDERS].min() < SEEN:
            self._shoulderless += 1
            return
        good = seen.scores >= SEEN
        if self._stretch and self._off(seen.points, good) > MOVED * self._tall / len(self._stretch):
            self._restart()
        self._stretch.append(pose)
        self._tall += tall
        self._sums[good] += seen.points[good]
        self._counts += good

    def _off(self, points: Array, good: npt.NDArray[np.bool_]) -> float:
        """Pixels that (N, 2) points lie off their mean so far, root mean square."""
        both = good & (self._counts > 0)
        if np.count_nonzero(both) < FEWEST:
            return math.inf
        off = points[both] - self._sums[both] / self._counts[both, None]
        return math.sqrt(float(np.sort((off**2).sum(axis=1))[:-OUTLIERS].mean()))

    @property
    def seconds(self) -> float:
        """Seconds of standing still that are still wanted."""
        still = self._stretch[-1].time - self._stretch[0].time if self._stretch else 0.0
        return max(STILL_SECONDS - still, 0.0)

    @property
    def finished(self) -> bool:
        """Whether enough was seen, or it has taken too long; result() says which."""
        return self.seconds == 0.0 or (self._began is not None and self._time - self._began >= PATIENCE)

    def result(self) -> Neutral:
        """What was found. Raises BodyDoubleError with one sentence for the user if nothing can be said."""
        if self.seconds > 0.0:
            raise BodyDoubleError(self._why())
        calibration = Calibration(doubt=DOUBT)
        for pose in self._stretch:
            calibration.update(pose)
        body = calibration.learnt
        told = [posture(pose, body, self._camera) for pose in self._stretch]
        scores = np.median([one.scores for one in told], axis=0)
        seen = [one for one, pose in zip(told, self._stretch, strict=True) if pose.state is not State.TURNED_AWAY]
        if len(seen) < len(told) / 2 or abs(float(np.median([one.facing for one in told]))) > ASIDE:
            raise BodyDoubleError("you were turned aside; face the camera and calibrate again")
        deep = self._stretch[0].world is not None or self._stretch[0].depth is not None
        pitch, roll = _tilt(_middle([one.directions for one in told]), scores, body, deep)
        if max(abs(pitch), abs(roll)) > TILTED:
            raise BodyDoubleError("you did not stand upright, or the camera lies on its side; calibrate again")
        level = tilt(pitch, roll)
        held = []
        for one in told:
            directions = one.directions @ level.T
            held.append(directions @ _turn(facing(directions, one.scores)))
        confidence = np.where(scores > 0, body.confidence, 0.0)
        if not body.metric:
            confidence[POINTED] = 0.0
        own = replace(body, confidence=confidence)
        return Neutral(pitch, roll, own, _middle(held), np.clip(scores, 0.0, 1.0), _face(told, roll))

    def _why(self) -> str:
        """Why there was no stretch of standing still, and what to do."""
        if self._frames == 0 or self._empty >= self._frames / 2:
            return "nobody was seen; stand before the camera and calibrate again"
        if self._crowded >= self._frames / 2:
            return "several people were in the picture; calibrate with one person in view"
        if self._shoulderless >= self._frames / 2:
            return "your shoulders were out of view; step back and calibrate again"
        return f"you moved; stand still for {STILL_SECONDS:g} seconds and calibrate again"


def _face(told: Sequence[Posture], roll: float) -> float:
    """Neutral.face of who was seen so; 0 as well where the head hung too far aside to be at ease."""
    tilts = [one.tilt + roll for one in told if one.face > 0]
    at_ease = float(np.median(tilts)) if len(tilts) >= len(told) / 2 else 0.0
    return at_ease if abs(at_ease) <= HELD_OFF else 0.0


def tilt(pitch: float, roll: float) -> Array:
    """(3, 3) level_from_camera of a camera that looks up by `pitch` and is turned clockwise by `roll`."""
    p, r = (math.cos(pitch), math.sin(pitch)), (math.cos(roll), math.sin(roll))
    pitched = np.array([[1.0, 0.0, 0.0], [0.0, p[0], -p[1]], [0.0, p[1], p[0]]])
    rolled = np.array([[r[0], r[1], 0.0], [-r[1], r[0], 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(pitched @ rolled)


def _tilt(directions: Array, scores: Array, body: Body, deep: bool) -> tuple[float, float]:
    """Pitch and roll of the camera before which a person stands upright.

    directions: (B, 3) in camera axes. deep: whether they know depth; without it the pitch is taken as none.
    """
    across = directions[SHOULDERS[0]] - directions[SHOULDERS[1]]
    up = directions[SPINE] * body.lengths[SPINE]
    legs = [leg for leg in LEGS if scores[leg].min() > 0]
    if scores[SPINE] <= 0:
        # only shoulders and head: the one are level, the other upright, so their mean is asked
        up = np.array([-across[1], across[0], 0.0]) / max(math.hypot(across[0], across[1]), 1e-9)
        up = up + directions[HEAD] * [scores[HEAD] > 0, scores[HEAD] > 0, 0]
    elif legs:
        up = up - np.mean([body.lengths[leg] @ directions[leg] for leg in legs], axis=0)
    if not deep:
        up = up * [1.0, 1.0, 0.0]
    up = up / max(float(np.linalg.norm(up)), 1e-9)
    x, y, z = up.tolist()
    return math.asin(-z), math.atan2(-x, y)


def _middle(directions: Sequence[Array]) -> Array:
    """(B, 3) unit vectors in the middle of many (B, 3); straight down where they cancel."""
    middle = np.median(np.stack(directions), axis=0)
    long = np.linalg.norm(middle, axis=1, keepdims=True)
    return np.where(long > 1e-6, middle / np.maximum(long, 1e-6), [0.0, -1.0, 0.0])


def _turn(yaw: float) -> Array:
    """(3, 3) turn about +Y that brings +Z to +x at a quarter."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def _swing(start: Array, end: Array) -> Array:
    """(3, 3) shortest rotation that carries one unit vector onto another; none for opposite ones."""
    x, y, z = np.cross(start, end).tolist()
    whole = 1.0 + float(start @ end)
    if whole < 1e-6:
        return np.eye(3)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / whole)


def _numbers(values: Mapping[str, object], name: str, count: int) -> Array:
    """(count,) finite numbers. Raises BodyDoubleError for anything else."""
    value = values.get(name)
    items = value if isinstance(value, list) else [value]
    plain = all(isinstance(item, int | float) and not isinstance(item, bool) for item in items)
    if len(items) != count or not plain or not np.isfinite(np.array(items, dtype=np.float64)).all():
        wanted = "a number" if count == 1 else f"{count} numbers"
        raise BodyDoubleError(f"a saved calibration has {name} = {value!r}; wanted {wanted}, so calibrate again")
    return np.array(items, dtype=np.float64)
