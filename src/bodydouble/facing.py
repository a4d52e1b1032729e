"""Which way a person faces, where a model takes a front for a back: who changes sides within a frame has not turned.

A model that errs so gives the whole body mirrored: left and right, near and far. Seen of BlazePose: of a man before the
camera lite says so in half of the frames and full in a third, while neither ever took a back for a front (men and women
from behind, 800 frames). So a front is believed soon and a back late. Seconds; pixels.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import acos, hypot

import numpy as np
import numpy.typing as npt

from bodydouble.skeletons import skeleton
from bodydouble.types import Array, Pose, State

SHOULDERS = 0.72  # shoulder width in torso lengths (Winter, Biomechanics and Motor Control of Human Movement)

CLEAR = 0.3  # cosine of the chest's yaw from which it surely faces the camera, or away
# Radians a second: who turns faster than that from a clear front to a clear back has not turned. Dancers spin at 6.
TURNING = 10.0
FRONT_TIME = 0.25  # seconds of fronts in all, and of an unbroken back, after which what the model says is the truth
BACK_TIME = 2.0  # lite says so of a front for up to 1.1 s, and of one in a loop that runs back for 1.5
FORGETTING = 0.2  # seconds of fronts that are forgotten in a second without doubt
GAP = 0.5  # seconds without a sight after which a person may have turned
# Levels of that cosine at which a person counts as turned away, and as facing us again. About side on, where the two
# arms lie on one another: a character that always faces us exchanges its sides there.
AWAY, NOT_AWAY = -0.35, 0.15


@cache
def _trunk(name: str) -> npt.NDArray[np.intp]:
    """(4,) left and right shoulder, left and right hip of the layout called `name`."""
    index = skeleton(name).index
    return np.array([index[point] for point in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")])


def frontal(pose: Pose) -> float:
    """About the cosine of the chest's yaw: 1 faces the camera, -1 has turned its back.

    The mean of what the shoulders' order in the picture and the chest's normal in the world say.
    """
    corners = _trunk(pose.skeleton)
    (lx, ly), (rx, ry), (lhx, lhy), (rhx, rhy) = pose.points[corners].tolist()
    torso = hypot(lx + rx - lhx - rhx, ly + ry - lhy - rhy) / 2
    in_picture = max(-1.0, min(1.0, (lx - rx) / (SHOULDERS * torso))) if torso > 0 else 0.0
    if pose.world is None:
        return in_picture
    left, right, left_hip, right_hip = pose.world[corners]
    ax, ay, az = (left - right).tolist()
    ux, uy, uz = (left + right - left_hip - right_hip).tolist()
    normal = (ay * uz - az * uy, az * ux - ax * uz, ax * uy - ay * ux)
    length = hypot(*normal)
    return max(-1.0, min(1.0, (in_picture + (normal[2] / length if length > 0 else 0.0)) / 2))


def exchanged(pose: Pose) -> Pose:
    """The pose of somebody who faces the other way and looks the same: left for right and near for far."""
    sides = list(skeleton(pose.skeleton).mirrored)

    def other(values: Array | None) -> Array | None:
        return None if values is None else values[sides]

    return replace(
        pose,
        points=pose.points[sides],
        scores=pose.scores[sides],
        depth=None if pose.depth is None else -pose.depth[sides],
        world=None if pose.world is None else pose.world[sides] * np.array([1.0, 1.0, -1.0]),
        visibility=other(pose.visibility),
        presence=other(pose.presence),
    )


class Facing:
    """Puts one person's sides right, pose by pose, and says when they have turned away.

    right = facing(pose)  # as seen; what smooths it begins anew where facing.changed
    shown = facing.told(steadied)
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self.changed = False  # the last pose has other sides than those before, without a turn
        self._skeleton, self._time = "", 0.0  # of the last pose
        self._clear = self._clear_time = 0.0  # the last clear cosine, and when
        self._wrong = False  # whether the model's sides are taken to be exchanged
        self._fronts = self._lasting = 0.0  # seconds of doubt in which it says front, and of an unbroken back
        self._away = False
        self._else = State.TRACKED  # what the person was, when they were not turned away

    def __call__(self, pose: Pose) -> Pose:
        """The pose, or the same with its sides exchanged."""
        cosine, step = frontal(pose), pose.time - self._time
        if pose.skeleton != self._skeleton or not 0 <= step <= GAP:
            self._trust()
            self._clear = 0.0
        self._skeleton, self._time = pose.skeleton, pose.time
        self.changed = False
        if abs(cosine) > CLEAR:
            since = pose.time - self._clear_time
            if cosine * self._clear < 0 and abs(acos(cosine) - acos(self._clear)) > TURNING * since:
                self._wrong, self._lasting = not self._wrong, 0.0
            self._clear, self._clear_time = cosine, pose.time
        if not self._wrong:
            self._fronts = max(self._fronts - FORGETTING * step, 0.0)
            return pose
        if cosine > CLEAR:
            self._fronts += step
        elif cosine < -CLEAR:
            self._lasting += step
        if self._fronts < FRONT_TIME and self._lasting < BACK_TIME:
            return exchanged(pose)
        self._trust()
        self.changed, self._away = True, cosine < 0
        return pose

    def _trust(self) -> None:
        """From now on the model's sides are right."""
        self._wrong, self._fronts, self._lasting = False, 0.0, 0.0

    def told(self, pose: Pose) -> Pose:
        """A steadied pose of the person with the state that its sides tell."""
        if pose.state is State.LOST:
            return pose
        cosine = frontal(pose)
        self._away = cosine < (AWAY if not self._away else NOT_AWAY)
        if pose.state is not State.TURNED_AWAY:
            self._else = pose.state
        return self.shown(pose)

    def shown(self, pose: Pose) -> Pose:
        """Another pose of the same moment with the state that was told last."""
        state = State.TURNED_AWAY if self._away else self._else
        return pose if pose.state in (state, State.LOST) else replace(pose, state=state)
