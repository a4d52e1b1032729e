"""The crop for a network made outside its graph, with OpenCV: the same values as graph_sampling.py gives inside.

OpenCV rounds mixed values to the nearest whole number, whatever an Input's rounding.
image: (H, W, 3) uint8 RGB of any size.
"""

from __future__ import annotations

import numpy as np

from bodydouble.estimate import region
from bodydouble.estimate.graph_input import Border, Input, Sampling, Whole
from bodydouble.estimate.graph_sampling_text import HAIR
from bodydouble.estimate.region import Region
from bodydouble.types import Array, Image


def cut(image: Image, where: Region, wanted: Input) -> Image:
    """(height, width, 3) crop of a region, as the input wants it."""
    size = (wanted.width, wanted.height)
    replicate = wanted.border is Border.REPLICATE
    if wanted.sampling is Sampling.CORNERS:
        affine = _corner_affine(image, where, size)
        crop = region.crop(image, affine, size, replicate=True)
        return crop if replicate else _black_outside(crop, image, affine)
    extent = (where.size, where.size * wanted.height / wanted.width)
    affine = region.source_from_crop((where.x, where.y), extent, where.rotation, np.array(size, dtype=np.float64))
    if wanted.sampling is Sampling.CENTRES:
        affine[:, 2] += affine[:, :2] @ (0.5, 0.5) - 0.5
    return region.crop(image, affine, size, replicate=replicate)


def _corner_affine(image: Image, where: Region, size: tuple[int, int]) -> Array:
    """(2, 3) affine of tf.image.cropAndResize for an upright region."""
    samples, whole = np.array(size), np.array(image.shape[1::-1])
    extent = where.size * samples / samples[0]
    shrunk = (whole - 1) / whole
    scale = extent / np.maximum(samples - 1, 1) * shrunk
    first = (np.array([where.x, where.y]) - extent / 2) * shrunk
    return np.column_stack([np.diag(scale), first])


def _black_outside(crop: Image, image: Image, affine: Array) -> Image:
    """The crop, black where a sample lies outside the picture."""
    for axis in (0, 1):
        places = affine[axis, axis] * np.arange(crop.shape[1 - axis]) + affine[axis, 2]
        outside = (places < -HAIR) | (places > image.shape[1 - axis] - 1 + HAIR)
        if outside.any():
            crop[(slice(None), outside) if axis == 0 else outside] = 0
    return crop


def whole(image: Image, wanted: Whole) -> tuple[Image, Array]:
    """The whole picture resized and filled (h, w, 3), and (2,) the width and height of that in source pixels."""
    height, width = image.shape[:2]
    resized = wanted.resized(width, height)
    filled = wanted.filled(resized)
    ratio = np.array([width / resized[0], height / resized[1]])
    affine = np.column_stack([np.diag(ratio), np.zeros(2)])
    crop = np.zeros((filled[1], filled[0], 3), dtype=np.uint8)
    crop[: resized[1], : resized[0]] = region.crop(image, affine, resized, replicate=True)
    return crop, (ratio * filled).astype(np.float32)
