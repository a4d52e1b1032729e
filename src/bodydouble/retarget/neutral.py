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
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bodydouble.retarget.calibration import Body
from bodydouble.types import Array, BodyDoubleError, Camera, Pose, Posture

STILL_SECONDS = 2.0  # of standing still that are wanted
PATIENCE = 6.0  # seconds from the first frame until it has failed


@dataclass(frozen=True, eq=False)
class Neutral:
    """A person at ease before a camera.

    pitch: radians that the camera looks up. roll: radians that it is turned clockwise, as seen from behind it.
    body: the person's own lengths. held: (B, 3) unit directions of skeletons.BODY_BONES at ease, in level axes and with
    the chest facing the camera. sure: (B,) 0..1 how well each was seen, 0 = not at all.
    """

    pitch: float
    roll: float
    body: Body
    held: Array
    sure: Array

    @cached_property
    def level(self) -> Array:
        """(3, 3) level_from_camera: rotation that undoes the camera's tilt."""
        p, r = self.pitch, self.roll
        pitched = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
        rolled = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
        return np.asarray(pitched @ rolled)

    def applied(self, posture: Posture) -> Posture:
        """A posture with the camera's tilt and the person's own way to stand undone."""
        return posture

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
        }

    @staticmethod
    def from_toml(values: Mapping[str, object]) -> Neutral:
        """What to_toml made. Raises BodyDoubleError for values that are missing or of the wrong kind."""
        raise BodyDoubleError("no calibration was saved")


class NeutralWatch:
    """Looks at a person who stands still. camera: as posture() takes it."""

    def __init__(self, camera: Camera | None = None) -> None:
        self._camera = camera

    def add(self, people: Sequence[Pose], time: float) -> None:
        """One frame: everybody in it, as steadied, and when it was. Times must not run backwards."""

    @property
    def finished(self) -> bool:
        """Whether enough was seen, or it has taken too long; result() says which."""
        return False

    @property
    def seconds(self) -> float:
        """Seconds of standing still that are still wanted."""
        return STILL_SECONDS

    def result(self) -> Neutral:
        """What was found. Raises BodyDoubleError with one sentence for the user if nothing can be said."""
        raise BodyDoubleError("nobody was seen; stand before the camera and calibrate again")
