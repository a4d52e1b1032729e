"""One person in a box that somebody else knows: which region of the picture the landmark model should see.

Pixels. The landmark model wants the person upright, centred on the hips and of a certain size, which a box alone does
not tell: a person who leans, lies, sits or is cut off looks different in a square around their box. So several regions
are tried, each leads to the next as it does while a person is followed, and the look counts whose points fill the box
best. docs/decisions/estimate-boxes.md has the figures.
"""

from __future__ import annotations

import numpy as np

from bodydouble.estimate.following import Eyes
from bodydouble.estimate.region import Region
from bodydouble.estimate.sight import Sight, usable
from bodydouble.types import Array, BodyDoubleError, Image

UPRIGHT_SIDE = 1.25  # of the square around the box that is seen first, over the box's longer side
SEARCHED_SIDE = 1.6  # of the area in which the detector looks, over the same; it likes some room around a person
MOST_DETECTED = 2  # people of the detector's that are looked at
LOOKS = 4  # from each start, the first included
SEEN = 0.1  # visibility times presence of a point that counts for how well the box is filled


def checked_box(box: Array, image: Image) -> Array | None:
    """(4,) box as float64; None if it has no area, or none inside the image.

    Raises BodyDoubleError for another shape or numbers that are not finite.
    """
    box = np.asarray(box, dtype=np.float64)
    if box.shape != (4,) or not np.isfinite(box).all():
        raise BodyDoubleError(f"a box {box.tolist()}; wanted x, y, width and height in pixels")
    height, width = image.shape[:2]
    inside = np.minimum(box[:2] + box[2:], (width, height)) - np.maximum(box[:2], 0.0)
    return box if (box[2:] > 0).all() and (inside > 0).all() else None


def around(box: Array, side: float) -> Region:
    """The upright square around a box's middle, `side` times its longer side."""
    return Region(float(box[0] + box[2] / 2), float(box[1] + box[3] / 2), side * float(box[2:].max()))


def look_in(eyes: Eyes, image: Image, box: Array, bodies: int) -> Sight:
    """The look at the person in the box that fills it best. box: (4,) x, y, width, height.

    bodies: how many of the points are on the body; those that follow tell the next region only.
    """
    found = eyes.detect(image, around(box, SEARCHED_SIDE))[:MOST_DETECTED]
    starts = [around(box, UPRIGHT_SIDE), *(place for place, _ in found)]
    sights = [sight for start in starts for sight in _looks(eyes, image, start)]
    return max(sights, key=lambda sight: sight.score * filled(sight.points[:bodies], box))


def _looks(eyes: Eyes, image: Image, where: Region) -> list[Sight]:
    """Looks, each where the one before found the person."""
    sights = [eyes.look(image, where)]
    while len(sights) < LOOKS and usable(sights[-1]):
        sights.append(eyes.look(image, sights[-1].region))
    return sights


def filled(points: Array, box: Array) -> float:
    """How well the box around the points that are seen agrees with `box`: intersection over union, 0..1.

    points: (K, 5) x, y, depth, visibility, presence.
    """
    seen = points[points[:, 3] * points[:, 4] > SEEN, :2]
    if len(seen) < 2:
        return 0.0
    low, high = seen.min(axis=0), seen.max(axis=0)
    shared = np.clip(np.minimum(high, box[:2] + box[2:]) - np.maximum(low, box[:2]), 0.0, None).prod()
    union = (high - low).prod() + box[2:].prod() - shared
    return float(shared / union)
