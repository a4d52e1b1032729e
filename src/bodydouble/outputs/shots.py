"""How much of a figure the picture shows: all of it, from the waist up, or head and shoulders.

Stage pixels, y down; character pixels where said. The full shot is framing.py's. In the closer ones a camera follows
the figure: it stays a little behind, so that a step to the side is still seen as one, and never loses it.
web/src/stage/shots.ts does the same for the page; a test compares them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bodydouble.characters.puppet import Puppet
from bodydouble.outputs.framing import RAISED, SIDE, TOP, Place, anchor, soft_limit
from bodydouble.types import UNTRACKED, Array, BodyDoubleError, RigPose

FULL, HALF, HEAD = "full", "half", "head"
FRAMINGS = (FULL, HALF, HEAD)

CHEST = 0.3  # of the way from the neck to the hips: where a shot of the head ends
SHOULDERS = 1.35  # flesh around the shoulder joints, as a ratio of their distance from the middle
HIPS_AT, NECK_AT = 0.47, 0.80  # of a body's height (Drillis and Contini 1966), for rigs without a spine
FOLLOW_SECONDS = 0.6  # time constant with which the camera follows
LEASH = 0.12  # of the picture's height: the figure gets no farther from where the camera wants it
ZOOM_LEASH = 0.12  # the same for its size, as a natural logarithm


@dataclass(frozen=True, slots=True)
class View:
    """What a shot shows of a character at rest, in character pixels.

    top, bottom: its upper and lower edge. side: least half width. bones: the camera follows the mean of these bones'
    heads, which is aim at rest. x: of the middle.
    """

    top: float
    bottom: float
    side: float
    bones: tuple[int, ...]
    aim: tuple[float, float]
    x: float


def check_framing(framing: str) -> str:
    """`framing` if there is one called so. Raises BodyDoubleError else."""
    if framing not in FRAMINGS:
        raise BodyDoubleError(f'no framing "{framing}"; choose from {", ".join(FRAMINGS)}')
    return framing


def view(puppet: Puppet, framing: str) -> View:
    """What a half or head shot shows of a puppet."""
    rig = puppet.rig
    bones = {follows: bone for bone, follows in enumerate(rig.follows) if follows}
    spine, head = bones.get("spine"), bones.get("head")
    _, floor = anchor(puppet)
    hips, neck = floor - HIPS_AT * rig.height, floor - NECK_AT * rig.height
    if spine is not None:
        hips, neck = float(rig.heads[spine, 1]), float(rig.tails[spine, 1])
    if head is not None:
        neck = float(rig.heads[head, 1])
    bottom = hips if framing == HALF else neck + CHEST * (hips - neck)
    low, high = (spine, head) if framing == HALF else (head, head)
    followed = tuple(bone for bone in (low, high) if bone is not None) or (rig.parents.index(-1),)
    aim = rig.heads[list(followed)].mean(axis=0)
    x = float(rig.heads[followed[-1], 0])
    joints = [float(rig.heads[bone, 0]) for follows, bone in bones.items() if follows.endswith("upper_arm")]
    side = SHOULDERS * max((abs(joint - x) for joint in joints), default=0.0)
    for part in puppet.parts:
        own = part.points[np.isin(part.columns[:, 0], [-1 if head is None else head])]
        side = max(side, float(np.abs(own[:, 0] - x).max(initial=0.0)))
    return View(puppet.box[1], bottom, side or rig.height / 4, followed, (float(aim[0]), float(aim[1])), x)


def shot_scale(seen: View, size: tuple[int, int], share: float = 1.0) -> float:
    """Stage pixels a character pixel in a shot of a figure of size 1. share: of the picture's width that is its own."""
    width, height = size
    return min(height * (1 - TOP) / (seen.bottom - seen.top), width * share * (1 - 2 * SIDE) / (2 * seen.side))


class Shots:
    """Close shots of figures; remembers how far the camera has followed each."""

    def __init__(self) -> None:
        self._at: dict[int, tuple[Array, float, float]] = {}  # followed so far, the logarithm of its size, when

    def __call__(
        self,
        views: Sequence[View],
        puppets: Sequence[Puppet],
        poses: Sequence[RigPose],
        shares: Sequence[tuple[float, float]],
        size: tuple[int, int],
    ) -> list[Place]:
        """The place of each figure, in the order given. shares: centre and width of its place, as Places gives them."""
        found = {}
        places = []
        for index, (seen, puppet, pose, share) in enumerate(zip(views, puppets, poses, shares, strict=True)):
            key = pose.person if pose.person != UNTRACKED else -1 - index
            found[key], place = _followed(self._at.get(key), seen, puppet, pose, share, size)
            places.append(place)
        self._at = found
        return places

    def reset(self) -> None:
        """Forget the figures: the camera is at once where they are."""
        self._at.clear()


def _followed(
    before: tuple[Array, float, float] | None,
    seen: View,
    puppet: Puppet,
    pose: RigPose,
    share: tuple[float, float],
    size: tuple[int, int],
) -> tuple[tuple[Array, float, float], Place]:
    """What to remember of a figure, and its place. Ways are counted in character heights at the shot's own scale."""
    width, height = size
    scale = shot_scale(seen, size, share[1])
    tall = puppet.rig.height
    x, floor = anchor(puppet)
    # with the camera where the figure is, its aim is drawn here
    left_over = height * (1 - TOP) - (seen.bottom - seen.top) * scale
    drawn_top = TOP * height + RAISED * left_over
    home = np.array([width * share[0] + (seen.aim[0] - seen.x) * scale, drawn_top + (seen.aim[1] - seen.top) * scale])
    grown = math.log(max(pose.size, 1e-6))
    went = (pose.heads[list(seen.bones)].mean(axis=0) - (x, floor)) * pose.size / tall + pose.offset
    at, zoom = went, grown
    if before is not None and pose.time >= before[2]:
        near = 1 - math.exp(-(pose.time - before[2]) / FOLLOW_SECONDS)
        at, zoom = before[0] + near * (went - before[0]), before[1] + near * (grown - before[1])
    zoom = grown - _leashed(grown - zoom, ZOOM_LEASH)
    shown = scale * math.exp(-zoom)  # stage pixels a character pixel of a figure of size 1
    leash = LEASH * height / (tall * shown)
    at = went - np.array([_leashed(float(went[0] - at[0]), leash), _leashed(float(went[1] - at[1]), leash)])
    foot = home - at * tall * shown
    return (at, zoom, pose.time), Place(float(foot[0]), float(foot[1]), shown)


def _leashed(way: float, leash: float) -> float:
    return math.copysign(soft_limit(abs(way), leash, leash / 2), way)


def place_close(points: Array, puppet: Puppet, pose: RigPose, place: Place) -> Array:
    """(N, 2) character pixels -> (N, 2) stage pixels in a close shot: nothing is kept inside, the edge cuts it."""
    x, floor = anchor(puppet)
    heights = puppet.rig.height * place.scale
    foot = np.array([place.x + pose.offset[0] * heights, place.floor + pose.offset[1] * heights])
    return np.asarray((points - (x, floor)) * place.scale * pose.size + foot, dtype=np.float64)
