"""The square that MoveNet looks at next, from the points of the frame before: as published, and a closer one.

Pixels; points (17, 3) x, y, score in COCO's order. Source of the published one: tensorflow/tfjs-models,
pose-detection/src/movenet/crop_utils.ts; figures of both: docs/decisions/movenet.md
"""

from __future__ import annotations

import numpy as np

from bodydouble.estimate.movenet_graph import MIN_POINT
from bodydouble.estimate.region import Region, whole_image
from bodydouble.skeletons import COCO_17
from bodydouble.types import Array

TORSO_REACH = 1.9  # half the crop's side against the torso's greatest reach from the hips in x or y
BODY_REACH = 1.2  # the same, of all points that count
CLOSE = 1.4  # side of the closer square against the longer side of the points' rectangle
LEGS = 1.7  # torso reaches from the hips within which unseen legs are looked for
WIDENING = 1.25  # of the side, while no torso is seen
HIPS = [COCO_17.index[name] for name in ("left_hip", "right_hip")]
SHOULDERS = [COCO_17.index[name] for name in ("left_shoulder", "right_shoulder")]
TORSO = SHOULDERS + HIPS
ANKLES = [COCO_17.index[name] for name in ("left_ankle", "right_ankle")]


def central_square(width: int, height: int) -> Region:
    """The greatest square in the middle of the image: the published first look."""
    return Region(width / 2, height / 2, min(width, height))


def torso_seen(points: Array) -> bool:
    """Whether a hip and a shoulder count."""
    return any(points[hip, 2] > MIN_POINT for hip in HIPS) and any(points[one, 2] > MIN_POINT for one in SHOULDERS)


def around_body(points: Array) -> Region:
    """The square around the middle of the hips that holds the body, wherever the picture ends."""
    middle = points[HIPS, :2].mean(axis=0)
    reach = np.abs(points[:, :2] - middle).max(axis=1)
    counted = points[:, 2] >= MIN_POINT
    half = max(TORSO_REACH * float(reach[TORSO].max()), BODY_REACH * float(reach[counted].max(initial=0.0)))
    return Region(float(middle[0]), float(middle[1]), 2 * half)


def close_around(points: Array, width: int, height: int) -> Region:
    """The square around the points that count, closer than the published one; a torso must be seen.

    While no ankle counts, it also holds what the picture has of where the legs may be: left out, they stay unseen.
    """
    counted = points[points[:, 2] > MIN_POINT, :2]
    low, high = counted.min(axis=0), counted.max(axis=0)
    margin = CLOSE / 2 * float((high - low).max())
    low, high = (low + high) / 2 - margin, (low + high) / 2 + margin
    if not any(points[ankle, 2] > MIN_POINT for ankle in ANKLES):
        middle = points[HIPS, :2].mean(axis=0)
        reach = LEGS * float(np.abs(points[TORSO, :2] - middle).max())
        picture = np.array([width, height], dtype=np.float64)
        low = np.minimum(low, np.clip(middle - reach, 0, picture))
        high = np.maximum(high, np.clip(middle + reach, 0, picture))
    centre = (low + high) / 2
    return Region(float(centre[0]), float(centre[1]), float((high - low).max()))


def around_everything(points: Array) -> Region:
    """The square around all points, whatever they score: how large a body is, and where to look for it first."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    middle = (low + high) / 2
    return Region(float(middle[0]), float(middle[1]), CLOSE * float((high - low).max()))


def limited(where: Region, width: int, height: int) -> Region:
    """The square no larger than reaches the farthest side of the image; the whole image if it is larger than that."""
    half = min(where.size / 2, max(where.x, width - where.x, where.y, height - where.y))
    return whole_image(width, height) if half > max(width, height) / 2 else Region(where.x, where.y, 2 * half)


def next_square(points: Array, width: int, height: int) -> Region:
    """The published crop of the next frame: around the body, or the whole image where that is no better or unknown."""
    return limited(around_body(points), width, height) if torso_seen(points) else whole_image(width, height)


def widened(where: Region, width: int, height: int) -> Region:
    """A larger square than the one in which no torso was seen, in the end the whole image."""
    whole = whole_image(width, height)
    size = min(WIDENING * where.size, whole.size)
    share = 1 - size / whole.size
    return Region(whole.x + share * (where.x - whole.x), whole.y + share * (where.y - whole.y), size)
