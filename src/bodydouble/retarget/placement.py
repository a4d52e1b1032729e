"""Pose -> Placement: where a person stands, apart from what they do.

Body heights are the person's own, as calibrated; pictures' fractions have x right, y down. Heights above the floor are
read below the camera's axis, where a level camera sees one floor at the same height however far the person stands.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from bodydouble.retarget.calibration import Body
from bodydouble.retarget.joints import INDEX, SEEN, joints
from bodydouble.retarget.sight import pixels_per_unit
from bodydouble.skeletons import BONE_INDEX, skeleton
from bodydouble.types import Array, Camera, Placement, Pose

FOOT_POINTS = tuple(
    f"{side}_{point}" for side in ("left", "right") for point in ("ankle", "heel", "foot_index", "big_toe", "small_toe")
)
HIP, NECK = INDEX["hip"], INDEX["neck"]
SPINE = BONE_INDEX["spine"]

# The floor under a person: found at once when they stand lower than thought, and risen to slowly, as a jump lasts half
# a second and a wrong floor should be forgotten within some. Seconds.
FLOOR_FALL, FLOOR_RISE = 0.08, 3.0
# Feet that have stayed at one height in the picture for longer than a jump keeps them there stand on the floor: within
# so many body heights, for so many seconds, and the time constant in seconds with which it is then found.
FLOOR_STILL, FLOOR_WAIT, FLOOR_FOUND = 0.025, 0.6, 0.25
OUTSIDE = 0.10  # body heights beside the picture from which hips are a guess, and the place is where it was last known
STANDING = 0.02  # body heights: a foot this near the floor stands on it (twice a foot point's noise of 1 cm)


class Placer:
    """Follows where one person is; remembers their floor.

    size: width, height of the picture in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.reset()

    def reset(self) -> None:
        """Forget the person's floor."""
        self._floor: float | None = None
        self._still_at, self._still_since = math.inf, 0.0  # pixels down the picture, seconds
        self._time = 0.0

    def __call__(self, pose: Pose, body: Body, camera: Camera | None = None, level: Array | None = None) -> Placement:
        """The person's place in this frame; score 0 where hips and shoulders are unseen or well beside the picture.

        level: (3, 3) level_from_camera of a camera that is tilted (Neutral.level).
        """
        seen = joints(pose)
        scale = pixels_per_unit(seen, body)
        hips = _hips(seen.points, seen.scores, scale * float(body.lengths[SPINE]))
        if scale <= 0 or hips is None:
            return Placement()
        width, height = self.size
        tall = scale * body.height
        x, y = hips
        if max(-x, x - width) > OUTSIDE * tall:
            return Placement()
        right, deep = float(x - width / 2), None
        if level is not None:
            right, _, deep = _levelled(float(x - width / 2), float(y + height / 2), camera, level, None)
        return Placement(
            x=right / tall,
            y=self._height(pose, tall, camera, level, deep),
            size=tall / height,
            picture=(float(x) / width, float(-y) / height),
            score=float(max(seen.scores[HIP], seen.scores[NECK])),
        )

    def _height(self, pose: Pose, tall: float, camera: Camera | None, level: Array | None, deep: float | None) -> float:
        """Body heights that the lower foot is above the floor. tall: the body's height in pixels.

        deep: as _levelled has it for the hips, above which the feet are taken to stand.
        """
        feet = _feet(pose.skeleton)
        points = pose.points[feet]
        # feet outside of the picture are guesses, and would make a floor of their own
        known = (pose.scores[feet] >= SEEN) & (points >= 0.0).all(axis=1) & (points <= self.size).all(axis=1)
        if not known.any():
            return 0.0
        below = points[known] - 0.5 * np.array(self.size)
        if level is None:
            low = float(below[:, 1].max()) / tall
        else:
            low = max(-_levelled(x, -y, camera, level, deep)[1] for x, y in below.tolist()) / tall
        if self._floor is None:
            self._floor = low
        else:
            at = float(points[known, 1].max())
            if abs(at - self._still_at) > FLOOR_STILL * tall:
                self._still_at, self._still_since = at, pose.time
            stands = pose.time - self._still_since > FLOOR_WAIT
            constant = FLOOR_FALL if low > self._floor else FLOOR_FOUND if stands else FLOOR_RISE
            self._floor += -math.expm1(-max(pose.time - self._time, 0.0) / constant) * (low - self._floor)
        self._time = pose.time
        return max(self._floor - low - STANDING, 0.0)


def _levelled(
    right: float, up: float, camera: Camera | None, level: Array, deep: float | None
) -> tuple[float, float, float]:
    """A point of a tilted camera's picture as a level one would have it: right and up of the middle, and along.

    right, up: pixels from the middle. deep: how far along the level view the point lies, in pixels at its own distance;
    None: as far along the tilted camera's view as its picture plane is. Without a camera only the roll is undone.
    """
    if camera is None:
        c, s = level[0, :2].tolist()
        return right * c + up * s, up * c - right * s, 0.0
    x, y, z = (level @ np.array([right, up, -camera.focal])).tolist()
    if deep is None or z >= 0:
        return x, y, z
    return x * deep / z, y * deep / z, deep


@cache
def _feet(name: str) -> npt.NDArray[np.intp]:
    """(F,) the points of feet that the layout called `name` has."""
    index = skeleton(name).index
    return np.array([index[point] for point in FOOT_POINTS if point in index], dtype=np.intp)


def _hips(points: Array, scores: Array, spine: float) -> Array | None:
    """(2,) middle of the hips, y up; a spine's length under the shoulders where they are unseen, or None."""
    if scores[HIP] >= SEEN:
        return np.array(points[HIP])
    return points[NECK] - np.array([0.0, spine]) if scores[NECK] >= SEEN else None
