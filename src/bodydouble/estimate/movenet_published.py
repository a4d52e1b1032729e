"""MoveNet's published way of following one person, for comparing: the first look at the middle, then the crop of the
frame before, smoothed. movenet.py does better where it can (docs/decisions/movenet.md).

Pixels. Source: tensorflow/tfjs-models, pose-detection/src/movenet/detector.ts, with its smoothing of points off.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bodydouble.estimate.movenet_crop import central_square, next_square
from bodydouble.estimate.region import Region
from bodydouble.types import Array, Image

MIN_PERSON = 0.25  # score below which nobody is there (constants.ts: DEFAULT_MIN_POSE_SCORE)
NEW_SHARE = 0.9  # of the new crop's edges against the smoothed ones before (CROP_FILTER_ALPHA)

# image, region -> points (17, 3), score
Look = Callable[[Image, Region], tuple[Array, float]]


class Published:
    """Frames in, the points of one person out, as the published detector gives them."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.reset()

    def reset(self) -> None:
        """Forget the frames before."""
        self._where: Region | None = None
        self._edges: Array | None = None

    def __call__(self, image: Image) -> tuple[Array, float] | None:
        """Points (17, 3) x, y, score and the person's score, None when nobody is there."""
        height, width = image.shape[:2]
        where = self._where or central_square(width, height)
        points, score = self._look(image, where)
        if score < MIN_PERSON:
            self.reset()
            return None
        wanted = next_square(points, width, height)
        edges = np.array([wanted.x, wanted.y, wanted.size])  # the middle and side are linear in the edges
        self._edges = edges if self._edges is None else self._edges + NEW_SHARE * (edges - self._edges)
        self._where = Region(*self._edges.tolist())
        return points, score
