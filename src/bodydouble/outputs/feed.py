"""The motion for other programs: one moment as plain values, ready for JSON. Every field is told in docs/feeds.md.

Seconds on the program's clock, degrees, metres (+Y up, +Z to the camera), fractions of the camera's picture (x right,
y down), character heights (x right, y up). All numbers are finite. A change of meaning raises VERSION; fields are added
without.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from bodydouble.characters.puppet import Puppet
from bodydouble.outputs.framing import anchor
from bodydouble.skeletons import skeleton
from bodydouble.types import Array, Frame, Pose, RigPose

VERSION = 1
# Decimals: a hundredth of a pixel of a 4K picture, a tenth of a millimetre, a hundredth of a degree, a microsecond.
_FRACTION, _METRE, _DEGREE, _RATIO, _SECOND = 5, 4, 2, 4, 6


class Moved(Protocol):
    """What is read of a live.moment.LiveMoment."""

    @property
    def sequence(self) -> int: ...  # noqa: D102

    @property
    def captured(self) -> float: ...  # noqa: D102

    @property
    def time(self) -> float: ...  # noqa: D102

    @property
    def ready(self) -> float: ...  # noqa: D102

    @property
    def people(self) -> list[Pose]: ...  # noqa: D102

    @property
    def rigs(self) -> dict[int, RigPose]: ...  # noqa: D102

    @property
    def frame(self) -> Frame | None: ...  # noqa: D102

    @property
    def followed(self) -> int: ...  # noqa: D102

    @property
    def idle(self) -> bool: ...  # noqa: D102

    @property
    def model(self) -> str: ...  # noqa: D102

    @property
    def puppet(self) -> Puppet: ...  # noqa: D102


def as_json(moment: Moved) -> dict[str, Any]:
    """A moment as values that `json.dumps` takes; the fields of docs/feeds.md.

    People are told only where the picture that they were seen in is known.
    """
    size = None if moment.frame is None else moment.frame.size
    return {
        "kind": "motion",
        "version": VERSION,
        "sequence": moment.sequence,
        "time": round(float(moment.time), _SECOND),
        "captured": round(float(moment.captured), _SECOND),
        "ready": round(float(moment.ready), _SECOND),
        "idle": bool(moment.idle),
        "followed": int(moment.followed),
        "model": moment.model,
        "picture": None if size is None else {"width": size[0], "height": size[1]},
        "people": [] if size is None else [_person(pose, size) for pose in moment.people],
        "characters": [_character(moment.puppet, rig) for rig in moment.rigs.values()],
    }


def _person(pose: Pose, size: tuple[int, int]) -> dict[str, Any]:
    """A person as seen. size: width, height of the picture in pixels."""
    places = _plain(pose.points / size, _FRACTION)
    scores = _plain(pose.scores, _RATIO)
    world = [None] * len(scores) if pose.world is None else _plain(pose.world, _METRE)
    return {
        "person": int(pose.person),
        "state": pose.state.value,
        "score": round(float(pose.score), _RATIO),
        "skeleton": pose.skeleton,
        "keypoints": {
            name: {"x": place[0], "y": place[1], "score": score, "world": metres}
            for name, place, score, metres in zip(skeleton(pose.skeleton).points, places, scores, world, strict=True)
        },
    }


def _character(puppet: Puppet, pose: RigPose) -> dict[str, Any]:
    """A character as it is drawn."""
    rig = puppet.rig
    lines = rig.tails - rig.heads
    drawn = np.arctan2(lines[:, 1], lines[:, 0]) + pose.angles  # clockwise from picture right
    directions = _plain(-np.degrees(np.arctan2(np.sin(drawn), np.cos(drawn))), _DEGREE)
    heads = _plain((pose.heads - anchor(puppet)) * (1, -1) / rig.height, _RATIO)
    angles, lengths = _plain(np.degrees(pose.angles), _DEGREE), _plain(pose.lengths, _RATIO)
    return {
        "character": puppet.name,
        "person": int(pose.person),
        "state": pose.state.value,
        "facing": round(float(np.degrees(pose.facing)), _DEGREE),
        "blink": round(float(pose.blink), _RATIO),
        "placement": {
            "x": round(float(pose.offset[0]), _RATIO),
            "y": round(float(-pose.offset[1]), _RATIO),
            "size": round(float(pose.size), _RATIO),
        },
        "bones": {
            name: {"angle": angle, "direction": way, "length": length, "x": head[0], "y": head[1], "follows": follows}
            for name, angle, way, length, head, follows in zip(
                rig.names, angles, directions, lengths, heads, rig.follows, strict=True
            )
        },
    }


def _plain(values: Array, decimals: int) -> list[Any]:
    """Rounded, as nested lists; -0 becomes 0."""
    plain: list[Any] = (np.round(values, decimals) + 0.0).tolist()
    return plain
