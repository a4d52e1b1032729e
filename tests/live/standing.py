"""A person made by hand, models and sources that need no weights and no camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from bodydouble.skeletons import BLAZEPOSE_33, Skeleton
from bodydouble.sources.live import Condition, Health
from bodydouble.sources.newest import Newest
from bodydouble.types import Array, Frame, Image, Pose, State

SIZE = (1280, 720)

# Metres: x to the person's left (picture right), y up from the floor, z to the camera; of a person of 1.7 m.
BODY = {
    "nose": (0.0, 1.55, 0.1),
    "eye": (0.03, 1.58, 0.08),
    "ear": (0.07, 1.56, 0.0),
    "mouth": (0.02, 1.51, 0.08),
    "shoulder": (0.18, 1.40, 0.0),
    "elbow": (0.24, 1.12, 0.0),
    "wrist": (0.26, 0.87, 0.02),
    "pinky": (0.27, 0.78, 0.02),
    "index": (0.26, 0.77, 0.04),
    "thumb": (0.25, 0.81, 0.05),
    "hip": (0.10, 0.90, 0.0),
    "knee": (0.11, 0.48, 0.02),
    "ankle": (0.11, 0.08, 0.0),
    "heel": (0.11, 0.03, -0.04),
    "foot_index": (0.14, 0.02, 0.14),
}


def metres(skeleton: Skeleton = BLAZEPOSE_33, raised: float = 0.0) -> Array:
    """(K, 3) where the points are; raised: radians that the left arm is lifted sideways."""
    points = []
    shoulder = np.array([0.18, 1.40, 0.0])
    turn = np.array([[np.cos(raised), -np.sin(raised), 0], [np.sin(raised), np.cos(raised), 0], [0, 0, 1.0]])
    for name in skeleton.points:
        part = next(key for key in sorted(BODY, key=len, reverse=True) if key in name)
        point = np.array(BODY[part])
        if name.startswith("left") and part in ("elbow", "wrist", "pinky", "index", "thumb"):
            point = shoulder + turn @ (point - shoulder)
        points.append(point * (-1 if name.startswith("right") or name.endswith("right") else 1, 1, 1))
    return np.array(points)


def standing(
    moment: float = 0.0,
    *,
    size: tuple[int, int] = SIZE,
    tall: float = 0.8,
    middle: float = 0.5,
    floor: float = 0.95,
    raised: float = 0.0,
    score: float = 0.95,
    skeleton: Skeleton = BLAZEPOSE_33,
    state: State = State.TRACKED,
    person: int = -1,
) -> Pose:
    """Somebody who stands and faces the camera. tall, middle, floor: shares of the picture's height, width, height."""
    body = metres(skeleton, raised)
    scale = tall * size[1] / 1.7
    points = np.stack([middle * size[0] + scale * body[:, 0], floor * size[1] - scale * body[:, 1]], axis=1)
    hips = body[[skeleton.index["left_hip"], skeleton.index["right_hip"]]].mean(axis=0)
    rich = skeleton is BLAZEPOSE_33
    return Pose(
        skeleton=skeleton.name,
        points=points,
        scores=np.full(len(points), score),
        score=score,
        time=moment,
        depth=-scale * (body[:, 2] - hips[2]) if rich else None,
        world=body - hips if rich else None,
        state=state,
        person=person,
    )


class Model:
    """An estimator that sees what it is told to. sees: a frame's poses."""

    provider = "cpu"

    def __init__(
        self,
        model: str = "made",
        sees: Callable[[Frame], list[Pose]] | None = None,
        skeleton: Skeleton = BLAZEPOSE_33,
    ) -> None:
        self.model = model
        self.skeleton = skeleton
        self.sees = sees or (lambda frame: [standing(frame.time, size=frame.size, skeleton=skeleton)])
        self.frames: list[Frame] = []

    def __call__(self, frame: Frame) -> list[Pose]:
        self.frames.append(frame)
        return self.sees(frame)

    def reset(self) -> None:
        """There is nothing to forget."""


PICTURE: Image = np.full((SIZE[1], SIZE[0], 3), 120, dtype=np.uint8)


def frame(moment: float, index: int = 0, image: Image = PICTURE) -> Frame:
    return Frame(image, moment, index)


class Hand:
    """A live source whose pictures are handed in."""

    def __init__(self, name: str = "hand") -> None:
        self._on = 0.0
        self.newest = Newest(name, self._clock, (Condition.UNPLUGGED, "it was unplugged"))
        self.closed = threading.Event()

    def _clock(self) -> float:
        return time.monotonic() + self._on

    def put(self, image: Image = PICTURE, *, after: float = 0.0) -> float:
        """Hand in a picture, taken now; after: seconds that this source's clock goes on before."""
        self._on += after
        now = self._clock()
        self.newest.put(image, now)
        return now

    def read(self, timeout: float) -> Frame | None:
        return self.newest.read(timeout)

    @property
    def health(self) -> Health:
        return self.newest.health

    def close(self) -> None:
        self.closed.set()
        self.newest.close()
