"""Two characters' rigs to retarget onto: one with human proportions and one with short legs and a big head.

Character pixels, y down. Both face the viewer, so the left side is at picture right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bodydouble.skeletons import BODY_BONES, swap_side
from bodydouble.types import Rig

Point = tuple[float, float]
HUMAN: dict[str, Point] = {
    "hip": (500, 520),
    "neck": (500, 250),
    "head": (500, 150),
    "left_shoulder": (590, 255),
    "left_elbow": (640, 410),
    "left_wrist": (670, 545),
    "left_hand": (680, 600),
    "left_hip": (545, 525),
    "left_knee": (555, 740),
    "left_ankle": (560, 950),
    "left_foot_index": (610, 985),
}
# A fox: half of its height is head, its legs are short, its arms stand out sideways.
FOX: dict[str, Point] = {
    "hip": (500, 780),
    "neck": (500, 560),
    "head": (500, 300),
    "left_shoulder": (600, 575),
    "left_elbow": (700, 590),
    "left_wrist": (800, 600),
    "left_hand": (850, 605),
    "left_hip": (560, 785),
    "left_knee": (570, 865),
    "left_ankle": (575, 945),
    "left_foot_index": (630, 975),
}


def rig(
    joints: Mapping[str, Point],
    *,
    floor: float = 1000.0,
    top: float = 40.0,
    stretch: Point = (0.3, 1.0),
    bend: Mapping[str, Point] | None = None,
    tail: float = 0.0,
) -> Rig:
    """A rig with the standard bones between `joints`, the right side mirrored about the hips.

    tail: spring of an extra bone on the spine, 0 for none.
    """
    middle = joints["hip"][0]
    points = dict(joints) | {swap_side(n): (2 * middle - x, y) for n, (x, y) in joints.items() if "left" in n}
    bones = [b for b in BODY_BONES if b.start in points and b.end in points]
    names = [b.name for b in bones]
    follows = list(names)
    parents = [names.index(b.parent) if b.parent in names else -1 for b in bones]
    heads, tails = [points[b.start] for b in bones], [points[b.end] for b in bones]
    springs = [0.0] * len(bones)
    if tail:
        names.append("tail")
        follows.append("")
        parents.append(names.index("spine"))
        heads.append(points["hip"])
        tails.append((points["hip"][0] + 200, points["hip"][1] + 60))
        springs.append(tail)
    count = len(names)
    limits = bend or {}
    return Rig(
        tuple(names),
        tuple(parents),
        np.array(heads, dtype=np.float64),
        np.array(tails, dtype=np.float64),
        tuple(follows),
        np.tile(stretch, (count, 1)),
        np.array([limits.get(n, (-2 * np.pi, 2 * np.pi)) for n in names]),
        np.ones(count),
        np.array(springs),
        floor,
        floor - top,
    )
