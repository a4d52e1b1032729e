"""Rotated square regions of an image, and crops of them.

Pixels with the origin at the top-left corner of the top-left pixel (pixel centres at +0.5), x right, y down; radians,
clockwise as drawn. `source_from_crop` carries crop pixels to source pixels. As in MediaPipe, crop pixel number i holds
the source at pixel number A i + t, as if pixels had no extent; the networks' answers agree with its own only so.
Source of the scheme: google-ai-edge/mediapipe, calculators/util/alignment_points_to_rects_calculator.cc,
detections_to_rects_calculator.cc, rect_transformation_calculator.cc; docs/decisions/estimate-crop.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodydouble.types import Array, Image

BODY_SCALE = 1.25  # region side against twice the distance between the alignment points
UPRIGHT = math.pi / 2  # the direction from the hips to the second alignment point in an upright crop


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the image: middle and side in pixels, rotation in radians, clockwise as drawn."""

    x: float
    y: float
    size: float
    rotation: float = 0.0

    def array(self) -> npt.NDArray[np.float32]:
        """(4,) x, y, size, rotation, as the graphs of graph.py take it."""
        return np.array([self.x, self.y, self.size, self.rotation], dtype=np.float32)


def whole_image(width: int, height: int) -> Region:
    """The square around the whole image (the letterbox of a detector)."""
    return Region(width / 2, height / 2, max(width, height))


def tiles(width: int, height: int, side: float, overlap: float) -> list[Region]:
    """Upright squares that cover the image, neighbours sharing at least `overlap` (0..1) of their side, in pixels."""
    return [Region(x, y, side) for y in _middles(height, side, overlap) for x in _middles(width, side, overlap)]


def _middles(length: int, side: float, overlap: float) -> list[float]:
    """Middles of the fewest squares that cover a length."""
    if length <= side:
        return [length / 2]
    count = math.ceil((length - side) / (side * (1 - overlap))) + 1
    return [float(middle) for middle in np.linspace(side / 2, length - side / 2, count)]


def from_alignment(hips: Array, rim: Array) -> Region:
    """The region of a person from the two alignment points.

    hips: (2,) middle of the hips, pixels. rim: (2,) a point on the circle around the whole body, above the head.
    """
    across, down = float(rim[0] - hips[0]), float(rim[1] - hips[1])
    turn = UPRIGHT - math.atan2(-down, across)
    return Region(
        float(hips[0]),
        float(hips[1]),
        2 * BODY_SCALE * math.hypot(across, down),
        math.remainder(turn, 2 * math.pi),
    )


def source_from_crop(centre: tuple[float, float], extent: tuple[float, float], rotation: float, size: Array) -> Array:
    """(2, 3) affine from crop pixels to source pixels.

    centre, extent: middle and width, height of the rectangle before its rotation, source pixels. size: (2,) width and
    height of the crop in its own pixels.
    """
    cos, sin = math.cos(rotation), math.sin(rotation)
    linear = np.array([[cos, -sin], [sin, cos]]) * (np.asarray(extent) / size)
    shift = np.asarray(centre) - linear @ (np.asarray(size) / 2)
    return np.column_stack([linear, shift])


def crop(image: Image, affine: Array, size: tuple[int, int], *, replicate: bool) -> Image:
    """Bilinear crop of an image.

    image: (H, W, 3) uint8. affine: (2, 3) source_from_crop. size: width, height of the crop.
    replicate: outside the image its border continues; otherwise it is black.
    """
    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.warpAffine(image, affine, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border),
        dtype=np.uint8,
    )


def square(image: Image, where: Region, size: int, *, replicate: bool) -> Image:
    """(size, size, 3) crop of a region."""
    affine = source_from_crop(
        (where.x, where.y), (where.size, where.size), where.rotation, np.array([size, size], dtype=np.float64)
    )
    return crop(image, affine, (size, size), replicate=replicate)
