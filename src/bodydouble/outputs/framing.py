"""Where a figure goes in the picture: fitted to it, on its floor, moved as its pose asks, and kept inside.

Stage pixels, y down; character pixels where said. A figure is fitted by what it can reach, arms raised and spread, not
by how it stands at rest. What would leave the picture is eased back along a soft knee: no limit is met with a jerk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bodydouble.characters.puppet import Puppet
from bodydouble.types import UNTRACKED, Array, RigPose

TOP = 0.06  # of the picture's height above what the figure can reach: head-room for small jumps
FLOOR = 0.08  # of the picture's height below the floor line
SIDE = 0.06  # of the place's width at either side of what the figure can reach
RAISED = 0.4  # of the height left over when the width is what limits, that goes below the floor line
EDGE = 3.0  # pixels that stay free around a figure
KNEE = 0.05  # of the picture's height or width: where easing begins before the edge
WIDE_KNEE = 0.1  # of the picture's width, for figures that get too wide; begins outside what a fitted figure reaches
MOVE_SECONDS = 0.35  # time constant with which figures make room for one another
LEAST_SHARE = 0.02  # of the picture's width that a figure begins with where there is no room yet: hardly seen
_ARMS = ("upper_arm", "forearm", "hand")


@dataclass(frozen=True, slots=True)
class Place:
    """A figure's place: the middle of its feet in stage pixels, and stage pixels a character pixel."""

    x: float
    floor: float
    scale: float


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a character gets from the middle of its feet, in character pixels: to the sides and up."""

    side: float
    up: float


def anchor(puppet: Puppet) -> tuple[float, float]:
    """The point of a character that stands at the middle of its place: below the first root bone, on the floor."""
    root = puppet.rig.parents.index(-1)
    return float(puppet.rig.heads[root, 0]), puppet.rig.floor


def reach(puppet: Puppet) -> Reach:
    """What the character covers at rest and with straight arms, raised or spread."""
    rig = puppet.rig
    x, floor = anchor(puppet)
    left, top, right, _ = puppet.box
    side, up = max(x - left, right - x), floor - top
    lengths = np.hypot(*(rig.tails - rig.heads).T)
    for start, follows in enumerate(rig.follows):
        if not follows.endswith(_ARMS[0]):
            continue
        own = [
            bone for bone, kind in enumerate(rig.follows) if kind in {follows.replace(_ARMS[0], arm) for arm in _ARMS}
        ]
        far = float(lengths[own[:-1]].sum()) + _radius(puppet, own[-1])
        up = max(up, floor - float(rig.heads[start, 1]) + far)
        side = max(side, abs(float(rig.heads[start, 0]) - x) + far)
    return Reach(side, up)


def _radius(puppet: Puppet, bone: int) -> float:
    """How far from a bone's head what it moves reaches, in character pixels."""
    rig = puppet.rig
    far = float(np.hypot(*(rig.tails[bone] - rig.heads[bone])))
    for part in puppet.parts:
        mine = part.points[part.columns[:, 0] == bone]
        if bone in part.bones and len(mine):
            far = max(far, float(np.hypot(*(mine - rig.heads[bone]).T).max()))
    return far


def fit(size: tuple[int, int], room: Reach, *, centre: float = 0.5, share: float = 1.0) -> Place:
    """The place of a character in a picture of `size` (width, height).

    centre: its middle and share: its width, both as fractions of the picture's width.
    """
    width, height = size
    high = height * (1 - TOP - FLOOR)
    scale = min(high / room.up, width * share * (1 - 2 * SIDE) / (2 * room.side))
    left_over = high - room.up * scale
    return Place(width * centre, height * (1 - FLOOR) - RAISED * left_over, scale)


def soft_limit(value: float, limit: float, knee: float) -> float:
    """`value` as it is until `knee` before `limit`, then ever slower towards the limit, which it never passes."""
    begin = limit - knee
    if value <= begin or knee <= 0:
        return min(value, limit)
    return limit - knee * math.exp((begin - value) / knee)


def soft_between(value: float, low: float, high: float, knee: float) -> float:
    """`value` eased to stay between `low` and `high`; their middle if there is nothing between."""
    if high <= low:
        return (low + high) / 2
    knee = min(knee, (high - low) / 4)
    return -soft_limit(-soft_limit(value, high, knee), -low, knee)


def place_points(points: Array, puppet: Puppet, pose: RigPose, place: Place, size: tuple[int, int]) -> Array:
    """(N, 2) character pixels -> (N, 2) stage pixels: size and offset of the pose applied, kept inside the picture."""
    x, floor = anchor(puppet)
    scale = place.scale * pose.size
    heights = puppet.rig.height * place.scale
    foot = np.array([place.x + pose.offset[0] * heights, place.floor + pose.offset[1] * heights])
    shown = (points - (x, floor)) * scale
    box = np.concatenate([shown.min(axis=0), shown.max(axis=0)])
    shrink, foot = keep_inside(box, foot, place.floor, size)
    return np.asarray(shown * shrink + foot, dtype=np.float64)


def keep_inside(box: Array, foot: Array, floor: float, size: tuple[int, int]) -> tuple[float, Array]:
    """How much smaller a figure has to be drawn, and where its foot has to stand, to stay inside the picture.

    box: left, top, right, bottom from the foot. foot: (2,) stage pixels. floor: y of the floor line.
    """
    width, height = size
    wide = max(float(box[2] - box[0]), 1e-6)
    most = width - 2 * EDGE
    shrink = soft_limit(wide, most, WIDE_KNEE * most) / wide
    top = float(foot[1] + box[1] * shrink)
    wanted = -soft_limit(-top, -EDGE, KNEE * height)
    lower = max(0.0, min(wanted - top, floor - float(foot[1])))  # a jump is cut short first
    y = float(foot[1]) + lower
    tall = -float(box[1]) * shrink
    if tall > 0 and y - tall < wanted:  # then the figure gets smaller
        shrink *= max(y - wanted, 1.0) / tall
    bottom = y + float(box[3]) * shrink
    y += soft_limit(bottom, height - EDGE, min(KNEE, FLOOR / 2) * height) - bottom
    if tall > 0 and y + float(box[1]) * shrink < EDGE:  # that raised it: what hangs below the foot leaves less room
        shrink = max(y - EDGE, 1.0) / -float(box[1])
    half = wide * shrink / 2
    middle = float(foot[0]) + float(box[0] + box[2]) / 2 * shrink
    kept = soft_between(middle, EDGE + half, width - EDGE - half, KNEE * width)
    return shrink, np.array([float(foot[0]) + kept - middle, y])


class Places:
    """Figures side by side; who comes grows into the room that the others make, slowly."""

    def __init__(self) -> None:
        self._at: dict[int, tuple[float, float, float]] = {}

    def __call__(self, poses: list[RigPose]) -> list[tuple[float, float]]:
        """(centre, share) of the picture's width for each figure, in the order given."""
        count = max(len(poses), 1)
        keys = [pose.person if pose.person != UNTRACKED else -1 - index for index, pose in enumerate(poses)]
        found: dict[int, tuple[float, float, float]] = {}
        for index, (key, pose) in enumerate(zip(keys, poses, strict=True)):
            before = self._at.get(key)
            if before is not None and pose.time >= before[2]:
                near = 1 - math.exp(-(pose.time - before[2]) / MOVE_SECONDS)
                centre = before[0] + near * ((index + 0.5) / count - before[0])
                found[key] = (centre, before[1] + near * (1.0 / count - before[1]), pose.time)
        there = [index for index, key in enumerate(keys) if key in found]
        for last, following in pairwise([-1, *there, len(keys)]):
            left = 0.0 if last < 0 else found[keys[last]][0] + found[keys[last]][1] / 2
            right = 1.0 if following == len(keys) else found[keys[following]][0] - found[keys[following]][1] / 2
            room = (right - left) / max(following - last - 1, 1)
            for index in range(last + 1, following):
                centre = left + (index - last - 0.5) * room
                found[keys[index]] = (centre, max(room, LEAST_SHARE), poses[index].time)
        self._at = found
        return [found[key][:2] for key in keys]

    def reset(self) -> None:
        """Forget where figures were."""
        self._at.clear()
