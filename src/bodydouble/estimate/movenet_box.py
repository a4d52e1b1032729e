"""The person in a known box: where MoveNet looks, and how well a body fits the box.

Pixels. box: (4,) x, y, width, height, x and y of its top-left corner. points: (17, 3) x, y, score.
"""

from __future__ import annotations

import numpy as np

from bodydouble.estimate.movenet_graph import MIN_POINT
from bodydouble.estimate.region import Region
from bodydouble.types import Array, BodyDoubleError

MARGIN = 1.25  # side of the square against the box's longer side; 1.0 to 1.6 were tried (docs/decisions/movenet.md)
NOBODY = 1e-3  # fit of points none of which is in the box


def inside(box: Array, size: tuple[int, int]) -> bool:
    """Whether a box has an area within a picture of this width and height. Raises BodyDoubleError for another shape."""
    if np.shape(box) != (4,):
        raise BodyDoubleError(f"a box of shape {np.shape(box)}; wanted x, y, width, height")
    x, y, width, height = (float(value) for value in box)
    return width > 0 and height > 0 and x < size[0] and y < size[1] and x + width > 0 and y + height > 0


def square_around(box: Array, size: tuple[int, int]) -> Region | None:
    """The square to look at for the person in a box, None where there is none."""
    if not inside(box, size):
        return None
    x, y, width, height = (float(value) for value in box)
    return Region(x + width / 2, y + height / 2, MARGIN * max(width, height))


def fit(points: Array, box: Array) -> float:
    """0..1, how well a body fits a box: what their rectangles share (IoU), of the points that count."""
    counted = points[points[:, 2] >= MIN_POINT, :2]
    counted = counted if len(counted) > 2 else points[:, :2]
    low, high = counted.min(axis=0), counted.max(axis=0)
    corner, extent = np.asarray(box[:2]), np.asarray(box[2:])
    shared = np.clip(np.minimum(high, corner + extent) - np.maximum(low, corner), 0, None).prod()
    union = (high - low).prod() + extent.prod() - shared
    return max(float(shared / union), NOBODY) if union > 0 else NOBODY
