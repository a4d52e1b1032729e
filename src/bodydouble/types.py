"""The values that travel between stages: Frame -> Pose -> Motion -> RigPose.

Image points are pixels of the upright source frame (x right, y down, origin at the top-left corner of the top-left
pixel). World points are metres, right-handed, +Y up, +Z towards the camera, so a person facing the camera faces +Z;
origin between the hips. Seconds; radians. Left is the person's left. A missing point has score 0, never NaN.
Imports nothing of ours. Why: docs/conventions.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]

UNTRACKED = -1


class BodyDoubleError(Exception):
    """A fault the user can mend. One line: what came, what was wanted, what to do next."""


def _frozen(value: Any, shape: tuple[int, ...], name: str) -> Array:
    """`value` as a read-only float64 array, copied unless it is one."""
    array: Array
    if type(value) is np.ndarray and value.dtype == np.float64 and value.base is None and not value.flags.writeable:
        array = value
    else:
        array = np.array(value, dtype=np.float64)
        array.flags.writeable = False
    if array.shape != shape:
        raise BodyDoubleError(f"{name} has shape {array.shape}; wanted {shape}")
    # a sum of squares is finite if all are, or it overflows; that is the quick test
    if not math.isfinite(np.vdot(array, array)) and not np.isfinite(array).all():
        raise BodyDoubleError(f"{name} holds a value that is not finite; a missing point has score 0")
    return array


def _freeze(owner: Any, name: str, shape: tuple[int, ...]) -> None:
    """Make an array of a frozen dataclass read-only, in place."""
    value = getattr(owner, name)
    frozen = _frozen(value, shape, name)
    if frozen is not value:
        object.__setattr__(owner, name, frozen)


class State(StrEnum):
    """How well a person is followed. Changes have hysteresis (tracking.py)."""

    TRACKED = "tracked"
    UPPER_BODY = "upper_body"
    TURNED_AWAY = "turned_away"
    LOST = "lost"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    image: (H, W, 3) uint8 RGB, upright (rotation metadata applied). Shared, never written to by a stage.
    time: seconds since the source's first frame, from its own time stamps.
    index: 0, 1, 2, ... as read.
    """

    image: Image
    time: float
    index: int

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its frames are read, and kept in a take.

    size: width, height of the upright picture in pixels. rate: average frames a second (0 when unknown).
    duration: seconds (0 when unknown or endless). frames: number of frames if the file says so, else 0.
    """

    name: str
    size: tuple[int, int]
    rate: Fraction = Fraction(0)
    duration: float = 0.0
    frames: int = 0
    has_audio: bool = False
    rotation: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One person in one frame.

    skeleton: the name of a table in skeletons.py; K is its number of points.
    points: (K, 2) pixels. scores: (K,) 0..1, 0 = missing; for BlazePose visibility x presence.
    depth: (K,) pixels at the image's scale, relative to the hips, negative = nearer the camera; None if there is none.
    world: (K, 3) metres, +Y up, +Z to the camera, origin between the hips; None if the model has none.
    score: the model's confidence that this is a person, 0..1. time: seconds. person: identity, UNTRACKED at first.
    """

    skeleton: str
    points: Array
    scores: Array
    score: float
    time: float
    depth: Array | None = None
    world: Array | None = None
    visibility: Array | None = None
    presence: Array | None = None
    person: int = UNTRACKED
    state: State = State.TRACKED

    def __post_init__(self) -> None:
        count = len(self.points)
        _freeze(self, "points", (count, 2))
        _freeze(self, "scores", (count,))
        if self.depth is not None:
            _freeze(self, "depth", (count,))
        if self.world is not None:
            _freeze(self, "world", (count, 3))
        if self.visibility is not None:
            _freeze(self, "visibility", (count,))
        if self.presence is not None:
            _freeze(self, "presence", (count,))


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera: the picture it made and how wide it sees.

    size: width, height in pixels. fov: radians across the picture's longer side.
    """

    size: tuple[int, int]
    fov: float

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return float(max(self.size) / 2 / np.tan(self.fov / 2))


@dataclass(frozen=True, slots=True, eq=False)
class Posture:
    """What a body does, free of its place, size and proportions.

    bones: names from skeletons.BODY_BONES. directions: (B, 3) unit vectors from a bone's start to its end, +Y up,
    +Z to the camera, as an orthographic camera straight ahead would see them. scores: (B,) 0..1, 0 = unknown.
    facing: yaw of the chest in radians: 0 faces the camera, +pi/2 faces picture right, +-pi has turned away.
    tilt: radians that the face is tilted to picture right, by its ears; face: 0..1, how surely that is seen.
    """

    bones: tuple[str, ...]
    directions: Array
    scores: Array
    facing: float = 0.0
    tilt: float = 0.0
    face: float = 0.0

    def __post_init__(self) -> None:
        count = len(self.bones)
        _freeze(self, "directions", (count, 3))
        _freeze(self, "scores", (count,))

    @property
    def angles(self) -> Array:
        """(B,) radians in the picture plane: 0 points picture right, +pi/2 up."""
        return np.arctan2(self.directions[:, 1], self.directions[:, 0])

    @property
    def foreshortening(self) -> Array:
        """(B,) projected length as a ratio of the user's own length: 1 lies in the picture plane, 0 points at us."""
        return np.hypot(self.directions[:, 0], self.directions[:, 1])


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a body is, apart from what it does. Body heights are the user's own, as calibrated.

    x: body heights right of the middle of the picture. y: body heights that the lower foot is above its own floor.
    size: apparent height over the picture's height. picture: hips in fractions of the picture, x right, y down.
    score: 0..1, 0 = unknown.
    """

    x: float = 0.0
    y: float = 0.0
    size: float = 0.0
    picture: tuple[float, float] = (0.5, 0.5)
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Motion:
    """Posture and placement of one person at one time."""

    posture: Posture
    placement: Placement
    time: float
    person: int = UNTRACKED
    state: State = State.TRACKED


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """A 2D character's bones at rest, parents before children.

    names: the character's bones. parents: index of each bone's parent, -1 for a root. heads, tails: (B, 2) pixels of
    the character's own picture (y down). follows: for each bone the body bone (skeletons.BODY_BONES) that drives it, or
    "" to keep its rest angle to its parent. stretch: (B, 2) least and greatest drawn length as a ratio of rest length.
    bend: (B, 2) least and greatest turn against the parent in radians, 0 at rest, clockwise as drawn.
    gain: (B,) share of the body bone's turn that the bone takes. spring: (B,) 0..1 follow-through of bones that follow
    nothing (tails, ears). floor: y of the ground at rest. height: pixels from the floor to the top at rest.
    facing: "front", or the picture side that the character looks to, "left" or "right".
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: Array
    tails: Array
    follows: tuple[str, ...]
    stretch: Array
    bend: Array
    gain: Array
    spring: Array
    floor: float
    height: float
    facing: str = "front"

    def __post_init__(self) -> None:
        count = len(self.names)
        for name in ("heads", "tails", "stretch", "bend"):
            _freeze(self, name, (count, 2))
        for name in ("gain", "spring"):
            _freeze(self, name, (count,))

    def posed_heads(self, angles: Array, lengths: Array, heads: Array) -> Array:
        """(B, 2) where the bones start, each carried along by its parent.

        angles, lengths: (B,) as RigPose has them. heads: (B, 2), of which the roots' count.
        """
        placed = np.array(heads, dtype=np.float64)
        for bone, parent in enumerate(self.parents):
            if parent < 0:
                continue
            line = self.tails[parent] - self.heads[parent]
            away = self.heads[bone] - self.heads[parent]
            away = away + (lengths[parent] - 1) * (away @ line) / (line @ line) * line
            c, s = np.cos(angles[parent]), np.sin(angles[parent])
            placed[bone] = placed[parent] + (c * away[0] - s * away[1], s * away[0] + c * away[1])
        return placed


@dataclass(frozen=True, slots=True, eq=False)
class RigPose:
    """A Rig's bones, posed, in the character's own pixels (y down) before the stage places it.

    heads: (B, 2) where each bone starts. angles: (B,) radians each bone is turned from rest, clockwise as drawn,
    continuous with its parent's (never wrapped). lengths: (B,) drawn length as a ratio of rest length.
    nearness: (B,) how far the bone's middle is in front of the hips, in the character's own pixels; greater is nearer
    the viewer. offset: (2,) character heights to move the whole figure on the stage, x right, y down; (0, 0) stands on
    the stage's floor at the middle of its place. size: whole-figure scale, 1 = as the stage frames it.
    facing: yaw in radians, as Posture.facing. blink: 0 eyes open .. 1 shut; what that shows is said by Part.shown.
    """

    heads: Array
    angles: Array
    lengths: Array
    nearness: Array
    time: float
    offset: Array = field(default_factory=lambda: np.zeros(2))
    size: float = 1.0
    facing: float = 0.0
    person: int = UNTRACKED
    state: State = State.TRACKED
    blink: float = 0.0

    def __post_init__(self) -> None:
        count = len(self.heads)
        _freeze(self, "heads", (count, 2))
        _freeze(self, "offset", (2,))
        for name in ("angles", "lengths", "nearness"):
            _freeze(self, name, (count,))
